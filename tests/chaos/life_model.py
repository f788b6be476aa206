"""What should become of proposals, in plain Python: the rows, the proposals, the source's receipts and the time, and nothing else."""

from dataclasses import dataclass, field

HOUR = 3600.0
WAITS = 72 * HOUR
"""How long a proposal waits for a decision."""
COUNTS = 24 * HOUR
"""How long an approval counts."""
APART = 300.0
"""How far a clock may be behind the one that dated an approval."""
LEASE = 30.0
LONGEST = 600.0
"""For how long a job is held or put off at most."""
EDITS = 8
"""How often what was asked for may be amended."""
NOTHING_YET = (
    "work.leased",
    "apply.begun",
    "apply.receipt_inserted",
    "apply.row_locked",
    "apply.row_changed",
    "apply.row_checked",
    "apply.before_commit",
    "apply.verdict_begun",
    "apply.verdict_before_commit",
)
"""Steps at which a worker that dies has left nothing in the source."""
SETTLED = "work.settled"


@dataclass(frozen=True)
class Row:
    """A row as anybody sees it."""

    amount: int
    note: str
    version: int


@dataclass
class Wanted:
    """One proposal.

    Attributes:
        seen: its rows as they were when it was made; None where there was none.
        wants: amount and note that it asks for; None where the row is to be gone.
        of: the proposal that it undoes.
        edits: how many amendments it is away from what was asked for.
        free: from when on another worker may take its job, for its lease is over.
        later: from when on it may, for its approval is not to come any more; who leases the job leaves that as it was.
        ended: the outcome that the ledger tells.
        left: its rows as the change left them.
    """

    id: str
    digest: str
    kind: str
    seen: dict[str, Row | None]
    wants: dict[str, tuple[int, str] | None]
    version: int
    expires: float
    of: str | None = None
    edits: int = 0
    status: str = "review_required"
    by: str = ""
    approved: float = 0
    order: int = 0
    attempts: int = 0
    free: float = float("-inf")
    later: float = float("-inf")
    receipt: str | None = None
    ended: str = ""
    left: dict[str, Row | None] = field(default_factory=dict)


@dataclass
class Model:
    """The whole of it.

    Attributes:
        active: the version of the contract that is activated.
        revoked: the people whose keys are not trusted any more.
    """

    rows: dict[str, Row] = field(default_factory=dict)
    wanted: dict[str, Wanted] = field(default_factory=dict)
    now: float = 0
    active: int = 0
    revoked: set[str] = field(default_factory=set)
    decided: int = 0

    def may(self, proposal: Wanted, who: str, verdict: str) -> bool:
        """Tell whether somebody may decide so on it."""
        stands = proposal.status == "review_required" and self.now < proposal.expires
        return stands and who not in self.revoked and (verdict == "reject" or proposal.version == self.active)

    def decide(self, proposal: Wanted, who: str, verdict: str) -> None:
        """Decide so."""
        self.decided += 1
        if verdict == "reject":
            proposal.status = "rejected"
        else:
            proposal.status, proposal.by, proposal.approved, proposal.order = "approved", who, self.now, self.decided

    def expire(self, now: float) -> None:
        """Let what waits for a decision for too long expire, by the clock of the worker that looks."""
        for proposal in self.wanted.values():
            if proposal.status == "review_required" and now >= proposal.expires:
                proposal.status = "expired"

    def due(self, now: float) -> Wanted | None:
        """Return the proposal whose job is next: the oldest that is free, with no older open one about one of its rows."""
        open_jobs = sorted((p for p in self.wanted.values() if p.status == "approved"), key=lambda p: p.order)
        for ordinal, proposal in enumerate(open_jobs):
            waits = any(set(older.seen) & set(proposal.seen) for older in open_jobs[:ordinal])
            # What is held for longer than anything is, is so by a clock that was set back since.
            free = proposal.free <= now or proposal.free > now + LONGEST
            if free and proposal.later <= now and not waits:
                return proposal
        return None

    def attempt(self, proposal: Wanted, now: float, died_at: str | None) -> None:
        """Let a worker try to apply it, which may have died at a step of that."""
        proposal.attempts += 1
        proposal.free = now + LEASE
        if died_at in NOTHING_YET:
            return
        trusted = proposal.by not in self.revoked and proposal.version == self.active
        lapsed = now >= proposal.expires or now >= proposal.approved + COUNTS
        if proposal.by not in self.revoked and not lapsed and now < proposal.approved - APART:
            if died_at is None:
                proposal.free, proposal.later = float("-inf"), proposal.approved - APART
            return
        ended = self._at_source(proposal, authorised=trusted and not lapsed)
        if died_at in {None, SETTLED}:
            proposal.ended, proposal.status = ended, "applied" if ended == "already_applied" else ended

    def _at_source(self, proposal: Wanted, *, authorised: bool) -> str:
        """Leave in the source what an attempt leaves, and return what it came to."""
        if proposal.receipt is not None:
            return "already_applied" if proposal.receipt == "applied" else proposal.receipt
        if not authorised:
            if proposal.attempts > 1:  # an earlier attempt may still wake up
                proposal.receipt = "failed"
            return "failed"
        if any(self.rows.get(key) != row for key, row in proposal.seen.items()):
            proposal.receipt = "conflict"
            return "conflict"
        for key, wanted in proposal.wants.items():
            self._write(key, wanted)
        proposal.left = {key: self.rows.get(key) for key in proposal.wants}
        proposal.receipt = "applied"
        return "applied"

    def _write(self, key: str, wanted: tuple[int, str] | None) -> None:
        before = self.rows.get(key)
        if wanted is None:
            del self.rows[key]
        else:
            self.rows[key] = Row(*wanted, before.version + 1 if before else 1)

    def asked_for_before(self, kind: str, seen: dict[str, Row | None]) -> Wanted | None:
        """Return the proposal that stands for the same of the same rows; the others for it, of rows as they were, give way."""
        same = [
            p
            for p in self.wanted.values()
            if (p.kind, p.version, list(p.seen)) == (kind, self.active, list(seen))
            and p.status in {"review_required", "approved"}
        ]
        found = next((p for p in same if self.now < p.expires and p.seen == seen), None)
        if found is None:
            self.fall_behind(same)
        return found

    def fall_behind(self, others: list[Wanted]) -> None:
        """Let those that still wait give way to a new one."""
        for proposal in others:
            if proposal.status == "review_required":
                proposal.status = "superseded" if self.now < proposal.expires else "expired"

    def undo_must_be_filed(self, proposal: Wanted) -> bool:
        """Tell whether an undo must be filed: nothing but the change itself has happened to its rows, and nothing undoes it yet."""
        standing = [
            p
            for p in self.wanted.values()
            if p.of == proposal.id
            and p.status in {"review_required", "approved", "applied"}
            and not (p.status == "review_required" and self.now >= p.expires)
        ]
        recorded = (
            proposal.ended == "applied"
        )  # of an apply whose answer was lost the ledger does not know how it left a row
        as_left = recorded and all(self.rows.get(key) == row for key, row in proposal.left.items())
        return proposal.status == "applied" and proposal.kind in {"set", "set_all", "add"} and as_left and not standing
