"""`synapsor operator refused`: who was not let in by a login or a token, newest first, and whom the provider vouches for."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from synapsor import runtime
from synapsor.approve.terminal.drawing import entry
from synapsor.cli.terminal import answer, paragraph, width
from synapsor.config import load_config
from synapsor.core.attempts import RefusedLogin
from synapsor.core.plain import visible
from synapsor.core.records import to_body

_NEWEST = 50


def run(arguments: Namespace) -> int:
    """List them, and return 0."""
    asyncio.run(_run(arguments))
    return 0


async def _run(arguments: Namespace) -> None:
    async with runtime.open_project(load_config(arguments.config)) as project:
        found = await (await project.ledger()).refused_logins(limit=arguments.limit or _NEWEST)
    lines = [line for one in found for line in entry(_head(one), _body(one), width=width())]
    document = {"refused": [to_body(one) for one in found]}
    answer(arguments, "refused_logins", document, "\n".join(lines) or paragraph("No login was refused."))


def _head(one: RefusedLogin) -> str:
    return f"{one.at}  {one.rule}  {one.door}, by {one.way}"


def _body(one: RefusedLogin) -> list[str]:
    who = [f"{visible(one.subject)} of {visible(one.issuer)}"] if one.subject else []
    more = [f"and {one.unrecorded} more before, which are not listed"] if one.unrecorded else []
    return [one.id, *who, *more]
