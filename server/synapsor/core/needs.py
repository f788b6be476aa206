"""What contracts ask of a write credential: which relations it changes, reads and holds, by which columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.core.depends import held_hops
from synapsor.core.facts import Needs
from synapsor.core.plan import Relation
from synapsor.core.writeback import target


def proposals_of(contract: Contract) -> list[ProposeCapability]:
    """Return the capabilities of a contract that ask for changes."""
    return [c for c in contract.capabilities.values() if isinstance(c, ProposeCapability)]


def needs_of(contract: Contract, source: str) -> Iterator[tuple[Relation, Needs]]:
    """Yield what the changes of one source take; a relation may come several times. What an application carries out takes nothing."""
    for capability in proposals_of(contract):
        table = contract.table_of(capability)
        if table.source == source and capability.executor is None:
            yield target(table), _of_change(capability, table)
            for hop in held_hops(capability, contract):
                yield hop.shape.relation, Needs(reads=hop.reads, holds=True)
                if hop.seen is not None:
                    yield hop.seen.relation, Needs(reads=hop.reads)


def executors_of(contracts: Iterable[Contract]) -> dict[str, str]:
    """Return the executors that contracts name, each with a capability that it carries out."""
    every = ((name, c) for contract in contracts for name, c in contract.capabilities.items())
    return {c.executor: name for name, c in every if isinstance(c, ProposeCapability) and c.executor is not None}


def _of_change(capability: ProposeCapability, table: Table) -> Needs:
    reads = frozenset(table.allowed)
    deletes = capability.removes
    if capability.operation is Operation.INSERT:
        return Needs(reads=reads, inserts=frozenset({*capability.set, *table.scope}), deletes=deletes)
    return Needs(reads=reads, updates=frozenset(capability.set), deletes=deletes)
