"""What stands around a MySQL or MariaDB table, as far as a credential may see it; what it may not see is said to be unseen.

InnoDB's own list of foreign keys is whole, and takes PROCESS; without, a key is shown only to who may use the table that it is on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synapsor.core.plan import Relation
from synapsor.core.surroundings import Action, Reference, Referrer, Surroundings, Trigger, Unseen
from synapsor.errors import Failure, SourceFailure
from synapsor.sources.mysql_catalogue import Ask, text_of
from synapsor.sources.mysql_effects import sees_triggers
from synapsor.sql.statement import RawRow

_ON_DELETE = ((1, Action.CASCADE), (2, Action.SET_NULL), (16, Action.NO_ACTION))
_ON_UPDATE = ((4, Action.CASCADE), (8, Action.SET_NULL), (32, Action.NO_ACTION))
"""Bits of a foreign key's TYPE in InnoDB's list; without one it is RESTRICT."""

_EVERYTHING = frozenset(Unseen)


async def surroundings(ask: Ask, relation: Relation) -> Surroundings | None:
    """Return what stands around a table; of a view, and of what this credential does not see, nothing is known."""
    found = await ask(
        "SELECT table_schema, table_name, table_type FROM information_schema.tables"
        " WHERE table_schema = %(p1)s AND table_name = %(p2)s",
        relation.schema,
        relation.name,
    )
    kinds = [_text(row[2]) for row in found if (_text(row[0]), _text(row[1])) == (relation.schema, relation.name)]
    if kinds and kinds[0] not in {"BASE TABLE", "SYSTEM VERSIONED"}:
        return Surroundings(relation=relation, unseen=_EVERYTHING, follow=False)
    referrers, whole = await _referrers(ask, relation)
    unseen = set() if whole else {Unseen.REFERRERS}
    triggers = await _triggers(ask, relation)
    if not triggers and not (kinds and await sees_triggers(ask, relation)):
        unseen.add(Unseen.TRIGGERS)
    if not kinds:
        unseen.add(Unseen.REFERENCES)
    return Surroundings(
        relation=relation,
        referrers=referrers,
        references=await _references(ask, relation),
        triggers=triggers,
        generated=await _generated(ask, relation),
        unseen=frozenset(unseen),
        follow=False,
    )


async def _referrers(ask: Ask, relation: Relation) -> tuple[tuple[Referrer, ...], bool]:
    """Return the foreign keys that refer to a table, and whether those are all."""
    try:
        return await _listed(ask, relation), True
    except SourceFailure as failed:
        if failed.kind is not Failure.DENIED:
            raise
    return await _shown(ask, relation), False


async def _listed(ask: Ask, relation: Relation) -> tuple[Referrer, ...]:
    maria = "mariadb" in _text((await ask("SELECT VERSION()"))[0][0]).lower()
    keys, columns = (
        ("innodb_sys_foreign", "innodb_sys_foreign_cols") if maria else ("innodb_foreign", "innodb_foreign_cols")
    )
    rows = await ask(
        f"SELECT f.id, f.for_name, f.type, c.for_col_name, c.ref_col_name, c.pos"  # noqa: S608  # two of four words
        f" FROM information_schema.{keys} f JOIN information_schema.{columns} c ON c.id = f.id WHERE f.ref_name = %(p1)s",
        f"{relation.schema}/{relation.name}",
    )
    found: dict[str, list[RawRow]] = {}
    for row in rows:
        found.setdefault(_text(row[0]), []).append(row)
    return tuple(_of_list(name, parts) for name, parts in sorted(found.items()))


def _of_list(name: str, rows: Sequence[RawRow]) -> Referrer:
    kind = int(rows[0][2])
    ordered = sorted(rows, key=lambda row: int(row[5]))
    return Referrer(
        name=name.rpartition("/")[2],
        relation=Relation.parse(_text(rows[0][1]).replace("/", ".", 1)),
        columns=tuple((_text(row[3]), _text(row[4])) for row in ordered),
        on_delete=next((action for bit, action in _ON_DELETE if kind & bit), Action.RESTRICT),
        on_update=next((action for bit, action in _ON_UPDATE if kind & bit), Action.RESTRICT),
    )


async def _shown(ask: Ask, relation: Relation) -> tuple[Referrer, ...]:
    rows = await ask(
        "SELECT k.constraint_name, k.table_schema, k.table_name, k.column_name, k.referenced_column_name,"
        " r.delete_rule, r.update_rule, k.referenced_table_schema, k.referenced_table_name"
        " FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r"
        " ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name"
        " WHERE k.referenced_table_schema = %(p1)s AND k.referenced_table_name = %(p2)s"
        " ORDER BY k.table_schema, k.table_name, k.constraint_name, k.ordinal_position",
        relation.schema,
        relation.name,
    )
    found: dict[tuple[str, ...], list[list[str]]] = {}
    for row in ([_text(cell) for cell in one] for one in rows):
        if (row[7], row[8]) == (relation.schema, relation.name):
            found.setdefault((row[1], row[2], row[0], row[5], row[6]), []).append(row)
    return tuple(
        Referrer(
            name=name,
            relation=Relation(schema=schema, name=table),
            columns=tuple((row[3], row[4]) for row in parts),
            on_delete=Action(deleted.lower()),
            on_update=Action(updated.lower()),
        )
        for (schema, table, name, deleted, updated), parts in found.items()
    )


async def _references(ask: Ask, relation: Relation) -> tuple[Reference, ...]:
    rows = await _of(
        ask,
        "SELECT table_schema, table_name, constraint_name, referenced_table_schema, referenced_table_name, column_name,"
        " referenced_column_name FROM information_schema.key_column_usage WHERE table_schema = %(p1)s AND table_name = %(p2)s"
        " AND referenced_table_name IS NOT NULL ORDER BY constraint_name, ordinal_position",
        relation,
    )
    found: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for name, schema, table, own, theirs in (row[2:] for row in rows):
        found.setdefault((name, schema, table), []).append((own, theirs))
    return tuple(
        Reference(name=name, to=Relation(schema=schema, name=table), columns=tuple(columns))
        for (name, schema, table), columns in found.items()
    )


async def _triggers(ask: Ask, relation: Relation) -> tuple[Trigger, ...]:
    rows = await _of(
        ask,
        "SELECT event_object_schema, event_object_table, trigger_name, action_timing, event_manipulation"
        " FROM information_schema.triggers WHERE event_object_schema = %(p1)s AND event_object_table = %(p2)s"
        " ORDER BY trigger_name",
        relation,
    )
    return tuple(
        Trigger(name=name, timing=timing.lower(), events=frozenset({event.lower()}))
        for _, _, name, timing, event in rows
    )


async def _generated(ask: Ask, relation: Relation) -> tuple[str, ...]:
    rows = await _of(
        ask,
        "SELECT table_schema, table_name, column_name, extra FROM information_schema.columns"
        " WHERE table_schema = %(p1)s AND table_name = %(p2)s ORDER BY ordinal_position",
        relation,
    )
    return tuple(row[2] for row in rows if "generated" in row[3].lower().replace("default_generated", ""))


async def _of(ask: Ask, query: str, relation: Relation) -> list[list[str]]:
    """Return the rows of a relation; the first two columns are its names, which the catalogue compares without case."""
    rows = [[_text(cell) for cell in row] for row in await ask(query, relation.schema, relation.name)]
    return [row for row in rows if (row[0], row[1]) == (relation.schema, relation.name)]


def _text(cell: Any) -> str:
    return str(text_of(cell))
