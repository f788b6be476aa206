-- The ledger. Every record row carries the number of the event that was written with it, and that event's body carries the
-- digest of the record's body; so the chain of events covers every record. Only `proposal.status`, the lease columns of `job`,
-- `job_row`, `spent` and `probe` ever change.

CREATE TABLE migration (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;

CREATE TABLE ledger (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    public_key TEXT NOT NULL
) STRICT;

CREATE TABLE probe (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at TEXT NOT NULL
) STRICT;

-- How often somebody has asked in a day, by the digests of who and what; no record, and forgotten when the day is over.
CREATE TABLE spent (
    day TEXT NOT NULL,
    caller TEXT NOT NULL,
    variant TEXT NOT NULL,
    calls INTEGER NOT NULL CHECK (calls > 0),
    PRIMARY KEY (day, caller, variant)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    seq INTEGER PRIMARY KEY CHECK (seq > 0),
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL,
    seal TEXT NOT NULL
) STRICT;
CREATE INDEX event_subject ON event (subject, seq) WHERE kind <> 'read';
CREATE INDEX event_switch ON event (seq) WHERE kind IN ('policies_stopped', 'policies_running');
CREATE INDEX event_pause ON event (subject, seq) WHERE kind IN ('worker_paused', 'worker_resumed');

CREATE TABLE checkpoint (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    ledger TEXT NOT NULL,
    hash TEXT NOT NULL,
    at TEXT NOT NULL,
    previous INTEGER NOT NULL CHECK (previous < seq),
    signature TEXT NOT NULL
) STRICT;

CREATE TABLE query_audit (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    tenant TEXT,
    principal TEXT NOT NULL,
    capability TEXT NOT NULL,
    outcome TEXT NOT NULL,
    evidence TEXT,
    run TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX query_audit_run ON query_audit (run, capability, seq) WHERE evidence IS NOT NULL;

-- The handle is unique as its call's is: see evidence_of_call.
CREATE TABLE evidence (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL,
    at TEXT NOT NULL,
    tenant TEXT,
    principal TEXT NOT NULL,
    capability TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE contract_version (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE activation (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    contract TEXT NOT NULL,
    digest TEXT NOT NULL REFERENCES contract_version (digest),
    operator TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX activation_contract ON activation (contract, seq);

CREATE TABLE proposal (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    tenant TEXT,
    principal TEXT NOT NULL,
    capability TEXT NOT NULL,
    contract TEXT NOT NULL,
    source TEXT NOT NULL,
    request TEXT NOT NULL,
    quorum INTEGER NOT NULL CHECK (quorum BETWEEN 1 AND 10),
    policy TEXT,
    workflow TEXT,
    run TEXT,
    group_id TEXT,
    shadow INTEGER NOT NULL CHECK (shadow IN (0, 1)),
    expires_at TEXT NOT NULL,
    body TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN (
        'review_required', 'approved', 'rejected', 'expired', 'canceled', 'superseded',
        'applied', 'conflict', 'failed', 'reconciliation_required'
    ))
) STRICT;
CREATE UNIQUE INDEX proposal_pending ON proposal (request) WHERE status = 'review_required';
CREATE INDEX proposal_request ON proposal (request, seq);
CREATE INDEX proposal_status ON proposal (status, seq);
CREATE INDEX proposal_at ON proposal (at);
CREATE INDEX proposal_owner ON proposal (tenant, principal, seq);
CREATE INDEX proposal_expires ON proposal (expires_at, seq) WHERE status = 'review_required';
CREATE INDEX proposal_own_waiting ON proposal (tenant, principal, seq) WHERE status = 'review_required';
CREATE UNIQUE INDEX proposal_group ON proposal (group_id, capability) WHERE group_id IS NOT NULL;
CREATE INDEX proposal_run ON proposal (run, seq) WHERE status = 'review_required' AND group_id IS NOT NULL;
CREATE INDEX proposal_shadow ON proposal (source, seq) WHERE status = 'review_required' AND shadow = 1;
CREATE INDEX proposal_policy ON proposal (seq) WHERE status = 'review_required' AND policy IS NOT NULL;

-- Which rows a proposal is about, so that the others about them are found, by every name that a row has; `own` is the one that the
-- proposal uses. It says nothing that the proposal does not say.
CREATE TABLE proposal_row (
    seq INTEGER NOT NULL REFERENCES event (seq),
    proposal TEXT NOT NULL REFERENCES proposal (id),
    target TEXT NOT NULL,
    own INTEGER NOT NULL CHECK (own IN (0, 1)),
    PRIMARY KEY (target, seq)
) STRICT;
CREATE INDEX proposal_row_proposal ON proposal_row (proposal, target);

CREATE TABLE review_branch (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    proposal TEXT NOT NULL UNIQUE REFERENCES proposal (id),
    body TEXT NOT NULL
) STRICT;

CREATE TABLE decision (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    proposal TEXT NOT NULL REFERENCES proposal (id),
    operator TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('approve', 'reject')),
    policy TEXT,
    step_up TEXT,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX decision_proposal ON decision (proposal, seq);
CREATE UNIQUE INDEX decision_code ON decision (operator, step_up) WHERE step_up IS NOT NULL;

-- What people asked about a proposal before they decide, and what the agent answered: each question once.
CREATE TABLE question (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    proposal TEXT NOT NULL REFERENCES proposal (id),
    operator TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX question_proposal ON question (proposal, seq);

CREATE TABLE answer (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    proposal TEXT NOT NULL REFERENCES proposal (id),
    question TEXT NOT NULL UNIQUE REFERENCES question (id),
    body TEXT NOT NULL
) STRICT;

-- That a reviewer wants a change measured, or measured anew.
CREATE TABLE shadow_request (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    proposal TEXT NOT NULL REFERENCES proposal (id),
    operator TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX shadow_request_proposal ON shadow_request (proposal, seq);

-- What shadow applies of a proposal came to: each carried out, and rolled back.
CREATE TABLE measurement (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    proposal TEXT NOT NULL REFERENCES proposal (id),
    outcome TEXT NOT NULL CHECK (outcome IN ('measured', 'conflict', 'failed', 'unknown')),
    body TEXT NOT NULL
) STRICT;
CREATE INDEX measurement_proposal ON measurement (proposal, seq);

-- Those of them that the chain tells of. A row of somebody else's, with a number of its own choosing, asks for nothing and answers nothing.
CREATE VIEW shadow_request_told AS SELECT r.seq, r.id, r.proposal FROM shadow_request AS r
JOIN event AS e ON e.seq = r.seq AND e.subject = r.proposal AND e.kind = 'shadow_asked';
CREATE VIEW measurement_told AS SELECT m.seq, m.id, m.proposal FROM measurement AS m
JOIN event AS e ON e.seq = m.seq AND e.subject = m.proposal AND e.kind = 'proposal_measured';

CREATE TABLE refused_decision (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    proposal TEXT NOT NULL,
    operator TEXT NOT NULL,
    rule TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX refused_decision_operator ON refused_decision (operator, seq);

-- A login or a bearer token that was not accepted, by rule and never by its words.
CREATE TABLE refused_login (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    door TEXT NOT NULL CHECK (door IN ('console', 'approvals')),
    rule TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

-- What a policy has approved, in the unit of its limits: one day (UTC), and by each of what they count.
CREATE TABLE policy_use (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    proposal TEXT NOT NULL UNIQUE REFERENCES proposal (id),
    policy TEXT NOT NULL,
    day TEXT NOT NULL,
    tenant TEXT NOT NULL,
    principal TEXT NOT NULL,
    object TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX policy_use_day ON policy_use (policy, day, seq);

CREATE TABLE policy_switch (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    operator TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('stopped', 'running')),
    body TEXT NOT NULL
) STRICT;

CREATE TABLE job (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    proposal TEXT NOT NULL UNIQUE REFERENCES proposal (id),
    decision TEXT NOT NULL REFERENCES decision (id),
    source TEXT NOT NULL,
    body TEXT NOT NULL,
    open INTEGER NOT NULL DEFAULT 1 CHECK (open IN (0, 1)),
    attempt INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    lease TEXT,
    worker TEXT,
    lease_until TEXT,
    not_before TEXT,
    code TEXT,
    parked TEXT,
    anew INTEGER NOT NULL DEFAULT 0 CHECK (anew BETWEEN 0 AND attempt),
    accepted TEXT,
    CHECK ((lease IS NULL) = (lease_until IS NULL)),
    CHECK (open = 1 OR lease IS NULL),
    CHECK (parked IS NULL OR (open = 1 AND lease IS NULL))
) STRICT;
CREATE INDEX job_open ON job (source, seq) WHERE open = 1;

-- The rows that an open job is about, by all of their names, with those of all of its group; gone with the job, so that it stays as small as what is open.
CREATE TABLE job_row (
    target TEXT NOT NULL,
    seq INTEGER NOT NULL REFERENCES job (seq),
    own INTEGER NOT NULL CHECK (own IN (0, 1)),
    PRIMARY KEY (target, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_row_job ON job_row (seq, own);

-- The jobs whose turn it is: open and not given up, and no older one of their source that is so is about one of their rows. The one place that
-- says what blocks what. The plus keeps the source from being looked up among all of its jobs.
CREATE VIEW job_turn AS SELECT own.* FROM job AS own WHERE own.open = 1 AND own.parked IS NULL AND NOT EXISTS (
    SELECT 1 FROM job_row AS mine JOIN job_row AS theirs ON theirs.target = mine.target AND theirs.seq < mine.seq
    JOIN job AS older ON older.seq = theirs.seq AND older.open = 1 AND older.parked IS NULL AND +older.source = own.source WHERE mine.seq = own.seq
);

-- What people who steer the worker have signed: that a source rests, or what becomes of a job.
CREATE TABLE worker_pause (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    operator TEXT NOT NULL,
    source TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('paused', 'running')),
    body TEXT NOT NULL
) STRICT;
CREATE INDEX worker_pause_source ON worker_pause (source, seq);

CREATE TABLE instruction (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    proposal TEXT NOT NULL REFERENCES proposal (id),
    job TEXT NOT NULL REFERENCES job (id),
    operator TEXT NOT NULL,
    verb TEXT NOT NULL CHECK (verb IN ('requeue', 'discard', 'cancel')),
    body TEXT NOT NULL
) STRICT;
CREATE INDEX instruction_proposal ON instruction (proposal, seq);

CREATE TABLE receipt (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    job TEXT NOT NULL REFERENCES job (id),
    proposal TEXT NOT NULL REFERENCES proposal (id),
    outcome TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX receipt_proposal ON receipt (proposal, seq);

CREATE TABLE settlement (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    proposal TEXT NOT NULL UNIQUE REFERENCES proposal (id),
    job TEXT NOT NULL REFERENCES job (id),
    receipt TEXT NOT NULL REFERENCES receipt (id),
    status TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

-- What a person says became of a proposal whose end nobody knows; several of one, where an application had to be asked first.
CREATE TABLE resolution (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    proposal TEXT NOT NULL REFERENCES proposal (id),
    operator TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('applied', 'not_applied')),
    body TEXT NOT NULL
) STRICT;
CREATE INDEX resolution_proposal ON resolution (proposal, seq);

CREATE TABLE reveal (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    subject TEXT NOT NULL,
    operator TEXT NOT NULL,
    outcome TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX reveal_subject ON reveal (subject, seq);

-- The chain has no gaps and grows at its end only.
CREATE TRIGGER event_grows BEFORE INSERT ON event
WHEN NEW.seq <> coalesce((SELECT max(seq) FROM event), 0) + 1
BEGIN
    SELECT raise(ABORT, 'event: not the next number');
END;

-- Evidence has the handle of its call but for the prefix, so the index on query_audit finds it, too.
CREATE TRIGGER evidence_of_call BEFORE INSERT ON evidence
WHEN NEW.id IS NOT (SELECT 'ev' || substr(id, 4) FROM query_audit WHERE seq = NEW.seq)
BEGIN
    SELECT raise(ABORT, 'evidence: not of its call');
END;

-- The transition table of core.proposal, once more where no program can go around it.
CREATE TRIGGER proposal_starts BEFORE INSERT ON proposal
WHEN NEW.status <> 'review_required'
BEGIN
    SELECT raise(ABORT, 'proposal: starts in review');
END;
CREATE TRIGGER proposal_moves BEFORE UPDATE ON proposal
WHEN NOT (
    (OLD.status = 'review_required' AND NEW.status IN ('approved', 'rejected', 'expired', 'canceled', 'superseded'))
    OR (OLD.status = 'approved' AND NEW.status IN ('applied', 'conflict', 'failed', 'canceled', 'reconciliation_required'))
    OR (OLD.status = 'reconciliation_required' AND NEW.status IN ('applied', 'failed'))
)
BEGIN
    SELECT raise(ABORT, 'proposal: no such step');
END;
CREATE TRIGGER proposal_needs_quorum BEFORE UPDATE ON proposal
WHEN NEW.status = 'approved' AND NEW.quorum > (
    SELECT count(DISTINCT operator) FROM decision WHERE proposal = NEW.id AND verdict = 'approve'
)
BEGIN
    SELECT raise(ABORT, 'proposal: no quorum');
END;
CREATE TRIGGER proposal_needs_no_reject BEFORE UPDATE ON proposal
WHEN OLD.status = 'review_required' AND (NEW.status = 'rejected') <> EXISTS (SELECT 1 FROM decision WHERE proposal = NEW.id AND verdict = 'reject')
BEGIN
    SELECT raise(ABORT, 'proposal: no such decision');
END;
CREATE TRIGGER decision_in_review BEFORE INSERT ON decision
WHEN (SELECT status FROM proposal WHERE id = NEW.proposal) <> 'review_required'
BEGIN
    SELECT raise(ABORT, 'decision: nothing to decide');
END;
CREATE TRIGGER question_in_review BEFORE INSERT ON question
WHEN (SELECT status FROM proposal WHERE id = NEW.proposal) <> 'review_required'
BEGIN
    SELECT raise(ABORT, 'question: nothing to decide');
END;
CREATE TRIGGER shadow_request_in_review BEFORE INSERT ON shadow_request
WHEN (SELECT status FROM proposal WHERE id = NEW.proposal) <> 'review_required'
BEGIN
    SELECT raise(ABORT, 'shadow_request: nothing to decide');
END;
CREATE TRIGGER measurement_in_review BEFORE INSERT ON measurement
WHEN (SELECT status FROM proposal WHERE id = NEW.proposal) <> 'review_required'
BEGIN
    SELECT raise(ABORT, 'measurement: nothing to decide');
END;
CREATE TRIGGER answer_of_a_question BEFORE INSERT ON answer
WHEN (SELECT status FROM proposal WHERE id = NEW.proposal) <> 'review_required'
    OR (SELECT proposal FROM question WHERE id = NEW.question) <> NEW.proposal
BEGIN
    SELECT raise(ABORT, 'answer: nobody asks');
END;
CREATE TRIGGER proposal_needs_settlement BEFORE UPDATE ON proposal
WHEN OLD.status = 'approved' AND NOT EXISTS (SELECT 1 FROM settlement WHERE proposal = NEW.id AND status = NEW.status)
BEGIN
    SELECT raise(ABORT, 'proposal: no settlement');
END;
CREATE TRIGGER proposal_needs_resolution BEFORE UPDATE ON proposal
WHEN OLD.status = 'reconciliation_required' AND NOT EXISTS (
    SELECT 1 FROM resolution WHERE proposal = NEW.id AND verdict = CASE NEW.status WHEN 'applied' THEN 'applied' ELSE 'not_applied' END
)
BEGIN
    SELECT raise(ABORT, 'proposal: nobody resolved it');
END;
CREATE TRIGGER resolution_in_doubt BEFORE INSERT ON resolution
WHEN (SELECT status FROM proposal WHERE id = NEW.proposal) <> 'reconciliation_required'
BEGIN
    SELECT raise(ABORT, 'resolution: nothing to resolve');
END;
CREATE TRIGGER proposal_with_its_group BEFORE UPDATE ON proposal
WHEN NEW.group_id IS NOT NULL AND (OLD.status = 'approved' OR NEW.status = 'approved') AND EXISTS (
    SELECT 1 FROM proposal WHERE group_id = NEW.group_id AND id <> NEW.id AND status NOT IN (OLD.status, NEW.status)
)
BEGIN
    SELECT raise(ABORT, 'proposal: not with its group');
END;
CREATE TRIGGER proposal_fixed BEFORE UPDATE OF seq, id, at, tenant, principal, capability, contract, source, request, quorum, policy, workflow, run, group_id, shadow, expires_at, body ON proposal
BEGIN
    SELECT raise(ABORT, 'proposal: append only');
END;
CREATE TRIGGER proposal_kept BEFORE DELETE ON proposal
BEGIN
    SELECT raise(ABORT, 'proposal: append only');
END;

CREATE TRIGGER job_starts BEFORE INSERT ON job
WHEN NEW.open <> 1 OR NEW.attempt <> 0
BEGIN
    SELECT raise(ABORT, 'job: starts open');
END;
CREATE TRIGGER job_of_a_group BEFORE INSERT ON job
WHEN EXISTS (
    SELECT 1 FROM proposal AS own JOIN proposal AS other ON other.group_id = own.group_id JOIN job ON job.proposal = other.id WHERE own.id = NEW.proposal
)
BEGIN
    SELECT raise(ABORT, 'job: its group has one');
END;
CREATE TRIGGER job_rows AFTER INSERT ON job
BEGIN
    INSERT INTO job_row (target, seq, own) SELECT r.target, NEW.seq, max(r.own) FROM proposal_row AS r WHERE r.proposal IN (
        SELECT NEW.proposal
        UNION SELECT other.id FROM proposal AS own JOIN proposal AS other ON other.group_id = own.group_id WHERE own.id = NEW.proposal
    ) GROUP BY r.target;
END;
CREATE TRIGGER job_rows_end AFTER UPDATE OF open ON job
WHEN NEW.open = 0
BEGIN
    DELETE FROM job_row WHERE seq = NEW.seq;
END;
CREATE TRIGGER job_stays_closed BEFORE UPDATE ON job
WHEN OLD.open = 0
BEGIN
    SELECT raise(ABORT, 'job: closed');
END;
CREATE TRIGGER job_closes BEFORE UPDATE OF open ON job
WHEN NEW.open = 0 AND NOT EXISTS (SELECT 1 FROM settlement WHERE job = NEW.id) AND NOT EXISTS (
    SELECT 1 FROM event WHERE subject = NEW.proposal AND kind = 'job_set_aside' AND kind <> 'read'
)
BEGIN
    SELECT raise(ABORT, 'job: not settled');
END;
CREATE TRIGGER job_counts BEFORE UPDATE OF attempt ON job
WHEN NEW.attempt < OLD.attempt
BEGIN
    SELECT raise(ABORT, 'job: attempts only grow');
END;
CREATE TRIGGER job_parks BEFORE UPDATE OF parked ON job
WHEN NEW.parked IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM event WHERE subject = NEW.proposal AND kind = 'job_parked' AND kind <> 'read'
)
BEGIN
    SELECT raise(ABORT, 'job: not given up');
END;
CREATE TRIGGER job_unparks BEFORE UPDATE OF parked ON job
WHEN OLD.parked IS NOT NULL AND NEW.parked IS NULL AND NOT EXISTS (
    SELECT 1 FROM instruction WHERE job = NEW.id AND seq > (
        SELECT max(seq) FROM event WHERE subject = NEW.proposal AND kind = 'job_parked' AND kind <> 'read'
    )
)
BEGIN
    SELECT raise(ABORT, 'job: nobody has it tried again');
END;
CREATE TRIGGER job_accepts BEFORE UPDATE OF accepted ON job
WHEN OLD.accepted IS NOT NULL OR NOT EXISTS (
    SELECT 1 FROM event WHERE subject = NEW.proposal AND kind = 'job_accepted' AND kind <> 'read'
)
BEGIN
    SELECT raise(ABORT, 'job: not accepted');
END;
CREATE TRIGGER instruction_of_an_open_job BEFORE INSERT ON instruction
WHEN NOT EXISTS (SELECT 1 FROM job WHERE id = NEW.job AND proposal = NEW.proposal AND open = 1)
BEGIN
    SELECT raise(ABORT, 'instruction: no such job');
END;
CREATE TRIGGER job_fixed BEFORE UPDATE OF seq, id, at, proposal, decision, source, body ON job
BEGIN
    SELECT raise(ABORT, 'job: append only');
END;
CREATE TRIGGER job_kept BEFORE DELETE ON job
BEGIN
    SELECT raise(ABORT, 'job: append only');
END;

CREATE TRIGGER spent_counts BEFORE UPDATE ON spent
WHEN NEW.calls <> OLD.calls + 1 OR NEW.day <> OLD.day OR NEW.caller <> OLD.caller OR NEW.variant <> OLD.variant
BEGIN
    SELECT raise(ABORT, 'spent: counts by one');
END;

CREATE TRIGGER migration_fixed BEFORE UPDATE ON migration
BEGIN
    SELECT raise(ABORT, 'migration: append only');
END;
CREATE TRIGGER migration_kept BEFORE DELETE ON migration
BEGIN
    SELECT raise(ABORT, 'migration: append only');
END;
CREATE TRIGGER ledger_fixed BEFORE UPDATE ON ledger
BEGIN
    SELECT raise(ABORT, 'ledger: append only');
END;
CREATE TRIGGER ledger_kept BEFORE DELETE ON ledger
BEGIN
    SELECT raise(ABORT, 'ledger: append only');
END;
CREATE TRIGGER event_fixed BEFORE UPDATE ON event
BEGIN
    SELECT raise(ABORT, 'event: append only');
END;
CREATE TRIGGER event_kept BEFORE DELETE ON event
BEGIN
    SELECT raise(ABORT, 'event: append only');
END;
CREATE TRIGGER checkpoint_fixed BEFORE UPDATE ON checkpoint
BEGIN
    SELECT raise(ABORT, 'checkpoint: append only');
END;
CREATE TRIGGER checkpoint_kept BEFORE DELETE ON checkpoint
BEGIN
    SELECT raise(ABORT, 'checkpoint: append only');
END;
CREATE TRIGGER query_audit_fixed BEFORE UPDATE ON query_audit
BEGIN
    SELECT raise(ABORT, 'query_audit: append only');
END;
CREATE TRIGGER query_audit_kept BEFORE DELETE ON query_audit
BEGIN
    SELECT raise(ABORT, 'query_audit: append only');
END;
CREATE TRIGGER evidence_fixed BEFORE UPDATE ON evidence
BEGIN
    SELECT raise(ABORT, 'evidence: append only');
END;
CREATE TRIGGER evidence_kept BEFORE DELETE ON evidence
BEGIN
    SELECT raise(ABORT, 'evidence: append only');
END;
CREATE TRIGGER contract_version_fixed BEFORE UPDATE ON contract_version
BEGIN
    SELECT raise(ABORT, 'contract_version: append only');
END;
CREATE TRIGGER contract_version_kept BEFORE DELETE ON contract_version
BEGIN
    SELECT raise(ABORT, 'contract_version: append only');
END;
CREATE TRIGGER activation_fixed BEFORE UPDATE ON activation
BEGIN
    SELECT raise(ABORT, 'activation: append only');
END;
CREATE TRIGGER activation_kept BEFORE DELETE ON activation
BEGIN
    SELECT raise(ABORT, 'activation: append only');
END;
CREATE TRIGGER proposal_row_fixed BEFORE UPDATE ON proposal_row
BEGIN
    SELECT raise(ABORT, 'proposal_row: append only');
END;
CREATE TRIGGER proposal_row_kept BEFORE DELETE ON proposal_row
BEGIN
    SELECT raise(ABORT, 'proposal_row: append only');
END;
CREATE TRIGGER review_branch_fixed BEFORE UPDATE ON review_branch
BEGIN
    SELECT raise(ABORT, 'review_branch: append only');
END;
CREATE TRIGGER review_branch_kept BEFORE DELETE ON review_branch
BEGIN
    SELECT raise(ABORT, 'review_branch: append only');
END;
CREATE TRIGGER decision_fixed BEFORE UPDATE ON decision
BEGIN
    SELECT raise(ABORT, 'decision: append only');
END;
CREATE TRIGGER decision_kept BEFORE DELETE ON decision
BEGIN
    SELECT raise(ABORT, 'decision: append only');
END;
CREATE TRIGGER shadow_request_fixed BEFORE UPDATE ON shadow_request
BEGIN
    SELECT raise(ABORT, 'shadow_request: append only');
END;
CREATE TRIGGER shadow_request_kept BEFORE DELETE ON shadow_request
BEGIN
    SELECT raise(ABORT, 'shadow_request: append only');
END;
CREATE TRIGGER measurement_fixed BEFORE UPDATE ON measurement
BEGIN
    SELECT raise(ABORT, 'measurement: append only');
END;
CREATE TRIGGER measurement_kept BEFORE DELETE ON measurement
BEGIN
    SELECT raise(ABORT, 'measurement: append only');
END;
CREATE TRIGGER question_fixed BEFORE UPDATE ON question
BEGIN
    SELECT raise(ABORT, 'question: append only');
END;
CREATE TRIGGER question_kept BEFORE DELETE ON question
BEGIN
    SELECT raise(ABORT, 'question: append only');
END;
CREATE TRIGGER answer_fixed BEFORE UPDATE ON answer
BEGIN
    SELECT raise(ABORT, 'answer: append only');
END;
CREATE TRIGGER answer_kept BEFORE DELETE ON answer
BEGIN
    SELECT raise(ABORT, 'answer: append only');
END;
CREATE TRIGGER refused_decision_fixed BEFORE UPDATE ON refused_decision
BEGIN
    SELECT raise(ABORT, 'refused_decision: append only');
END;
CREATE TRIGGER refused_decision_kept BEFORE DELETE ON refused_decision
BEGIN
    SELECT raise(ABORT, 'refused_decision: append only');
END;
CREATE TRIGGER refused_login_fixed BEFORE UPDATE ON refused_login
BEGIN
    SELECT raise(ABORT, 'refused_login: append only');
END;
CREATE TRIGGER refused_login_kept BEFORE DELETE ON refused_login
BEGIN
    SELECT raise(ABORT, 'refused_login: append only');
END;
CREATE TRIGGER policy_use_fixed BEFORE UPDATE ON policy_use
BEGIN
    SELECT raise(ABORT, 'policy_use: append only');
END;
CREATE TRIGGER policy_use_kept BEFORE DELETE ON policy_use
BEGIN
    SELECT raise(ABORT, 'policy_use: append only');
END;
CREATE TRIGGER policy_switch_fixed BEFORE UPDATE ON policy_switch
BEGIN
    SELECT raise(ABORT, 'policy_switch: append only');
END;
CREATE TRIGGER policy_switch_kept BEFORE DELETE ON policy_switch
BEGIN
    SELECT raise(ABORT, 'policy_switch: append only');
END;
CREATE TRIGGER worker_pause_fixed BEFORE UPDATE ON worker_pause
BEGIN
    SELECT raise(ABORT, 'worker_pause: append only');
END;
CREATE TRIGGER worker_pause_kept BEFORE DELETE ON worker_pause
BEGIN
    SELECT raise(ABORT, 'worker_pause: append only');
END;
CREATE TRIGGER instruction_fixed BEFORE UPDATE ON instruction
BEGIN
    SELECT raise(ABORT, 'instruction: append only');
END;
CREATE TRIGGER instruction_kept BEFORE DELETE ON instruction
BEGIN
    SELECT raise(ABORT, 'instruction: append only');
END;
CREATE TRIGGER receipt_fixed BEFORE UPDATE ON receipt
BEGIN
    SELECT raise(ABORT, 'receipt: append only');
END;
CREATE TRIGGER receipt_kept BEFORE DELETE ON receipt
BEGIN
    SELECT raise(ABORT, 'receipt: append only');
END;
CREATE TRIGGER settlement_fixed BEFORE UPDATE ON settlement
BEGIN
    SELECT raise(ABORT, 'settlement: append only');
END;
CREATE TRIGGER settlement_kept BEFORE DELETE ON settlement
BEGIN
    SELECT raise(ABORT, 'settlement: append only');
END;
CREATE TRIGGER resolution_fixed BEFORE UPDATE ON resolution
BEGIN
    SELECT raise(ABORT, 'resolution: append only');
END;
CREATE TRIGGER resolution_kept BEFORE DELETE ON resolution
BEGIN
    SELECT raise(ABORT, 'resolution: append only');
END;
CREATE TRIGGER reveal_fixed BEFORE UPDATE ON reveal
BEGIN
    SELECT raise(ABORT, 'reveal: append only');
END;
CREATE TRIGGER reveal_kept BEFORE DELETE ON reveal
BEGIN
    SELECT raise(ABORT, 'reveal: append only');
END;
