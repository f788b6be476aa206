"""What removing a row does beside on MySQL and MariaDB: triggers, and foreign keys that lead on. What cannot be seen is said to be there.

A foreign key is shown only to who may use the table that it is on, unless InnoDB's own list may be read, which takes PROCESS.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from synapsor.core.facts import Effect
from synapsor.core.plan import Relation
from synapsor.errors import Failure, SourceFailure
from synapsor.sql.statement import RawRow

_CASCADE, _SET_NULL = 1, 2
"""Bits of a foreign key's TYPE in InnoDB's list: what a delete of the row that is referred to does."""

_UNSEEN = Effect(name="")


class Ask(Protocol):
    """Asks the catalogue one question with `%(p1)s…` placeholders; the sources implement it."""

    def __call__(self, text: str, *params: Any) -> Awaitable[Sequence[RawRow]]:
        """Return the rows."""
        ...


async def on_delete(ask: Ask, relation: Relation) -> tuple[Effect, ...]:
    """Return what removing a row of a table does beside."""
    found = set(await _triggers(ask, relation))
    waiting, seen = [relation], set[Relation]()
    while waiting:
        table = waiting.pop()
        if table in seen:
            continue
        seen.add(table)
        for child, action in await _keys(ask, table):
            found.add(_UNSEEN if child is None else Effect(name=str(child), cascades=True))
            # A cascade fires no trigger of the table that it reaches, and leads on to what refers to that.
            if child is not None and action & _CASCADE:
                waiting.append(child)
    return tuple(sorted(found, key=lambda effect: (effect.cascades, effect.name)))


async def _triggers(ask: Ask, relation: Relation) -> list[Effect]:
    rows = await ask(
        "SELECT trigger_name FROM information_schema.triggers"
        " WHERE event_object_schema = %(p1)s AND event_object_table = %(p2)s AND event_manipulation = 'DELETE'",
        relation.schema,
        relation.name,
    )
    found = [Effect(name=_text(row[0])) for row in rows]
    return found if found or await _sees_triggers(ask, relation) else [_UNSEEN]


async def _sees_triggers(ask: Ask, relation: Relation) -> bool:
    """Tell whether a trigger would be seen: MariaDB shows it to who may use the table, MySQL only to who may make one."""
    if "mariadb" in _text((await ask("SELECT VERSION()"))[0][0]).lower():
        return True
    rows = await ask(
        "SELECT 1 FROM information_schema.user_privileges WHERE privilege_type = 'TRIGGER'"
        " UNION ALL SELECT 1 FROM information_schema.schema_privileges WHERE privilege_type = 'TRIGGER' AND table_schema = %(p1)s"
        " UNION ALL SELECT 1 FROM information_schema.table_privileges"
        " WHERE privilege_type = 'TRIGGER' AND table_schema = %(p1)s AND table_name = %(p2)s",
        relation.schema,
        relation.name,
    )
    return bool(rows)


async def _keys(ask: Ask, relation: Relation) -> list[tuple[Relation | None, int]]:
    """Return the tables whose foreign keys refer to this one and do something when its row goes; None where that cannot be seen."""
    listed = (
        "innodb_sys_foreign" if "mariadb" in _text((await ask("SELECT VERSION()"))[0][0]).lower() else "innodb_foreign"
    )
    try:
        rows = await ask(
            f"SELECT for_name, type FROM information_schema.{listed} WHERE ref_name = %(p1)s",  # noqa: S608  # one of two words
            f"{relation.schema}/{relation.name}",
        )
    except SourceFailure as failed:
        if failed.kind is not Failure.DENIED:
            raise
        return [(None, 0)]
    keys = [(_text(name), int(kind)) for name, kind in rows]
    return [(Relation.parse(name.replace("/", ".", 1)), kind) for name, kind in keys if kind & (_CASCADE | _SET_NULL)]


def _text(cell: Any) -> str:
    return cell.decode() if isinstance(cell, bytes) else str(cell)
