-- Logins and bearer tokens that were not accepted.

-- name: insert_refused_login
-- Add a refused login, with the number of its event.
INSERT INTO refused_login (seq, id, at, door, rule, body) VALUES (:seq, :id, :at, :door, :rule, :body);

-- name: refused_login_by_id
-- Find a refused login by its handle.
SELECT seq, id, at, door, rule, body FROM refused_login WHERE id = :id;

-- name: refused_login_at
-- Find a refused login by the number of its event.
SELECT seq, id, at, door, rule, body FROM refused_login WHERE seq = :seq;

-- name: refused_logins
-- The newest refused logins.
SELECT id, body FROM refused_login ORDER BY seq DESC LIMIT :limit;
