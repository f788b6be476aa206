"""`synapsor policy`: stop automatic approval at once, let it run again, or see what the policies have used up today."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from synapsor import runtime
from synapsor.cli.policy_status import status, text_of
from synapsor.cli.signing import throw_here
from synapsor.cli.terminal import answer, interrupt_at_once
from synapsor.config import load_config
from synapsor.core.statements import SwitchState
from synapsor.flow.switched import switched
from synapsor.flow.throw import switch

_STATES: dict[str, SwitchState] = {"stop": "stopped", "start": "running"}


def run(arguments: Namespace) -> int:
    """Throw the switch or tell how it stands, and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        if arguments.action != "status":
            await throw_here(arguments, project, switch(_STATES[arguments.action]))
        stands = await switched(ledger, project.operators())
        document = await status(project, ledger, stands)
    answer(arguments, "policies", document, text_of(document, stands))
    return 0
