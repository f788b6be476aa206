"""Contracts that `check` accepts, rows of several tenants and people, and calls, all of them drawn; and what each call must answer,
in plain Python that knows nothing of SQL.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.databases import Engine
from tests.engines import literal

Value = Any
Draw = Callable[[st.SearchStrategy[Any]], Any]
CANARY = "CANARY"
_UTC = dt.UTC
_MOMENTS = tuple(
    dt.datetime.fromisoformat(text)
    for text in ("2026-01-31 10:00:00", "2026-01-31 10:00:00.5", "2026-01-31 10:00:00.500001", "1999-12-31 23:59:59", "2038-01-18 00:00:00")
)  # fmt: skip
_UUIDS = (
    "6f2c0d9e-0c2b-4c3e-9d6a-3f6d2f1d7a10",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-0c2b-4c3e-9d6a-3f6d2f1d7a10",
)
POOLS: dict[str, tuple[Value, ...]] = {
    "text": (
        "",
        "a",
        "A",
        "a ",
        "\u00e1",
        "a\u0301",
        "a%",
        "a_b",
        "axb",
        "a\\",
        "ab",
        "$x",
        "$$x",
        "'",
        "\U0001f600",
        "w" * 300,
    ),
    "integer": (0, 1, -1, 9, 10, 2**31, 2**53 - 1),
    "numeric": tuple(Decimal(text) for text in ("0", "0.1", "-0.1", "9.9", "10", "10.01", "-100", "12345678901234.5")),
    "boolean": (True, False),
    "date": ("2026-01-31", "2026-02-01", "1000-01-01", "9999-12-31"),
    "timestamp": _MOMENTS,
    "timestamptz": tuple(moment.replace(tzinfo=_UTC) for moment in _MOMENTS),
    "uuid": _UUIDS,
    "float": (0.5, -1.25, 1e10),
}
RANGED = frozenset({"integer", "numeric", "date", "timestamp", "timestamptz"})
SETTABLE = tuple(kind for kind in POOLS if kind != "float")
SESSIONS: dict[str, tuple[Value, ...]] = {
    "text": ("acme", "ACME", "acme ", "globex"),
    "integer": (1, 10, 2),
    "uuid": _UUIDS,
}
WORDS = ("open", "OPEN", "late fee", "a")
HOSTILE: tuple[Any, ...] = (
    None, True, 0, -1, 2**60, 1.5, "", "1", "' OR 1=1 --", "\0", "\ud800", "%", "$1", [], ["a", "a"], [None], {}, {"not": 1}, "x" * 500,
)  # fmt: skip
_TYPES: dict[Engine, dict[str, str]] = {
    "postgres": {
        "text": 'text COLLATE "C"', "integer": "bigint", "numeric": "numeric", "boolean": "boolean", "date": "date",
        "timestamp": "timestamp", "timestamptz": "timestamptz", "uuid": "uuid", "float": "double precision",
    },
    "mariadb": {
        "text": "varchar(310) COLLATE utf8mb4_nopad_bin", "integer": "bigint", "numeric": "decimal(20,4)", "boolean": "boolean",
        "date": "date", "timestamp": "datetime(6)", "timestamptz": "timestamp(6) NULL", "uuid": "uuid", "float": "double",
    },
    "sqlite": {"integer": "INTEGER", "boolean": "INTEGER", "float": "REAL"},
}  # fmt: skip
_FOLDING = {
    "postgres": "text COLLATE billing.folding",
    "mariadb": "varchar(310) COLLATE utf8mb4_general_ci",
    "sqlite": "TEXT COLLATE NOCASE",
}


_READER = {"postgres": "synapsor_reader", "mariadb": "synapsor_reader@'127.0.0.1'"}
_WRITER = {"postgres": "synapsor_writer", "mariadb": "synapsor_writer@'127.0.0.1'"}


@dataclass(frozen=True, kw_only=True)
class Col:
    """A column: its type, and whether its database folds case, accents and spaces."""

    name: str
    kind: str
    words: bool = False
    folding: bool = False
    denied: bool = False
    needed: bool = False
    scale: int | None = None

    @property
    def pool(self) -> tuple[Value, ...]:
        """The values that its rows may hold."""
        return WORDS if self.words else POOLS[self.kind]

    @property
    def rule(self) -> Any:
        """What the contract says of it."""
        if self.denied:
            return "denied"
        more = {"one_of": list(WORDS)} if self.words else {"scale": self.scale} if self.scale is not None else {}
        return {"type": self.kind, **more}

    def declared(self, engine: Engine) -> str:
        """Return its line of a CREATE TABLE."""
        kind = _FOLDING[engine] if self.folding else _TYPES[engine].get(self.kind, "TEXT")
        if self.needed:  # three such columns make a key, which may have 3072 bytes
            kind = kind.replace("varchar(310)", "varchar(64)")
        return f"{self.name} {kind}{' NOT NULL' if self.needed else ''}"


@dataclass(frozen=True, kw_only=True)
class Term:
    """One comparison; `argument` is its name where the model gives the operand."""

    col: Col
    operator: str
    operands: tuple[Value, ...] = ()
    argument: str = ""

    def holds(self, value: Value, given: Mapping[str, Any]) -> bool:
        """Tell whether a value passes; `given` are the operands of arguments. A filter without its argument lets everything pass."""
        if self.argument and self.argument not in given:
            return True
        operands = given[self.argument] if self.argument else self.operands
        if self.operator in {"has_value", "no_value"}:
            return (value is None) == (self.operator == "no_value")
        if value is None:
            return self.operator == "not"
        return _PASSES[self.operator](value, operands)


_PASSES: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda value, operands: value == operands[0],
    "not": lambda value, operands: value != operands[0],
    "at_least": lambda value, operands: value >= operands[0],
    "above": lambda value, operands: value > operands[0],
    "at_most": lambda value, operands: value <= operands[0],
    "below": lambda value, operands: value < operands[0],
    "one_of": lambda value, operands: value in operands,
    "starts_with": lambda value, operands: value.startswith(operands[0]),
}


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """A table with its rows."""

    name: str
    cols: tuple[Col, ...]
    key: tuple[Col, ...]
    tenant: Col | None
    principal: Col | None
    only: tuple[Term, ...]
    rows: tuple[dict[str, Value], ...]
    writable: bool = False

    @property
    def scope(self) -> tuple[Col, ...]:
        """The columns that the session decides."""
        return tuple(col for col in (self.tenant, self.principal) if col is not None)

    def script(self, engine: Engine) -> str:
        """Return what makes it, fills it and lets the reader read it."""
        name = f"billing.{self.name}" if engine == "postgres" else self.name
        unique = ", ".join(col.name for col in (*([self.tenant] if self.tenant else []), *self.key))
        body = ", ".join([*(col.declared(engine) for col in self.cols), f"PRIMARY KEY ({unique})"])
        text = f"CREATE TABLE {name} ({body}){' STRICT' if engine == 'sqlite' else ''};\n"
        for number, row in enumerate(self.rows):
            # A proposal proves its rows by their texts; on SQLite a moment in another spelling is then none of them.
            spelling = 0 if self.writable else number
            cells = ", ".join(written(engine, col.kind, row[col.name], spelling) for col in self.cols)
            text += f"INSERT INTO {name} ({', '.join(row)}) VALUES ({cells});\n"
        if engine != "sqlite":
            shown = ", ".join(col.name for col in self.cols if not col.denied)
            text += f"GRANT SELECT ({shown}) ON {name} TO {_READER[engine]};\n"
            if self.writable:
                text += f"GRANT SELECT ({shown}), UPDATE ({shown}), INSERT ({shown}), DELETE ON {name} TO {_WRITER[engine]};\n"
                # Else the worker may not see what a delete does beside.
                text += f"GRANT PROCESS ON *.* TO {_WRITER[engine]};\n" if engine == "mariadb" else ""
        return text


@dataclass(frozen=True, kw_only=True, repr=False)
class Reading:
    """A read capability."""

    name: str
    table: Mapped
    where: tuple[Term, ...]
    arguments: dict[str, dict[str, Any]] = field(default_factory=dict)
    order: tuple[tuple[Col, bool], ...] = ()
    returns: tuple[str, ...] = ()
    single: bool = False
    pages: bool = False
    total: bool = False
    rows: int = 50
    bytes: int = 100_000

    def __repr__(self) -> str:
        return self.name

    def matching(
        self, engine: Engine, session: Mapping[str, Value], given: Mapping[str, Any]
    ) -> list[dict[str, Value]]:
        """Return every row that a call must find, in order."""
        table = self.table
        trusted = {"tenant": session["tenant"], "principal": session["user"]}
        found = [
            row
            for row in table.rows
            if (table.tenant is None or row[table.tenant.name] == trusted["tenant"])
            and (table.principal is None or row[table.principal.name] == trusted["principal"])
            and all(term.holds(row[term.col.name], given) for term in (*self.where, *table.only))
        ]
        named = {col.name for col, _ in self.order}
        whole = [*self.order, *((col, False) for col in table.key if col.name not in named)]
        for col, down in reversed(whole):
            nulls_high = engine == "postgres"
            found.sort(key=lambda row: _rank(row[col.name], nulls_high=nulls_high), reverse=down)
        return found

    def told_order(self, engine: Engine) -> bool:
        """Tell whether plain Python knows its order on an engine; MariaDB orders UUIDs by how it keeps them."""
        return not any(col.folding or (col.kind == "uuid" and engine == "mariadb") for col, _ in self.order)

    def shows(self, row: Mapping[str, Value], shown: Mapping[str, Any]) -> bool:
        """Tell whether an answer shows a row, with all of its columns and no others."""
        kinds = {col.name: col.kind for col in self.table.cols}
        return list(shown) == list(self.returns) and all(
            same(kinds[name], cell, row[name]) for name, cell in shown.items()
        )


def _rank(value: Value, *, nulls_high: bool) -> tuple[int, Any]:
    return (1 if nulls_high else -1, 0) if value is None else (0, value)


def same(kind: str, shown: Any, value: Value) -> bool:
    if value is None or shown is None:
        return value is shown
    if kind == "numeric":
        return bool(Decimal(shown) == value)
    if kind in {"timestamp", "timestamptz"}:
        moment = dt.datetime.fromisoformat(shown)
        return bool((moment if kind == "timestamp" or moment.tzinfo else moment.replace(tzinfo=_UTC)) == value)
    return bool(type(shown) is type(value) and shown == value)


def written(engine: Engine, kind: str, value: Value, number: int) -> str:
    """Return a value as a script writes it; SQLite, where it is text, in a spelling that depends on the row."""
    if value is None or kind not in {"numeric", "timestamp", "timestamptz"}:
        return literal(engine, value) if type(value) is not float else repr(value)
    if kind == "numeric":
        spelled = (f"{value:f}", f"{value:.4f}", f"{value:E}")[number % 3 if engine == "sqlite" else 0]
        return f"'{spelled}'"
    if engine == "sqlite" and number % 3:
        moved = value.astimezone(dt.timezone(dt.timedelta(hours=5, minutes=30))) if kind == "timestamptz" else value
        return f"'{(moved if number % 3 == 1 else value).isoformat()}'"
    plain = value.replace(tzinfo=None).isoformat(" ")
    plain = plain.rstrip("0") if value.microsecond else plain
    return f"'{plain}+00'" if kind == "timestamptz" and engine == "postgres" else f"'{plain}'"


# ---- what is drawn -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, repr=False)
class Drawn:
    """A contract, its rows, and whose session calls what."""

    tables: tuple[Mapped, ...]
    session: dict[str, Value]

    def __repr__(self) -> str:
        rows = "".join(f"\n{table.name}: {row}" for table in self.tables for row in table.rows)
        return f"{self.contract}\n{self.session}{rows}\n"

    @property
    def contract(self) -> str:
        """The contract's text; JSON is YAML too."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True, repr=False)
