-- Writeback jobs with their leases, receipts and settlements.

-- name: insert_job
-- Add a job, with the number of its event.
INSERT INTO job (seq, id, at, proposal, decision, source, body) VALUES (:seq, :id, :at, :proposal, :decision, :source, :body);

-- name: job_by_id
-- Find a job by its handle.
SELECT seq, id, at, proposal, decision, source, body FROM job WHERE id = :id;

-- name: job_at
-- Find a job by the number of its event.
SELECT seq, id, at, proposal, decision, source, body FROM job WHERE seq = :seq;

-- name: insert_receipt
-- Add a receipt, with the number of its event.
INSERT INTO receipt (seq, id, at, job, proposal, outcome, body) VALUES (:seq, :id, :at, :job, :proposal, :outcome, :body);

-- name: receipt_by_id
-- Find a receipt by its handle.
SELECT seq, id, at, job, proposal, outcome, body FROM receipt WHERE id = :id;

-- name: receipt_at
-- Find a receipt by the number of its event.
SELECT seq, id, at, job, proposal, outcome, body FROM receipt WHERE seq = :seq;

-- name: insert_settlement
-- Add a settlement, with the number of its event.
INSERT INTO settlement (seq, id, at, proposal, job, receipt, status, body) VALUES (:seq, :id, :at, :proposal, :job, :receipt, :status, :body);

-- name: settlement_by_id
-- Find a settlement by its handle.
SELECT seq, id, at, proposal, job, receipt, status, body FROM settlement WHERE id = :id;

-- name: settlement_at
-- Find a settlement by the number of its event.
SELECT seq, id, at, proposal, job, receipt, status, body FROM settlement WHERE seq = :seq;

-- name: job_of
-- The job of a proposal, or the one of its group.
SELECT id, body FROM job WHERE proposal = :proposal OR proposal IN (
    SELECT other.id FROM proposal AS own JOIN proposal AS other ON other.group_id = own.group_id WHERE own.id = :proposal
);

-- name: receipts_of
-- The receipts of a proposal, in order.
SELECT id, body FROM receipt WHERE proposal = :proposal ORDER BY seq;

-- name: newest_receipts
-- The newest receipts.
SELECT id, body FROM receipt ORDER BY seq DESC LIMIT :limit;

-- name: due_job
-- The oldest job of a source whose turn it is, that is due and free. A lapsed lease is free; one that ends later than any that is taken now, or a
-- delay that does, is of a clock that was set back since, but for the wait for an approval that is still to come, which ends when its proposal has lapsed.
SELECT j.seq, j.id, j.at, j.proposal, j.source, j.body, j.attempt, j.anew, p.capability, (SELECT count(*) FROM job_row WHERE seq = j.seq AND own = 1) AS rows
FROM job_turn AS j LEFT JOIN proposal AS p ON p.id = j.proposal WHERE j.source = :source
AND (j.not_before IS NULL OR j.not_before <= :now OR (j.not_before > :latest AND (j.code <> :to_come OR p.expires_at IS NULL OR j.not_before > p.expires_at)))
AND (j.lease_until IS NULL OR j.lease_until <= :now OR j.lease_until > :latest)
ORDER BY j.seq LIMIT 1;

-- name: due_job_of
-- The same among the jobs of one capability of one contract version, after a number.
SELECT j.seq, j.id, j.at, j.proposal, j.source, j.body, j.attempt, j.anew, p.capability, (SELECT count(*) FROM job_row WHERE seq = j.seq AND own = 1) AS rows
FROM job_turn AS j JOIN proposal AS p ON p.id = j.proposal WHERE j.seq > :after AND j.source = :source
AND (j.not_before IS NULL OR j.not_before <= :now OR (j.not_before > :latest AND (j.code <> :to_come OR p.expires_at IS NULL OR j.not_before > p.expires_at)))
AND (j.lease_until IS NULL OR j.lease_until <= :now OR j.lease_until > :latest)
AND p.contract = :contract AND p.capability = :capability
ORDER BY j.seq LIMIT 1;

-- name: take_job
-- Lease a job and count the attempt.
UPDATE job SET lease = :lease, worker = :worker, lease_until = :until, attempt = attempt + 1 WHERE id = :id AND open = 1;

-- name: renew_lease
-- Keep a lease that is still held.
UPDATE job SET lease_until = :until WHERE id = :id AND open = 1 AND lease = :lease;

-- name: release_job
-- Give a job back until later.
UPDATE job SET lease = NULL, lease_until = NULL, not_before = :not_before, code = :code WHERE id = :id AND open = 1 AND lease = :lease;

-- name: accept_job
-- Keep until when what an application has accepted may be open.
UPDATE job SET accepted = :until WHERE id = :id AND open = 1 AND lease = :lease;

-- name: close_job
-- Close a settled job.
UPDATE job SET open = 0, lease = NULL, lease_until = NULL, code = :code WHERE id = :id AND open = 1 AND lease = :lease;

-- name: close_unread
-- Close a job that nobody can read.
UPDATE job SET open = 0, lease = NULL, lease_until = NULL, code = :code WHERE id = :id AND open = 1;

-- name: lease_holds
-- Whether a lease is the job's own and the job is open.
SELECT seq, proposal, anew, accepted FROM job WHERE id = :id AND open = 1 AND lease = :lease;

-- name: stands_approved
-- A proposal that waits to be settled, and its group with it.
SELECT id FROM proposal AS own WHERE id = :id AND status = 'approved'
AND NOT EXISTS (SELECT 1 FROM settlement WHERE proposal = own.id)
AND NOT EXISTS (SELECT 1 FROM proposal AS other WHERE other.group_id = own.group_id AND other.status <> 'approved');

-- name: intents_of
-- What workers said before they applied the job of a proposal, and that it was in vain.
SELECT seq, at, kind, subject, body, prev, hash, seal FROM event
WHERE subject = :subject AND kind IN ('apply_intended', 'intent_cleared') AND kind <> 'read' ORDER BY seq;
