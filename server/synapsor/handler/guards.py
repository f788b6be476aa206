"""Whether the rows of a change are still those that were approved; asked under a lock, before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synapsor.handler.answer import Conflict
from synapsor.handler.job import Change, Member
from synapsor.handler.values import is_same


def check(change: Change, member: Member, row: Mapping[Any, Any] | None) -> None:
    """Refuse a change whose row, as the database has it now, is not as it was; of an insert, one that is there already.

    Raises:
        Conflict: by `row_gone`, `version_moved` or `insert_duplicate`.
    """
    if change.operation == "insert":
        if row is not None:
            raise Conflict("insert_duplicate")
        return
    if row is None or not _holds(change, row, {**change.tokens, **member.tokens["key"]}):
        raise Conflict("row_gone")
    if not _holds(change, row, member.tokens["guards"]):
        raise Conflict("version_moved")


def _holds(change: Change, row: Mapping[Any, Any], told: Mapping[str, str | None]) -> bool:
    return all(name in row and is_same(token, row[name], change.columns[name]) for name, token in told.items())
