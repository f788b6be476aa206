-- What the notifier has read, what it has still to tell, and what became of each message.

-- name: cursor
-- Up to where the ledger was read.
SELECT ledger, seq, hash FROM cursor;

-- name: set_cursor
-- Remember up to where the ledger was read.
INSERT INTO cursor (one, ledger, seq, hash) VALUES (1, :ledger, :seq, :hash)
ON CONFLICT (one) DO UPDATE SET ledger = :ledger, seq = :seq, hash = :hash;

-- name: hold
-- Keep a notice for a channel; one that is kept already is not kept twice.
INSERT INTO held (channel, key, since, body) VALUES (:channel, :key, :since, :body) ON CONFLICT (channel, key) DO NOTHING;

-- name: held
-- What is kept for a channel, oldest first.
SELECT key, since, body FROM held WHERE channel = :channel ORDER BY number;

-- name: let_go
-- A notice is in a message now.
DELETE FROM held WHERE channel = :channel AND key = :key;

-- name: insert_message
-- Add a message; one that was made before stays as it is.
INSERT INTO message (id, channel, at, body, state, attempts, due_at) VALUES (:id, :channel, :at, :body, 'waiting', 0, :at)
ON CONFLICT (id) DO NOTHING;

-- name: recent
-- How many messages were made for a channel after a moment.
SELECT count(*) AS number FROM message WHERE channel = :channel AND at > :since;

-- name: next_message
-- The oldest message of a channel that is due.
SELECT id, channel, body, attempts, first_at, reached FROM message
WHERE channel = :channel AND state = 'waiting' AND due_at <= :now ORDER BY number LIMIT 1;

-- name: begin
-- An attempt begins: it is counted before anything is sent.
UPDATE message SET state = 'sending', attempts = attempts + 1, first_at = coalesce(first_at, :now), due_at = :now WHERE id = :id;

-- name: sent
-- A message arrived; what it said is forgotten.
UPDATE message SET state = 'sent', body = '{}', ended_at = :now, why = NULL, reached = '[]' WHERE id = :id;

-- name: put_off
-- An attempt failed; another one follows.
UPDATE message SET state = 'waiting', due_at = :due, why = :why, reached = :reached WHERE id = :id;

-- name: to_retry
-- What did not arrive at first and is tried again, oldest first.
SELECT id, channel, due_at, attempts, why FROM message WHERE state = 'waiting' AND attempts > 0 ORDER BY number;

-- name: give_up
-- A message is given up.
UPDATE message SET state = 'dead', ended_at = :now, why = :why, reached = :reached WHERE id = :id;

-- name: recover
-- What was being sent when the last process ended may not have arrived: it is sent again, under the same id.
UPDATE message SET state = 'waiting' WHERE state = 'sending';

-- name: forget
-- Messages that arrived long ago.
DELETE FROM message WHERE state = 'sent' AND ended_at < :before;

-- name: dead
-- Messages that were given up, oldest first.
SELECT id, channel, at, body, attempts, ended_at, why, reached FROM message WHERE state = 'dead' ORDER BY number;

-- name: requeue
-- A message that was given up is tried again.
UPDATE message SET state = 'waiting', attempts = 0, first_at = NULL, due_at = :now, ended_at = NULL WHERE state = 'dead' AND id = :id;

-- name: discard
-- A message that was given up is thrown away.
DELETE FROM message WHERE state = 'dead' AND id = :id;

-- name: unserved
-- Channels for which something waits.
SELECT channel FROM message WHERE state = 'waiting' UNION SELECT channel FROM held;

-- name: rest
-- How long a channel is left alone, and after how many failures.
SELECT failures, until FROM rest WHERE channel = :channel;

-- name: set_rest
-- Leave a channel alone for a while.
INSERT INTO rest (channel, failures, until) VALUES (:channel, :failures, :until)
ON CONFLICT (channel) DO UPDATE SET failures = :failures, until = :until;

-- name: end_rest
-- A channel works again.
DELETE FROM rest WHERE channel = :channel;

-- name: moment
-- When something happened last.
SELECT at FROM moment WHERE name = :name;

-- name: set_moment
-- Something happened now.
INSERT INTO moment (name, at) VALUES (:name, :at) ON CONFLICT (name) DO UPDATE SET at = :at;

-- name: count_refused
-- Attempts were refused within a minute.
INSERT INTO refused (minute, first_at, last_at, last_seq, logins, decisions)
VALUES (:minute, :first_at, :last_at, :last_seq, :logins, :decisions)
ON CONFLICT (minute) DO UPDATE SET
    first_at = min(first_at, :first_at), last_at = max(last_at, :last_at), last_seq = max(last_seq, :last_seq),
    logins = logins + :logins, decisions = decisions + :decisions;

-- name: refused
-- What is counted and not told yet, minute by minute.
SELECT minute, first_at, last_at, last_seq, logins, decisions FROM refused ORDER BY minute;

-- name: forget_refused
-- What is counted of minutes before one is told, or too old and too little to be told.
DELETE FROM refused WHERE minute < :before;

-- name: reminders
-- Of which waiting proposals somebody was reminded, how often, and whether it was told that they expired.
SELECT proposal, times, last_at, expired FROM reminder;

-- name: reminder
-- What was told of one waiting proposal.
SELECT times, last_at, expired FROM reminder WHERE proposal = :proposal;

-- name: remind
-- Somebody was reminded of a proposal, or told that it expired.
INSERT INTO reminder (proposal, times, last_at, expired) VALUES (:proposal, :times, :last_at, :expired)
ON CONFLICT (proposal) DO UPDATE SET times = :times, last_at = :last_at, expired = :expired;

-- name: no_reminder
-- A proposal waits no more.
DELETE FROM reminder WHERE proposal = :proposal;
