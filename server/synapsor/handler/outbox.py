"""An outbox with SQLAlchemy, for effects outside of the database: a job is accepted at once, claimed by one worker, made, and confirmed.

Who claims it passes the claim's key to the outside system as its idempotency key: a worker may die between the effect and the confirmation, and the
next one makes it again. Rows are changed in the transaction that confirms, and are exactly those that were approved.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import Row, Table, and_, exists, or_, select, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from synapsor.handler.answer import Answer, Failed, Refused
from synapsor.handler.job import Change, Job, Malformed
from synapsor.handler.kept import (
    hold,
    insert_entry,
    job_of,
    known,
    lines_of,
    moment,
    never_claimed,
    not_in_hand,
    now_of,
    open_verdict,
    outbox,
    told_of,
    verdict,
)
from synapsor.handler.once import RECEIPTS, Apply, Raced, check_rows, recorded_before
from synapsor.handler.wire import MOST_AGAIN_SECONDS, Ask, Came

log = logging.getLogger("synapsor.handler")

OUTBOX: Final = outbox()
LOCK_SECONDS: Final = 60.0
_MORE: Final = 2
"""How often more a confirmation is tried that the database has undone by itself."""
_WORKER: Final = re.compile(r"[!-~]([ -~]{0,62}[!-~])?", re.ASCII)
Touch: TypeAlias = Callable[[Session, Change], None]
Code: TypeAlias = Literal["claim_lost", "claim_expired", "confirmed_otherwise"]


class Unconfirmed(Exception):
    """A confirmation, or a release, is refused, and nothing was changed: the claim is over or another's, or it was confirmed otherwise."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code = code


class _Broken(Exception):
    """An entry is none that can be read, its parts stand otherwise than each other, or what the application had prepared for it cannot be undone now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right of one worker to make the effect of an entry, and to confirm it.

    Attributes:
        key: what the outside system gets as its idempotency key: the same at every attempt, and of no other job.
        until: the moment, by the database's clock, from which on another may claim it.
        attempt: which one it is, from 1.
        job: what was accepted.
    """

    key: str
    worker: str
    until: dt.datetime
    attempt: int
    job: Job
    token: str = field(repr=False)


