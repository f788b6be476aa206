"""`synapsor reconcile`: what nobody knows the end of is listed, looked at beside its rows, and resolved by a person who signs for it."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import Any

from synapsor import runtime
from synapsor.approve.card.teller import Teller
from synapsor.approve.terminal.doubt import lines
from synapsor.approve.terminal.drawing import drawn, entry
from synapsor.approve.terminal.inbox import what_of
from synapsor.cli.refused_acts import signer_for
from synapsor.cli.terminal import answer, coloured, interrupt_at_once, paragraph, width
from synapsor.config import load_config
from synapsor.core.advice import advice_of
from synapsor.core.outcome import meaning_of
from synapsor.core.plain import visible
from synapsor.core.proposal import Proposal, Status
from synapsor.core.reconcile import MEANINGS, Found, end_of, found_body, whole_of
from synapsor.core.records import to_body
from synapsor.core.resolving import VERDICTS, asks_first, waiting_words
from synapsor.core.statements import Resolved
from synapsor.flow.named import proposal_of
from synapsor.flow.reconcile import Resolving, check_in_doubt, resolve
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord

_VERDICTS: dict[str, Resolved] = {"applied": "applied", "not-applied": "not_applied"}


def run(arguments: Namespace) -> int:
    """List, look or resolve, and return 0."""
    asyncio.run({"list": _list, "inspect": _inspect, "resolve": _resolve}[arguments.action](arguments))
    return 0


async def _list(arguments: Namespace) -> None:
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        found = await ledger.inbox(status=Status.RECONCILIATION_REQUIRED, limit=arguments.limit + 1)
    records, more = found[: arguments.limit], len(found) > arguments.limit
    entries = [line for one in records for line in entry(*_told(one), width=width())]
    text = "\n".join(entries) or "No proposal is of unknown outcome."
    answer(arguments, "doubts", {"proposals": [_body(one) for one in records], "more": more}, text)


def _told(record: ProposalRecord) -> tuple[str, list[str]]:
    code = _code(record)
    said = waiting_words(record.said, record.proposal.executor)
    lines = [what_of(record.proposal), visible(meaning_of(code)), *([visible(said)] if said else [])]
    return visible(f"{record.proposal.id}  {code}"), lines


def _code(record: ProposalRecord) -> str:
    return record.receipts[-1].code if record.receipts else "?"


def _body(record: ProposalRecord) -> dict[str, Any]:
    proposal = record.proposal
    return {
        "id": proposal.id,
        "capability": proposal.capability,
        "source": proposal.source,
        "keys": [dict(member.key) for member in proposal.members],
        "role": proposal.role,
        "code": _code(record),
        "meaning": meaning_of(_code(record)),
        "at": record.receipts[-1].at if record.receipts else None,
        "said": waiting_words(record.said, record.proposal.executor),
        "group": [other.proposal.id for other in record.group],
        "digest": proposal.digest,
    }


async def _inspect(arguments: Namespace) -> None:
    async with runtime.open_project(load_config(arguments.config)) as project:
        record = await proposal_of(await project.ledger(), arguments.handle)
        check_in_doubt(record)
        found = [await _found(project, one.proposal, "?") for one in record.together]
        now = project.clock.now()
    drawing = [
        (one.proposal, _words(one), seen, Teller(one.proposal.columns, now=now))
        for one, seen in zip(record.together, found, strict=True)
    ]
    whole = whole_of(found)
    advice = advice_of(whole, [_code(one) for one in record.together])
    document = {
        "found": whole,
        "meaning": MEANINGS[whole],
        "advice": advice,
        "proposals": [{**_body(one), **found_body(s)} for one, s in zip(record.together, found, strict=True)],
    }
    answer(
        arguments, "doubt", document, drawn(lines(drawing, advice=advice), colour=coloured(arguments), width=width())
    )


def _words(record: ProposalRecord) -> str:
    code, said = _code(record), waiting_words(record.said, record.proposal.executor)
    return f"{code}: {meaning_of(code)} {said}".rstrip()


async def _found(project: runtime.Project, proposal: Proposal, who: str) -> Found:
    from synapsor.looking import SourceLooks  # heavy: the SQL compiler

    return await SourceLooks(project=project, client="reconcile").found(proposal, who=who)


async def _resolve(arguments: Namespace) -> None:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger, operators = await project.ledger(), project.operators()
        record = await proposal_of(ledger, arguments.handle)
        operator, unlock = await signer_for(
            arguments, project, (record.proposal.id,), operators, role=record.proposal.role
        )
        resolving = Resolving(
            verdict=_VERDICTS[arguments.verdict],
            reason=arguments.reason,
            operator=operator,
            operators=project.operators,
            unlock=lambda: Signer(operator=operator, key=unlock()),
            look=lambda proposal: _found(project, proposal, operator.name),
            clock=project.clock,
            contrary=arguments.contrary,
            unasked=arguments.unasked,
        )
        resolutions = await resolve(ledger, record, resolving)
    lead = resolutions[0]
    names = ", ".join(one.proposal for one in resolutions)
    waits = asks_first(record.proposal, lead)
    text = f"{names} {end_of(lead.verdict).stands}: {lead.operator} says so, and what was found is {lead.found}."
    if waits:
        text = (
            f"{lead.operator} says that {names} {VERDICTS[lead.verdict]}, and what was found is {lead.found}. That waits until a worker has asked the"
            f" application {record.proposal.executor} to give it up."
        )
    elif lead.unasked:
        text += f" The application {record.proposal.executor} was not asked to give it up, and may do it yet."
    status = Status.RECONCILIATION_REQUIRED if waits else end_of(lead.verdict)
    document = {"status": status.value, "waits": waits, "resolutions": [to_body(one) for one in resolutions]}
    answer(arguments, "resolution", document, paragraph(text))
