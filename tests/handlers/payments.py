"""An application of the shop that pays something out before an invoice is changed: it accepts at once, and a dispatcher does the rest.

Run as a module it is one dispatcher, which may be told to die at a named place: `python -m tests.handlers.payments URL SCHEMA PROVIDER PLACE`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from synapsor.handler import Answer, Change, Failed, Job, Refused, check
from synapsor.handler.entries import NAME as ENTRIES
from synapsor.handler.kept import outbox
from synapsor.handler.outbox import Claim, Outbox
from synapsor.handler.outbox_async import AsyncOutbox
from synapsor.handler.wire import Came
from tests.databases import Database, execute, fetch
from tests.handlers.invoices import Invoices, url_of
from tests.handlers.serving import prepare

T = TypeVar("T")
PLACES = ("claimed", "paid", "confirmed", "lives")


class Provider:
    """A payment provider in a folder: it pays once for each key, and keeps how often it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def pay(self, key: str) -> str:
        """Pay, once, and return what is to be shown for it."""
        with (self.folder / "asked").open("a", encoding="ascii") as asked:
            asked.write(f"{key}\n")
        (self.folder / f"{key}.paid").touch()
        return f"payment for {key}"

    @property
    def asked(self) -> list[str]:
        """The keys that it was asked to pay under, in order."""
        told = self.folder / "asked"
        return told.read_text(encoding="ascii").split() if told.exists() else []

    @property
    def paid(self) -> int:
        """How often it has paid."""
        return len(list(self.folder.glob("*.paid")))


class Payments(Invoices):
    """The application, with an outbox."""

    def __init__(self, url: str, *, schema: str | None, database: Database | None = None, **settings: Any) -> None:
        super().__init__(url, schema=schema, database=database)
        self.touched: list[str] = []
        where = {"table": outbox(schema=schema), "receipts": self.receipts, **settings}
        self.outbox = Outbox(apply=self.change, prepare=self._prepare, undo=self._undo, **where)
        self.later = AsyncOutbox(
            apply=self.change_async, prepare=_later(self._prepare), undo=_later(self._undo), **where
        )

    async def handle(self, job: Job) -> Answer:
        """Accept a job."""
        self.jobs.append(job)
        return await self._do(lambda s: self.outbox.accept(s, job), lambda s: self.later.accept(s, job))

    async def claim(self, worker: str = "pay-1", *, lock: float = 60.0) -> Claim | None:
        """Claim what is due."""
        return await self._do(
            lambda s: self.outbox.claim(s, worker, lock=lock), lambda s: self.later.claim(s, worker, lock=lock)
        )

    async def claimed(self, worker: str = "pay-1", *, lock: float = 60.0) -> Claim:
        """Claim what is certainly due."""
        found = await self.claim(worker, lock=lock)
        assert found is not None
        return found

    async def confirm(self, claim: Claim, outcome: Any = Came.APPLIED, evidence: bytes | str = "receipt 7") -> Answer:
        """Confirm what has come of it."""
        return await self._do(
            lambda s: self.outbox.confirm(s, claim, outcome, evidence),
            lambda s: self.later.confirm(s, claim, outcome, evidence),
        )

    async def release(self, claim: Claim, *, wait: float = 0.0) -> None:
        """Give it back."""
        await self._do(
            lambda s: self.outbox.release(s, claim, wait=wait), lambda s: self.later.release(s, claim, wait=wait)
        )

    async def dead(self) -> tuple[tuple[str, str, int], ...]:
        """Return what nobody claims any more."""
        return await self._do(self.outbox.dead, self.later.dead)

    async def revive(self, key: str) -> bool:
        """Let it be claimed again."""
        return await self._do(lambda s: self.outbox.revive(s, key), lambda s: self.later.revive(s, key))

    async def _do(self, here: Callable[[Session], T], later: Callable[[AsyncSession], Awaitable[T]]) -> T:
        if self.is_async:
            async with AsyncSession(self.engine) as session:
                return await later(session)
        return await asyncio.to_thread(self._here, here)

    def _here(self, do: Callable[[Session], T]) -> T:
        with closing(Session(self.engine)) as session:
            return do(session)

    def _prepare(self, session: Session, change: Change) -> None:
        if "refuses" in self.sets:
            raise Failed("refused", "not on a Sunday")
        table = self._table(session.connection())
        for member in change.members:
            mine = table.c.id == member.key["id"]
            check(change, member, session.execute(select(table).where(mine).with_for_update()).mappings().first())
        self.touched.append("prepared")

    def _undo(self, _: Session, __: Change) -> None:
        self.touched.append("undone")

    def entries(self, columns: str = "state, outcome, code, attempts") -> list[tuple[Any, ...]]:
        """Return the lines of the outbox."""
        assert self.database is not None
        place = ENTRIES if self.schema is None else f"{self.schema}.{ENTRIES}"
        return [tuple(row) for row in fetch(self.database, f"SELECT {columns} FROM {place} ORDER BY seq")]

    def doctor(self, what: str) -> None:
        """Change the outbox behind its back."""
        assert self.database is not None
        place = ENTRIES if self.schema is None else f"{self.schema}.{ENTRIES}"
        execute(self.database, f"UPDATE {place} SET {what}")


def _later(touch: Callable[[Session, Change], None]) -> Callable[[AsyncSession, Change], Awaitable[None]]:
    async def touched(session: AsyncSession, change: Change) -> None:
        await session.run_sync(lambda inner: touch(inner, change))

    return touched


def payments(database: Database, **settings: Any) -> Payments:
    """Return the application over a shop."""
    prepare(database)
    schema = database.schema if database.engine == "postgres" else None
    return Payments(url_of(database), schema=schema, database=database, **settings)


async def dispatch(shop: Payments, provider: Provider, *, dies: str = "lives", worker: str = "pay-1") -> str:
    """Do what is due once, and return what was confirmed; or die at a place."""

    def passed(place: str) -> None:
        if place == dies:
            os.kill(os.getpid(), signal.SIGKILL)

    claim = await shop.claim(worker)
    if claim is None:
        return "nothing"
    passed("claimed")
    outcome: Any = Came.APPLIED
    try:
        shown = provider.pay(claim.key)
    except Refused as refused:
        outcome, shown = refused, ""
    passed("paid")
    answer = await shop.confirm(claim, outcome, shown)
    passed("confirmed")
    return answer.came.value


if __name__ == "__main__":
    address, schema, folder, place = sys.argv[1:]
    asyncio.run(dispatch(Payments(address, schema=schema or None), Provider(Path(folder)), dies=place, worker="dying"))