def _nothing(_session: Session, _change: Change) -> None:
    """Do nothing."""


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """The outbox of an application; each method takes a session that is in no transaction, and ends its own.

    Attributes:
        apply: makes one change in the session when its effect is confirmed, and returns the rows as they are then; as for `once`.
        prepare: called when a change is accepted: refuses it (`Conflict`, `Failed`), or marks it as on its way.
        undo: takes back what `prepare` did, where nothing comes of it.
        again: in how many seconds it is worth asking again.
        most: after how many claims without an end an entry is dead: nobody claims it, until `revive`.
    """

    apply: Apply
    prepare: Touch = _nothing
    undo: Touch = _nothing
    again: int = 30
    most: int = 10
    table: Table = OUTBOX
    receipts: Table = RECEIPTS

    def __post_init__(self) -> None:
        if not 0 <= self.again <= MOST_AGAIN_SECONDS or self.most < 1:
            raise ValueError("`again` is at most a day of seconds, and `most` at least 1")

    def accept(self, session: Session, job: Job) -> Answer:
        """Accept what a job asks for, once, or say what has come of it. What was accepted is closed only where nobody has ever claimed it, and
        abandoned where nobody has a claim to it that is not over.
        """
        _check_new(session)
        try:
            told = recorded_before(session, job, self.receipts) or self._known(session, job)
            if told is not None:
                return self._taken_back(session, job) or told if told.came is Came.ACCEPTED else told
            if job.ask is Ask.LOOK:
                return Answer.of(job, Came.NOTHING)
            if job.ask in {Ask.CLOSE, Ask.ABANDON}:
                return self._refused(session, job, Failed("closed"))
            return self._accepted(session, job)
        finally:
            session.rollback()

    def claim(self, session: Session, worker: str, *, lock: float = LOCK_SECONDS) -> Claim | None:
        """Take the oldest entry that is due, free, and behind no other about one of its rows; None where there is none.

        Raises:
            ValueError: the worker's name is empty, longer than 64 characters, or not of ASCII.
        """
        if _WORKER.fullmatch(worker) is None:
            raise ValueError("a worker is named by 1 to 64 printable ASCII characters")
        _check_new(session)
        try:
            while (lead := self._due(session)) is not None:
                try:
                    claimed = self._claimed(session, lead, worker, lock)
                except _Broken:
                    log.exception("entry %s is passed over", lead.entry, extra={"action": "outbox_broke"})
                    self._put_aside(session, lead.entry)
                    continue
                if claimed is not None:
                    return claimed
            return None
        finally:
            session.rollback()

    def confirm(
        self, session: Session, claim: Claim, outcome: Literal[Came.APPLIED] | Refused, evidence: bytes | str = b""
    ) -> Answer:
        """Record what has come of an effect, and change the rows with it; the same confirmation again changes nothing, so what the database undoes
        by itself (a deadlock, a lost connection) is done again at once.

        Where the effect was made and its rows cannot be changed as approved, that is recorded (`effect_stands`), for a person.

        Raises:
            Unconfirmed: another has claimed it since (`claim_lost`), the claim's time is over (`claim_expired`), or it was confirmed otherwise
                (`confirmed_otherwise`).
            ValueError: the outcome is none of these, such as `Came.FAILED`; nothing is recorded.
        """
        if not isinstance(outcome, Refused) and outcome is not Came.APPLIED:
            raise ValueError("an effect is confirmed by `Came.APPLIED`, or refused by a `Failed` or a `Conflict`")
        _check_new(session)
        shown = evidence.encode() if isinstance(evidence, str) else evidence
        proof = f"sha256:{hashlib.sha256(shown).hexdigest()}" if shown else ""
        for _ in range(_MORE):
            with contextlib.suppress(DBAPIError):
                return self._confirmed(session, claim, outcome, proof)
        return self._confirmed(session, claim, outcome, proof)

    def _confirmed(
        self, session: Session, claim: Claim, outcome: Literal[Came.APPLIED] | Refused, proof: str
    ) -> Answer:
        said = f"{outcome.came}:{outcome.code}" if isinstance(outcome, Refused) else Came.APPLIED.value
        try:
            lead = self._standing(session, claim)
            if lead.state == "confirmed":
                if (lead.said, lead.evidence) != (said, proof):
                    raise Unconfirmed("confirmed_otherwise")
                return told_of(claim.job, lead)
            if isinstance(outcome, Refused):
                self._touch(session, claim.job, self.undo)
                return self._end(session, claim, outcome.came, outcome.code, said=said, proof=proof)
            return self._made(session, claim, said=said, proof=proof)
        finally:
            session.rollback()

    def release(self, session: Session, claim: Claim, *, wait: float = 0.0) -> None:
        """Give an entry back until later, such as where the outside system cannot be reached.

        Raises:
            Unconfirmed: as for `confirm`.
        """
        _check_new(session)
        try:
            if self._standing(session, claim).state == "confirmed":
                raise Unconfirmed("confirmed_otherwise")
            self._set(session, claim.key, claim="", claimed_until=0, due_at=now_of(session) + int(wait * 1000))
            session.commit()
        finally:
            session.rollback()

    def dead(self, session: Session) -> tuple[tuple[str, str, int], ...]:
        """Return key, proposal and attempts of the entries that nobody claims any more, oldest first."""
        line = self.table.c
        asked = select(line.handled_key, line.proposal, line.attempts).where(line.state == "dead").order_by(line.seq)
        try:
            return tuple((key, proposal, attempts) for key, proposal, attempts in session.execute(asked))
        finally:
            session.rollback()

    def revive(self, session: Session, key: str) -> bool:
        """Let a dead entry be claimed again; its effect may have been made, so it never counts as one that nobody began."""
        _check_new(session)
        line = self.table.c
        dead = and_(
            line.state == "dead", line.entry == select(line.entry).where(line.handled_key == key).scalar_subquery()
        )
        keys = session.execute(select(line.handled_key).where(dead)).scalars().all()
        found = update(self.table).where(line.handled_key.in_(keys), line.state == "dead")
        revived = session.execute(found.values(state="accepted", attempts=1)).rowcount  # type: ignore[attr-defined]  # of an update
        session.commit()
        return bool(revived)

    def _known(self, session: Session, job: Job) -> Answer | None:
        return known(session, job, self.table, again=self.again)

    def _accepted(self, session: Session, job: Job) -> Answer:
        try:
            at = now_of(session)
            insert_entry(session, job, self.table, at=at, verdict=open_verdict())
        except IntegrityError:
            return self._raced(session, job)
        try:
            self._touch(session, job, self.prepare)
            session.flush()
            if job.lapsed(moment(now_of(session))):
                raise Failed("expired")
            session.commit()
        except Refused as refused:
            return self._refused(session, job, refused)
        except IntegrityError:
            return self._refused(session, job, Failed("constraint"))
        except DataError:
            return self._refused(session, job, Failed("value"))
        return Answer.of(job, Came.ACCEPTED, again=self.again)

    def _refused(self, session: Session, job: Job, refused: Refused) -> Answer:
        """Undo what was done and record why, under the same keys as an entry that is accepted."""
        session.rollback()
        try:
            at = now_of(session)
            ended = verdict(refused.came, refused.code, said="", evidence="", at=at)
            insert_entry(session, job, self.table, at=at, verdict=ended)
            session.commit()
        except IntegrityError:
            return self._raced(session, job)
        return Answer.of(job, refused.came, refused.code, refused.detail)

    def _raced(self, session: Session, job: Job) -> Answer:
        session.rollback()
        told = self._known(session, job)
        if told is None:
            raise Raced
        return told

    def _taken_back(self, session: Session, job: Job) -> Answer | None:
        """End an entry as a job asks for it; None where it does not, or it may be done."""
        key = job.changes[0].key
        if job.ask in {Ask.CLOSE, Ask.ABANDON} and self._ended(session, key, "closed", never_claimed):
            return Answer.of(job, Came.FAILED, "closed")
        if job.ask is Ask.ABANDON and self._ended(session, key, "abandoned", not_in_hand):
            return Answer.of(job, Came.FAILED, "abandoned")
        return None

    def _ended(self, session: Session, key: str, code: str, may: Callable[[Row[Any], int], bool]) -> bool:
        """End an entry of which each line may be; from then on nobody claims it, and no claim of before confirms it."""
        hold(session, key, self.table)
        lines, now = lines_of(session, key, self.table), now_of(session)
        if not lines or not all(may(line, now) for line in lines):
            session.rollback()
            return False
        try:
            self._touch(session, job_of(lines), self.undo)
        except Exception as error:
            raise _Broken(key) from error
        self._set(session, key, **verdict(Came.FAILED, code, said="", evidence="", at=now), claim="", claimed_until=0)
        session.commit()
        return True

    def _due(self, session: Session) -> Row[Any] | None:
        """Return the first line of the entry that is to be claimed next; another's that is locked at this moment is passed over."""
        now, line = now_of(session), self.table.c
        mine, older = self.table.alias("mine"), self.table.alias("older")
        meets = or_(older.c.row_of == mine.c.row_of, older.c.row_of == "", mine.c.row_of == "")
        before = exists().where(
            mine.c.entry == line.entry,
            older.c.place == mine.c.place,
            meets,
            older.c.entry != line.entry,
            older.c.state != "confirmed",
            older.c.seq < line.seq,
        )
        free = or_(line.claim == "", line.claimed_until <= now)
        asked = select(self.table).where(
            line.handled_key == line.entry, line.state == "accepted", line.due_at <= now, free, ~before
        )
        return session.execute(asked.order_by(line.seq).limit(1).with_for_update(skip_locked=True)).first()

    def _claimed(self, session: Session, lead: Row[Any], worker: str, lock: float) -> Claim | None:
        """Claim an entry that is due; None where another was quicker, or it has come to its end instead."""
        lines = lines_of(session, lead.entry, self.table)
        if len({(line.state, line.claim, line.attempts) for line in lines}) > 1:  # nobody here leaves it so
            raise _Broken(lead.entry)
        try:
            job = job_of(lines)
        except (Malformed, ValueError) as error:
            raise _Broken(lead.entry) from error
        now = now_of(session)
        if lead.attempts == 0 and job.lapsed(moment(now)):  # nothing was begun, and from now on nothing may be
            session.rollback()
            self._ended(session, lead.entry, "expired", never_claimed)
            return None
        mine = and_(self.table.c.claim == lead.claim, self.table.c.state == "accepted")
        if lead.attempts >= self.most:
            self._set(session, lead.entry, mine, state="dead", claim="", claimed_until=0)
            session.commit()
            log.error("entry %s is dead after %d attempts", lead.entry, lead.attempts, extra={"action": "outbox_dead"})
            return None
        token, until = secrets.token_hex(16), now + int(lock * 1000)
        taken = {"claim": token, "claimed_by": worker, "claimed_until": until, "attempts": lead.attempts + 1}
        if self._set(session, lead.entry, mine, **taken) < len(lines):
            session.rollback()
            return None
        session.commit()
        return Claim(
            key=lead.entry, worker=worker, until=moment(until), attempt=lead.attempts + 1, job=job, token=token
        )

    def _put_aside(self, session: Session, key: str) -> None:
        """Pass over an entry that can be neither claimed nor ended now, for a while: it would be the next again, and keep all others waiting."""
        session.rollback()
        later = now_of(session) + int(LOCK_SECONDS * 1000)
        self._set(session, key, self.table.c.state == "accepted", due_at=later)
        session.commit()

    def _standing(self, session: Session, claim: Claim) -> Row[Any]:
        """Lock the entry of a claim and return its first line; one that was confirmed stays confirmed by its last claim.

        Raises:
            Unconfirmed: the claim is another's by now, or its time is over.
        """
        hold(session, claim.key, self.table)
        lines = lines_of(session, claim.key, self.table)
        if not lines or not secrets.compare_digest(lines[0].claim, claim.token):
            raise Unconfirmed("claim_lost")
        if lines[0].state != "confirmed" and lines[0].claimed_until <= now_of(session):
            raise Unconfirmed("claim_expired")
        return lines[0]

    def _made(self, session: Session, claim: Claim, *, said: str, proof: str) -> Answer:
        """Change the rows of an effect that was made, or record that they cannot be changed."""
        try:
            for change in claim.job.changes:
                check_rows(change, self.apply(session, change))
            session.flush()
            return self._end(session, claim, Came.APPLIED, "", said=said, proof=proof)
        except (Refused, IntegrityError, DataError) as error:
            session.rollback()
            what = error.code if isinstance(error, Refused) else type(error).__name__  # no values
            extra = {"action": "effect_stands", "proposal": claim.job.changes[0].proposal}
            log.warning("the effect of %s stands without its rows: %s", claim.key, what, extra=extra)
            self._standing(session, claim)
            return self._end(session, claim, Came.CONFLICT, "effect_stands", said=said, proof=proof)

    def _end(self, session: Session, claim: Claim, came: Came, code: str, *, said: str, proof: str) -> Answer:
        self._set(session, claim.key, **verdict(came, code, said=said, evidence=proof, at=now_of(session)))
        lead = lines_of(session, claim.key, self.table)[0]
        session.commit()
        return told_of(claim.job, lead)

    def _touch(self, session: Session, job: Job, touch: Touch) -> None:
        for change in job.changes:
            touch(session, change)

    def _set(self, session: Session, key: str, *where: Any, **values: Any) -> int:
        found = update(self.table).where(self.table.c.entry == key, *where)
        return int(session.execute(found.values(values)).rowcount)  # type: ignore[attr-defined]  # of an update it is there


def _check_new(session: Session) -> None:
    if session.in_transaction():
        raise ValueError("the session is in a transaction already; give a new one")
