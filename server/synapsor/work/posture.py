"""Whether the write credential and the tables behind it can keep what the contracts promise of an apply; nothing is started before that."""

from __future__ import annotations

from collections.abc import Iterable

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.model import Contract
from synapsor.core.depends import held_hops
from synapsor.core.effects import judge_change, judge_held
from synapsor.core.facts import Finding
from synapsor.core.needs import changes_of, writes_of
from synapsor.core.posture import judge_writer
from synapsor.core.production import judge_for_production
from synapsor.core.row_security import HOLDS, READS, judge_row_security, verbs_of
from synapsor.core.unwritten import judge_idle, judge_unwritten
from synapsor.core.writeback import target
from synapsor.work.authority import WriteTarget


async def posture(contracts: Iterable[Contract], name: str, place: WriteTarget) -> list[Finding]:
    """Return what is wrong with a place for the changes that the contracts allow on the source of this name.

    Raises:
        SourceFailure: the catalogue cannot be read.
    """
    reviewed = tuple(contracts)
    if not place.has_writer:
        return list(judge_unwritten(reviewed, name))
    found: list[Finding] = []
    for contract in reviewed:
        for capability in changes_of(contract, name):
            found += await _judged(contract, capability, place)
    writes = writes_of(reviewed, name)
    rights = await place.source.posture(writes, place.receipts)
    of_writer = judge_writer(rights, writes, place.receipts)
    found += judge_for_production(of_writer, place.allow) if place.production else of_writer
    return [*found, *judge_idle(reviewed, name)]


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
