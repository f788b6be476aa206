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
SELECT seq, id, body FROM measurement WHERE proposal = :proposal ORDER BY seq;

-- name: insert_shadow_request
-- Add a request, with the number of its event.
INSERT INTO shadow_request (seq, id, at, proposal, operator, body) VALUES (:seq, :id, :at, :proposal, :operator, :body);

-- name: shadow_request_by_id
-- Find a request by its handle.
SELECT seq, id, at, proposal, operator, body FROM shadow_request WHERE id = :id;

-- name: shadow_request_at
-- Find a request by the number of its event.
SELECT seq, id, at, proposal, operator, body FROM shadow_request WHERE seq = :seq;

-- name: shadow_requests_of
-- The requests to measure a proposal, in order.
SELECT seq, id, body FROM shadow_request WHERE proposal = :proposal ORDER BY seq;

-- name: shadow_requests_told
-- Those of them that the chain tells of.
SELECT id FROM shadow_request_told WHERE proposal = :proposal;

-- name: shadow_standing
-- Where a proposal stands, and whether it waits to be measured: as `for_shadows` has it.
SELECT status, (shadow = 1 AND NOT EXISTS (SELECT 1 FROM measurement_told WHERE proposal = p.id)) OR EXISTS (
    SELECT 1 FROM shadow_request_told AS r WHERE r.proposal = p.id
    AND NOT EXISTS (SELECT 1 FROM measurement_told AS m WHERE m.proposal = p.id AND m.seq > r.seq)
) AS waits FROM proposal AS p WHERE id = :proposal;

-- name: for_shadows
-- The oldest proposal of a source, after a number, that its contract wants measured and nobody has, or that a reviewer has wanted measured since;
-- one of a group only where as many of it are in review as it says that it has.
SELECT seq, id FROM (
    SELECT p.seq, p.id, p.group_id, p.body FROM proposal AS p WHERE p.seq > :after AND p.status = 'review_required' AND p.shadow = 1
    AND p.source = :source AND p.expires_at > :now AND NOT EXISTS (SELECT 1 FROM measurement_told WHERE proposal = p.id)
    UNION
    SELECT p.seq, p.id, p.group_id, p.body FROM shadow_request_told AS r JOIN proposal AS p ON p.id = r.proposal
    WHERE p.seq > :after AND p.status = 'review_required' AND p.source = :source AND p.expires_at > :now
    AND NOT EXISTS (SELECT 1 FROM measurement_told AS m WHERE m.proposal = p.id AND m.seq > r.seq)
) AS waiting
WHERE group_id IS NULL OR CASE WHEN json_valid(body) THEN json_array_length(body, :group_of) END = (
    SELECT count(*) FROM proposal AS own WHERE own.group_id = waiting.group_id AND own.status = 'review_required'
)
ORDER BY seq LIMIT 1;
