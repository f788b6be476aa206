"""`synapsor reveal`: what stands behind a token, for a person with the role; who looked, at what and why is on record."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from synapsor import runtime
from synapsor.cli.signer import signer
from synapsor.cli.terminal import answer, interrupt_at_once
from synapsor.config import load_config
from synapsor.core.plain import shown
from synapsor.errors import UsageError
from synapsor.flow.acting import Acting, check_act_as
from synapsor.flow.decider import Named
from synapsor.flow.reason import check_reason
from synapsor.flow.reveal import behind, recording_look, refuse, reveal
from synapsor.flow.signing import Signer


def run(arguments: Namespace) -> int:
    """Show it and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger, now = await project.ledger(), project.clock.now()
        try:
            asked = await behind(ledger, arguments.subject, arguments.column)
        except UsageError:
            await refuse(ledger, arguments.subject[:64], arguments.operator or "", "not_found", arguments.reason, now)
            raise
        check_reason("reveal", arguments.reason)
        operators = project.operators()
        async with recording_look(ledger, asked.subject, arguments.operator or "", arguments.reason, now):
            operator, unlock = signer(arguments, operators, roles=(asked.role,))
        async with recording_look(ledger, asked.subject, operator.name, arguments.reason, now):
            acting = Acting(who=Named(operator=operator), operators=operators, now=now)
            await check_act_as(ledger, acting, asked.role)
            speaks = Signer(operator=operator, key=unlock())
        trusted, now = (
            project.operators(),
            project.clock.now(),
        )  # the look is of then, and not of before a passphrase was typed
        told, values = await reveal(ledger, asked, signer=speaks, operators=trusted, reason=arguments.reason, now=now)
    lines = [f"{token}  {shown(value, quoted=True).text}" for token, value in values.items()]
    text = "\n".join([*lines, f"{told.id}: recorded that {told.operator} looked ({shown(told.reason).text})"])
    document = {
        "id": told.id,
        "evidence": told.evidence,
        "column": told.column,
        "values": [{"token": token, "value": value} for token, value in values.items()],
    }
    answer(arguments, "reveal", document, text)
    return 0
