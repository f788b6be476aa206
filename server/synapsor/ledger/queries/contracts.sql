-- Contract versions and their activations.

-- name: insert_contract_version
-- Add a contract version, with the number of its event.
INSERT INTO contract_version (seq, id, at, name, digest, body) VALUES (:seq, :id, :at, :name, :digest, :body);

-- name: contract_version_by_id
-- Find a contract version by its handle.
SELECT seq, id, at, name, digest, body FROM contract_version WHERE id = :id;

-- name: contract_version_at
-- Find a contract version by the number of its event.
SELECT seq, id, at, name, digest, body FROM contract_version WHERE seq = :seq;

-- name: insert_activation
-- Add an activation, with the number of its event.
INSERT INTO activation (seq, id, at, contract, digest, operator, body) VALUES (:seq, :id, :at, :contract, :digest, :operator, :body);

-- name: activation_by_id
-- Find an activation by its handle.
SELECT seq, id, at, contract, digest, operator, body FROM activation WHERE id = :id;

-- name: activation_at
-- Find an activation by the number of its event.
SELECT seq, id, at, contract, digest, operator, body FROM activation WHERE seq = :seq;

-- name: contract_version_by_digest
-- One contract version by the digest that was reviewed.
SELECT seq, id, body FROM contract_version WHERE digest = :digest;

-- name: newest_activated
-- The event of the newest activation of a contract, and how it was signed; a server asks for it once a second.
SELECT e.seq, e.at, e.kind, e.subject, e.body, e.prev, e.hash, e.seal, c.ledger AS signed_ledger, c.hash AS signed_hash, c.at AS signed_at, c.previous AS signed_previous, c.signature
FROM event AS e LEFT JOIN checkpoint AS c ON c.seq = e.seq
WHERE e.subject = :contract AND e.kind = :kind AND e.kind <> 'read' ORDER BY e.seq DESC LIMIT 1;

-- name: activated_at
-- The activation of an event, with the version it names.
SELECT a.id, a.body AS activation, v.body AS version FROM activation a JOIN contract_version v ON v.digest = a.digest WHERE a.seq = :seq;

-- name: contract_of
-- The name of the contract that a digest is a version of.
SELECT name FROM contract_version WHERE digest = :digest;

-- name: activations_of
-- The activations of a contract, newest first, each with the version it names.
SELECT a.body AS activation, v.body AS version FROM activation a JOIN contract_version v ON v.digest = a.digest
WHERE a.contract = :contract ORDER BY a.seq DESC LIMIT :limit;

-- name: activation_named
-- The newest activation of a contract that has this handle or names this digest.
SELECT a.body AS activation, v.body AS version FROM activation a JOIN contract_version v ON v.digest = a.digest
WHERE a.contract = :contract AND (a.id = :named OR a.digest = :named) ORDER BY a.seq DESC LIMIT 1;

-- name: activation_before
-- The newest activation of a contract that names another digest than this one.
SELECT a.body AS activation, v.body AS version FROM activation a JOIN contract_version v ON v.digest = a.digest
WHERE a.contract = :contract AND a.digest <> :digest ORDER BY a.seq DESC LIMIT 1;
