"""`synapsor approve` and `synapsor reject`: a person looks at the card, names its digest, and their key signs the verdict.

Typing the digest proves that the card was read and not who read it; that is what the key is for.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from synapsor import runtime
from synapsor.approve.keys import Unlock
from synapsor.approve.look import look
from synapsor.approve.looks import Look
from synapsor.approve.now import with_now
from synapsor.approve.terminal import render
from synapsor.approve.view import Card
from synapsor.cli.signer import named, signer
from synapsor.cli.terminal import answer, ask, coloured, confirm_digest, interrupt_at_once, paragraph, width
from synapsor.config import load_config
from synapsor.core.live import Live
from synapsor.core.moment import parse, stamp
from synapsor.core.proposal import Proposal, Status
from synapsor.core.quorum import counted
from synapsor.core.records import to_body
from synapsor.core.statements import Operator
from synapsor.errors import ConfigError, DecisionRefused, IntegrityError, UsageError
from synapsor.flow.reason import check_reason
from synapsor.flow.reveal import reveal_for_decision
from synapsor.flow.review import approve, may_ask, proposal_of, reject
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord, ReviewLedger

JUST_NOW_SECONDS = 5
"""A look that is older is taken again before anything is signed."""

_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


def run(arguments: Namespace) -> int:
    """Decide and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    check_reason(arguments.verdict, arguments.reason)
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        record = await proposal_of(ledger, arguments.handle)
        operators = project.deciders()
        person, whole = await _whole(arguments, ledger, record, operators, project.clock.now())
        seen = await look(
            ledger, record, operators=operators, now=project.clock.now(), full=arguments.full, whole=whole
        )
        first = await _look_now(arguments, project, record)
        if first is not None:
            seen = with_now(seen, record.proposal, first, now=project.clock.now())
        if not arguments.json:
            print(render(seen, colour=coloured(arguments), width=width()))
        _refuse_unseen(seen, arguments.verdict)
        # Before the person types anything: a refusal that is certain already.
        role = record.proposal.role
        among = operators if arguments.verdict == "approve" else None
        fresh = {"live": first.live, "stale_anyway": arguments.stale_anyway} if first is not None else {}
        one = named(arguments, operators, role=role)
        await may_ask(ledger, record, one, now=project.clock.now(), operators=among, **fresh)
        if record.proposal.source not in project.config.sources:
            raise ConfigError("The proposal's source is not configured here.", fix="Add it under `sources:`.")
        operator, unlock = person or signer(arguments, operators, role=role)
        await may_ask(ledger, record, operator, now=project.clock.now(), operators=among)
        digest = _confirmed(arguments, seen)
        signed = Signer(operator=operator, key=unlock(), code=_code(arguments, record.proposal))
        decided = await _decided(arguments, project, record, first, digest=digest, signed=signed)
        approvals = counted(
            decided.decisions, decided.proposal, operators, ledger=ledger.id, now=stamp(project.clock.now())
        )
    _tell(arguments, decided, len(approvals))
    return 0


async def _decided(
    arguments: Namespace,
    project: runtime.Project,
    record: ProposalRecord,
    first: Look | None,
    *,
    digest: str,
    signed: Signer,
) -> ProposalRecord:
    """Sign and record the verdict on what was shown."""
    ledger, proposal, operators = await project.ledger(), record.proposal, project.deciders()
    said: dict[str, Any] = {"digest": digest, "signer": signed, "reason": arguments.reason, "operators": operators}
    if arguments.verdict == "reject":
        return await reject(ledger, proposal.id, now=project.clock.now(), **said)
    live = await _look_again(project, record, first, signed.operator)
    return await approve(
        ledger,
        proposal.id,
        now=project.clock.now(),
        mode=project.config.sources[proposal.source].mode,
        live=live,
        stale_anyway=arguments.stale_anyway,
        **said,
    )


async def _look_now(arguments: Namespace, project: runtime.Project, record: ProposalRecord) -> Look | None:
    """Return a look at the source for whoever approves, where there is anything left to approve."""
    if arguments.verdict != "approve" or record.status is not Status.REVIEW_REQUIRED:
        return None
    from synapsor.looking import SourceLooks  # heavy: the SQL compiler

    return await SourceLooks(project=project, client="approve").now(record.proposal, who=arguments.operator or "?")


async def _look_again(
    project: runtime.Project, record: ProposalRecord, first: Look | None, operator: Operator
) -> Live | None:
    """Return the look that an approval stands on: anew where a person took their time, and the first one where it was just now."""
    if first is None or first.live.untold is not None:
        return first.live if first is not None else None
    age = (project.clock.now() - parse(first.live.at)).total_seconds()
    if 0 <= age <= JUST_NOW_SECONDS:
        return first.live
    from synapsor.looking import SourceLooks  # heavy, as above

    return await SourceLooks(project=project, client="approve").again(record.proposal, who=operator.name)


async def _whole(
    arguments: Namespace,
    ledger: ReviewLedger,
    record: ProposalRecord,
    operators: Mapping[str, Operator],
    now: dt.datetime,
) -> tuple[tuple[Operator, Unlock] | None, Proposal | None]:
    """Return who decides, and the proposal with the hidden values that it changes; neither where nobody is shown any."""
    proposal = record.proposal
    if arguments.json or not proposal.hidden & set(proposal.changed):
        return None, None
    among = operators if arguments.verdict == "approve" else None  # nobody looks behind what they could not approve
    await may_ask(ledger, record, named(arguments, operators, role=proposal.role), now=now, operators=among)
    operator, unlock = signer(arguments, operators, role=proposal.role)
    key = unlock()  # a look is signed as well
    speaks = Signer(operator=operator, key=key)
    return (operator, lambda: key), await reveal_for_decision(
        ledger, proposal, signer=speaks, operators=operators, now=now
    )


def _refuse_unseen(seen: Card, verdict: str) -> None:
    if seen.tampered:
        raise IntegrityError("The evidence is not what the proposal was made from.", fix="Run `synapsor verify`.")
    if verdict == "approve" and not seen.whole:
        raise DecisionRefused(
            "not_fully_shown",
            "Part of the proposal was cut, and nobody approves what they have not seen.",
            fix="Run again with --full and read all of it.",
        )


def _code(arguments: Namespace, proposal: Proposal) -> str:
    """Return the one-time code, asked for where an approval takes one and none is given."""
    if arguments.verdict != "approve" or not proposal.step_up or arguments.code:
        return str(arguments.code or "")
    if arguments.json:
        raise UsageError("This approval takes a one-time code.", fix="Give it with --code.")
    return ask("One-time code of your authenticator:", otherwise="Give the one-time code with --code.")


def _confirmed(arguments: Namespace, seen: Card) -> str:
    """Return the digest of what was shown, named by the person who saw it."""
    if arguments.digest:
        given = _DIGEST.fullmatch(arguments.digest.strip().lower())
        if given is None:
            raise UsageError("--digest takes the full digest.", fix="Copy it from `synapsor show`.")
        if f"sha256:{given[1]}" != seen.digest:
            raise DecisionRefused(
                "digest_differs",
                "This proposal has another digest than the one given.",
                fix="Look at it again with `synapsor show`.",
                exit_code=3,
            )
        return seen.digest
    otherwise = "Give the full digest that you have seen with --digest."
    if arguments.json:
        raise UsageError("With --json nobody is asked.", fix=otherwise)
    confirm_digest(seen.digest, verb=arguments.verdict, otherwise=otherwise)
    return seen.digest


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
