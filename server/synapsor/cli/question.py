"""`synapsor question`: a reviewer asks the agent about a proposal, which stays in review."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from synapsor import runtime
from synapsor.cli.refused_acts import signer_for
from synapsor.cli.terminal import answer, interrupt_at_once, paragraph
from synapsor.config import load_config
from synapsor.core.records import to_body
from synapsor.flow.acting import Acting, check_first
from synapsor.flow.ask import ASKING, ask
from synapsor.flow.decider import Named
from synapsor.flow.named import proposal_of
from synapsor.flow.reason import check_reason
from synapsor.flow.signing import Signer


def run(arguments: Namespace) -> int:
    """Ask and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    check_reason("question", arguments.text)
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        record = await proposal_of(ledger, arguments.handle)
        operators, now = project.operators(), project.clock.now()
        operator, unlock = await signer_for(
            arguments, project, (record.proposal.id,), operators, role=record.proposal.role
        )
        await check_first(ledger, record, Acting(who=Named(operator=operator), operators=operators, now=now), ASKING)
        signed = Signer(operator=operator, key=unlock())
        # Somebody who took their time over the passphrase asks then, and by who is trusted then.
        trusted, now = project.operators(), project.clock.now()
        asked = await ask(ledger, record, text=arguments.text, signer=signed, now=now, operators=trusted)
    question = asked.exchanges[-1].asked.question
    document = {"proposal": asked.proposal.id, "status": asked.status.value, "question": to_body(question)}
    text = f"{question.id} is asked about {asked.proposal.id}, which waits on. The answer stands on its card: `synapsor show {asked.proposal.id}`."
    answer(arguments, "question", document, paragraph(text))
    return 0
