"""How many rows a MySQL or MariaDB session has touched, which neither server tells of a table by itself, and which tables do not roll back."""

from __future__ import annotations

from synapsor.core.measured import Tally
from synapsor.sources.mysql_catalogue import Ask, text_of

_COUNTERS = {"Handler_write": "inserted", "Handler_update": "updated", "Handler_delete": "deleted"}
_OWN = "'mysql', 'sys', 'information_schema', 'performance_schema'"
_LASTING = f"""
SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'
AND UPPER(engine) NOT IN ('INNODB', 'ROCKSDB') AND table_schema NOT IN ({_OWN}) ORDER BY table_schema, table_name
"""  # noqa: S608  # constants


async def counters(ask: Ask) -> dict[str, int]:
    """Return what the session has counted since it began: rows written, changed and removed, by triggers too."""
    rows = await ask("SHOW SESSION STATUS WHERE Variable_name IN ('Handler_delete', 'Handler_update', 'Handler_write')")
    return {_COUNTERS[str(text_of(name))]: int(str(text_of(count))) for name, count in rows}


async def tally(ask: Ask, asked: int) -> tuple[Tally, int]:
    """Return what the session has touched, and how often its counters were asked by now; `asked` is how often they were before.

    On servers where the question itself counts for something, that is taken off.
    """
    first, second = await counters(ask), await counters(ask)
    asked += 2
    return {"*": {what: count - asked * (count - first[what]) for what, count in second.items()}}, asked


async def lasting(ask: Ask) -> tuple[str, ...]:
    """Return the tables that do not roll back, of those that the credential sees."""
    return tuple(f"{text_of(schema)}.{text_of(name)}" for schema, name in await ask(_LASTING))
