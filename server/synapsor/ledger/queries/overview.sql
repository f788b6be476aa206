-- What a person looks at in the web console: bounded pages and counts, newest first unless it is said otherwise.

-- name: waiting_after
-- A page of what waits for a decision and has not lapsed, oldest first; each of the oldest `within` may have to be looked at.
SELECT seq, id FROM (SELECT seq, id, capability, principal, expires_at, body FROM proposal WHERE status = 'review_required' AND seq > :after ORDER BY seq LIMIT :within) AS own
WHERE expires_at > :now
AND (:capability IS NULL OR capability = :capability) AND (:principal IS NULL OR principal = :principal)
AND (:risk IS NULL OR instr(body, :risk) > 0) AND (:text IS NULL OR instr(lower(body), lower(:text)) > 0)
ORDER BY seq LIMIT :limit;

-- name: waiting_up_to
-- The newest number among the oldest `within` that wait after a number.
SELECT max(seq) AS seq FROM (SELECT seq FROM proposal WHERE status = 'review_required' AND seq > :after ORDER BY seq LIMIT :within) AS looked_at;

-- name: waiting_for_roles
-- Handles of what waits for these roles, was not asked for under these names and has not lapsed; those that expire first before the others.
SELECT id FROM proposal WHERE status = 'review_required' AND expires_at > :now
AND CASE WHEN json_valid(body) THEN json_extract(body, :role) END IN (SELECT value FROM json_each(:roles))
AND principal NOT IN (SELECT value FROM json_each(:names)) ORDER BY expires_at, seq LIMIT :limit;

-- name: count_waiting
-- How many wait for a decision and have not lapsed.
SELECT count(*) AS proposals FROM proposal WHERE status = 'review_required' AND expires_at > :now;

-- name: waiting_capabilities
-- What is waited for, by capability.
SELECT capability, count(*) AS proposals FROM proposal
WHERE status = 'review_required' AND expires_at > :now GROUP BY capability ORDER BY capability LIMIT :limit;

-- name: found_before
-- A page of what was proposed before a number; each of the newest `within` may have to be looked at.
SELECT seq, id FROM (SELECT seq, id, status, capability, principal, body FROM proposal WHERE seq < :before ORDER BY seq DESC LIMIT :within) AS own
WHERE (:status IS NULL OR status = :status)
AND (:capability IS NULL OR capability = :capability) AND (:principal IS NULL OR principal = :principal)
AND (:risk IS NULL OR instr(body, :risk) > 0) AND (:text IS NULL OR instr(lower(body), lower(:text)) > 0)
AND (:operator IS NULL OR EXISTS (SELECT 1 FROM decision WHERE proposal = own.id AND operator = :operator))
ORDER BY seq DESC LIMIT :limit;

-- name: reached_before
-- The oldest number among the newest `within` before a number.
SELECT min(seq) AS seq FROM (SELECT seq FROM proposal WHERE seq < :before ORDER BY seq DESC LIMIT :within) AS looked_at;

-- name: newest_jobs
-- The newest jobs, as they stand.
SELECT id, at, proposal, source, open, attempt, worker, lease_until, not_before, code, parked, anew, accepted FROM job ORDER BY seq DESC LIMIT :limit;

-- name: open_jobs
-- The oldest jobs that are open.
SELECT id, at, proposal, source, open, attempt, worker, lease_until, not_before, code, parked, anew, accepted FROM job WHERE open = 1 ORDER BY seq LIMIT :limit;

-- name: dead_jobs
-- The oldest jobs that were given up.
SELECT id, at, proposal, source, open, attempt, worker, lease_until, not_before, code, parked, anew, accepted FROM job
WHERE open = 1 AND parked IS NOT NULL ORDER BY seq LIMIT :limit;

-- name: job_state
-- A job, as it stands.
SELECT id, at, proposal, source, open, attempt, worker, lease_until, not_before, code, parked, anew, accepted FROM job WHERE id = :id;

-- name: newest_refused
-- The newest attempts at a decision that were refused.
SELECT at, proposal, operator, rule, body FROM refused_decision ORDER BY seq DESC LIMIT :limit;

-- name: refused_about
-- The newest refused attempts that were about one thing.
SELECT r.at, r.proposal, r.operator, r.rule, r.body FROM event e JOIN refused_decision r ON r.seq = e.seq
WHERE e.subject = :about AND e.kind = :kind AND e.kind <> 'read' ORDER BY e.seq DESC LIMIT :limit;

-- name: contract_names
-- The contracts that were ever activated.
SELECT contract, count(*) AS activations, max(seq) AS newest FROM activation GROUP BY contract ORDER BY contract LIMIT :limit;

-- name: changes_after
-- What happened after a number, but for reads.
SELECT seq, kind, subject FROM event WHERE seq > :seq AND kind <> 'read' ORDER BY seq LIMIT :limit;

-- name: filed_by_day
-- How many of the newest proposals were filed on each day.
SELECT substr(at, 1, 10) AS day, count(*) AS proposals FROM (SELECT at FROM proposal ORDER BY seq DESC LIMIT :most) AS newest
WHERE at >= :since GROUP BY substr(at, 1, 10) ORDER BY day;

-- name: ended_by_day
-- How many of the newest settlements of each kind there were on each day.
SELECT substr(at, 1, 10) AS day, status, count(*) AS proposals FROM (SELECT at, status FROM settlement ORDER BY seq DESC LIMIT :most) AS newest
WHERE at >= :since GROUP BY substr(at, 1, 10), status ORDER BY day;

-- name: decided_since
-- When each of the newest decisions was made, and when what it is about was filed.
SELECT p.at AS filed, d.at AS decided, d.verdict, d.policy FROM (SELECT proposal, at, verdict, policy FROM decision ORDER BY seq DESC LIMIT :most) AS d
JOIN proposal AS p ON p.id = d.proposal WHERE d.at >= :since ORDER BY decided;
