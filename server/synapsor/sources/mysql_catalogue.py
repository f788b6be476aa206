"""What a MySQL or MariaDB catalogue says of a relation: types, uniqueness, what moves by itself, and what does not roll back.

Facts only; what they mean for a mapping is judged in `core.posture`. Where a credential may not see, the facts say so or say less.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

from synapsor.core.facts import Collation, ColumnFacts, ForeignKey, RelationFacts
from synapsor.core.plan import Relation
from synapsor.sources import mysql_views as views
from synapsor.sources.definitions import split_at_commas
from synapsor.sql.statement import RawRow
from synapsor.sql.tokens import CASED, LISTED


class Ask(Protocol):
    """Asks the catalogue one question with `%(p1)s…` placeholders; the sources implement it."""

    def __call__(self, text: str, *params: Any) -> Awaitable[Sequence[RawRow]]:
        """Return the rows."""
        ...


_REMOTE_ENGINES = frozenset(
    {"FEDERATED", "FEDERATEDX", "CONNECT", "SPIDER", "S3", "NDBCLUSTER", "OQGRAPH", "SPHINX", "MROONGA"}
)
_WIDTH = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "integer": 32, "bigint": 64}
_TEXTS = {
    "tinytext": {"text"},
    "text": {"text"},
    "mediumtext": {"text"},
    "longtext": {"text", "json"},
    "enum": {"text"},
    "set": {"text"},
}
_FAMILIES: dict[str, set[str]] = {
    **_TEXTS,
    **{name: {"bytes"} for name in ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")},
    **{name: {"text"} for name in ("inet4", "inet6", "char", "varchar")},
    "decimal": {"numeric"},
    "float": {"float"},
    "double": {"float"},
    "bit": {"bits"},
    "year": {"integer"},
    "date": {"date"},
    "time": {"time"},
    "datetime": {"timestamp"},
    "timestamp": {"timestamptz", "timestamp"},
    "uuid": {"uuid", "text"},
    "json": {"json"},
}
_UUID_LENGTH = 36
_CODE_PAGE = 1
_REACH = {"ascii": 0, "utf8": 2, "utf8mb3": 2, "ucs2": 3, "utf16": 3, "utf16le": 3, "utf32": 3, "utf8mb4": 3}
"""How far character sets reach, as the servers decide which of two columns is taken for the other's."""
_EVERY_CHARACTER = frozenset({"binary", "utf8mb4", "utf16", "utf16le", "utf32"})
_NOT_CODE = re.compile(r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|--\s[^\n]*|\#[^\n]*|/\*.*?\*/""", re.DOTALL)
_SET = re.compile(r"\bSET\b([^;]*)", re.IGNORECASE)
_NEW = re.compile(r"\s*NEW\s*\.\s*(?:`((?:[^`]|``)+)`|(\w+))\s*:?=", re.IGNORECASE)


async def describe(ask: Ask, relation: Relation) -> RelationFacts | None:
    """Return what the catalogue says of a relation, or None when this credential sees no such thing.

    A view over one table is looked through where this credential may see its definition and the table; otherwise its columns are
    stated not to move. Triggers are invisible to a reader: whether a version moves is for the worker's credential to say.
    """
    found = await _one(
        ask, "SELECT table_schema, table_name, table_type, engine FROM information_schema.tables", relation
    )
    columns = {facts.name: facts for facts in await _columns(ask, relation)}
    if found is None:
        return None
    kind, engine = str(found[2]), str(found[3] or "").upper()
    if kind in {"VIEW", "SYSTEM VIEW"}:  # of one whose functions a reader may not run, the server tells it no column
        return await _through_view(ask, RelationFacts(relation=relation, kind="view", columns=columns))
    if not columns:
        return None
    hazards = [f"its engine {engine} keeps rows beyond this server's transactions"] if engine in _REMOTE_ENGINES else []
    if kind not in {"BASE TABLE", "SYSTEM VERSIONED"}:
        hazards.append("it is neither a table nor a view")
    unique = await _unique(ask, relation)
    keys = frozenset(name for key in unique for name in key)
    moved = await _moved_by_triggers(ask, relation, frozenset(columns), keys=keys)
    return RelationFacts(
        relation=relation,
        kind="table",
        columns={name: replace(facts, moves=facts.moves or name in moved) for name, facts in columns.items()},
        unique=unique,
        references=await _references(ask, relation),
        transactional=engine in {"INNODB", "ROCKSDB"},
        hazards=tuple(hazards),
        traits=await _triggers(ask, relation),
        mover="a BEFORE UPDATE trigger that sets it (or ON UPDATE)",
    )


async def _triggers(ask: Ask, relation: Relation) -> dict[str, str]:
    """Return what is known of a table's triggers; a reader sees none of them."""
    rows = await _of(
        ask,
        "SELECT event_object_schema, event_object_table, trigger_name, action_timing, event_manipulation, action_statement"
        " FROM information_schema.triggers",
        relation,
        prefix="event_object",
    )
    return {f"trigger {row[2]} of {relation}": f"{row[3]} {row[4]}: {row[5]}" for row in rows}


async def _one(ask: Ask, select: str, relation: Relation) -> RawRow | None:
    return next(iter(await _of(ask, select, relation)), None)


async def _of(ask: Ask, select: str, relation: Relation, *, prefix: str = "table") -> list[RawRow]:
    """Return the catalogue's rows of a relation; the first two columns are its names, which the catalogue compares without case."""
    owner = "event_object" if prefix == "event_object" else "table"
    rows = await ask(
        f"{select} WHERE {owner}_schema = %(p1)s AND {owner}_{'table' if prefix != 'table' else 'name'} = %(p2)s",
        relation.schema,
        relation.name,
    )
    return [
        [text_of(cell) for cell in row]
        for row in rows
        if (text_of(row[0]), text_of(row[1])) == (relation.schema, relation.name)
    ]


def text_of(cell: Any) -> str | None:
    """Return a catalogue's cell as text, whatever character set it came in."""
    return cell.decode() if isinstance(cell, bytes) else cell


async def column_privileges(ask: Ask, relation: Relation) -> dict[str, list[str]]:
    """Return what this credential may do with each column of a relation, as far as it knows of them."""
    rows = await _of(
        ask, "SELECT table_schema, table_name, column_name, privileges FROM information_schema.columns", relation
    )
    return {str(row[2]): str(row[3]).lower().split(",") for row in rows}


async def _columns(ask: Ask, relation: Relation) -> list[ColumnFacts]:
    rows = await _of(
        ask,
        "SELECT table_schema, table_name, column_name, data_type, column_type, is_nullable, character_maximum_length,"
        " numeric_scale, datetime_precision, collation_name, extra, generation_expression FROM information_schema.columns",
        relation,
    )
    return [_column(*row[2:]) for row in rows]


def _column(
    name: str, data: str, column: str, nullable: str, length: str | None, scale: str | None,
    fraction: str | None, collation: str | None, extra: str, generated: str | None,
) -> ColumnFacts:  # fmt: skip
    data, column, extra = data.lower(), column.lower(), extra.lower()
    low, high = _range(data, unsigned="unsigned" in column)
    family = set(_FAMILIES.get(data, {"integer"} if data in _WIDTH else ()))
    if column.startswith(("tinyint(1)", "bit(1)")):
        family.add("boolean")
    if data in {"char", "varchar"} and int(length or 0) >= _UUID_LENGTH:
        family.add("uuid")
    digits = fraction if fraction is not None else scale if data == "decimal" else None
    return ColumnFacts(
        name=name,
        native=data if data in LISTED else "",
        family=frozenset(family),
        nullable=nullable == "YES",
        max_length=int(length) if length is not None and "text" in family else None,
        scale=int(digits) if digits is not None else None,
        low=low,
        high=high,
        # A _bin collation still pads with spaces, unless it says that it does not.
        exact=collation is None or collation == "binary" or collation.endswith(("_nopad_bin", "_0900_bin")),
        moves="on update" in extra or bool(generated) or "virtual generated" in extra or "stored generated" in extra,
        approximate=data == "float" or (data == "double" and scale is not None),
        collation=None if collation in {None, "binary"} else _collation(str(collation)),
    )


def _collation(name: str) -> Collation:
    charset = name.partition("_")[0]
    return Collation(
        name=name,
        charset=charset,
        reach=_REACH.get(charset, _CODE_PAGE),
        binary=name.endswith("_bin"),
        narrow=charset not in _EVERY_CHARACTER,
        cased=name.endswith(CASED),
    )


def _range(data: str, *, unsigned: bool) -> tuple[int | None, int | None]:
    if data == "year":
        return 1901, 2155
    bits = _WIDTH.get(data)
    if bits is None:
        return None, None
    return (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


async def _unique(ask: Ask, relation: Relation) -> tuple[frozenset[str], ...]:
    rows = await _of(
        ask,
        "SELECT table_schema, table_name, index_name, column_name, sub_part, nullable, non_unique FROM information_schema.statistics",
        relation,
    )
    proven: dict[str, set[str] | None] = {}
    for _, _, index, column, part, nullable, non_unique in rows:
        columns = proven.setdefault(str(index), set())
        if non_unique != "0" or column is None or part is not None or nullable == "YES":
            proven[str(index)] = None
        elif columns is not None:
            columns.add(column)
    return tuple(frozenset(columns) for columns in proven.values() if columns)


async def _references(ask: Ask, relation: Relation) -> tuple[ForeignKey, ...]:
    """Return the foreign keys; a server that checks none for a while (`foreign_key_checks=0`) does not say so."""
    rows = await _of(
        ask,
        "SELECT table_schema, table_name, constraint_name, column_name, referenced_table_schema, referenced_table_name,"
        " referenced_column_name FROM information_schema.key_column_usage",
        relation,
    )
    found: dict[tuple[str, Relation], set[tuple[str, str]]] = {}
    for _, _, constraint, own, schema, name, theirs in rows:
        if name is not None:
            to = Relation(schema=str(schema), name=str(name))
            found.setdefault((str(constraint), to), set()).add((str(own), str(theirs)))
    return tuple(ForeignKey(to=to, columns=frozenset(pairs)) for (_, to), pairs in found.items())


async def _moved_by_triggers(
    ask: Ask, relation: Relation, columns: frozenset[str], *, keys: frozenset[str]
) -> frozenset[str]:
    """Return the columns that BEFORE UPDATE triggers set.

    MariaDB shows a writer that a trigger is there, but not what it does; MySQL shows it nothing. What the writer may not set itself is
    then said to move (or everything, if it may set everything): an apply checks in its transaction that the version did, so this can
    delay a refusal but cannot let a change through.
    """
    rows = await _of(
        ask,
        "SELECT event_object_schema, event_object_table, event_manipulation, action_timing, action_statement FROM information_schema.triggers",
        relation,
        prefix="event_object",
    )
    bodies = [row[4] for row in rows if (row[2], row[3]) == ("UPDATE", "BEFORE")]
    if bodies and all(body is not None for body in bodies):
        return frozenset(name for body in bodies for name in _assigned(body or "")) & columns
    may = await column_privileges(ask, relation)
    reads_alone = not any({"insert", "update"}.intersection(each) for each in may.values())
    # A reader that sees no trigger knows nothing: what moves is for the worker's credential to say.
    if not bodies and (reads_alone or await _is_mariadb(ask)):
        return frozenset()
    settable = {name for name, privileges in may.items() if "update" in privileges}
    return columns - keys - settable or columns - keys


async def _is_mariadb(ask: Ask) -> bool:
    return "mariadb" in str(text_of((await ask("SELECT VERSION()"))[0][0])).lower()


def _assigned(body: str) -> Iterator[str]:
    code = _NOT_CODE.sub(" ", body)
    for statement in _SET.findall(code):
        for piece in split_at_commas(statement):
            if found := _NEW.match(piece):
                yield (found[1] or found[2]).replace("``", "`")


async def definition_of(ask: Ask, relation: Relation) -> tuple[str, str]:
    """Return a view's definition, "" where this credential may not see it, and with whose rights it reads."""
    found = await _one(
        ask,
        "SELECT table_schema, table_name, view_definition, security_type FROM information_schema.views",
        relation,
    )
    return (str(found[2] or ""), str(found[3] or "")) if found else ("", "")


async def bases(ask: Ask, relation: Relation) -> frozenset[Relation]:
    """Return the relations behind a view, through other views, as far as this credential may see their definitions."""
    seen: set[Relation] = set()
    waiting = [relation]
    while waiting:
        definition, _ = await definition_of(ask, waiting.pop())
        new = views.read_by(definition) - seen
        seen |= new
        waiting += sorted(new, key=str)
    return frozenset(seen - {relation})


async def _through_view(ask: Ask, view: RelationFacts) -> RelationFacts:
    definition, rights = await definition_of(ask, view.relation)
    view = await _looked_into(ask, view, definition, rights)
    simple = views.over_one_table(definition)
    items = [views.ITEM.match(item) for item in split_at_commas(simple["items"])] if simple else []
    base = (
        await describe(ask, Relation(schema=simple["schema"], name=simple["table"])) if simple and all(items) else None
    )
    if base is None or base.kind != "table":
        return view
    origin = {item["name"]: item["column"] for item in items if item}
    seen = {column: name for name, column in origin.items()}
    moving = {name for name, column in origin.items() if column in base.columns and base.columns[column].moves}
    return replace(
        view,
        columns={name: replace(facts, moves=facts.moves or name in moving) for name, facts in view.columns.items()},
        unique=tuple(frozenset(seen[c] for c in key) for key in base.unique if key <= set(seen)),
        transactional=base.transactional,
        hazards=(*view.hazards, *base.hazards),
        traits={**view.traits, **base.traits},
        mover=base.mover,
    )


async def _looked_into(ask: Ask, view: RelationFacts, definition: str, rights: str) -> RelationFacts:
    """Return a view with what is unsafe about it and about the views that it reads."""
    hazards, perils = views.hazards(definition)
    traits = {f"definition of {view.relation}": definition, f"security of {view.relation}": rights}
    for inner in sorted(await bases(ask, view.relation), key=str):
        text, whose = await definition_of(ask, inner)
        if text:
            more, worse = views.hazards(text)
            hazards, perils = (*hazards, *more), (*perils, *worse)
            traits |= {f"definition of {inner}": text, f"security of {inner}": whose}
    made = views.computed(definition)
    columns = {name: replace(facts, computed=name in made) for name, facts in view.columns.items()}
    return replace(
        view,
        columns=columns,
        hazards=tuple(dict.fromkeys(hazards)),
        perils=tuple(dict.fromkeys(perils)),
        traits=traits,
    )


async def server_identity(ask: Ask) -> str | None:
    """Return the server's own unique name for itself, or None where it has none."""
    for variable in ("server_uuid", "server_uid"):  # MySQL, MariaDB
        rows = await ask(f"SHOW GLOBAL VARIABLES LIKE '{variable}'")
        if rows and rows[0][1]:
            return text_of(rows[0][1])
    return None
