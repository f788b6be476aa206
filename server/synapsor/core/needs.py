"""What contracts ask of the two credentials: which relations they read, change and hold, by which columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.core.depends import held_hops
from synapsor.core.facts import Needs
from synapsor.core.plan import Relation
from synapsor.core.writeback import target


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """What contracts read of a source, and what they deny there.

    Attributes:
        columns: those that are read, by relation.
        denied: those that nobody may read through this credential, of the relations and of the base tables behind them.
    """

    columns: Mapping[Relation, frozenset[str]]
    denied: Mapping[Relation, frozenset[str]]


def reads_of(contracts: Iterable[Contract], source: str, missing: Collection[Relation] = ()) -> Reads:
    """Return what contracts ask of the read credential of a source; of relations that are `missing` nothing is asked."""
    reads: dict[Relation, frozenset[str]] = {}
    denied: dict[Relation, frozenset[str]] = {}
    for table in (t for c in contracts for t in c.tables.values() if t.source == source):
        relation = Relation.parse(table.relation)
        if relation not in missing:
            reads[relation] = reads.get(relation, frozenset()) | frozenset(table.allowed)
        for place in {relation, target(table)}:
            denied[place] = denied.get(place, frozenset()) | frozenset(set(table.columns) - set(table.allowed))
    return Reads(columns=reads, denied=denied)


def writes_of(contracts: Iterable[Contract], source: str) -> dict[Relation, Needs]:
    """Return what contracts ask of the write credential of a source, each relation once."""
    writes: dict[Relation, Needs] = {}
    for relation, needs in (pair for contract in contracts for pair in needs_of(contract, source)):
        writes[relation] = writes.get(relation, Needs()) | needs
    return writes


def proposals_of(contract: Contract) -> list[ProposeCapability]:
    """Return the capabilities of a contract that ask for changes."""
    return [c for c in contract.capabilities.values() if isinstance(c, ProposeCapability)]


def changes_of(contract: Contract, source: str) -> Iterator[ProposeCapability]:
    """Yield the capabilities whose changes the write credential of a source makes; not those that an application carries out."""
    return (one for _, one in _asked_of(contract, source) if one.executor is None)


def by_worker(contracts: Iterable[Contract], source: str) -> list[str]:
    """Return the names of the capabilities by which the worker itself changes a source."""
    return [name for contract in contracts for name, one in _asked_of(contract, source) if one.executor is None]


def by_application(contracts: Iterable[Contract], source: str) -> list[str]:
    """Return the names of the capabilities whose changes of a source an application carries out."""
    return [name for contract in contracts for name, one in _asked_of(contract, source) if one.executor is not None]


def _asked_of(contract: Contract, source: str) -> Iterator[tuple[str, ProposeCapability]]:
    every = ((name, c) for name, c in contract.capabilities.items() if isinstance(c, ProposeCapability))
    return ((name, c) for name, c in every if contract.table_of(c).source == source)


def needs_of(contract: Contract, source: str) -> Iterator[tuple[Relation, Needs]]:
    """Yield what the changes of one source take; a relation may come several times."""
    for capability in changes_of(contract, source):
        table = contract.table_of(capability)
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
