"""A contract on trial over any of the test databases: the desk, the people and the worker of `Trial`, and that engine's own sources."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Any, cast

from synapsor.config import Mode
from synapsor.contract.digest import contract_digest
from synapsor.core.plan import Relation
from synapsor.core.posture import refuse_fatal
from synapsor.core.scope import Session
from synapsor.flow.desk import Desk
from synapsor.flow.prepare import Wiring, prepare
from synapsor.testing import MemoryDatabase, TestClock, Trial
from synapsor.testing.trial import _activate, _read
from synapsor.work.authority import WriteTarget
from tests.databases import Database, Engine
from tests.sources import open_reader, open_writer

SESSION = {"tenant_id": "acme", "user": "ann"}


@asynccontextmanager
async def tried(
    database: Database,
    contract: str,
    *,
    session: Mapping[str, str | int] = SESSION,
    clock: TestClock | None = None,
    mode: Mode = "writeback",
) -> AsyncIterator[Trial]:
    """Open a trial of one contract, whose one source is `shop`; its tables must be there already."""
    reviewed = _read(contract)
    async with AsyncExitStack() as stack:
        reader, writer = open_reader(database), open_writer(database)
        stack.push_async_callback(reader.aclose)
        stack.push_async_callback(writer.aclose)
        who = Session(values=session, client="test")
        trial = Trial(reviewed, who, cast("MemoryDatabase", database), clock or TestClock(), mode)
        stack.push_async_callback(trial.ledger.aclose)
        receipts = Relation(schema=database.schema, name="synapsor_receipts")
        trial.targets["shop"] = WriteTarget(source=writer, receipts=receipts, time_ms=5000)
        wiring = {"shop": Wiring(source=reader, mode=mode)}
        served, findings = await prepare(reviewed, contract_digest(reviewed), wiring, trial.ledger.secret)
        refuse_fatal(findings)
        await _activate(trial)
        trial.served = {each.tool.name: each for each in served}
        trial.desk = Desk(served, trial.ledger, trial.clock)
        yield trial


def literal(engine: Engine, value: Any) -> str:
    """Return a value as a test's own scripts write it."""
    if value is None:
        return "NULL"
    if type(value) is bool:
        return ("true" if value else "false") if engine == "postgres" else str(int(value))
    if type(value) in {int, Decimal}:
        return str(value)
    escaped = str(value).replace("'", "''")
    return "'" + (escaped.replace("\\", "\\\\") if engine == "mariadb" else escaped) + "'"


def inserted(engine: Engine, table: str, rows: list[dict[str, Any]]) -> str:
    """Return a script that inserts rows which have the same columns."""
    if not rows:
        return ""
    names = ", ".join(rows[0])
    values = ",\n  ".join("(" + ", ".join(literal(engine, value) for value in row.values()) + ")" for row in rows)
    return f"INSERT INTO {table} ({names}) VALUES\n  {values};\n"
