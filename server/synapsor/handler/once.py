"""Apply a job once with SQLAlchemy: its receipts commit with the change, and whoever asks again under the same key gets the same answer.

Two calls with one key meet at the receipt's primary key: one makes the change, and the other one waits for it and reads what came of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import Column, DateTime, MetaData, String, Table, insert, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

from synapsor.handler.answer import Answer, Failed, Refused
from synapsor.handler.job import Change, Job
from synapsor.handler.receipts import NAME
from synapsor.handler.values import is_same
from synapsor.handler.wire import Ask, Came

Rows: TypeAlias = Sequence[Mapping[Any, Any] | None]
"""The rows of a change after it, in the order of its members, as the database has them; None of a row that is gone."""
Apply: TypeAlias = Callable[[Session, Change], Rows]
ApplyAsync: TypeAlias = Callable[[AsyncSession, Change], Awaitable[Rows]]
Clock: TypeAlias = Callable[[], dt.datetime]


def _utc() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def receipts(name: str = NAME, *, schema: str | None = None, metadata: MetaData | None = None) -> Table:
    """Return the table of receipts, for an application that names it otherwise or makes it by its own migrations."""
    return Table(
        name,
        metadata if metadata is not None else MetaData(),
        Column("handled_key", String(64), primary_key=True),
        Column("digest", String(71), nullable=False),
        Column("proposal", String(64), nullable=False),
        Column("outcome", String(16), nullable=False),
        Column("code", String(64), nullable=False),
        Column("handled_at", DateTime(timezone=True), nullable=False),
        schema=schema,
    )


RECEIPTS: Final = receipts()


class Raced(Exception):
    """Another call with the same key was undone while this one waited for it. Nothing was done; the worker asks again."""


def once(session: Session, job: Job, apply: Apply, *, table: Table = RECEIPTS, now: Clock = _utc) -> Answer:
    """Do what a job asks for, once, and return what has come of it.

    `apply` makes one change in the session, raises `Conflict` or `Failed` where it does not, and returns the rows as they are then; it
    neither commits nor rolls back. What the database's own rules refuse, or what is not exactly what was approved, is undone and recorded.

    Raises:
        ValueError: the session is in a transaction, whose commit would not be this one's.
    """
    if session.in_transaction():
        raise ValueError("the session is in a transaction already; give a new one")
    try:
        known = recorded_before(session, job, table)
        if known is not None:
            return known
        if job.ask is Ask.LOOK:
            return Answer.of(job, Came.NOTHING)
        if job.ask in {Ask.CLOSE, Ask.ABANDON}:
            return _recorded(session, job, Failed("closed"), table, now)
        return _applied(session, job, apply, table, now)
    finally:
        session.rollback()


async def once_async(
    session: AsyncSession, job: Job, apply: ApplyAsync, *, table: Table = RECEIPTS, now: Clock = _utc
) -> Answer:
    """Do the same with an asynchronous session and an asynchronous `apply`."""

    def made(_: Session, change: Change) -> Rows:
        rows: Rows = await_only(apply(session, change))
        return rows

    return await session.run_sync(once, job, made, table=table, now=now)


def _applied(session: Session, job: Job, apply: Apply, table: Table, now: Clock) -> Answer:
    try:
        _leave(session, job, Came.APPLIED, "", table, now)
    except IntegrityError:
        return _raced(session, job, table)
    try:
        for change in job.changes:
            check_rows(change, apply(session, change))
        session.flush()
        if job.lapsed(now()):
            raise Failed("expired")
        session.commit()
    except Refused as refused:
        return _recorded(session, job, refused, table, now)
    except IntegrityError:
        return _recorded(session, job, Failed("constraint"), table, now)
    except DataError:
        return _recorded(session, job, Failed("value"), table, now)
    return Answer.of(job, Came.APPLIED)


def _recorded(session: Session, job: Job, refused: Refused, table: Table, now: Clock) -> Answer:
    """Undo what was done and record why, so that a later attempt gets the same answer."""
    session.rollback()
    try:
        _leave(session, job, refused.came, refused.code, table, now)
        session.commit()
    except IntegrityError:
        return _raced(session, job, table)
    return Answer.of(job, refused.came, refused.code, refused.detail)


def _raced(session: Session, job: Job, table: Table) -> Answer:
    session.rollback()
    known = recorded_before(session, job, table)
    if known is None:
        raise Raced
    return known


def _leave(session: Session, job: Job, came: Came, code: str, table: Table, now: Clock) -> None:
    # In the order of their keys, so that no two jobs wait for each other's receipts.
    for change in sorted(job.changes, key=lambda each: each.key):
        session.execute(
            insert(table).values(
                handled_key=change.key,
                digest=change.digest,
                proposal=change.proposal,
                outcome=came.value,
                code=code,
                handled_at=now(),
            )
        )


def recorded_before(session: Session, job: Job, table: Table) -> Answer | None:
    """Return what is recorded under the keys of a job, which were recorded together; None where nothing is."""
    keys = [change.key for change in job.changes]
    asked = select(table.c.handled_key, table.c.digest, table.c.outcome, table.c.code).where(
        table.c.handled_key.in_(keys)
    )
    found = {key: (digest, outcome, code) for key, digest, outcome, code in session.execute(asked)}
    session.rollback()
    if not found:
        return None
    if any(change.key in found and found[change.key][0] != change.digest for change in job.changes):
        return Answer.of(job, Came.CONFLICT, "receipt_of_another_digest")
    verdicts = {(outcome, code) for _, outcome, code in found.values()}
    if len(found) < len(keys) or len(verdicts) > 1:
        return Answer.of(job, Came.CONFLICT, "receipts_differ")
    ((outcome, code),) = verdicts
    return Answer.of(job, Came.ALREADY_APPLIED if outcome == Came.APPLIED else Came(outcome), code)


def check_rows(change: Change, rows: Rows) -> None:
    """Refuse rows that are not exactly those that were approved; they are undone then, whatever was meant."""
    if len(rows) != len(change.members):
        raise Failed("after_image")
    for member, row in zip(change.members, rows, strict=True):
        if change.operation == "delete":
            exact = row is None
        else:
            # Whose row it is, as far as the application gives that back.
            whose = {name: token for name, token in change.tokens.items() if row is not None and name in row}
            told = {**whose, **member.tokens["key"], **member.tokens["changes"]}
            exact = row is not None and all(
                name in row and is_same(token, row[name], change.columns[name]) for name, token in told.items()
            )
        if not exact:
            raise Failed("after_image")
