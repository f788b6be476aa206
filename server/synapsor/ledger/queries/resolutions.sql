-- What people say became of proposals whose end nobody knows.

-- name: insert_resolution
-- Add a resolution, with the number of its event.
INSERT INTO resolution (seq, id, at, proposal, operator, verdict, body) VALUES (:seq, :id, :at, :proposal, :operator, :verdict, :body);

-- name: resolution_by_id
-- Find a resolution by its handle.
SELECT seq, id, at, proposal, operator, verdict, body FROM resolution WHERE id = :id;

-- name: resolution_at
-- Find a resolution by the number of its event.
SELECT seq, id, at, proposal, operator, verdict, body FROM resolution WHERE seq = :seq;

-- name: resolution_of
-- The resolution of a proposal.
SELECT id, body FROM resolution WHERE proposal = :proposal;
