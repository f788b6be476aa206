"""`synapsor approve` and `synapsor reject`: a person looks at the card, names its digest, and their key signs the verdict.

Typing the digest proves that the card was read and not who read it; that is what the key is for.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from synapsor import runtime
from synapsor.approve.card.card import card_of
from synapsor.approve.card.looks import Look
from synapsor.approve.card.now import with_now
from synapsor.approve.card.shown import unseen
from synapsor.approve.identity.keys import Unlock
from synapsor.approve.terminal.card import render
from synapsor.cli.refused_acts import recorded, signer_for
from synapsor.cli.rests import note_rests
from synapsor.cli.signer import named
from synapsor.cli.terminal import answer, ask, coloured, have_digest_named, interrupt_at_once, paragraph, width
from synapsor.config import load_config
from synapsor.core.live import Live
from synapsor.core.moment import parse, stamp
from synapsor.core.presets import REJECT_CODES, in_words
from synapsor.core.proposal import Proposal, Status
from synapsor.core.quorum import counted
from synapsor.core.records import to_body
from synapsor.core.statements import Operator
from synapsor.errors import UsageError
from synapsor.flow.decide import Deciding, Listed, decide
from synapsor.flow.decider import Named, Unknown
from synapsor.flow.named import proposal_of
from synapsor.flow.objection import Intent, may_ask
from synapsor.flow.reason import check_reason
from synapsor.flow.reveal import reveal_for_decision
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord, ReviewLedger
from synapsor.refusals import Rule

JUST_NOW_SECONDS = 5
"""A look that is older is taken again before anything is signed."""
_FIXES = {Rule.NOT_FULLY_SHOWN: "Run again with --full and read all of it."}


def run(arguments: Namespace) -> int:
    """Decide and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    preset = arguments.preset if arguments.verdict == "reject" else None
    reason = in_words(preset, arguments.reason)
    if arguments.verdict == "reject" and not reason:
        words = f"Say why with --reason, or in one word with --preset ({', '.join(REJECT_CODES)}); the agent is told."
        raise UsageError("A rejection needs a reason.", fix=words)
    check_reason(arguments.verdict, reason)
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        record = await proposal_of(ledger, arguments.handle)
        about, operators = (record.proposal.id,), project.deciders()
        person, whole = await _whole(arguments, project, ledger, record)
        seen = await card_of(
            ledger,
            record,
            operators=operators,
            now=project.clock.now(),
            full=arguments.full,
            whole=whole,
            receiptless=project.config.receiptless,
        )
        first = await _look_now(arguments, project, record)
        if first is not None:
            seen = with_now(seen, record.proposal, first, now=project.clock.now())
        if not arguments.json:
            print(render(seen, colour=coloured(arguments), width=width()))
        # Before the person types anything: a refusal that is certain already.
        intent = _intent(arguments, record, operators, now=project.clock.now())
        stale_anyway = arguments.verdict == "approve" and arguments.stale_anyway
        live = first.live if first is not None else None
        await may_ask(ledger, record, intent, live=live, stale_anyway=stale_anyway)
        cut = unseen(seen, record.proposal, arguments.verdict, uncovered=True, fixes=_FIXES)  # see `_whole`
        if cut is not None:
            async with recorded(project, about, intent.who.name):
                raise cut
        operator, unlock = person or await signer_for(arguments, project, about, operators, role=record.proposal.role)
        if isinstance(intent.who, Unknown):
            await may_ask(ledger, record, replace(intent, who=Named(operator=operator)))
        async with recorded(project, about, operator.name):
            have_digest_named(arguments, seen.digest, verb=arguments.verdict, of="", where="`synapsor show`")
        deciding = Deciding(
            verdict=arguments.verdict,
            signer=Signer(operator=operator, code=_code(arguments, record.proposal), key=unlock()),
            clock=project.clock,
            modes=project.config.modes,
            operators=project.deciders,
            reason=reason,
            preset=preset,
            look_again=partial(_look_again, project, first, operator.name),
            stale_anyway=stale_anyway,
        )
        decided = await decide(ledger, deciding, Listed(proposal=record.proposal.id, digest=seen.digest))
        if decided.job is not None:
            await note_rests(arguments, project, decided)
        approvals = counted(
            decided.decisions, decided.proposal, operators, ledger=ledger.id, now=stamp(project.clock.now())
        )
    _tell(arguments, decided, len(approvals))
    return 0