class World(Drawn):
    """A contract of reads, and what is called of it."""

    readings: tuple[Reading, ...]

    @property
    def contract(self) -> str:
        """The contract's text."""
        return contract_of(self.tables, {reading.name: _capability(reading) for reading in self.readings})


def contract_of(tables: Iterable[Mapped], capabilities: Mapping[str, Any]) -> str:
    """Return the text of a contract."""
    body = {
        "synapsor": 1,
        "contract": "anything",
        "contexts": {"staff": {"tenant": "session.tenant", "principal": "session.user"}},
        "tables": {table.name: _table(table) for table in tables},
        "capabilities": capabilities,
    }
    return json.dumps(body, ensure_ascii=False)


def _table(table: Mapped) -> dict[str, Any]:
    said: dict[str, Any] = {
        "source": "shop",
        "relation": f"billing.{table.name}",
        "key": [col.name for col in table.key],
        "tenant": table.tenant.name if table.tenant else {"single_tenant": True, "because": "One shop has it all."},
        "columns": {col.name: col.rule for col in table.cols},
    }
    if table.principal:
        said["principal"] = table.principal.name
    if table.writable:
        said["version"] = "whole_row"
    return {**said, **({"only": where_of(table.only)} if table.only else {})}


def _capability(reading: Reading) -> dict[str, Any]:
    said: dict[str, Any] = {
        "description": "What there is of it.",
        "read": reading.table.name,
        "returns": list(reading.returns),
    }
    said["limits"] = {"rows": reading.rows, "bytes": reading.bytes}
    said |= {"where": where_of(reading.where)} if reading.where else {}
    said |= {"arguments": reading.arguments} if reading.arguments else {}
    if not reading.single:
        said |= {"order": [("-" if down else "") + col.name for col, down in reading.order]}
        said |= {"pages": reading.pages, "total": reading.total}
    return said


