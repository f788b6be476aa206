"""What a SQLite schema says of a relation, and what this user can do to the file; SQLite itself has neither users nor grants.

Facts only; what they mean is judged in `core.posture`.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Collection, Iterator
from typing import TypeAlias, TypeVar

from synapsor.core.facts import ColumnFacts, Effect, ForeignKey, May, Reach, ReceiptsTable, RelationFacts, Rights
from synapsor.core.plan import Relation
from synapsor.sources.definitions import Trigger, moved_by, split_at_commas
from synapsor.sources.sqlite_connection import Place

T = TypeVar("T")
Look: TypeAlias = Callable[[sqlite3.Connection], T]

_WRITABLE = "Give the worker's user write access to the file and its directory, where SQLite keeps its journal."
_FIXES = {
    "can_write": "Serve under a user that may only read the file; until then its connection alone keeps reads from writing.",
    "cannot_update": _WRITABLE,
    "receipts_privilege": _WRITABLE,
}
_INT64 = (-(2**63), 2**63 - 1)
_TEXTS = frozenset({"text", "uuid", "json", "numeric", "date", "time", "timestamp", "timestamptz"})
_EVERY = _TEXTS | {"integer", "boolean", "float", "bytes"}
_GENERATED = frozenset({2, 3})
_HIDDEN = 1
_NAME = r'(?:"(?:[^"]|"")+"|`[^`]+`|\[[^\]]+\]|\w+)'
_NOT_CODE = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_ON_UPDATE = re.compile(
    rf"CREATE\s+(?:TEMP\w*\s+)?TRIGGER\s.*?\b(?:BEFORE\s+|AFTER\s+)?UPDATE(?P<some>\s+OF\s.*?)?\s+ON\s+{_NAME}"
    r"(?:\s+FOR\s+EACH\s+ROW)?(?:\s*\bWHEN\b(?P<when>.*?))?\s*\bBEGIN\b(?P<body>.*)",
    re.IGNORECASE | re.DOTALL,
)
_UPDATE = re.compile(
    rf"\bUPDATE\s+(?:OR\s+\w+\s+)?({_NAME})\s+SET\s+(.*?)(?:\bWHERE\b|\bFROM\b|;|\Z)", re.IGNORECASE | re.DOTALL
)
_EVENT = re.compile(
    rf"CREATE\s+(?:TEMP\w*\s+)?TRIGGER\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}(?:\s*\.\s*{_NAME})?"
    r"\s+(?:BEFORE\s+|AFTER\s+|INSTEAD\s+OF\s+)?(DELETE|INSERT|UPDATE)\b",
    re.IGNORECASE,
)
_TARGET = re.compile(rf"\s*({_NAME})\s*=")


def describe(connection: sqlite3.Connection, relation: Relation) -> RelationFacts | None:
    """Return what the schema says of a relation, or None when there is none."""
    found = connection.execute(
        f'SELECT type, sql FROM "{relation.schema}".sqlite_master WHERE name = ? AND type IN (?, ?)',  # noqa: S608  # the schema's name is a checked one
        (relation.name, "table", "view"),
    ).fetchone()
    if found is None:
        return None
    kind, sql = found[0], str(found[1])
    raw = _pragma(connection, relation.schema, "table_xinfo", relation.name)
    rows = [row for row in raw if row[6] != _HIDDEN]
    unique = _unique(connection, relation, rows, sql) if kind == "table" else ()
    triggers = _setting(connection, relation)
    virtual = re.match(r"CREATE\s+VIRTUAL\b", sql, re.IGNORECASE) is not None
    return RelationFacts(
        relation=relation,
        kind=kind,
        columns={str(row[1]): _column(row, sql, strict=_is_strict(sql), triggers=triggers) for row in rows},
        unique=unique,
        references=_references(connection, relation) if kind == "table" else (),
        hazards=("it is a virtual table, whose rows may come from anywhere",) if virtual else (),
        traits=_traits(connection, relation, kind, sql),
        mover="an AFTER UPDATE trigger that sets it with an UPDATE of that row",
    )


def on_delete(connection: sqlite3.Connection, relation: Relation) -> tuple[Effect, ...]:
    """Return what removing a row does beside; a trigger whose event cannot be read is taken for one on DELETE."""
    schema = relation.schema
    made = connection.execute(f'SELECT type, name, tbl_name, sql FROM "{schema}".sqlite_master').fetchall()  # noqa: S608  # as above
    children = {
        str(name): {
            (str(k[2]).lower(), str(k[6]).upper()) for k in _pragma(connection, schema, "foreign_key_list", name)
        }
        for kind, name, _, _ in made
        if kind == "table"
    }
    found: set[Effect] = set()
    waiting, seen = [relation.name.lower()], set[str]()
    while waiting:
        table = waiting.pop()
        if table in seen:
            continue
        seen.add(table)
        for kind, name, owner, sql in made:
            event = _EVENT.match(_NOT_CODE.sub(" ", str(sql))) if kind == "trigger" else None
            if kind == "trigger" and str(owner).lower() == table and (event is None or event[1].upper() == "DELETE"):
                found.add(Effect(name=str(name)))
        for child, keys in children.items():
            actions = {action for parent, action in keys if parent == table}
            if actions & {"CASCADE", "SET NULL", "SET DEFAULT"}:
                found.add(Effect(name=f"{schema}.{child}", cascades=True))
            if "CASCADE" in actions:
                waiting.append(child.lower())
    return tuple(sorted(found, key=lambda effect: (effect.cascades, effect.name)))


def _traits(connection: sqlite3.Connection, relation: Relation, kind: str, sql: str) -> dict[str, str]:
    rows = connection.execute(
        f'SELECT name, sql FROM "{relation.schema}".sqlite_master WHERE type = ? AND tbl_name = ? ORDER BY name',  # noqa: S608  # as above
        ("trigger", relation.name),
    ).fetchall()
    found = {f"trigger {name} of {relation}": " ".join(str(text).split()) for name, text in rows}
    return {f"definition of {relation}": " ".join(sql.split()), **found} if kind == "view" else found


def views(connection: sqlite3.Connection, schema: str) -> set[str]:
    """Return the names of the file's views, in lower case."""
    rows = connection.execute(f'SELECT name FROM "{schema}".sqlite_master WHERE type = ?', ("view",))  # noqa: S608  # as above
    return {str(name).lower() for (name,) in rows}


