"""`synapsor policy`: stop automatic approval at once, let it run again, or see what the policies have used up today."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from synapsor import runtime
from synapsor.cli.policy_status import status, text_of
from synapsor.cli.refused_acts import signer_for
from synapsor.cli.terminal import answer, interrupt_at_once
from synapsor.config import load_config
from synapsor.contract.approvals import POLICY_STEWARD
from synapsor.core.statements import SwitchState
from synapsor.flow.acting import Acting
from synapsor.flow.automatic import switching, throw_switch
from synapsor.flow.decider import Named
from synapsor.flow.reason import check_reason
from synapsor.flow.refused import POLICIES
from synapsor.flow.signing import Signer
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
    operators = project.operators()
    operator, unlock = await signer_for(arguments, project, (POLICIES,), operators, role=POLICY_STEWARD)
    now, state = project.clock.now(), _STATES[arguments.action]
    acting = Acting(who=Named(operator=operator), operators=operators, now=now)
    async with switching(ledger, acting, state):  # before anybody types a passphrase
        steward = Signer(operator=operator, key=unlock())
    # Who was trusted when it began may be revoked since.
    trusted, now = project.operators(), project.clock.now()
    await throw_switch(ledger, state, signer=steward, operators=trusted, now=now, reason=arguments.reason)