async def _look_now(arguments: Namespace, project: runtime.Project, record: ProposalRecord) -> Look | None:
    """Return a look at the source for whoever approves, where there is anything left to approve."""
    if arguments.verdict != "approve" or record.status is not Status.REVIEW_REQUIRED:
        return None
    from synapsor.looking import SourceLooks  # heavy: the SQL compiler

    return await SourceLooks(project=project, client="approve").now(record.proposal, who=arguments.operator or "?")


async def _look_again(project: runtime.Project, first: Look | None, who: str, proposal: Proposal) -> Live | None:
    """Return the look that an approval stands on: anew where a person took their time, and the first one where it was just now."""
    if first is None or first.live.untold is not None:
        return first.live if first is not None else None
    age = (project.clock.now() - parse(first.live.at)).total_seconds()
    if 0 <= age <= JUST_NOW_SECONDS:
        return first.live
    from synapsor.looking import SourceLooks  # heavy, as above

    return await SourceLooks(project=project, client="approve").again(proposal, who=who)


async def _whole(
    arguments: Namespace, project: runtime.Project, ledger: ReviewLedger, record: ProposalRecord
) -> tuple[tuple[Operator, Unlock] | None, Proposal | None]:
    """Return who decides, and the proposal with the hidden values that it changes; neither where nobody is shown any."""
    proposal = record.proposal
    if arguments.json or not proposal.changes_hidden:
        return None, None
    # Nobody looks behind what they could not approve.
    operators = project.deciders()
    await may_ask(ledger, record, _intent(arguments, record, operators, now=project.clock.now()))
    operator, unlock = await signer_for(arguments, project, (proposal.id,), operators, role=proposal.role)
    key = unlock()  # a look is signed as well
    speaks = Signer(operator=operator, key=key)
    return (operator, lambda: key), await reveal_for_decision(
        ledger, record, signer=speaks, operators=project.deciders(), now=project.clock.now()
    )


def _intent(
    arguments: Namespace, record: ProposalRecord, operators: Mapping[str, Operator], *, now: dt.datetime
) -> Intent:
    """Return what the command means to decide, and as whom, as far as that is known before a key is unlocked."""
    one = named(arguments, operators, roles=(record.proposal.role,))
    who = Named(operator=one) if one is not None else Unknown()
    return Intent(verdict=arguments.verdict, who=who, operators=operators, now=now)


def _code(arguments: Namespace, proposal: Proposal) -> str:
    """Return the one-time code, asked for where an approval takes one and none is given."""
    if arguments.verdict != "approve":
        return ""
    if not proposal.step_up or arguments.code:
        return str(arguments.code or "")
    if arguments.json:
        raise UsageError("This approval takes a one-time code.", fix="Give it with --code.")
    return ask("One-time code of your authenticator:", otherwise="Give the one-time code with --code.")


def _tell(arguments: Namespace, decided: ProposalRecord, approvals: int) -> None:
    signed = decided.decisions[-1]
    quorum = decided.proposal.quorum
    if decided.status is Status.REVIEW_REQUIRED and approvals >= quorum:
        after = "It waits for the proposals that it stands or falls with."
    elif decided.status is Status.REVIEW_REQUIRED:
        after = f"{approvals}/{quorum} have approved; it waits for {quorum - approvals} more."
    elif decided.job:
        whole = f"So is all that it stands or falls with ({len(decided.group)} more). " if decided.group else ""
        after = (
            f"{whole}Job {decided.job.id} waits for the worker; the approval lasts until {signed.decision.expires_at}."
        )
    else:
        after = (
            "Its source is not in writeback mode, so nothing will be applied."
            if arguments.verdict == "approve"
            else "Nothing will be changed." + (" Nor by what stood or fell with it." if decided.group else "")
        )
    document = {
        "proposal": decided.proposal.id,
        "status": decided.status.value,
        "digest": decided.proposal.digest,
        "decision": to_body(signed.decision),
        "approvals": {"have": approvals, "need": quorum},
        "job": decided.job.id if decided.job else None,
    }
    verb = "approved" if arguments.verdict == "approve" else "rejected"
    answer(
        arguments,
        "decision",
        document,
        paragraph(f"{decided.proposal.id} is {verb} by {signed.decision.operator}. {after}"),
    )