def where_of(terms: tuple[Term, ...]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for term in terms:
        constants = [as_constant(value) for value in term.operands]
        value: Any = constants if term.operator == "one_of" else next(iter(constants), None)
        if term.argument:
            value = f"${term.argument}"
        if term.operator in {"has_value", "no_value"}:
            value = term.operator == "has_value"
        if term.operator == "equals":
            said[term.col.name] = value
        else:
            said.setdefault(term.col.name, {})["has_value" if term.operator == "no_value" else term.operator] = value
    return said


def as_constant(value: Value) -> Any:
    """Return a value as a contract writes it."""
    if type(value) is str:
        return f"${value}" if value.startswith("$") else value
    return value if type(value) in {int, bool} else as_argument(value)


def as_argument(value: Value, number: int = 0) -> Any:
    """Return a value as a model sends it, in one of its spellings."""
    if isinstance(value, Decimal):
        return (f"{value:f}", f"{value:.2f}")[number % 2]
    if isinstance(value, dt.datetime):
        zone = dt.timezone(dt.timedelta(hours=(0, -8, 2)[number % 3]))
        return value.astimezone(zone).isoformat() if value.tzinfo else value.isoformat("T "[number % 2])
    return value


@st.composite
def worlds(draw: Draw) -> World:
    """Draw a contract that `check` accepts, and everything around it."""
    tenant_kind, principal_kind, session = draw_session(draw)
    tables = tuple(draw_table(draw, f"any_{n}", tenant_kind, principal_kind) for n in range(draw(st.integers(1, 2))))
    readings = tuple(
        _draw_reading(draw, f"any.r{n}", draw(st.sampled_from(tables))) for n in range(draw(st.integers(2, 3)))
    )
    return World(tables=tables, readings=readings, session=session)


def draw_session(draw: Draw) -> tuple[str, str, dict[str, Value]]:
    """Draw the types of the tenant and the principal, "" where there is none, and a session."""
    tenant_kind = draw(st.sampled_from(("text", "text", "integer", "uuid", "")))
    principal_kind = draw(st.sampled_from(("", "text", "uuid")))
    session = {
        "tenant": draw(st.sampled_from(SESSIONS[tenant_kind or "text"])),
        "user": draw(st.sampled_from(SESSIONS[principal_kind or "text"])),
    }
    return tenant_kind, principal_kind, session


def draw_table(
    draw: Draw,
    name: str,
    tenant_kind: str,
    principal_kind: str,
    *,
    most: int = 14,
    like: Mapping[str, Value] | None = None,
    keys: int = 12,
) -> Mapped:
    """Draw a table and no more rows than that; with a session, most are of that, and `like` one another."""
    key = tuple(
        Col(name=f"k{n}", kind=draw(st.sampled_from(("integer", "text"))), needed=True)
        for n in range(draw(st.integers(1, 2)))
    )
    tenant = (
        Col(name="tenant_id", kind=tenant_kind, folding=tenant_kind == "text", needed=True) if tenant_kind else None
    )
    principal = (
        Col(name="owner", kind=principal_kind, folding=principal_kind == "text", needed=True)
        if principal_kind
        else None
    )
    kinds = draw(st.lists(st.sampled_from((*SETTABLE, "text", "words", "float")), min_size=2, max_size=7))
    plain = tuple(_draw_column(draw, f"c{n}", kind) for n, kind in enumerate(kinds))
    hidden = Col(name="hidden", kind="text", denied=True)
    mark = Col(name="mark", kind="text")
    cols = (*key, mark, *(c for c in (tenant, principal) if c), *plain, hidden)
    rows: list[dict[str, Value]] = []
    taken = set()
    cells = {col.name: st.none() | st.sampled_from(col.pool) for col in plain}
    owners = {col.name: SESSIONS[col.kind] for col in (tenant, principal) if col}
    if like is not None:
        cells = {
            col.name: st.sampled_from(draw(st.lists(cells[col.name], min_size=1, max_size=3, unique=True)))
            for col in plain
        }
        owners = {
            col.name: (*owners[col.name], *[like[who]] * 12)
            for col, who in ((tenant, "tenant"), (principal, "user"))
            if col
        }
    for number in range(draw(st.integers(most // 2 if like is not None else 0, most))):
        row = {name: draw(values) for name, values in cells.items()}
        row |= {
            col.name: draw(st.integers(0, keys)) if col.kind == "integer" else f"K{draw(st.integers(0, keys))}"
            for col in key
        }
        row |= {name: draw(st.sampled_from(values)) for name, values in owners.items()}
        whose = "/".join(str(row[col.name]) for col in (tenant, principal) if col)
        row |= {"mark": f"{number}:{whose}", "hidden": f"{CANARY}-{number}"}
        # A tenant that its database takes for another one is another tenant's neighbour in the primary key.
        owner = str(row["tenant_id"]).casefold().rstrip() if tenant else ""
        if (identity := (owner, *(row[col.name] for col in key))) not in taken:
            taken.add(identity)
            rows.append({col.name: row[col.name] for col in cols})
    free = [col for col in plain if col.kind != "float"]
    only = draw_terms(draw, draw(st.sampled_from(free)), None) if free and draw(st.integers(0, 3)) == 0 else ()
    return Mapped(name=name, cols=cols, key=key, tenant=tenant, principal=principal, only=only, rows=tuple(rows))


def _draw_column(draw: Draw, name: str, kind: str) -> Col:
    if kind == "words":
        return Col(name=name, kind="text", words=True)
    folding = kind == "text" and draw(st.booleans())
    return Col(name=name, kind=kind, folding=folding, scale=4 if kind == "numeric" and draw(st.booleans()) else None)


def _draw_reading(draw: Draw, name: str, table: Mapped) -> Reading:
    arguments: dict[str, dict[str, Any]] = {}
    single = draw(st.integers(0, 4)) == 0
    plain = [col for col in table.cols if not col.denied and col not in table.scope and col not in table.key]
    free = [col for col in plain if col.kind != "float"]
    where: list[Term] = []
    if single:
        where += [_named_by(col, declare(draw, arguments, col, "equals", needed=True)) for col in table.key]
    compared = draw(
        st.lists(st.sampled_from([*free, *(() if single else table.key)]), max_size=3, unique_by=lambda c: c.name)
    )
    for col in compared:
        where += draw_terms(draw, col, arguments, needed=single)
    if not single and all(any(t.col == col and t.operator == "equals" for t in where) for col in table.key):
        where = [term for term in where if term.col != table.key[0]]  # else it were a read of one row
    used = {term.argument for term in where}
    returned = draw(st.lists(st.sampled_from(plain), max_size=4, unique_by=lambda c: c.name))
    ordered = draw(st.lists(st.sampled_from([*plain, *table.key]), max_size=2, unique_by=lambda c: c.name))
    pages = draw(st.booleans()) and all(col.kind != "float" for col in ordered)
    return Reading(
        name=name,
        table=table,
        where=tuple(where),
        arguments={argument: rule for argument, rule in arguments.items() if argument in used},
        order=() if single else tuple((col, draw(st.booleans())) for col in ordered),
        returns=("mark", *(col.name for col in returned if col.name != "mark")),
        single=single,
        pages=pages and not single,
        total=not single and draw(st.booleans()),
        rows=draw(st.sampled_from((1, 2, 5, 50))),
        bytes=draw(st.sampled_from((1024, 100_000))),
    )


def _named_by(col: Col, argument: str) -> Term:
    return Term(col=col, operator="equals", argument=argument)


def draw_terms(
    draw: Draw, col: Col, arguments: dict[str, dict[str, Any]] | None, *, needed: bool = False
) -> tuple[Term, ...]:
    """Draw what is said of one column; with arguments, unless there may be none."""
    said = ["equals", "no_value", "has_value", "not", "one_of"]
    said += ["between", "at_least", "above", "at_most", "below"] if col.kind in RANGED else []
    said += ["starts_with", "starts_with"] if col.kind == "text" else []
    operator = draw(st.sampled_from([s for s in said if not (col.needed and s == "no_value")]))
    operators = {"between": (draw(st.sampled_from(("at_least", "above"))), "below"), "not": ("has_value", "not")}.get(
        operator, (operator,)
    )
    terms = tuple(_draw_term(draw, col, each, arguments, needed=needed) for each in operators)
    fixed = [term.operands[0] for term in terms if operator == "between" and term.operands]
    # `check` refuses ends that leave nothing between them.
    return terms if len(fixed) < len(operators) or fixed[0] < fixed[1] else terms[:1]


def _draw_term(
    draw: Draw, col: Col, operator: str, arguments: dict[str, dict[str, Any]] | None, *, needed: bool
) -> Term:
    if operator in {"has_value", "no_value"}:
        return Term(col=col, operator=operator)
    if arguments is not None and draw(st.booleans()):
        return Term(col=col, operator=operator, argument=declare(draw, arguments, col, operator, needed=needed))
    values = st.sampled_from([v for v in col.pool if v != "" or operator != "starts_with"])
    many = operator == "one_of"
    return Term(
        col=col,
        operator=operator,
        operands=tuple(draw(st.lists(values, min_size=1, max_size=3 if many else 1, unique=True))),
    )


def declare(draw: Draw, arguments: dict[str, dict[str, Any]], col: Col, operator: str, *, needed: bool) -> str:
    name = f"a{len(arguments)}"
    rule: dict[str, Any] = {"type": {"integer": "integer", "boolean": "boolean"}.get(col.kind, "string")}
    if rule["type"] == "string":
        rule |= {"one_of": list(WORDS)} if col.words and operator != "starts_with" else {"max_length": 400}
    rule |= {"many": 3} if operator == "one_of" else {}
    rule |= {"optional": True} if not needed and draw(st.booleans()) else {}
    arguments[name] = rule
    return name


def draw_call(draw: Draw, reading: Reading) -> tuple[dict[str, Any], dict[str, tuple[Value, ...]]]:
    """Draw what a model sends, and the operands that it means by that."""
    sent: dict[str, Any] = {}
    meant: dict[str, tuple[Value, ...]] = {}
    for term in reading.where:
        if not term.argument or (reading.arguments[term.argument].get("optional") and draw(st.booleans())):
            continue
        pool = [*range(13)] if term.col in reading.table.key and term.col.kind == "integer" else list(term.col.pool)
        pool += [f"K{n}" for n in range(13)] if term.col in reading.table.key and term.col.kind == "text" else []
        values = st.sampled_from([value for value in pool if value != "" or term.operator != "starts_with"])
        many = term.operator == "one_of"
        chosen = tuple(draw(st.lists(values, min_size=1, max_size=3 if many else 1, unique=True)))
        spelled = [as_argument(value, draw(st.integers(0, 5))) for value in chosen]
        sent[term.argument], meant[term.argument] = spelled if many else spelled[0], chosen
    return sent, meant
