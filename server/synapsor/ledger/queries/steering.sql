-- How people steer the worker: sources that rest, jobs that were given up, and what people say is to become of a job.

-- name: insert_worker_pause
-- Add a pause or the end of one, with the number of its event.
INSERT INTO worker_pause (seq, id, at, operator, source, state, body) VALUES (:seq, :id, :at, :operator, :source, :state, :body);

-- name: worker_pause_by_id
-- Find a pause by its handle.
SELECT seq, id, at, operator, source, state, body FROM worker_pause WHERE id = :id;

-- name: worker_pause_at
-- Find a pause by the number of its event.
SELECT seq, id, at, operator, source, state, body FROM worker_pause WHERE seq = :seq;

-- name: newest_pause
-- The newest pause of a source, or its end; it counts where it is the one that the newest event of one tells of.
SELECT seq, id, body FROM worker_pause WHERE source = :source ORDER BY seq DESC LIMIT 1;

-- name: newest_paused
-- The event of the newest pause of a source, or of its end.
SELECT seq, at, kind, subject, body, prev, hash, seal FROM event
WHERE subject = :subject AND kind IN ('worker_paused', 'worker_resumed') ORDER BY seq DESC LIMIT 1;

-- name: pause_of_event
-- Who paused a source, or let it go on, with the event of this number.
SELECT operator FROM worker_pause WHERE seq = :seq;

-- name: insert_instruction
-- Add an instruction, with the number of its event.
INSERT INTO instruction (seq, id, at, proposal, job, operator, verb, body) VALUES (:seq, :id, :at, :proposal, :job, :operator, :verb, :body);

-- name: instruction_by_id
-- Find an instruction by its handle.
SELECT seq, id, at, proposal, job, operator, verb, body FROM instruction WHERE id = :id;

-- name: instruction_at
-- Find an instruction by the number of its event.
SELECT seq, id, at, proposal, job, operator, verb, body FROM instruction WHERE seq = :seq;

-- name: instructions_of
-- What people have said is to become of a proposal's job, in order.
SELECT seq, id, body FROM instruction WHERE proposal = :proposal ORDER BY seq;

-- name: open_job
-- A job that is not done.
SELECT seq, id, at, proposal, source, body, attempt, parked FROM job WHERE id = :id AND open = 1;

-- name: park_job
-- Give a job up: nobody takes it until a person says so.
UPDATE job SET lease = NULL, lease_until = NULL, not_before = NULL, parked = :at, code = :code WHERE id = :id AND open = 1 AND lease = :lease;

-- name: begin_anew
-- Let a job be taken at once, without the attempts that there were.
UPDATE job SET parked = NULL, not_before = NULL, anew = attempt WHERE id = :id AND open = 1;
