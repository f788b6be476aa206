"""Look at what a proposal touches beside its own rows, through the read credential, for a reviewer: it names and counts, and reads no value.

A table that no contract maps is only counted, and only if the reader may read the columns that refer; time and rows are limited.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Accepts
from synapsor.core.blast import (
    MOST_COUNTED,
    Blast,
    Count,
    Fired,
    Reached,
    Uncounted,
    accepts,
    acts_on,
    alters,
    checks,
    event_behind,
    fires,
    matters,
    unlisted,
)
from synapsor.core.evidence import Call, audit_body
from synapsor.core.plan import Column, Relation
from synapsor.core.posture import natives
from synapsor.core.proposal import Proposal
from synapsor.core.surroundings import Action, Referrer, Surroundings
from synapsor.core.untold import Untold, untold_by_failure
from synapsor.core.writeback import target
from synapsor.errors import Failure, SourceFailure
from synapsor.flow.prepare import Served
from synapsor.ports import AgentLedger
from synapsor.sql.dependents import count_dependents, counted
from synapsor.values import ColumnType, ValueUnfit

COUNT_MS: Final = 1000
ALL_COUNTS_MS: Final = 3000
MOST_TABLES: Final = 20
"""How many tables behind are looked at; what lies behind more of them is red as it is."""

_UNCOUNTED = {Failure.TIMEOUT: Uncounted.TIMEOUT, Failure.DENIED: Uncounted.DENIED, Failure.DRIFT: Uncounted.DENIED}


@dataclass(kw_only=True)
class _Look:
    """A look that is under way.

    Attributes:
        until: by the loop's clock, when counting ends.
        known: what stands around the tables that were looked at.
    """

    proposal: Proposal
    served: Served
    until: float
    relations: list[Relation] = field(default_factory=list)
    reached: list[Reached] = field(default_factory=list)
    fired: list[Fired] = field(default_factory=list)
    known: dict[Relation, Surroundings | None] = field(default_factory=dict)
    cut: bool = False

    @property
    def accepted(self) -> Accepts | None:
        """What the contract accepts that a delete does beside."""
        capability = self.served.capability
        return capability.accepts if isinstance(capability, ProposeCapability) else None

    def accepts(self, key: Referrer, action: Action) -> bool:
        """Tell whether nothing speaks against reaching a table."""
        return accepts(str(key.relation), action, self.accepted, delete=self.proposal.deletes)


async def blast(proposal: Proposal, served: Served, ledger: AgentLedger, call: Call) -> Blast:
    """Return what a proposal touches beside its own rows; `served` is its capability as it is activated.

    Raises:
        LedgerFailure: that it was counted could not be recorded, so nothing is told.
    """
    if served.contract != proposal.contract:
        return unknown(proposal, Untold.CONTRACT_REPLACED, call.at)
    look = _Look(proposal=proposal, served=served, until=asyncio.get_running_loop().time() + ALL_COUNTS_MS / 1000)
    relation = target(served.tables[served.mappings[0]])
    try:
        around = await served.source.surroundings(relation)
        if around is None:
            return unknown(proposal, Untold.SCHEMA_DRIFT, call.at)
        look.known[relation] = around
        look.fired += fires(proposal, around)
        for key, action in acts_on(proposal, around):
            count = await _count(look, key)
            look.reached.append(Reached(key=key, action=action, count=count, accepted=look.accepts(key, action)))
            if not (action.refuses or count.none):
                await _behind(look, key, action)
        if proposal.deletes:
            seen = {str(one.key.relation) for one in look.reached}
            reached, fired = unlisted(around, look.accepted, seen)
            look.reached += reached
            look.fired += fired
    except SourceFailure as failed:
        return unknown(proposal, untold_by_failure(failed), call.at)
    if look.relations:
        await _recorded(look, ledger, call)
    return Blast(
        proposal=proposal.id,
        at=call.at,
        operation=proposal.operation,
        reached=tuple(look.reached),
        fired=tuple(dict.fromkeys(look.fired)),
        checked=checks(proposal, around),
        computed=() if proposal.deletes else around.generated,
        unseen=matters(proposal.operation, around.unseen),
        cut=look.cut,
        applied_by=proposal.executor or "",
    )


def unknown(proposal: Proposal, why: Untold, at: str) -> Blast:
    """Return a look that tells nothing."""
    return Blast(proposal=proposal.id, at=at, operation=proposal.operation, untold=why)


async def _behind(look: _Look, key: Referrer, action: Action) -> None:
    """Look at what happens to the rows that refer: which triggers fire with that, and where it leads on. Nothing of it is counted."""
    event, changed = event_behind(key, action, delete=look.proposal.deletes)
    waiting = [(key.relation, event, changed)]
    seen: set[tuple[Relation, str, frozenset[str]]] = set()
    while waiting:
        relation, event, changed = step = waiting.pop()
        if step in seen:
            continue
        seen.add(step)
        around = await _around(look, relation)
        if around is None:
            continue
        if around.follow:
            look.fired += [
                Fired(trigger=one, event=event, on=str(relation))
                for one in around.triggers
                if one.fires(event, changed)
            ]
        for other in around.referrers:
            deleted = event == "delete"
            if not deleted and not changed & {own for _, own in other.columns}:
                continue
            then = other.on_delete if deleted else other.on_update
            found = Reached(key=other, action=then, depth=2, accepted=look.accepts(other, then))
            if found not in look.reached:
                look.reached.append(found)
            if not then.refuses:
                waiting.append((other.relation, *event_behind(other, then, delete=deleted)))


async def _around(look: _Look, relation: Relation) -> Surroundings | None:
    if relation not in look.known:
        if len(look.known) > MOST_TABLES:
            look.cut = True
            return None
        look.known[relation] = await look.served.source.surroundings(relation)
    return look.known[relation]


async def _count(look: _Look, key: Referrer) -> Count:
    """Return how many rows refer to the rows of the proposal by this key."""
    referred = _referred(look.proposal, [own for _, own in key.columns])
    if isinstance(referred, Uncounted):
        return Count(why=referred)
    if not referred:
        return Count(rows=0)
    try:
        return await _counted(look, key, referred)
    except ValueUnfit:
        return Count(why=Uncounted.NAME)
    except SourceFailure as failed:
        if failed.kind is Failure.UNAVAILABLE:
            raise
        return Count(why=_UNCOUNTED.get(failed.kind, Uncounted.FAILED))


async def _counted(look: _Look, key: Referrer, referred: Sequence[tuple[str, ...]]) -> Count:
    source, kinds = look.served.source, dict(look.proposal.columns)
    left = int((look.until - asyncio.get_running_loop().time()) * 1000)
    if left <= 0:
        return Count(why=Uncounted.TIMEOUT)
    facts = await source.describe(key.relation)
    if facts is None or not {theirs for theirs, _ in key.columns} <= set(facts.columns):
        return Count(why=Uncounted.DENIED)
    types = natives(facts)
    columns = tuple(Column(theirs, ColumnType(kinds[own]), types[theirs]) for theirs, own in key.columns)
    asked = count_dependents(key.relation, columns, referred, source.dialect, most=MOST_COUNTED)
    look.relations.append(key.relation)
    found = counted(await source.fetch(asked, time_ms=min(COUNT_MS, left)))
    veiled = any(one.enabled for one in facts.row_security)
    return Count(rows=min(found, MOST_COUNTED), more=found > MOST_COUNTED, veiled=veiled)


def _referred(proposal: Proposal, columns: Iterable[str]) -> list[tuple[str, ...]] | Uncounted:
    """Return what the rows hold that others refer to; a row with nothing in one of the columns is referred to by none."""
    named = tuple(columns)
    found: list[tuple[str, ...]] = []
    for member in proposal.members:
        if not proposal.deletes and not {name for name in named if alters(member, name)}:
            continue
        if any(name in member.hidden for name in named):
            return Uncounted.HIDDEN
        if any(name not in member.before for name in named):
            return Uncounted.NOT_MAPPED
        tokens = tuple(token for name in named if (token := member.before[name]) is not None)
        if len(tokens) == len(named):
            found.append(tokens)
    return found


async def _recorded(look: _Look, ledger: AgentLedger, call: Call) -> None:
    """Record that rows were counted, and of which tables; no row was read."""
    audit = audit_body(
        call,
        outcome="counted",
        shape=None,
        parameters=None,
        rows=0,
        evidence=None,
        source=look.served.source.name,
        related=[str(relation) for relation in look.relations],
    )
    await ledger.record_read(audit, None)
