"""The rules of what may be undone: only a change whose exact inverse is known from the change itself.

What could be restored only in part, or by a guess, says nothing of undo; nobody is promised what cannot be kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Computed, Operation
from synapsor.contract.document import Path, Positions
from synapsor.contract.mapping import Table
from synapsor.errors import Problem
from synapsor.values import ColumnType


def undo_problems(path: Path, capability: ProposeCapability, table: Table, at: Positions) -> Iterator[Problem]:
    """Yield why a change of this capability could not be undone, although it says so."""
    if capability.advances is not None and not _counts_up(capability, table):
        yield at.at_value(
            (*path, "advances"),
            "SYN395",
            f"`{capability.advances}` is not counted up by an update that can be undone.",
            f"Write `undo: reviewed` and `set: {{{capability.advances}: {{add: 1}}}}`, or remove `advances`.",
        )
    if capability.undo is None:
        return
    here = (*path, "undo")
    if capability.operation is Operation.DELETE:
        message = "A removed row cannot be restored as it was."
        yield at.at_key(here, "SYN391", message, "Remove `undo`, or mark the row by an update, which can be undone.")
        return
    if capability.worker is not None:
        message = "What can be undone is not for a worker that runs unattended."
        yield at.at_key(here, "SYN394", message, "Remove `worker`, or `undo`.")
    inserts = capability.operation is Operation.INSERT
    for column in table.key if inserts else ():
        if column not in table.scope and capability.set.get(column) is None:
            message = f"`{column}` is not filled by this insert, so its row could not be named."
            yield at.at_key(here, "SYN392", message, f"Set `{column}`, or remove `undo`.")
    for column in table.hidden:
        if inserts or column in capability.set:
            message = f"`{column}` is not shown as it is, so nobody could see what an undo would write back or remove."
            yield at.at_key(here, "SYN393", message, "Remove `undo`.")


def _counts_up(capability: ProposeCapability, table: Table) -> bool:
    value = capability.set.get(str(capability.advances))
    rule = table.columns.get(str(capability.advances))
    counted = isinstance(value, Computed) and isinstance(value.add, int) and value.add > 0
    is_update = capability.operation is Operation.UPDATE and capability.undo is not None
    return counted and is_update and rule is not None and rule.type is ColumnType.INTEGER
