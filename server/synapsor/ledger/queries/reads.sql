-- What was asked and what was seen.

-- name: insert_query_audit
-- Add a query audit, with the number of its event.
INSERT INTO query_audit (seq, id, at, tenant, principal, capability, outcome, evidence, run, body) VALUES (:seq, :id, :at, :tenant, :principal, :capability, :outcome, :evidence, :run, :body);

-- name: query_audit_by_id
-- Find a query audit by its handle.
SELECT seq, id, at, tenant, principal, capability, outcome, evidence, run, body FROM query_audit WHERE id = :id;

-- name: query_audit_at
-- Find a query audit by the number of its event.
SELECT seq, id, at, tenant, principal, capability, outcome, evidence, run, body FROM query_audit WHERE seq = :seq;

-- name: insert_evidence
-- Add an evidence bundle, with the number of its event.
INSERT INTO evidence (seq, id, at, tenant, principal, capability, body) VALUES (:seq, :id, :at, :tenant, :principal, :capability, :body);

-- name: evidence_by_id
-- Find an evidence bundle by its handle, which has the digits of its call's; that one is indexed. Its call is beside it, as it is for each below.
SELECT e.seq, e.id, e.body, a.id AS audit_id, a.body AS audit, a.at, a.tenant, a.principal, a.capability, a.outcome, a.evidence, a.run FROM query_audit AS a JOIN evidence AS e ON e.seq = a.seq
WHERE a.id = 'aud' || substr(:id, 3) AND e.id = :id;

-- name: evidence_at
-- Find an evidence bundle by the number of its event.
SELECT seq, id, at, tenant, principal, capability, body FROM evidence WHERE seq = :seq;

-- name: evidence_holding
-- The newest evidence bundle before a number whose body holds a token; a person asks for it, and it may look at every bundle.
SELECT e.seq, e.id, e.body, a.id AS audit_id, a.body AS audit, a.at, a.tenant, a.principal, a.capability, a.outcome, a.evidence, a.run
FROM query_audit AS a JOIN evidence AS e ON e.seq = a.seq WHERE e.seq < :before AND instr(e.body, :token) > 0 ORDER BY e.seq DESC LIMIT 1;

-- name: insert_reveal
-- Add a look behind hidden values, with the number of its event.
INSERT INTO reveal (seq, id, at, subject, operator, outcome, body) VALUES (:seq, :id, :at, :subject, :operator, :outcome, :body);

-- name: reveal_by_id
-- Find a look behind hidden values by its handle.
SELECT seq, id, at, subject, operator, outcome, body FROM reveal WHERE id = :id;

-- name: reveal_at
-- Find a look behind hidden values by the number of its event.
SELECT seq, id, at, subject, operator, outcome, body FROM reveal WHERE seq = :seq;

-- name: own_evidence_handles
-- Handles of a tenant's and principal's evidence that begin so, among the newest five hundred calls of all, newest first.
SELECT evidence AS id, capability FROM (
    SELECT seq, tenant, principal, capability, evidence FROM query_audit ORDER BY seq DESC LIMIT 500
)
WHERE evidence IS NOT NULL AND tenant IS :tenant AND principal = :principal AND substr(evidence, 1, length(:beginning)) = :beginning
ORDER BY seq DESC LIMIT :limit;

-- name: answered_in_run
-- The evidence of what a capability answered in a run, for one tenant and one principal, newest first.
SELECT e.seq, e.id, e.body, a.id AS audit_id, a.body AS audit, a.at, a.tenant, a.principal, a.capability, a.outcome, a.evidence, a.run
FROM query_audit AS a JOIN evidence AS e ON e.seq = a.seq
WHERE a.run = :run AND a.capability = :capability AND a.evidence IS NOT NULL AND a.outcome = 'ok'
AND a.tenant IS :tenant AND a.principal = :principal
ORDER BY a.seq DESC LIMIT :limit;

-- name: read_before
-- The evidence of what was answered before a call in the same run, for the same tenant and principal, newest first.
SELECT e.seq, e.id, e.body, a.id AS audit_id, a.body AS audit, a.at, a.tenant, a.principal, a.capability, a.outcome, a.evidence, a.run
FROM query_audit AS own
JOIN query_audit AS a ON a.run = own.run AND a.tenant IS own.tenant AND a.principal = own.principal
JOIN evidence AS e ON e.seq = a.seq
WHERE own.id = 'aud' || substr(:evidence, 3) AND length(own.run) > 0 AND a.evidence IS NOT NULL AND a.outcome = 'ok' AND a.seq < own.seq
ORDER BY a.seq DESC LIMIT :limit;
