"""`synapsor shadow`: a reviewer asks for a change to be carried out and rolled back, before anybody approves it."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from synapsor import runtime
from synapsor.cli.refused_acts import signer_for
from synapsor.cli.terminal import answer, interrupt_at_once, paragraph
from synapsor.config import load_config
from synapsor.core.records import to_body
from synapsor.flow.acting import Acting, check_first
from synapsor.flow.ask_shadow import ASKING_SHADOW, ask_shadow
from synapsor.flow.decider import Named
from synapsor.flow.named import proposal_of
from synapsor.flow.signing import Signer


def run(arguments: Namespace) -> int:
    """Ask and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        record = await proposal_of(ledger, arguments.handle)
        operators, now = project.operators(), project.clock.now()
        operator, unlock = await signer_for(
            arguments, project, (record.proposal.id,), operators, role=record.proposal.role
        )
        acting = Acting(who=Named(operator=operator), operators=operators, now=now)
        await check_first(ledger, record, acting, ASKING_SHADOW)
        signed = Signer(operator=operator, key=unlock())
        # Somebody who took their time over the passphrase asks then, and by who is trusted then.
        trusted, now = project.operators(), project.clock.now()
        asked = await ask_shadow(ledger, record, signer=signed, now=now, operators=trusted)
    request = asked.shadow_requests[-1].request
    document = {"proposal": asked.proposal.id, "status": asked.status.value, "request": to_body(request)}
    text = (
        f"{asked.proposal.id} is measured by the worker before anybody approves it. "
        f"What it would do stands on its card then: `synapsor show {asked.proposal.id}`."
    )
    answer(arguments, "shadow", document, paragraph(text))
    return 0
