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
-- The resolutions of a proposal, in order.
SELECT id, body FROM resolution WHERE proposal = :proposal ORDER BY seq;

-- name: waiting_resolutions
-- The proposals of a source whose newest resolution that the chain tells of waits for an application: none was refused since.
SELECT p.id FROM proposal AS p WHERE p.status = 'reconciliation_required' AND p.source = :source AND (
    SELECT max(r.seq) FROM resolution AS r JOIN event AS e ON e.seq = r.seq AND e.subject = r.proposal AND e.kind = 'resolution_waits' WHERE r.proposal = p.id
) > coalesce((SELECT max(seq) FROM event WHERE subject = p.id AND kind = 'resolution_refused' AND kind <> 'read'), 0)
ORDER BY p.seq;