def _pragma(connection: sqlite3.Connection, schema: str, pragma: str, name: str) -> list[tuple[object, ...]]:
    quoted = name.replace('"', '""')
    return connection.execute(f'PRAGMA "{schema}".{pragma}("{quoted}")').fetchall()


def _is_strict(sql: str) -> bool:
    return re.search(r"\)[^)]*\bSTRICT\b[^)]*\Z", sql, re.IGNORECASE) is not None


def _column(
    row: tuple[object, ...], sql: str, *, strict: bool, triggers: Collection[tuple[str, Trigger]]
) -> ColumnFacts:
    _, name, declared, not_null, _, _, hidden = row[:7]
    family = _family(str(declared).upper(), strict=strict)
    collated = re.search(rf'(?:\b|["`\[]){re.escape(str(name))}["`\]]?\s[^,]*?\bCOLLATE\s+"?(\w+)', sql, re.IGNORECASE)
    lower = str(name).lower()
    moves, stays = moved_by((trigger for column, trigger in triggers if column == lower), lower)
    return ColumnFacts(
        name=str(name),
        native="",
        family=family,
        nullable=not not_null,
        low=_INT64[0] if family & {"integer"} else None,
        high=_INT64[1] if family & {"integer"} else None,
        exact=collated is None or collated[1].upper() == "BINARY",
        moves=hidden in _GENERATED or moves,
        stays="" if hidden in _GENERATED else stays,
    )


def _family(declared: str, *, strict: bool) -> frozenset[str]:
    """Return the types that a column's affinity can keep; outside of STRICT tables a column may hold anything."""
    if declared in {"", "ANY"}:
        return _EVERY
    if "INT" in declared:
        return frozenset({"integer", "boolean"})
    if any(word in declared for word in ("CHAR", "CLOB", "TEXT")):
        return _TEXTS
    if "BLOB" in declared:
        return frozenset({"bytes"})
    if any(word in declared for word in ("REAL", "FLOA", "DOUB")):
        return frozenset({"float"})
    return _EVERY if not strict else frozenset()


def _unique(
    connection: sqlite3.Connection, relation: Relation, rows: list[tuple[object, ...]], sql: str
) -> tuple[frozenset[str], ...]:
    never_null = {str(row[1]) for row in rows if row[3]}
    found = []
    keys = [row for row in rows if row[5]]
    rowid = re.search(r"\bWITHOUT\s+ROWID\b", sql, re.IGNORECASE) is None
    if len(keys) == 1 and rowid and str(keys[0][2]).upper() == "INTEGER":
        found.append(frozenset({str(keys[0][1])}))  # the row's own number, which has no index and is never NULL
    for _, index, unique, _, partial in (
        row[:5] for row in _pragma(connection, relation.schema, "index_list", relation.name)
    ):
        parts = [row for row in _pragma(connection, relation.schema, "index_xinfo", str(index)) if row[5]]
        columns = frozenset(str(row[2]) for row in parts if row[2] is not None)
        if unique and not partial and len(columns) == len(parts) and columns <= never_null:
            found.append(columns)
    return tuple(found)


