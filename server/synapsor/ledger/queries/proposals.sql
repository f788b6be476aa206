-- Proposals, their review branches and their status.

-- name: insert_proposal
-- Add a proposal, with the number of its event.
INSERT INTO proposal (seq, id, at, tenant, principal, capability, contract, source, request, quorum, policy, workflow, run, group_id, shadow, expires_at, body, status) VALUES (:seq, :id, :at, :tenant, :principal, :capability, :contract, :source, :request, :quorum, :policy, :workflow, :run, :group_id, :shadow, :expires_at, :body, 'review_required');

-- name: proposal_by_id
-- Find a proposal by its handle.
SELECT seq, id, at, tenant, principal, capability, contract, source, request, quorum, policy, workflow, run, group_id, shadow, expires_at, body, status FROM proposal WHERE id = :id;

-- name: proposal_at
-- Find a proposal by the number of its event.
SELECT seq, id, at, tenant, principal, capability, contract, source, request, quorum, policy, workflow, run, group_id, shadow, expires_at, body, status FROM proposal WHERE seq = :seq;

-- name: insert_proposal_row
-- Say by which name a row of a proposal is found.
INSERT INTO proposal_row (seq, proposal, target, own) VALUES (:seq, :proposal, :target, :own);

-- name: proposal_rows
-- The rows that a proposal is recorded as one about, for `verify`.
SELECT seq, target, own FROM proposal_row WHERE proposal = :proposal;

-- name: job_rows
-- The rows by which an open job waits for older ones, for `verify`.
SELECT target, own FROM job_row WHERE seq = :seq;

-- name: count_job_rows
-- By how many names of rows open jobs wait in all, for `verify`.
SELECT count(*) AS rows FROM job_row;

-- name: open_at
-- Handles of the proposals about a row that have not reached their end and are not past their time, newest first.
SELECT p.id FROM proposal_row AS r JOIN proposal AS p ON p.id = r.proposal
WHERE r.target = :target AND p.status IN ('review_required', 'approved') AND p.expires_at > :now ORDER BY p.seq DESC LIMIT :limit;

-- name: insert_review_branch
-- Add a review branch, with the number of its event.
INSERT INTO review_branch (seq, id, at, proposal, body) VALUES (:seq, :id, :at, :proposal, :body);

-- name: review_branch_by_id
-- Find a review branch by its handle.
SELECT seq, id, at, proposal, body FROM review_branch WHERE id = :id;

-- name: review_branch_at
-- Find a review branch by the number of its event.
SELECT seq, id, at, proposal, body FROM review_branch WHERE seq = :seq;

-- name: pending_by_request
-- The proposals of a request that have not reached their end, oldest first.
SELECT id, status, body FROM proposal WHERE request = :request AND status IN ('review_required', 'approved') ORDER BY seq;

-- name: group_lacking
-- The oldest group of a run and workflow that waits, has not lapsed, and has no proposal of a capability.
SELECT group_id FROM proposal
WHERE run = :run AND status = 'review_required' AND group_id IS NOT NULL AND workflow = :workflow
AND contract = :contract AND tenant IS :tenant AND principal = :principal
GROUP BY group_id HAVING sum(capability = :capability) = 0 AND min(expires_at) > :at ORDER BY min(seq) LIMIT 1;

-- name: group_members
-- The proposals of a group, oldest first.
SELECT seq, id, at, tenant, principal, capability, contract, source, request, quorum, policy, workflow, run, group_id, shadow, expires_at, body, status FROM proposal WHERE group_id = :group_id ORDER BY seq;

-- name: proposals_of_request
-- Handles of all proposals of a request and where they stand, oldest first.
SELECT id, status FROM proposal WHERE request = :request ORDER BY seq;

-- name: proposal_status
-- Where a proposal stands; asked several times a second while somebody waits.
SELECT status FROM proposal WHERE id = :id;

-- name: own_waiting_proposals
-- Handles of the proposals of a tenant and a principal that wait for a decision, newest first.
SELECT id FROM proposal WHERE tenant IS :tenant AND principal = :principal AND status = 'review_required' AND expires_at > :now
ORDER BY seq DESC LIMIT :limit;

