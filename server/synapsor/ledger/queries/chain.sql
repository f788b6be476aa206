-- The ledger itself, its chain of events and its checkpoints.

-- name: insert_ledger
-- Name the ledger, once.
INSERT INTO ledger (one, id, created_at, public_key) VALUES (1, :id, :created_at, :public_key);

-- name: ledger
-- The ledger's name and public key.
SELECT id, created_at, public_key FROM ledger;

-- name: insert_probe
-- The row that `probe` writes to.
INSERT INTO probe (one, at) VALUES (1, :at);

-- name: probe
-- A real write that says nothing; it proves that the ledger can be written.
UPDATE probe SET at = :at;

-- name: head
-- The last event.
SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1;

-- name: insert_event
-- Add an event at the end of the chain.
INSERT INTO event (seq, at, kind, subject, body, prev, hash, seal) VALUES (:seq, :at, :kind, :subject, :body, :prev, :hash, :seal);

-- name: event_at
-- One event.
SELECT seq, at, kind, subject, body, prev, hash, seal FROM event WHERE seq = :seq;

-- name: events_after
-- A page of the chain.
SELECT seq, at, kind, subject, body, prev, hash, seal FROM event WHERE seq > :seq ORDER BY seq LIMIT :limit;

-- name: first_event
-- The lowest number in the chain, for `verify`.
SELECT min(seq) AS seq FROM event;

-- name: insert_checkpoint
-- Add a signed checkpoint.
INSERT INTO checkpoint (seq, ledger, hash, at, previous, signature) VALUES (:seq, :ledger, :hash, :at, :previous, :signature);

-- name: last_checkpoint
-- The newest checkpoint.
SELECT seq, ledger, hash, at, previous, signature FROM checkpoint ORDER BY seq DESC LIMIT 1;

-- name: checkpoint_at
-- The checkpoint of an event.
SELECT seq, ledger, hash, at, previous, signature FROM checkpoint WHERE seq = :seq;

-- name: checkpoints_after
-- A page of checkpoints.
SELECT seq, ledger, hash, at, previous, signature FROM checkpoint WHERE seq > :seq ORDER BY seq LIMIT :limit;

-- name: count_records
-- How many records were written with the events from `low` to `high`, for `verify`.
SELECT
    (SELECT count(*) FROM query_audit WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM evidence WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM contract_version WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM activation WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM proposal WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM review_branch WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM decision WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM question WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM answer WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM refused_decision WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM refused_login WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM policy_use WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM policy_switch WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM worker_pause WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM instruction WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM job WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM receipt WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM settlement WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM resolution WHERE seq BETWEEN :low AND :high)
    + (SELECT count(*) FROM reveal WHERE seq BETWEEN :low AND :high)
    AS records;

-- name: first_stray
-- The lowest number outside the chain that a record carries, for `verify`.
SELECT min(seq) AS seq FROM (
    SELECT min(seq) AS seq FROM query_audit WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM evidence WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM contract_version WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM activation WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM proposal WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM review_branch WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM decision WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM question WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM answer WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM refused_decision WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM refused_login WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM policy_use WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM policy_switch WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM worker_pause WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM instruction WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM job WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM receipt WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM settlement WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM resolution WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM reveal WHERE seq > :head OR seq < 1
    UNION ALL SELECT min(seq) AS seq FROM checkpoint WHERE seq > :head OR seq < 1
) AS strays;
