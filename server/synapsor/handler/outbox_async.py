"""The same outbox over an asynchronous session, with the application's own code asynchronous as well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

from synapsor.handler.answer import Answer, Refused
from synapsor.handler.job import Change, Job
from synapsor.handler.once import RECEIPTS, ApplyAsync, Rows
from synapsor.handler.outbox import LOCK_SECONDS, OUTBOX, Claim, Outbox
from synapsor.handler.wire import Came

TouchAsync: TypeAlias = Callable[[AsyncSession, Change], Awaitable[None]]


async def _nothing(_session: AsyncSession, _change: Change) -> None:
    """Do nothing."""


@dataclass(frozen=True, kw_only=True)
class AsyncOutbox:
    """`Outbox` for asynchronous sessions; its attributes and methods mean the same."""

    apply: ApplyAsync
    prepare: TouchAsync = _nothing
    undo: TouchAsync = _nothing
    again: int = 30
    most: int = 10
    table: Table = OUTBOX
    receipts: Table = RECEIPTS

    async def accept(self, session: AsyncSession, job: Job) -> Answer:
        """Accept what a job asks for, or say what has come of it."""
        return await session.run_sync(self._over(session).accept, job)

    async def claim(self, session: AsyncSession, worker: str, *, lock: float = LOCK_SECONDS) -> Claim | None:
        """Take the oldest entry that is due and free."""
        return await session.run_sync(self._over(session).claim, worker, lock=lock)

    async def confirm(
        self, session: AsyncSession, claim: Claim, outcome: Literal[Came.APPLIED] | Refused, evidence: bytes | str = b""
    ) -> Answer:
        """Record what has come of an effect."""
        return await session.run_sync(self._over(session).confirm, claim, outcome, evidence)

    async def release(self, session: AsyncSession, claim: Claim, *, wait: float = 0.0) -> None:
        """Give an entry back until later."""
        await session.run_sync(self._over(session).release, claim, wait=wait)

    async def dead(self, session: AsyncSession) -> tuple[tuple[str, str, int], ...]:
        """Return the entries that nobody claims any more."""
        return await session.run_sync(self._over(session).dead)

    async def revive(self, session: AsyncSession, key: str) -> bool:
        """Let a dead entry be claimed again."""
        return await session.run_sync(self._over(session).revive, key)

    def _over(self, session: AsyncSession) -> Outbox:
        def touching(touch: TouchAsync) -> Callable[[Session, Change], None]:
            def touched(_: Session, change: Change) -> None:
                await_only(touch(session, change))

            return touched

        def applied(_: Session, change: Change) -> Rows:
            rows: Rows = await_only(self.apply(session, change))
            return rows

        return Outbox(
            apply=applied,
            prepare=touching(self.prepare),
            undo=touching(self.undo),
            again=self.again,
            most=self.most,
            table=self.table,
            receipts=self.receipts,
        )
