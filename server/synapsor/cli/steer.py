"""`synapsor cancel`, `synapsor jobs requeue` and `synapsor jobs discard`: a person signs what becomes of a job, and a worker carries it out."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from functools import partial

from synapsor import runtime
from synapsor.cli.rests import note_rests
from synapsor.cli.signing import ready
from synapsor.cli.terminal import answer, interrupt_at_once, paragraph
from synapsor.config import load_config
from synapsor.contract.approvals import WRITEBACK_OPERATOR
from synapsor.core.instructions import JobVerb
from synapsor.core.steering import TOLD, role_for
from synapsor.flow.acting import Acting
from synapsor.flow.decider import Named, Unknown
from synapsor.flow.named import proposal_of
from synapsor.flow.reason import check_reason
from synapsor.flow.steering import instruct, instructing
from synapsor.ports import ProposalRecord


def run(arguments: Namespace) -> int:
    """Say it and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    verb: JobVerb = arguments.verb
    check_reason(verb, arguments.reason)
    async with runtime.open_project(load_config(arguments.config)) as project:
        record = await proposal_of(await project.ledger(), arguments.handle)
        kept = await _said(arguments, project, record, verb)
        await note_rests(arguments, project, kept)
    proposal, job = record.proposal.id, kept.job
    assert job is not None  # noqa: S101  # it was said of one
    parts = [part.proposal for part in job.parts]
    others = f", together with {', '.join(one for one in parts if one != proposal)}" if len(parts) > 1 else ""
    document = {
        "instruction": kept.instructions[-1].instruction.id,
        "verb": verb,
        "job": job.id,
        "proposals": parts,
        "status": kept.status.value,
    }
    answer(arguments, "instruction", document, paragraph(f"{proposal}{others} {TOLD[verb]}."))
    return 0


async def _said(
    arguments: Namespace, project: runtime.Project, record: ProposalRecord, verb: JobVerb
) -> ProposalRecord:
    ledger, now, operators = await project.ledger(), project.clock.now(), project.operators()
    one = operators.get(arguments.operator or "")
    acting = Acting(who=Named(operator=one) if one else Unknown(), operators=operators, now=now)
    async with instructing(ledger, record, acting, verb):  # what is certain, before anybody is asked who they are
        pass
    role = role_for(verb, record.proposal, one) if one else _usual_role(verb, record)
    begin = partial(instructing, ledger, record, verb=verb)
    by = await ready(arguments, project, record.proposal.id, role=role, begin=begin)
    return await instruct(
        ledger, verb, record, signer=by.signer, operators=by.operators, now=by.now, reason=arguments.reason
    )


def _usual_role(verb: JobVerb, record: ProposalRecord) -> str:
    """Return by which role the one of several keys here is found that is meant."""
    return record.proposal.role if verb == "cancel" else WRITEBACK_OPERATOR
