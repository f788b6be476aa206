"""Look at the rows of a proposal again, through the read credential, for a reviewer: still as they were, changed, gone, or there already.

It asks as the proposal was made: the same reviewed mapping, the same tenant and owner, the same keys. What is seen is recorded before it
is told. Nothing that serves a model imports it, and nothing of a failure is told but one word of a closed list.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from synapsor import handles
from synapsor.core.depends import Hop
from synapsor.core.evidence import Call, Kept, Rows, SeenList
from synapsor.core.live import Live, LiveRow, live_row, with_related
from synapsor.core.plan import ReadPlan
from synapsor.core.proposal import Member, Proposal
from synapsor.core.scope import Scope
from synapsor.core.untold import Untold, untold_by_code, untold_by_failure
from synapsor.errors import Code, Refusal, SourceFailure
from synapsor.flow.depend import Related, Row
from synapsor.flow.prepare import Served
from synapsor.flow.read import Fetch, Found, audit_of, bundle_of, look
from synapsor.flow.rows import row_plan, row_shape
from synapsor.ports import AgentLedger
from synapsor.values import Token

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """One statement of a look, and what it saw; `own` is a row of the proposal itself."""

    plan: ReadPlan
    seen: Rows
    own: bool


@dataclass(frozen=True, kw_only=True)
class Look:
    """A look that is under way: one transaction, and what was seen in it so far."""

    served: Served
    fetch: Fetch
    looked: list[_Looked] = field(default_factory=list)

    async def row(self, plan: ReadPlan) -> dict[str, Token] | None:
        """Return the row of the proposal that answers, or None where there is none for this tenant."""
        return await self._row(plan, own=True)

    async def related(self, hop: Hop, plan: ReadPlan) -> Row | None:
        """Return the related row that answers, or None."""
        del hop  # its plan says it all
        return await self._row(plan, own=False)

    async def _row(self, plan: ReadPlan, *, own: bool) -> dict[str, Token] | None:
        try:
            seen = await look(self.served, plan, self.fetch)
        except Refusal as refused:
            if refused.code is not Code.NOT_FOUND or refused.__cause__ is not None:
                raise
            seen = Rows(columns=tuple(plan.shape.positions), rows=[])
        self.looked.append(_Looked(plan=plan, seen=seen, own=own))
        if sum(each.seen.bytes for each in self.looked) > self.served.capability.limits.bytes:
            raise Refusal(Code.RESULT_TOO_LARGE)
        return dict(zip(plan.shape.positions, seen.rows[0], strict=True)) if seen.rows else None


def call_of_look(proposal: Proposal, *, who: str, client: str, at: str) -> Call:
    """Return the head of what is recorded of a look; `who` is the reviewer, as far as that is known."""
    return Call(
        id=handles.new("aud"),
        at=at,
        capability=proposal.capability,
        contract=proposal.contract,
        tenant=proposal.tenant,
        principal=who,
        client=client,
    )


async def recheck(proposal: Proposal, served: Served, ledger: AgentLedger, call: Call) -> Live:
    """Return how the rows of a proposal stand now, or why that cannot be told; `served` is its capability as it is activated.

    Raises:
        LedgerFailure: what was seen could not be recorded, so nothing is told.
    """
    found = await looked(proposal, served, ledger, call, partial(_rows, proposal, served))
    if isinstance(found, Untold):
        return untold(proposal, found, call.at)
    rows, evidence = found
    return Live(proposal=proposal.id, digest=proposal.digest, at=call.at, rows=rows, evidence=evidence)


async def looked(
    proposal: Proposal, served: Served, ledger: AgentLedger, call: Call, work: Callable[[Look], Awaitable[T]]
) -> tuple[T, str] | Untold:
    """Return what comes of a look at the rows of a proposal, all as of one moment, and the evidence of it, which is recorded before it is told.

    Raises:
        LedgerFailure: what was seen could not be recorded, so nothing is told.
    """
    if served.contract != proposal.contract:
        return Untold.CONTRACT_REPLACED
    if served.question is None:
        return Untold.SCHEMA_DRIFT
    try:
        async with served.source.snapshot(time_ms=served.capability.limits.time_ms) as snapshot:
            looking = Look(served=served, fetch=snapshot.fetch)
            came = await work(looking)
    except Refusal as refused:
        cause = refused.__cause__
        return untold_by_failure(cause) if isinstance(cause, SourceFailure) else untold_by_code(refused.code)
    except SourceFailure as failed:
        return untold_by_failure(failed)
    return came, await _recorded(proposal, served, ledger, call, looking.looked)


def untold(proposal: Proposal, why: Untold, at: str) -> Live:
    """Return a look that tells nothing."""
    return Live(proposal=proposal.id, digest=proposal.digest, at=at, untold=why)


async def _rows(proposal: Proposal, served: Served, looking: Look) -> tuple[LiveRow, ...]:
    """Return how each row stands."""
    time_ms, scope = served.capability.limits.time_ms, scope_of(proposal)
    key = [name for name, _ in proposal.members[0].key]
    shape = row_shape(served, () if proposal.inserts else [name for name, _ in proposal.columns], key)
    hops = served.hops if any(member.depends for member in proposal.members) else ()
    related = Related(hops=hops, scope=scope, time_ms=time_ms, ask=looking.related)
    rows = []
    for member in proposal.members:
        found = await looking.row(row_plan(served, shape, member.key, scope))
        rows.append(await _stands(proposal, served, member, found, related))
    return tuple(rows)


async def _stands(
    proposal: Proposal, served: Served, member: Member, found: dict[str, Token] | None, related: Related
) -> LiveRow:
    row = live_row(proposal, member, as_kept(proposal, served, member, found))
    if not member.depends or (found is None and not proposal.inserts):
        return row
    own = member.changes if proposal.inserts else found
    return with_related(row, member, *await related.follow({**(own or {}), **dict(proposal.scope)}))


def as_kept(
    proposal: Proposal, served: Served, member: Member, row: dict[str, Token] | None
) -> dict[str, Token] | None:
    """Return a row as a proposal keeps one: its hidden values sealed."""
    if row is None:
        return None
    return served.presenter.sealed(Member(key=member.key, before=row, changes={}), proposal.tenant).before


def scope_of(proposal: Proposal) -> Scope:
    """Return whose rows a proposal is about."""
    return Scope(tenant=proposal.tenant, principal=proposal.owner)


async def _recorded(proposal: Proposal, served: Served, ledger: AgentLedger, call: Call, looked: list[_Looked]) -> str:
    """Record every row that was seen, hidden columns as a model sees them, and return the handle of the evidence."""
    scope = scope_of(proposal)

    def kept(one: _Looked) -> SeenList:
        described = one.plan.shape.described
        # Of a related row nothing is read that is hidden, and its columns are no namesakes of the row's own.
        own = served.presenter.kept(described, one.seen, scope.tenant) if one.own else None
        rows = own or Kept(columns=list(described), rows=[list(row) for row in one.seen.rows])
        return SeenList(shape=one.plan.shape, plan=one.plan, seen=one.seen, kept=rows)

    first, *others = looked
    evidence = handles.evidence_of(call.id)
    lists = {f"look {at}": kept(one) for at, one in enumerate(others, 2)}
    found = Found(served=served, scope=scope, plan=first.plan, seen=first.seen, lists=lists)
    audit = audit_of(call, first.plan, found.count, evidence, served, "looked")
    await ledger.record_read(audit, bundle_of(evidence, call, found))
    return evidence
