"""A read's plan as its database would make it: the statement that asks for it, and what its answer says; no row is read.

Postgres and MySQL answer with a JSON document, SQLite with lines; of each, only costs, rows and names of tables and indexes are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from synapsor.sql.statement import Dialect, RawRow, Statement
from synapsor.values import ValueUnfit

_ASKING: Final[dict[Dialect, str]] = {
    "postgres": "EXPLAIN (FORMAT JSON) ",
    "mysql": "EXPLAIN FORMAT=JSON ",
    "sqlite": "EXPLAIN QUERY PLAN ",
}
_OURS: Final = frozenset({"t", "u"})
"""The names under which a list reads its own page again, which is no table of the database."""
_SQLITE: Final = re.compile(r"(SCAN|SEARCH) (?:TABLE )?(\S+)(?: AS \S+)?(?: USING (?:COVERING )?(.+?))?(?: \(|$)")

_BY_KEY: Final = "after reading const tables"
UNIQUE: Final = "a unique key"
"""What MySQL says no more of than that it looked a row up, while planning, and found none with the made-up value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a database expects of a statement.

    Attributes:
        cost: in the engine's own unit, where it has one.
        rows: that it expects to give, or to look at where it says no more; where it has an estimate.
        scans: tables that are read from one end to the other.
        indexes: that serve it.
    """

    cost: float | None
    rows: int | None
    scans: tuple[str, ...]
    indexes: tuple[str, ...]


def explained(statement: Statement, dialect: Dialect) -> Statement:
    """Return the question how a statement would be run; its values are bound as they are for the statement itself."""
    # A prefix, since no engine lets EXPLAIN stand anywhere else in a statement, and none lets it run what follows.
    return replace(statement, text=_ASKING[dialect] + statement.text)


def estimate(rows: Sequence[RawRow], dialect: Dialect) -> Estimate:
    """Return what the answer says.

    Raises:
        ValueUnfit: it is not of the form that this version knows.
    """
    try:
        return _READ[dialect](rows)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise ValueUnfit("not a plan of a known form") from None


def _postgres(rows: Sequence[RawRow]) -> Estimate:
    (document,) = json.loads(rows[0][0])
    top = document["Plan"]
    nodes = list(_nodes(top, "Plans"))
    return Estimate(
        cost=float(top["Total Cost"]),
        rows=int(top["Plan Rows"]),
        scans=_once(n["Relation Name"] for n in nodes if n["Node Type"] == "Seq Scan"),
        indexes=_once(n["Index Name"] for n in nodes if "Index Name" in n),
    )


def _nodes(node: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    yield node
    for inner in node.get(key, ()):
        yield from _nodes(inner, key)


def _mysql(rows: Sequence[RawRow]) -> Estimate:
    answer = rows[0][0]
    document = json.loads(answer if isinstance(answer, str | bytes) else bytes(answer))
    block = document["query_block"]
    if _BY_KEY in str(block.get("table", {}).get("message", "")):
        return Estimate(cost=None, rows=1, scans=(), indexes=(UNIQUE,))
    tables = [t for t in _tables(document) if "<" not in t["table_name"] and t["table_name"] not in _OURS]
    cost = block.get("cost", block.get("cost_info", {}).get("query_cost"))
    expected = [t.get("rows_produced_per_join", t.get("rows_examined_per_scan", t.get("rows"))) for t in tables]
    return Estimate(
        cost=None if cost is None else float(cost),
        rows=max((int(rows) for rows in expected if rows is not None), default=None),
        scans=_once(t["table_name"] for t in tables if t.get("access_type") in {"ALL", "index"}),
        indexes=_once(t["key"] for t in tables if t.get("key") and t.get("access_type") != "index"),
    )


def _tables(part: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(part, list):
        for item in part:
            yield from _tables(item)
    elif isinstance(part, dict):
        if "table_name" in part:
            yield part
        for item in part.values():
            yield from _tables(item)


def _sqlite(rows: Sequence[RawRow]) -> Estimate:
    steps = [found for row in rows if (found := _SQLITE.match(str(row[3])))]
    tables = [step for step in steps if step[2] not in _OURS and not step[2].startswith("(")]
    return Estimate(
        cost=None,
        rows=None,
        scans=_once(step[2] for step in tables if step[1] == "SCAN"),
        indexes=_once(step[3].removeprefix("INDEX ") for step in tables if step[1] == "SEARCH" and step[3]),
    )


def _once(names: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


_READ: Final = {"postgres": _postgres, "mysql": _mysql, "sqlite": _sqlite}
