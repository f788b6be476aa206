"""Proposals that `check` accepts, drawn; and what each must do to the rows, in plain Python that knows nothing of SQL."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from tests.attack.any_contract import (
    Col,
    Draw,
    Mapped,
    Reading,
    Term,
    Value,
    as_argument,
    as_constant,
    contract_of,
    declare,
    draw_session,
    draw_table,
    draw_terms,
    where_of,
)

Row = dict[str, Value]
MOST = 4


@dataclass(frozen=True, kw_only=True, repr=False)
class Proposing(Reading):
    """A proposal capability; `where` and `arguments` are those of a read.

    Attributes:
        sets: what each column is set to; a text that begins with a dollar sign is an argument.
        most: how many rows a set may have; None where one row is named by its key.
    """

    operation: str
    sets: dict[str, Value] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)
    most: int | None = None

    @property
    def said(self) -> dict[str, Any]:
        """What the contract says of it."""
        said: dict[str, Any] = {
            "description": "Ask for a change of it.",
            "propose": f"{self.operation} {self.table.name}",
            "approval": {"role": "lead"},
        }
        said |= {"where": where_of(self.where)} if self.where else {}
        said |= {"arguments": self.arguments} if self.arguments else {}
        said |= {"members": {"at_most": self.most}} if self.most is not None else {}
        if self.operation == "insert":
            said |= {"dedup": [col.name for col in (self.table.tenant, *self.table.key) if col]}
        else:
            said |= {"returns": list(self.returns)}
        values = {name: as_constant(value) for name, value in self.sets.items()}
        values |= {name: f"${argument}" for name, argument in self.given.items()}
        return said | ({"set": values, "undo": "reviewed"} if self.operation != "delete" else {})

    def values(self, meant: Mapping[str, Any]) -> Row:
        """Return what a call sets each column to."""
        return {**self.sets, **{name: meant[argument][0] for name, argument in self.given.items()}}


@dataclass(frozen=True, kw_only=True, repr=False)
class Changes:
    """A contract of proposals over one table, and whose session calls what."""

    table: Mapped
    proposings: tuple[Proposing, ...]
    session: Row

    def __repr__(self) -> str:
        return f"{self.contract}\n{self.session}\n" + "\n".join(map(str, self.table.rows))

    @property
    def contract(self) -> str:
        """The contract's text."""
        return contract_of([self.table], {proposing.name: proposing.said for proposing in self.proposings})


def after(table: Mapped, rows: tuple[Row, ...]) -> Mapped:
    """Return the table with other rows."""
    return replace(table, rows=rows)


@st.composite
def changes(draw: Draw) -> Changes:
    """Draw a contract that `check` accepts, and everything around it."""
    tenant_kind, principal_kind, session = draw_session(draw)
    table = replace(draw_table(draw, "any_0", tenant_kind, principal_kind, like=session), writable=True)
    proposings = tuple(_draw_proposing(draw, f"any.p{n}", table) for n in range(3))
    return Changes(table=table, proposings=proposings, session=session)


def _draw_proposing(draw: Draw, name: str, table: Mapped) -> Proposing:
    arguments: dict[str, dict[str, Any]] = {}
    operation = draw(st.sampled_from(("update", "update", "delete") if table.only else ("update", "insert", "delete")))
    plain = [c for c in table.cols if not c.denied and c not in table.scope and c not in table.key and c.name != "mark"]
    free = [c for c in plain if c.kind != "float"]
    where: list[Term] = []
    most = draw(st.sampled_from((None, 1, MOST))) if operation != "insert" and free else None
    if most is not None:
        for col in draw(st.lists(st.sampled_from(free), min_size=1, max_size=2, unique_by=lambda c: c.name)):
            where += draw_terms(draw, col, arguments, needed=True)
    elif operation != "insert":
        where = [
            Term(col=c, operator="equals", argument=declare(draw, arguments, c, "equals", needed=True))
            for c in table.key
        ]
    sets: Row = {}
    given: dict[str, str] = {}
    if operation == "insert":
        sets["mark"] = "new"
        given = {c.name: declare(draw, arguments, c, "equals", needed=True) for c in table.key}
    if operation != "delete":
        fixed = {term.col for term in (*where, *table.only)}
        for col in draw(
            st.lists(st.sampled_from([c for c in free if c not in fixed] or [_MARK]), min_size=1, max_size=3)
        ):
            if draw(st.booleans()):
                given[col.name] = declare(draw, arguments, col, "equals", needed=True)
            else:
                sets[col.name] = draw(st.none() | st.sampled_from(col.pool))
    sets = {column: value for column, value in sets.items() if column not in given}
    used = {term.argument for term in where} | set(given.values())
    shown = draw(st.lists(st.sampled_from(plain), max_size=3, unique_by=lambda c: c.name)) if plain else []
    return Proposing(
        name=name,
        table=table,
        where=tuple(where),
        arguments={argument: rule for argument, rule in arguments.items() if argument in used},
        returns=("mark", *(col.name for col in shown)),
        operation=operation,
        sets=sets,
        given=given,
        most=most,
    )


_MARK = Col(name="mark", kind="text", words=True)


def draw_change(draw: Draw, proposing: Proposing) -> tuple[dict[str, Any], dict[str, tuple[Value, ...]]]:
    """Draw what a model sends, and what it means by that."""
    sent: dict[str, Any] = {}
    meant: dict[str, tuple[Value, ...]] = {}
    cols = {col.name: col for col in (*proposing.table.cols, _MARK)}
    uses = [(t.argument, t.col, t.operator) for t in proposing.where if t.argument]
    uses += [(argument, cols[name], "equals") for name, argument in proposing.given.items()]
    for argument, col, operator in uses:
        pool: list[Value] = list(_MARK.pool if col.name == "mark" else col.pool)
        if col in proposing.table.key:
            pool = [row[col.name] for row in proposing.table.rows] + ([77] if col.kind == "integer" else ["K77"])
        values = st.sampled_from([value for value in pool if value != "" or operator != "starts_with"])
        many = operator == "one_of"
        chosen = tuple(draw(st.lists(values, min_size=1, max_size=3 if many else 1, unique=True)))
        spelled = [as_argument(value, draw(st.integers(0, 5))) for value in chosen]
        sent[argument], meant[argument] = spelled if many else spelled[0], chosen
    return sent, meant
