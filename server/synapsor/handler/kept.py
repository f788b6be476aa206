"""What an outbox keeps, with SQLAlchemy: its table, the database's clock, and an entry: a line for each change of a job, all in one state."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, Row, String, Table, Text, insert, select, text, update
from sqlalchemy.dialects.mysql import LONGTEXT
from sqlalchemy.orm import Session

from synapsor.handler.answer import Answer, Confirmation
from synapsor.handler.entries import NAME
from synapsor.handler.job import Change, Job, read
from synapsor.handler.wire import NAME as PROTOCOL
from synapsor.handler.wire import VERSION, Ask, Came

_NOW: Final = {
    "postgresql": text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"),
    "mysql": text("SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000"),
    "sqlite": text("SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"),
}
_NEW: Final = {"claim": "", "claimed_by": "", "claimed_until": 0, "attempts": 0}


def outbox(name: str = NAME, *, schema: str | None = None, metadata: MetaData | None = None) -> Table:
    """Return the table of an outbox, for an application that names it otherwise."""
    words = {"handled_key": 64, "entry": 64, "job": 64, "digest": 71, "proposal": 64, "place": 64, "row_of": 64}
    more = {"state": 16, "claim": 64, "claimed_by": 64, "said": 96, "outcome": 16, "code": 64, "evidence": 71}
    numbers = ("accepted_at", "due_at", "claimed_until", "confirmed_at")
    return Table(
        name,
        metadata if metadata is not None else MetaData(),
        Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        *(Column(word, String(size), nullable=False) for word, size in {**words, **more}.items()),
        *(Column(number, BigInteger, nullable=False) for number in numbers),
        Column("attempts", Integer, nullable=False),
        Column("body", Text().with_variant(LONGTEXT(), "mysql", "mariadb"), nullable=False),
        schema=schema,
    )


def now_of(session: Session) -> int:
    """Return the database's own moment, in milliseconds: no clock of another machine is asked."""
    name = session.connection().dialect.name
    return int(session.execute(_NOW["mysql" if name == "mariadb" else name]).scalar_one())


def moment(milliseconds: int) -> dt.datetime:
    """Return a moment of the table."""
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC)


def insert_entry(session: Session, job: Job, table: Table, *, at: int, verdict: Mapping[str, Any]) -> None:
    """Add an entry with what is known of it; its keys meet those of another call for the same job."""
    for change in job.changes:
        line = {
            "handled_key": change.key,
            "entry": job.changes[0].key,
            "job": job.id,
            "digest": change.digest,
            "proposal": change.proposal,
            "place": _hash(change.relation),
            "row_of": _row_of(change),
            "body": json.dumps(_told(change)),
            "accepted_at": at,
            "due_at": 0,  # at once, whatever becomes of the clock
            **_NEW,
            **verdict,
        }
        session.execute(insert(table).values(line))


def lines_of(session: Session, key: str, table: Table) -> Sequence[Row[Any]]:
    """Return the lines of an entry, the first one first."""
    return session.execute(select(table).where(table.c.entry == key).order_by(table.c.seq)).all()


def hold(session: Session, key: str, table: Table) -> None:
    """Lock an entry until the end of the transaction; nobody claims it, or confirms it, meanwhile."""
    session.execute(update(table).where(table.c.entry == key).values(attempts=table.c.attempts))


def open_verdict() -> dict[str, Any]:
    """Return the columns of an entry of which nothing has come yet."""
    return {"state": "accepted", "said": "", "outcome": "", "code": "", "evidence": "", "confirmed_at": 0}


def verdict(came: Came, code: str, *, said: str, evidence: str, at: int) -> dict[str, Any]:
    """Return the columns of an entry of which this has come."""
    return {
        "state": "confirmed",
        "said": said,
        "outcome": came.value,
        "code": code,
        "evidence": evidence,
        "confirmed_at": at,
    }


def known(session: Session, job: Job, table: Table, *, again: int) -> Answer | None:
    """Return what is recorded under the keys of a job, which were recorded together; None where nothing is."""
    keys = [change.key for change in job.changes]
    found = {line.handled_key: line for line in session.execute(select(table).where(table.c.handled_key.in_(keys)))}
    session.rollback()
    if not found:
        return None
    if any(change.key in found and found[change.key].digest != change.digest for change in job.changes):
        return Answer.of(job, Came.CONFLICT, "receipt_of_another_digest")
    if len(found) < len(keys) or len({line.entry for line in found.values()}) > 1:
        return Answer.of(job, Came.CONFLICT, "receipts_differ")
    return told_of(job, found[keys[0]], again=again)


def told_of(job: Job, line: Row[Any], *, again: int = 0) -> Answer:
    """Return what an entry says has come of its job."""
    if line.state == "dead":
        return Answer.of(job, Came.ACCEPTED, detail=f"dead after {line.attempts} attempts", again=again)
    if line.state != "confirmed":
        return Answer.of(job, Came.ACCEPTED, again=again)
    at = f"{moment(line.confirmed_at):%Y-%m-%dT%H:%M:%S.%f}Z"
    confirmed = Confirmation(by=line.claimed_by, at=at, evidence=line.evidence) if line.claim else None
    came = Came.ALREADY_APPLIED if line.outcome == Came.APPLIED else Came(line.outcome)
    return Answer.of(job, came, line.code, confirmed=confirmed)


def never_claimed(line: Row[Any], _now: int) -> bool:
    """Tell whether certainly nothing was begun."""
    return bool(line.state == "accepted" and not line.attempts)


def not_in_hand(line: Row[Any], now: int) -> bool:
    """Tell whether nobody can confirm it any more, whatever was begun before."""
    return bool(line.state != "confirmed" and (line.claim == "" or line.claimed_until <= now))


def job_of(lines: Sequence[Row[Any]]) -> Job:
    """Return the job of an entry, as it was accepted."""
    changes = [json.loads(line.body) for line in lines]
    return read(
        json.dumps({PROTOCOL: VERSION, "ask": Ask.APPLY.value, "job": lines[0].job, "changes": changes}).encode()
    )


def _told(change: Change) -> dict[str, Any]:
    return {
        "key": change.key,
        "proposal": change.proposal,
        "digest": change.digest,
        "capability": change.capability,
        "operation": change.operation,
        "relation": change.relation,
        "tenant": change.tenant,
        "principal": change.principal,
        "scope": dict(change.tokens),
        "columns": dict(change.columns),
        "expires_at": change.expires_at.isoformat(),
        "members": [{part: dict(tokens) for part, tokens in member.tokens.items()} for member in change.members],
    }


def _row_of(change: Change) -> str:
    """Return by what two entries about the same row meet; "" of one about several rows, which meets all of its relation."""
    if len(change.members) != 1:
        return ""
    if not change.members[0].tokens["key"]:  # an insert that nothing names is a row of its own
        return _hash(change.key)
    return _hash(json.dumps([dict(change.tokens), dict(change.members[0].tokens["key"])], sort_keys=True))


def _hash(told: str) -> str:
    return hashlib.sha256(told.encode()).hexdigest()
