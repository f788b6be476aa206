"""`synapsor policy`: stop automatic approval at once, let it run again, or see what the policies have used up today."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from synapsor import runtime
from synapsor.cli.policy_status import status, text_of
from synapsor.cli.signer import signer
from synapsor.cli.terminal import answer, interrupt_at_once
from synapsor.config import load_config
from synapsor.contract.approvals import POLICY_STEWARD
from synapsor.core.review import may_switch
from synapsor.core.statements import SwitchState
from synapsor.flow.automatic import throw_switch
from synapsor.flow.reason import check_reason

_STATES: dict[str, SwitchState] = {"stop": "stopped", "start": "running"}


def run(arguments: Namespace) -> int:
    """Throw the switch or tell how it stands, and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        if arguments.action != "status":
            operator, unlock = signer(arguments, project.operators(), roles=(POLICY_STEWARD,))
            check_reason("switch", arguments.reason)
            may_switch(operator)  # before anybody types a passphrase
            state, key = _STATES[arguments.action], unlock()
            now, reason = project.clock.now(), arguments.reason
            await throw_switch(ledger, state, operator=operator, key=key, now=now, reason=reason)
        document = await status(project, ledger)
    answer(arguments, "policies", document, text_of(document))
    return 0
