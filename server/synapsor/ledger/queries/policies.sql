-- Automatic approval: what waits for it, what it has used up, and whether it is stopped.

-- name: insert_policy_use
-- Add what a policy approved, with the number of its event.
INSERT INTO policy_use (seq, id, at, proposal, policy, day, tenant, principal, object, body) VALUES (:seq, :id, :at, :proposal, :policy, :day, :tenant, :principal, :object, :body);

-- name: policy_use_by_id
-- Find a use by its handle.
SELECT seq, id, at, proposal, policy, day, tenant, principal, object, body FROM policy_use WHERE id = :id;

-- name: policy_use_at
-- Find a use by the number of its event.
SELECT seq, id, at, proposal, policy, day, tenant, principal, object, body FROM policy_use WHERE seq = :seq;

-- name: uses_of_day
-- What a policy approved in a day.
SELECT body FROM policy_use WHERE policy = :policy AND day = :day ORDER BY seq;

-- name: insert_policy_switch
-- Add a switch, with the number of its event.
INSERT INTO policy_switch (seq, id, at, operator, state, body) VALUES (:seq, :id, :at, :operator, :state, :body);

-- name: policy_switch_by_id
-- Find a switch by its handle.
SELECT seq, id, at, operator, state, body FROM policy_switch WHERE id = :id;

-- name: policy_switch_at
-- Find a switch by the number of its event.
SELECT seq, id, at, operator, state, body FROM policy_switch WHERE seq = :seq;

-- name: newest_switch
-- The newest switch; it counts where it is the one that the newest event of a switch tells of.
SELECT seq, id, body FROM policy_switch ORDER BY seq DESC LIMIT 1;

-- name: newest_thrown
-- The event of the newest switch, and how it was signed.
SELECT e.seq, e.at, e.kind, e.subject, e.body, e.prev, e.hash, e.seal, c.ledger AS signed_ledger, c.hash AS signed_hash, c.at AS signed_at, c.previous AS signed_previous, c.signature
FROM event AS e LEFT JOIN checkpoint AS c ON c.seq = e.seq
WHERE e.kind IN ('policies_stopped', 'policies_running') ORDER BY e.seq DESC LIMIT 1;

-- name: for_policies
-- Proposals in review that name a policy and that none has left to a person yet, oldest first; not what is still to be measured.
SELECT id FROM proposal AS p WHERE status = 'review_required' AND policy IS NOT NULL AND source = :source AND expires_at > :now
AND (shadow = 0 OR EXISTS (SELECT 1 FROM measurement_told WHERE proposal = p.id))
AND NOT EXISTS (SELECT 1 FROM event WHERE subject = p.id AND kind = 'policy_deferred' AND kind <> 'read')
ORDER BY seq LIMIT :limit;