def _references(connection: sqlite3.Connection, relation: Relation) -> tuple[ForeignKey, ...]:
    """Return the foreign keys as the schema declares them; whether each writer has them checked, only the writers know."""
    found: dict[object, tuple[Relation, set[tuple[str, str]]]] = {}
    for number, place, table, own, theirs in (
        row[:5] for row in _pragma(connection, relation.schema, "foreign_key_list", relation.name)
    ):
        name, columns = _referenced(connection, relation.schema, str(table))
        keys = sorted((row for row in columns if row[5]), key=lambda row: int(str(row[5])))
        # Without a column it is the other's primary key.
        to = str(theirs).lower() if theirs is not None else str(keys[int(str(place))][1]).lower() if keys else ""
        spelled = next((str(row[1]) for row in columns if str(row[1]).lower() == to), to)
        found.setdefault(number, (Relation(schema=relation.schema, name=name), set()))[1].add((str(own), spelled))
    return tuple(ForeignKey(to=to, columns=frozenset(pairs)) for to, pairs in found.values())


def _referenced(connection: sqlite3.Connection, schema: str, table: str) -> tuple[str, list[tuple[object, ...]]]:
    row = connection.execute(
        f'SELECT name FROM "{schema}".sqlite_master WHERE name = ? COLLATE NOCASE AND type = ?',  # noqa: S608  # as above
        (table, "table"),
    ).fetchone()
    name = table if row is None else str(row[0])
    return name, _pragma(connection, schema, "table_xinfo", name)


def _setting(connection: sqlite3.Connection, relation: Relation) -> list[tuple[str, Trigger]]:
    """Return the triggers on an update of the relation, each with a column that it sets, in lower case."""
    rows = connection.execute(
        f'SELECT name, sql FROM "{relation.schema}".sqlite_master WHERE type = ? AND tbl_name = ? ORDER BY name',  # noqa: S608  # as above
        ("trigger", relation.name),
    ).fetchall()
    return [found for name, sql in rows for found in _set_by(str(name), str(sql), relation.name)]


def _set_by(name: str, sql: str, table: str) -> Iterator[tuple[str, Trigger]]:
    found = _ON_UPDATE.match(_NOT_CODE.sub("''", sql))
    if found is None:
        return
    trigger = Trigger(name=name, some=found["some"] is not None, when=(found["when"] or "").lower())
    for target, assignments in _UPDATE.findall(found["body"]):
        if _bare(target) == table.lower():
            for piece in split_at_commas(assignments):
                if column := _TARGET.match(piece):
                    yield _bare(column[1]), trigger


def _bare(name: str) -> str:
    return (name[1:-1] if name[0] in '"`[' else name).replace('""', '"').lower()


def rights_of_reader(place: Place) -> Rights:
    """Return what this user can do to the file beside reading it through this source."""
    powers = {May.CHANGE: ("the SQLite file",)} if os.access(place.path, os.W_OK) else {}
    return Rights(powers=powers, grants=False, fixes=_FIXES)


def rights_of_writer(
    connection: sqlite3.Connection,
    schema: str,
    relations: Collection[Relation],
    receipts: Relation | None,
    *,
    writable: bool,
) -> Rights:
    """Return what can be written of the given relations: every column or none."""
    facts = {
        r: describe(connection, r) if r.schema == schema else None for r in {*relations, *filter(None, (receipts,))}
    }
    columns = {relation: frozenset(known.columns if known else ()) for relation, known in facts.items()}
    written = {relation: names if writable else frozenset[str]() for relation, names in columns.items()}
    return Rights(
        reach={
            r: Reach(reads=columns[r], inserts=written[r], updates=written[r], deletes=bool(written[r])) for r in facts
        },
        receipts=_receipts(connection, facts[receipts]) if receipts is not None else None,
        grants=False,
        fixes=_FIXES,
    )


def may_write(place: Place) -> bool:
    """Tell whether this user may write the file and, beside it, its journal."""
    return os.access(place.path, os.W_OK) and os.access(place.path.absolute().parent, os.W_OK)


def _receipts(connection: sqlite3.Connection, facts: RelationFacts | None) -> ReceiptsTable | None:
    if facts is None or facts.kind != "table":
        return None
    made = connection.execute(
        f'SELECT sql FROM "{facts.relation.schema}".sqlite_master WHERE name = ? AND type = ?',  # noqa: S608  # a checked name
        (facts.relation.name, "table"),
    ).fetchone()
    digests = frozenset(name for name, column in facts.columns.items() if "bytes" in column.family)
    return ReceiptsTable(
        columns=frozenset(facts.columns),
        digests=digests,
        unique=facts.unique,
        checks={"as it was made": str(made[0])} if made else {},
    )
