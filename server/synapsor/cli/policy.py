"""`synapsor policy`: stop automatic approval at once, let it run again, or see what the policies have used up today."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from synapsor import runtime
from synapsor.cli.policy_status import status, text_of
from synapsor.cli.refused_acts import recorded
from synapsor.cli.signer import signer
from synapsor.cli.terminal import answer, interrupt_at_once
from synapsor.config import load_config
from synapsor.contract.approvals import POLICY_STEWARD
from synapsor.core.review import as_trusted, may_switch
from synapsor.core.statements import SwitchState
from synapsor.flow.automatic import throw_switch
from synapsor.flow.reason import check_reason
from synapsor.flow.refused import NOBODY, POLICIES
from synapsor.ports import ReviewLedger

_STATES: dict[str, SwitchState] = {"stop": "stopped", "start": "running"}


def run(arguments: Namespace) -> int:
    """Throw the switch or tell how it stands, and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        if arguments.action != "status":
            check_reason("switch", arguments.reason)
            await _throw(arguments, project, ledger)
        document = await status(project, ledger)
    answer(arguments, "policies", document, text_of(document))
    return 0


async def _throw(arguments: Namespace, project: runtime.Project, ledger: ReviewLedger) -> None:
    async with recorded(project, (POLICIES,), NOBODY):
        operator, unlock = signer(arguments, project.operators(), roles=(POLICY_STEWARD,))
    async with recorded(project, (POLICIES,), operator.name):
        may_switch(operator)  # before anybody types a passphrase
        key = unlock()
        steward = as_trusted(operator, project.operators())  # who was, when it began, may be revoked since
        now, state = project.clock.now(), _STATES[arguments.action]
        await throw_switch(ledger, state, operator=steward, key=key, now=now, reason=arguments.reason)
