"""Aggregates that `check` accepts, drawn; and what may be told of each group, in plain Python that knows nothing of SQL."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import combinations
from typing import Any

from hypothesis import strategies as st

from tests.attack.any_contract import (
    RANGED,
    SETTABLE,
    Col,
    Draw,
    Drawn,
    Mapped,
    Reading,
    Term,
    Value,
    contract_of,
    draw_session,
    draw_table,
    draw_terms,
    same,
    where_of,
)
from tests.databases import Engine

GROUPED = frozenset({"text", "integer", "boolean", "date", "uuid"})
NUMBERS = frozenset({"integer", "numeric"})
TAKES = {
    "count_distinct": frozenset(SETTABLE),
    "sum": NUMBERS,
    "avg": NUMBERS,
    "min": RANGED,
    "max": RANGED,
}
PLACES = 2
Rows = Sequence[Mapping[str, Value]]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A function of a column; of none, the count of rows."""

    function: str
    col: Col | None = None

    @property
    def kind(self) -> str:
        """The type of its value."""
        if self.col is None or self.function == "count_distinct":
            return "integer"
        return "numeric" if self.function == "avg" else self.col.kind

    def of(self, rows: Rows) -> Value:
        """Return its value of some rows."""
        if self.col is None:
            return len(rows)
        values = [row[self.col.name] for row in rows if row[self.col.name] is not None]
        if self.function == "count_distinct":
            return len(set(values))
        if not values:
            return None
        if self.function in {"min", "max"}:
            return min(values) if self.function == "min" else max(values)
        with localcontext(prec=100):
            total = sum(map(Decimal, values), Decimal())
            if self.function == "sum":
                return int(total) if self.kind == "integer" else total
            return (total / len(values)).quantize(Decimal(1).scaleb(-PLACES), ROUND_HALF_UP)


@dataclass(frozen=True, kw_only=True, repr=False)
class Counting(Reading):
    """An aggregate capability; `where` and `arguments` are those of a read."""

    groups: dict[str, Col] = field(default_factory=dict)
    measures: dict[str, Measured] = field(default_factory=dict)
    minimum: int = 5

    @property
    def said(self) -> dict[str, Any]:
        """What the contract says of it."""
        said: dict[str, Any] = {
            "description": "How much there is of it.",
            "aggregate": self.table.name,
            "measures": {
                name: "count" if m.col is None else {m.function: m.col.name} for name, m in self.measures.items()
            },
            "minimum_group": self.minimum,
            "limits": {"rows": self.rows},
        }
        said |= {"where": where_of(self.where)} if self.where else {}
        said |= {"arguments": self.arguments} if self.arguments else {}
        return {**said, **({"group": {name: col.name for name, col in self.groups.items()}} if self.groups else {})}

    def counted(
        self, engine: Engine, session: Mapping[str, Value], given: Mapping[str, Any]
    ) -> dict[tuple[Value, ...], Rows]:
        """Return the rows of each group; without groups all rows are one, and be there none."""
        found: dict[tuple[Value, ...], list[Mapping[str, Value]]] = {} if self.groups else {(): []}
        for row in self.matching(engine, session, given):
            found.setdefault(tuple(row[col.name] for col in self.groups.values()), []).append(row)
        return dict(found)

    def sizes(self, rows: Rows) -> tuple[int, ...]:
        """Return how many rows stand behind a group, and behind each of its measures."""
        cols = dict.fromkeys(m.col for m in self.measures.values() if m.col is not None)
        return (len(rows), *(sum(row[col.name] is not None for row in rows) for col in cols))

    def small(self, rows: Rows) -> bool:
        """Tell whether so few rows stand behind a group, or behind a measure of it, that nothing of it may be told."""
        sizes = self.sizes(rows)
        return self.minimum > 1 and (not any(sizes) or any(0 < size < self.minimum for size in sizes))

    def tells(self, key: tuple[Value, ...], rows: Rows, shown: Mapping[str, Any]) -> bool:
        """Tell whether an answer is of this group, with all of its measures and nothing else."""
        return list(shown) == [*self.groups, *self.measures] and all(
            (
                *(
                    _same(col.kind, shown[name], part)
                    for (name, col), part in zip(self.groups.items(), key, strict=True)
                ),
                *(_same(measured.kind, shown[name], measured.of(rows)) for name, measured in self.measures.items()),
            )
        )


def lines(keys: Sequence[tuple[Value, ...]]) -> Iterator[list[tuple[Value, ...]]]:
    """Yield what a total may be about: all groups, and those that have some of their names in common."""
    for count in range(len(keys[0]) if keys else 0):
        for places in combinations(range(len(keys[0])), count):
            found: dict[tuple[Value, ...], list[tuple[Value, ...]]] = {}
            for key in keys:
                found.setdefault(tuple(key[place] for place in places), []).append(key)
            yield from found.values()


def _same(kind: str, shown: Any, value: Value) -> bool:
    if kind == "integer" and type(shown) is str:  # as integers are told that a double does not hold
        return abs(int(shown)) >= 2**53 and int(shown) == value
    return same(kind, shown, value)


@dataclass(frozen=True, kw_only=True, repr=False)
class Counts(Drawn):
    """A contract of aggregates, and what is called of it."""

    countings: tuple[Counting, ...]

    @property
    def contract(self) -> str:
        """The contract's text."""
        return contract_of(self.tables, {counting.name: counting.said for counting in self.countings})


@st.composite
def counts(draw: Draw) -> Counts:
    """Draw a contract that `check` accepts, and everything around it; the groups are few, so that some are large enough."""
    tenant_kind, principal_kind, session = draw_session(draw)
    table = draw_table(draw, "any_0", tenant_kind, principal_kind, most=40, like=session, keys=999)
    countings = tuple(_draw_counting(draw, f"any.t{n}", table) for n in range(3))
    return Counts(tables=(table,), countings=countings, session=session)


def _draw_counting(draw: Draw, name: str, table: Mapped) -> Counting:
    arguments: dict[str, dict[str, Any]] = {}
    plain = [c for c in table.cols if not c.denied and c not in table.scope and c not in table.key and c.name != "mark"]
    free = [c for c in plain if c.kind != "float"]
    where: list[Term] = []
    for col in draw(st.lists(st.sampled_from(free), max_size=1)) if free and draw(st.booleans()) else ():
        where += draw_terms(draw, col, arguments)
    used = {term.argument for term in where}
    grouped = [c for c in plain if c.kind in GROUPED]
    groups = draw(st.lists(st.sampled_from(grouped), max_size=2, unique_by=lambda c: c.name)) if grouped else []
    measures = {"m0": Measured(function="count")}
    for number in range(1, 4):
        function = draw(st.sampled_from(tuple(TAKES)))
        if taken := [c for c in (*free, *table.key) if c.kind in TAKES[function]]:
            measures[f"m{number}"] = Measured(function=function, col=draw(st.sampled_from(taken)))
    return Counting(
        name=name,
        table=table,
        where=tuple(where),
        arguments={argument: rule for argument, rule in arguments.items() if argument in used},
        rows=draw(st.sampled_from((1, 2, 50))),
        groups={f"g{n}": col for n, col in enumerate(groups)},
        measures=measures,
        minimum=draw(st.sampled_from((1, 2, 4, 4, 6))),
    )
