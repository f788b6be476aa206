"""A drawn world on trial: its tables for a while, and its statements, of which the texts are those of the kind of call."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import jsonschema
from hypothesis import HealthCheck, Phase, settings

from synapsor.flow.prepare import Served
from synapsor.sql.statement import RawRow, Statement
from synapsor.testing import Trial
from tests.attack.any_contract import CANARY, Mapped, Value
from tests.databases import Database, execute
from tests.engines import tried

_FOLDING = "CREATE COLLATION IF NOT EXISTS billing.folding (provider = icu, locale = 'und-u-ks-level1', deterministic = false);"
DRAWN = settings(
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture),
    # A failure is shown as it was drawn: to shrink it takes minutes, for each try makes tables and compiles statements.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)


class Watched:
    """A trial whose statements are kept."""

    def __init__(self, trial: Trial, database: Database, session: Mapping[str, Value]) -> None:
        self.trial = trial
        self.database = database
        self.session = session
        self.texts: dict[tuple[Any, ...], str] = {}
        self.said: list[Statement] = []
        for served in trial.desk._served.values():
            self._watch(served)

    def _watch(self, served: Served) -> None:
        source: Any = served.source
        fetch = type(source).fetch

        async def watched(statement: Statement, *, time_ms: int) -> Sequence[RawRow]:
            self.said.append(statement)
            rows: Sequence[RawRow] = await fetch(source, statement, time_ms=time_ms)
            return rows

        source.fetch = watched

    async def call(self, name: str, sent: dict[str, Any]) -> dict[str, Any]:
        """Return an answer that is as its schema says, holds nothing denied, and came of one statement of this kind of call."""
        self.said.clear()
        answer = await self.trial.call(name, **sent)
        tool = self.trial.desk.tools[name]
        assert list(jsonschema.Draft202012Validator(tool.output_schema).iter_errors(answer)) == []
        assert CANARY not in json.dumps(answer)
        assert len(self.said) <= 1
        for statement in self.said:
            # Which of a page's order columns had no value is part of its statement, and known to nobody but the cursor.
            kind = (name, frozenset(sent), len(statement.params))
            if "cursor" not in sent:
                assert self.texts.setdefault(kind, statement.text) == statement.text
            assert CANARY not in str(statement)
        return answer


@asynccontextmanager
async def on_trial(
    database: Database, tables: Sequence[Mapped], contract: str, session: Mapping[str, Value]
) -> AsyncIterator[Watched]:
    """Make the tables of a world, and open its contract."""
    names = [f"billing.{t.name}" if database.engine == "postgres" else t.name for t in tables]
    drop = "".join(f"DROP TABLE IF EXISTS {name};" for name in names)
    folding = _FOLDING if database.engine == "postgres" else ""
    execute(database, drop + folding + "".join(table.script(database.engine) for table in tables))
    try:
        async with tried(database, contract, session=session) as trial:
            yield Watched(trial, database, session)
    finally:
        execute(database, drop)
