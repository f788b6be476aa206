"""By which columns the rows of a relation are named: one row has as many names as capabilities of the contract name it differently."""

from __future__ import annotations

from synapsor.contract.base import Column
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract


def names_of(contract: Contract, table: Table) -> tuple[tuple[Column, ...], ...]:
    """Return the sets of columns by which a contract names rows of the relation that a table writes: keys, and the `dedup` of inserts.

    They are the same ones in the same order for every table and capability of that relation.
    """
    there = [one for one in contract.tables.values() if _written(one) == _written(table)]
    dedups = [
        capability.dedup
        for capability in contract.capabilities.values()
        if isinstance(capability, ProposeCapability) and contract.table_of(capability) in there and capability.dedup
    ]
    return tuple(sorted({tuple(sorted(columns)) for columns in (*(one.key for one in there), *dedups)}))


def _written(table: Table) -> tuple[str, str]:
    return table.source, table.write_to or table.relation
