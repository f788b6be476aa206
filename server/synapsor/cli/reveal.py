"""`synapsor reveal`: what stands behind a token, for a person with the role; who looked, at what and why is on record."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from synapsor import runtime
from synapsor.cli.signer import signer
from synapsor.cli.terminal import answer, interrupt_at_once
from synapsor.config import load_config
from synapsor.core.plain import shown
from synapsor.core.review import may_reveal
from synapsor.errors import DecisionRefused, UsageError
from synapsor.flow.reason import check_reason
from synapsor.flow.reveal import behind, refuse, reveal
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
        who = arguments.operator or ""
        try:
            operator, unlock = signer(arguments, project.operators(), roles=(asked.role,))
            who = operator.name
            may_reveal(operator, asked.role)
            speaks = Signer(operator=operator, key=unlock())
        except DecisionRefused as refused:
            await refuse(ledger, asked.subject, who, refused.rule, arguments.reason, now)
            raise
        trusted = project.operators()
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
