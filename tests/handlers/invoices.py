"""An application of the shop that owns its invoices: FastAPI over SQLAlchemy, on whichever engine; run as a module it is a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from typing import Any

import uvicorn
from fastapi import FastAPI
from sqlalchemy import MetaData, Table, create_engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from synapsor.handler import Answer, Change, Failed, Job, check
from synapsor.handler.endpoint import endpoint
from synapsor.handler.once import Rows, once, once_async, receipts
from tests.databases import Database, fetch

SECRET = "a-secret-of-at-least-24-characters"
DRIVERS = {"postgres": "postgresql+asyncpg", "mariadb": "mysql+aiomysql", "sqlite": "sqlite"}


def url_of(database: Database, driver: str = "") -> str:
    """Return the shop's address as SQLAlchemy writes it."""
    found = make_url(database.admin_url).set(drivername=driver or DRIVERS[database.engine])
    return found.render_as_string(hide_password=False)


class Invoices:
    """The application: what it does to an invoice, and how it is reached."""

    def __init__(
        self, url: str, *, schema: str | None, database: Database | None = None, done: Callable[[], None] = lambda: None
    ) -> None:
        """Take where the shop is; `done` is called when a job was carried out and nothing is answered yet."""
        self.url, self.schema, self.database, self.done = url, schema, database, done
        self.breaks: list[Exception] = []
        self.early = False
        self.sets: dict[str, Any] = {}
        self.receipts = receipts(schema=schema)
        self.is_async = "+a" in url
        self.engine: Any = create_async_engine(url) if self.is_async else create_engine(url)
        self.table = Table("invoices", MetaData())
        self.jobs: list[Job] = []

    async def handle(self, job: Job) -> Answer:
        """Carry out a job."""
        self.jobs.append(job)
        if self.breaks and self.early:
            raise self.breaks.pop()
        if self.is_async:
            async with AsyncSession(self.engine) as session:
                answer = await once_async(session, job, self.change_async, table=self.receipts)
        else:
            answer = await asyncio.to_thread(self.handle_here, job)
        self.done()
        if self.breaks:
            raise self.breaks.pop()
        return answer

    def handle_here(self, job: Job) -> Answer:
        """Carry out a job with a synchronous session."""
        with closing(Session(self.engine)) as session:
            return once(session, job, self.change, table=self.receipts)

    def change(self, session: Session, change: Change) -> Rows:
        """Change invoices as the shop's own code would."""
        table = self._table(session.connection())
        rows = []
        for member in change.members:
            mine = table.c.id == member.key["id"]
            found = session.execute(select(table).where(mine).with_for_update()).mappings().first()
            check(change, member, found)
            if "refuses" in self.sets:
                raise Failed("refused", "not on a Sunday")
            session.execute(table.update().where(mine).values(**{**member.changes, **self.sets}))
            rows.append(session.execute(select(table).where(mine)).mappings().first())
        return rows

    async def change_async(self, session: AsyncSession, change: Change) -> Rows:
        """Do the same without waiting."""
        return await session.run_sync(lambda inner: self.change(inner, change))

    def _table(self, connection: Any) -> Table:
        if not self.table.columns:
            self.table = Table("invoices", MetaData(), schema=self.schema, autoload_with=connection)
        return self.table

    def kept(self) -> list[tuple[str, str]]:
        """Return the outcome and code of each receipt."""
        assert self.database is not None
        place = "synapsor_handled" if self.schema is None else f"{self.schema}.synapsor_handled"
        return [tuple(row) for row in fetch(self.database, f"SELECT outcome, code FROM {place}")]

    async def aclose(self) -> None:
        """Close its connections."""
        if self.is_async:
            await self.engine.dispose()
        else:
            self.engine.dispose()

    def app(self) -> FastAPI:
        """Return the application as it is served."""
        app = FastAPI()
        app.add_route("/synapsor", endpoint(SECRET, self.handle, executor="app"), methods=["POST"])
        return app


def main(url: str, schema: str, socket: int, *, dies: bool) -> None:
    """Serve on a socket that is open; one that `dies` does so between the first effect and its answer."""

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    shop = Invoices(url, schema=schema or None, done=die if dies else lambda: None)
    uvicorn.Server(uvicorn.Config(shop.app(), fd=socket, log_level="error", lifespan="off")).run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), dies=sys.argv[4] == "dies")
