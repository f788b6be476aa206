-- What shadow applies of proposals came to, and which proposals wait for one.

-- name: insert_measurement
-- Add a measurement, with the number of its event.
INSERT INTO measurement (seq, id, at, proposal, outcome, body) VALUES (:seq, :id, :at, :proposal, :outcome, :body);

-- name: measurement_by_id
-- Find a measurement by its handle.
SELECT seq, id, at, proposal, outcome, body FROM measurement WHERE id = :id;

-- name: measurement_at
-- Find a measurement by the number of its event.
SELECT seq, id, at, proposal, outcome, body FROM measurement WHERE seq = :seq;

-- name: measurements_of
-- The measurements of a proposal, in order.
SELECT id, body FROM measurement WHERE proposal = :proposal ORDER BY seq;

-- name: for_shadows
-- The proposals of a source that are measured before anybody approves them, and are not yet.
SELECT id FROM proposal AS p WHERE status = 'review_required' AND shadow = 1 AND source = :source AND expires_at > :now
AND NOT EXISTS (SELECT 1 FROM measurement WHERE proposal = p.id) ORDER BY seq LIMIT :limit;
