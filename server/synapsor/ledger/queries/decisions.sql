-- What operators decided, and what they were refused.

-- name: insert_decision
-- Add a decision, with the number of its event.
INSERT INTO decision (seq, id, at, proposal, operator, verdict, policy, step_up, body) VALUES (:seq, :id, :at, :proposal, :operator, :verdict, :policy, :step_up, :body);

-- name: decision_by_id
-- Find a decision by its handle.
SELECT seq, id, at, proposal, operator, verdict, policy, step_up, body FROM decision WHERE id = :id;

-- name: decision_at
-- Find a decision by the number of its event.
SELECT seq, id, at, proposal, operator, verdict, policy, step_up, body FROM decision WHERE seq = :seq;

-- name: insert_refused_decision
-- Add a refused decision, with the number of its event.
INSERT INTO refused_decision (seq, id, at, proposal, operator, rule, body) VALUES (:seq, :id, :at, :proposal, :operator, :rule, :body);

-- name: refused_decision_by_id
-- Find a refused decision by its handle.
SELECT seq, id, at, proposal, operator, rule, body FROM refused_decision WHERE id = :id;

-- name: refused_decision_at
-- Find a refused decision by the number of its event.
SELECT seq, id, at, proposal, operator, rule, body FROM refused_decision WHERE seq = :seq;

-- name: refused_of
-- When somebody was refused last.
SELECT at FROM refused_decision WHERE operator = :operator ORDER BY seq DESC LIMIT :limit;

-- name: decision_with_code
-- Find the decision that a one-time code of somebody was used for.
SELECT id FROM decision WHERE operator = :operator AND step_up = :step_up;

-- name: decisions_of
-- The decisions on a proposal, in order.
SELECT seq, id, body FROM decision WHERE proposal = :proposal ORDER BY seq;
