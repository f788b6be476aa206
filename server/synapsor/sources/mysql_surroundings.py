"""What stands around a MySQL or MariaDB table, as far as a reader sees it; what it does not see is said to be unseen.

A trigger and InnoDB's own list of foreign keys are shown only to who may do more than read, and such a reader is refused. What is left is
which tables that the reader may read refer, and on MariaDB not even what that does to their rows.
"""

from __future__ import annotations

from typing import Any

from synapsor.core.plan import Relation
from synapsor.core.surroundings import Action, Reference, Referrer, Surroundings, Unseen
from synapsor.sources.mysql_catalogue import Ask, text_of

_ACTIONS = {action.value.upper(): action for action in Action}


async def surroundings(ask: Ask, relation: Relation) -> Surroundings:
    """Return what is seen around a table; of a view, and of a table that is not seen itself, that is nothing."""
    references = await _references(ask, relation)
    return Surroundings(
        relation=relation,
        referrers=await _referrers(ask, relation),
        references=references,
        generated=await _generated(ask, relation),
        unseen=frozenset(Unseen) - ({Unseen.REFERENCES} if references else set()),
        follow=False,  # a cascade of InnoDB fires no trigger
    )


async def _referrers(ask: Ask, relation: Relation) -> tuple[Referrer, ...]:
    rows = await ask(
        "SELECT k.constraint_name, k.table_schema, k.table_name, k.column_name, k.referenced_column_name,"
        " r.delete_rule, r.update_rule, k.referenced_table_schema, k.referenced_table_name"
        " FROM information_schema.key_column_usage k LEFT JOIN information_schema.referential_constraints r"
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
            on_delete=_ACTIONS.get(deleted, Action.UNKNOWN),
            on_update=_ACTIONS.get(updated, Action.UNKNOWN),
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


async def _generated(ask: Ask, relation: Relation) -> tuple[str, ...]:
    rows = await _of(
        ask,
        "SELECT table_schema, table_name, column_name, extra FROM information_schema.columns"
        " WHERE table_schema = %(p1)s AND table_name = %(p2)s ORDER BY ordinal_position",
        relation,
    )
    return tuple(row[2] for row in rows if row[3].upper() in {"STORED GENERATED", "VIRTUAL GENERATED"})


async def _of(ask: Ask, query: str, relation: Relation) -> list[list[str]]:
    """Return the rows of a relation; the first two columns are its names, which the catalogue compares without case."""
    rows = [[_text(cell) for cell in row] for row in await ask(query, relation.schema, relation.name)]
    return [row for row in rows if (row[0], row[1]) == (relation.schema, relation.name)]


def _text(cell: Any) -> str:
    return str(text_of(cell))
