"""Which columns guard a change: those that must be as they were when it was asked for, and the version that must move with it."""

from __future__ import annotations

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.contract.mapping import Table


def guards_of(capability: ProposeCapability, table: Table) -> tuple[tuple[str, ...], str | None]:
    """Return the columns that must be as they were, and the version that must move; nothing of rows that are not there yet.

    A delete is guarded by the whole row: no lock holds it before, and what moves it need not move its version.
    """
    if capability.operation is Operation.INSERT:
        return (), None
    fixed = {*table.key, *table.scope}
    if table.version == "whole_row" or capability.operation is Operation.DELETE:
        return tuple(n for n in table.allowed if n not in fixed), None
    assert table.version is not None  # noqa: S101  # check.py refuses a proposal on a mapping without a version
    still = (name for name in (*capability.requires, *capability.unchanged) if name not in capability.depends)
    # Which related row it is must not change either.
    led = (own for path in capability.depends for own in table.links[path.partition(".")[0]].on)
    named = (table.version, *capability.set, *still, *led, *capability.where, *table.only)
    return tuple(n for n in dict.fromkeys(named) if n not in fixed), table.version
