"""`synapsor question`: a reviewer asks the agent about a proposal, which stays in review."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from functools import partial

from synapsor import runtime
from synapsor.cli.signing import ready
from synapsor.cli.terminal import answer, interrupt_at_once, paragraph
from synapsor.config import load_config
from synapsor.core.records import to_body
from synapsor.flow.acting import acting_on
from synapsor.flow.ask import ASKING, ask
from synapsor.flow.named import proposal_of
from synapsor.flow.reason import check_reason


def run(arguments: Namespace) -> int:
    """Ask and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    check_reason("question", arguments.text)
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        record = await proposal_of(ledger, arguments.handle)
        begin = partial(acting_on, ledger, record, verb=ASKING)
        by = await ready(arguments, project, record.proposal.id, role=record.proposal.role, begin=begin)
        asked = await ask(ledger, record, text=arguments.text, signer=by.signer, now=by.now, operators=by.operators)
    question = asked.exchanges[-1].asked.question
    document = {"proposal": asked.proposal.id, "status": asked.status.value, "question": to_body(question)}
    text = f"{question.id} is asked about {asked.proposal.id}, which waits on. The answer stands on its card: `synapsor show {asked.proposal.id}`."
    answer(arguments, "question", document, paragraph(text))
    return 0
