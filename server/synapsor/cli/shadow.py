"""`synapsor shadow`: a reviewer asks for a change to be carried out and rolled back, before anybody approves it."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from functools import partial

from synapsor import runtime
from synapsor.cli.rests import note_rests
from synapsor.cli.signing import ready
from synapsor.cli.terminal import answer, interrupt_at_once, paragraph
from synapsor.config import load_config
from synapsor.core.records import to_body
from synapsor.flow.acting import acting_on
from synapsor.flow.ask_shadow import ASKING_SHADOW, ask_shadow, measurable


def run(arguments: Namespace) -> int:
    """Ask and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        record = await measurable(ledger, arguments.handle, now=project.clock.now())
        begin = partial(acting_on, ledger, record, verb=ASKING_SHADOW)
        by = await ready(arguments, project, record.proposal.id, role=record.proposal.role, begin=begin)
        asked = await ask_shadow(ledger, record, signer=by.signer, now=by.now, operators=by.operators)
        await note_rests(arguments, project, asked)
    request = asked.shadow_requests[-1].request
    document = {"proposal": asked.proposal.id, "status": asked.status.value, "request": to_body(request)}
    text = (
        f"{asked.proposal.id} is measured by the worker before anybody approves it. "
        f"What it would do stands on its card then: `synapsor show {asked.proposal.id}`."
    )
    answer(arguments, "shadow", document, paragraph(text))
    return 0
