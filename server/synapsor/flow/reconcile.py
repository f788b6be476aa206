"""Resolve a proposal of which nobody knows whether it was applied: look at its rows, and let a person say and sign what became of it.

The rows are read through the read credential, as any look is. What they look like proves nothing by itself; a person who says the contrary
of it says that aloud. A group is resolved whole.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from synapsor import handles
from synapsor.core.evidence import Call
from synapsor.core.hidden import Keeper
from synapsor.core.moment import stamp
from synapsor.core.presenter import opened
from synapsor.core.proposal import Proposal, Status
from synapsor.core.reconcile import Found, FoundRow, found_row, speaks_against, whole_of
from synapsor.core.review import may_resolve
from synapsor.core.statements import Operator, Resolution, Resolved, SignedResolution
from synapsor.core.untold import Untold
from synapsor.errors import DecisionRefused
from synapsor.flow.acting import Acting, Verb, acting_on
from synapsor.flow.decider import Named
from synapsor.flow.prepare import Served
from synapsor.flow.reason import check_reason
from synapsor.flow.recheck import Look, as_kept, looked, scope_of
from synapsor.flow.rows import row_plan, row_shape
from synapsor.flow.signing import Signer
from synapsor.ports import AgentLedger, Clock, ProposalRecord, ReviewLedger
from synapsor.refusals import Rule
from synapsor.values import Token, digest


def check_in_doubt(record: ProposalRecord) -> None:
    """Refuse a proposal whose end is known, or that has none yet.

    Raises:
        DecisionRefused: by rule `not_in_doubt`.
    """
    if record.status is not Status.RECONCILIATION_REQUIRED:
        raise DecisionRefused(Rule.NOT_IN_DOUBT, detail=f"This one {record.status.stands}.")


RESOLVING: Final = Verb(is_open=check_in_doubt, may=may_resolve)
"""Saying what became of a proposal whose end nobody knows."""


@dataclass(frozen=True, kw_only=True)
class Resolving:
    """Who says what became of a proposal, and why.

    Attributes:
        operators: asks who is trusted now.
        unlock: returns who signs; a person may be asked for a passphrase, so it comes when nothing else can refuse any more.
        look: looks at the rows of a proposal.
        contrary: the person says so whatever the rows look like.
        unasked: the person says so without the application, which carries it out, being asked to give it up.
        shown: the digests of what the person was shown of each, in order; None where they were shown nothing before.
    """

    verdict: Resolved
    reason: str
    operator: Operator
    operators: Callable[[], Mapping[str, Operator]]
    unlock: Callable[[], Signer]
    look: Callable[[Proposal], Awaitable[Found]]
    clock: Clock
    contrary: bool = False
    unasked: bool = False
    shown: tuple[str, ...] | None = None


async def resolve(ledger: ReviewLedger, record: ProposalRecord, resolving: Resolving) -> tuple[Resolution, ...]:
    """Sign and record what became of a proposal and of all that stands or falls with it; what is refused is recorded. It counts at once, but
    that an application did not apply it counts when a worker has had that give it up.

    Raises:
        DecisionRefused: by a rule of `refusals.RESOLVING`, or this operator may not say so.
        UsageError: there is no reason.
    """
    check_reason("resolve", resolving.reason)
    # Only named: their key is unlocked when nothing else can refuse any more.
    acting = Acting(who=Named(operator=resolving.operator), operators=resolving.operators(), now=resolving.clock.now())
    async with acting_on(ledger, record, acting, RESOLVING) as current:
        _check_all(current, acting, ledger.id)
        before = await _looked(resolving, current, resolving.shown)
        signer = resolving.unlock()
        found = await _looked(resolving, current, tuple(one.seen for one in before))
        # Who was trusted before they typed may be revoked since; that it is still in doubt is for the ledger to prove.
        acting = Acting(who=signer, operators=resolving.operators(), now=resolving.clock.now())
        _check_all(current, acting, ledger.id)
        signed = _signed(resolving, current, found, signer, acting)
        await ledger.doubts.resolve(signed)
    return tuple(one.resolution for one in signed)


def _check_all(record: ProposalRecord, acting: Acting, ledger: str) -> None:
    for one in record.together:
        acting.check(one, RESOLVING, ledger=ledger)


async def _looked(resolving: Resolving, record: ProposalRecord, before: tuple[str, ...] | None) -> tuple[Found, ...]:
    """Return what is found of each proposal; refuse what is not as it was `before`, and a verdict that it speaks against, unless the person
    says the contrary.
    """
    found = tuple([await resolving.look(one.proposal) for one in record.together])
    if before is not None and tuple(one.seen for one in found) != before:
        raise DecisionRefused(Rule.SEEN_MOVED)
    if speaks_against(whole_of(found), resolving.verdict) and not resolving.contrary:
        raise DecisionRefused(Rule.CONTRARY, detail=f"They were found: {whole_of(found)}.")
    return found


def _signed(
    resolving: Resolving, record: ProposalRecord, found: Sequence[Found], signer: Signer, acting: Acting
) -> tuple[SignedResolution, ...]:
    whole, at = whole_of(found), stamp(acting.now)
    signed = []
    for one, seen in zip(record.together, found, strict=True):
        resolution = Resolution(
            id=handles.new("res"),
            ledger=one.proposal.ledger,
            proposal=one.proposal.id,
            digest=one.proposal.digest,
            verdict=resolving.verdict,
            found=whole,
            seen=seen.seen,
            contrary=speaks_against(whole, resolving.verdict),
            operator=signer.name,
            role=one.proposal.role,
            reason=resolving.reason,
            at=at,
            unasked=resolving.unasked and one.proposal.executor is not None,
        )
        signature = signer.speak(resolution, acting.operators)
        signed.append(SignedResolution(resolution=resolution, signature=signature, login=signer.login))
    return tuple(signed)


async def find(proposal: Proposal, served: Served, ledger: AgentLedger, call: Call) -> Found:
    """Return how the rows of a proposal look now beside what it proposed and what was before; `served` is its capability as it is activated.

    Raises:
        LedgerFailure: what was seen could not be recorded, so nothing is told.
        IntegrityError: a hidden value of the proposal cannot be opened.
    """
    found = await looked(proposal, served, ledger, call, partial(_rows, proposal, served, Keeper.of(ledger.secret)))
    if isinstance(found, Untold):
        return unfound(proposal, found, call.at)
    (rows, seen), evidence = found
    return Found(
        proposal=proposal.id,
        digest=proposal.digest,
        at=call.at,
        rows=rows,
        seen=digest("seen", [[one.key, row] for one, row in zip(rows, seen, strict=True)]),
        evidence=evidence,
    )


def unfound(proposal: Proposal, why: Untold, at: str) -> Found:
    """Return a look that found nothing out."""
    return Found(proposal=proposal.id, digest=proposal.digest, at=at, untold=why)


async def _rows(
    proposal: Proposal, served: Served, keeper: Keeper, looking: Look
) -> tuple[tuple[FoundRow, ...], list[dict[str, Token] | None]]:
    """Return how each row stands, and each as it was seen, its hidden values sealed."""
    # The mapping as it was reviewed, which is what the worker goes by as well.
    known, table, scope = opened(proposal, keeper), served.tables[served.mappings[0]], scope_of(proposal)
    shape = row_shape(served, [name for name, _ in proposal.columns], [name for name, _ in proposal.members[0].key])
    rows, seen = [], []
    for member in known.members:
        row = await looking.row(row_plan(served, shape, member.key, scope))
        rows.append(found_row(known, member, table, row))
        seen.append(as_kept(proposal, served, member, row))
    return tuple(rows), seen
