-- What people asked about a proposal, and what the agent answered.

-- name: insert_question
-- Add a question, with the number of its event.
INSERT INTO question (seq, id, at, proposal, operator, body) VALUES (:seq, :id, :at, :proposal, :operator, :body);

-- name: question_by_id
-- Find a question by its handle.
SELECT seq, id, at, proposal, operator, body FROM question WHERE id = :id;

-- name: question_at
-- Find a question by the number of its event.
SELECT seq, id, at, proposal, operator, body FROM question WHERE seq = :seq;

-- name: insert_answer
-- Add an answer, with the number of its event.
INSERT INTO answer (seq, id, at, proposal, question, body) VALUES (:seq, :id, :at, :proposal, :question, :body);

-- name: answer_by_id
-- Find an answer by its handle.
SELECT seq, id, at, proposal, question, body FROM answer WHERE id = :id;

-- name: answer_at
-- Find an answer by the number of its event.
SELECT seq, id, at, proposal, question, body FROM answer WHERE seq = :seq;

-- name: exchanges_of
-- The questions about a proposal with their answers, in the order in which they were asked.
SELECT q.id AS id, q.body AS body, a.id AS answer_id, a.body AS answer FROM question AS q LEFT JOIN answer AS a ON a.question = q.id WHERE q.proposal = :proposal ORDER BY q.seq;

-- name: questions_about
-- How often people have asked about a proposal; asked several times a second while somebody waits.
SELECT count(*) AS asked FROM question WHERE proposal = :proposal;