-- name: own_proposal_handles
-- Handles of a tenant's and principal's proposals that begin so, of the newest five hundred, newest first; an undo is an operator's.
SELECT id, capability FROM (
    SELECT seq, id, capability, body FROM proposal WHERE tenant IS :tenant AND principal = :principal ORDER BY seq DESC LIMIT 500
)
WHERE substr(id, 1, length(:beginning)) = :beginning AND CASE WHEN json_valid(body) THEN json_extract(body, :undoes) IS NULL END ORDER BY seq DESC LIMIT :limit;

-- name: latest_proposal
-- The newest proposal.
SELECT id FROM proposal ORDER BY seq DESC LIMIT 1;

-- name: newest_proposals
-- Handles of the newest proposals.
SELECT id FROM proposal ORDER BY seq DESC LIMIT :limit;

-- name: newest_proposals_of_status
-- Handles of the newest proposals that stand at a status.
SELECT id FROM proposal WHERE status = :status ORDER BY seq DESC LIMIT :limit;

-- name: first_to_expire
-- Handles of the proposals that wait for a decision and have not lapsed, those that expire first before the others.
SELECT id FROM proposal WHERE status = 'review_required' AND expires_at > :now ORDER BY expires_at, seq LIMIT :limit;

-- name: in_review
-- A page of the proposals that wait for a decision, oldest first.
SELECT seq, id, at, expires_at FROM proposal WHERE status = 'review_required' AND seq > :seq ORDER BY seq LIMIT :limit;

-- name: due_proposals
-- Proposals still in review past their time after a number, oldest first; one that somebody rejected takes no step of its own.
SELECT seq, id, group_id FROM proposal AS own WHERE seq > :after AND status = 'review_required' AND expires_at <= :now
AND NOT EXISTS (SELECT 1 FROM decision WHERE proposal = own.id AND verdict = 'reject') ORDER BY seq LIMIT :limit;

-- name: move_proposal
-- Take one step; no row is changed when the proposal no longer stands where the step begins.
UPDATE proposal SET status = :target WHERE id = :id AND status = :origin;

-- name: proposal_events
-- Everything that happened to a proposal, in order, and how it was signed.
SELECT e.seq AS id, e.seq, e.at, e.kind, e.subject, e.body, e.prev, e.hash, e.seal, c.ledger AS signed_ledger, c.hash AS signed_hash, c.at AS signed_at, c.previous AS signed_previous, c.signature
FROM event AS e LEFT JOIN checkpoint AS c ON c.seq = e.seq WHERE e.subject = :subject AND e.kind <> 'read' ORDER BY e.seq;

-- name: last_of_kind
-- When events of a kind happened to a subject, newest first.
SELECT at FROM event WHERE subject = :subject AND kind = :kind AND kind <> 'read' ORDER BY seq DESC LIMIT :limit;

-- name: proposals_after
-- A page of proposals with what the tables say of each, for `verify`.
SELECT p.seq, p.id, p.status, j.id AS job, j.seq AS job_seq, j.body AS job_body, j.open, j.attempt, j.parked, j.not_before, j.anew, j.accepted FROM proposal p LEFT JOIN job j ON j.proposal = p.id
WHERE p.seq > :seq ORDER BY p.seq LIMIT :limit;

-- name: proposals_since
-- Where the proposals of a time begin. Of the bare number the least would be sought among all rows and not in the index.
SELECT min(seq + 0) AS seq FROM proposal WHERE at >= :since;

-- name: past_proposals
-- A page of the proposals of a time, in the order in which they were filed, each with the name of its contract.
SELECT p.seq, p.id, p.at, p.capability, p.policy, p.status, p.body, v.name AS contract FROM proposal p
LEFT JOIN contract_version v ON v.digest = p.contract WHERE p.seq > :seq AND p.at >= :since AND p.at < :until
ORDER BY p.seq LIMIT :limit;
