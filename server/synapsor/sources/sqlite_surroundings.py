"""What stands around a SQLite table: all of it is in the schema, which whoever may open the file may read.

A trigger is only a text there. One whose event cannot be read out of it is taken for one that fires with every change.
"""

from __future__ import annotations

import re
import sqlite3

from synapsor.core.plan import Relation
from synapsor.core.surroundings import Action, Reference, Referrer, Surroundings, Trigger, Unseen

_NAME = r'(?:"(?:[^"]|"")+"|`(?:[^`]|``)+`|\[[^\]]+\]|\w+)'
_COMMENT = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])|--[^\n]*|/\*.*?\*/""", re.DOTALL)
_HEAD = re.compile(
    rf"\s*CREATE\s+(?:TEMP\w*\s+)?TRIGGER\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}(?:\s*\.\s*{_NAME})?\s*"
    rf"(?P<timing>\bBEFORE\b|\bAFTER\b|\bINSTEAD\s+OF\b)?\s*\b(?P<event>DELETE|INSERT|UPDATE)\b"
    rf"(?:\s+OF\s+(?P<columns>{_NAME}(?:\s*,\s*{_NAME})*))?\s*\bON\b",
    re.IGNORECASE,
)
_COLUMN = re.compile(_NAME)
_EVERY = frozenset({"insert", "update", "delete"})
_GENERATED = frozenset({2, 3})


def surroundings(connection: sqlite3.Connection, relation: Relation) -> Surroundings | None:
    """Return what stands around a table of the file, or None where there is no such table or view."""
    schema = relation.schema
    made = connection.execute(
        f'SELECT type, name, tbl_name, sql FROM "{schema}".sqlite_master ORDER BY name'  # noqa: S608  # the schema's name is a checked one
    ).fetchall()
    kinds = {str(name): str(kind) for kind, name, _, _ in made if kind in {"table", "view"}}
    if relation.name not in kinds:
        return None
    spelled = {name.lower(): name for name in kinds}
    own = _columns(connection, relation)
    cased = {name.lower(): name for name, _ in own}
    return Surroundings(
        relation=relation,
        referrers=tuple(_referrers(connection, relation, [n for n, kind in kinds.items() if kind == "table"], cased)),
        references=tuple(_references(connection, relation, spelled)),
        triggers=tuple(
            _trigger(str(name), str(sql), cased)
            for kind, name, table, sql in made
            if kind == "trigger" and str(table).lower() == relation.name.lower()
        ),
        generated=tuple(name for name, hidden in own if hidden in _GENERATED),
        unseen=frozenset(Unseen) if kinds[relation.name] == "view" else frozenset(),
    )


def _referrers(
    connection: sqlite3.Connection, relation: Relation, tables: list[str], cased: dict[str, str]
) -> list[Referrer]:
    found = []
    for table in tables:
        child = Relation(schema=relation.schema, name=table)
        for parent, columns, on_update, on_delete in _keys(connection, child):
            if parent.lower() == relation.name.lower():
                pairs = tuple((theirs, cased.get(own.lower(), own)) for theirs, own in columns)
                found.append(Referrer(name="", relation=child, columns=pairs, on_delete=on_delete, on_update=on_update))
    return found


def _references(connection: sqlite3.Connection, relation: Relation, spelled: dict[str, str]) -> list[Reference]:
    return [
        Reference(
            name="",
            to=Relation(schema=relation.schema, name=spelled.get(parent.lower(), parent)),
            columns=tuple(columns),
        )
        for parent, columns, _, _ in _keys(connection, relation)
    ]


def _keys(
    connection: sqlite3.Connection, relation: Relation
) -> list[tuple[str, list[tuple[str, str]], Action, Action]]:
    """Return the foreign keys of a table: the parent, which column equals which of its, and the actions."""
    found: dict[object, tuple[str, list[tuple[str, str]], Action, Action]] = {}
    rows = sorted(_pragma(connection, relation.schema, "foreign_key_list", relation.name), key=lambda row: row[:2])
    for number, place, parent, own, theirs, on_update, on_delete in (row[:7] for row in rows):
        named = (
            str(theirs) if theirs is not None else _primary(connection, relation.schema, str(parent), int(str(place)))
        )
        actions = Action(str(on_update).lower()), Action(str(on_delete).lower())
        found.setdefault(number, (str(parent), [], *actions))[1].append((str(own), named))
    return list(found.values())


def _primary(connection: sqlite3.Connection, schema: str, table: str, place: int) -> str:
    """Return a column of the primary key, which is what is meant where none is named."""
    rows = [row for row in _pragma(connection, schema, "table_xinfo", table) if row[5]]
    named = [str(row[1]) for row in sorted(rows, key=lambda row: int(str(row[5])))]
    return named[place] if place < len(named) else ""


def _columns(connection: sqlite3.Connection, relation: Relation) -> list[tuple[str, object]]:
    return [(str(row[1]), row[6]) for row in _pragma(connection, relation.schema, "table_xinfo", relation.name)]


def _trigger(name: str, sql: str, cased: dict[str, str]) -> Trigger:
    head = _HEAD.match(_COMMENT.sub(lambda found: found[1] or " ", sql))
    if head is None:
        return Trigger(name=name, timing="", events=_EVERY)
    timing = " ".join((head["timing"] or "before").lower().split())
    columns = frozenset(cased.get(_bare(part), _bare(part)) for part in _COLUMN.findall(head["columns"] or ""))
    return Trigger(name=name, timing=timing, events=frozenset({head["event"].lower()}), columns=columns)


def _bare(name: str) -> str:
    quoted = name[1:-1].replace(name[0] * 2, name[0]) if name[0] in '"`' else name[1:-1] if name[0] == "[" else name
    return quoted.lower()


def _pragma(connection: sqlite3.Connection, schema: str, pragma: str, name: str) -> list[tuple[object, ...]]:
    quoted = name.replace('"', '""')
    return connection.execute(f'PRAGMA "{schema}".{pragma}("{quoted}")').fetchall()
