"""Whether the write credential and the tables behind it can keep what the contracts promise of an apply; nothing is started before that."""

from __future__ import annotations

from collections.abc import Iterable

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.model import Contract
from synapsor.core.depends import held_hops
from synapsor.core.effects import judge_change, judge_held
from synapsor.core.facts import Finding, Needs
from synapsor.core.needs import needs_of, proposals_of
from synapsor.core.plan import Relation
from synapsor.core.posture import judge_writer
from synapsor.core.row_security import HOLDS, READS, judge_row_security, verbs_of
from synapsor.core.writeback import target
from synapsor.work.authority import WriteTarget


async def posture(contracts: Iterable[Contract], name: str, place: WriteTarget) -> list[Finding]:
    """Return what is wrong with a place for the changes that the contracts allow on the source of this name.

    Raises:
        SourceFailure: the catalogue cannot be read.
    """
    writes: dict[Relation, Needs] = {}
    found: list[Finding] = []
    for contract in contracts:
        for capability in proposals_of(contract):
            if contract.table_of(capability).source == name and capability.executor is None:
                found += await _judged(contract, capability, place)
        for relation, needs in needs_of(contract, name):
            writes[relation] = writes.get(relation, Needs()) | needs
    rights = await place.source.posture(writes, place.receipts)
    return [*found, *judge_writer(rights, writes, place.receipts)]


async def _judged(contract: Contract, capability: ProposeCapability, place: WriteTarget) -> list[Finding]:
    found: list[Finding] = []
    for held in held_hops(capability, contract):
        facts = await place.source.describe(held.shape.relation)
        found += [*judge_held(held.table, facts), *judge_row_security(held.table, facts, HOLDS)]
        if held.seen is not None:
            facts = await place.source.describe(held.seen.relation)
            found += judge_row_security(held.table, facts, READS)
    table = contract.table_of(capability)
    facts = await place.source.describe(target(table))
    effects = await place.effects(capability, target(table))
    found += judge_change(capability, table, facts, effects)
    return [*found, *judge_row_security(table, facts, verbs_of(capability))]
