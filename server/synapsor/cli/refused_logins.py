"""`synapsor operator refused`: who was not let in by a login or a token, and who was refused a decision, newest first."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Sequence

from synapsor import runtime
from synapsor.approve.terminal.drawing import entry
from synapsor.cli.terminal import answer, paragraph, width
from synapsor.config import load_config
from synapsor.core.attempts import RefusedLogin
from synapsor.core.overview import RefusedAttempt
from synapsor.core.plain import visible
from synapsor.core.records import to_body

_NEWEST = 50


def run(arguments: Namespace) -> int:
    """List them, and return 0."""
    asyncio.run(_run(arguments))
    return 0


async def _run(arguments: Namespace) -> None:
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger, limit = await project.ledger(), arguments.limit or _NEWEST
        logins = await ledger.refused_logins(limit=limit)
        decisions = await ledger.overview.refused(limit=limit)
    document = {"refused": [to_body(one) for one in logins], "decisions": [to_body(one) for one in decisions]}
    answer(arguments, "refused_logins", document, f"{_of_logins(logins)}\n{_of_decisions(decisions)}")


def _of_logins(found: Sequence[RefusedLogin]) -> str:
    lines = [line for one in found for line in entry(_head(one), _body(one), width=width())]
    return "\n".join(["Logins:", *lines]) if lines else paragraph("No login was refused.")


def _of_decisions(found: Sequence[RefusedAttempt]) -> str:
    lines = [line for one in found for line in entry(_attempt(one), _more(one.unrecorded), width=width())]
    return "\n".join(["Decisions:", *lines]) if lines else paragraph("No decision was refused.")


def _attempt(one: RefusedAttempt) -> str:
    return f"{visible(one.at)}  {visible(one.rule)}  {visible(one.operator)}, about {visible(one.proposal)}"


def _more(unrecorded: int) -> list[str]:
    return [f"and {unrecorded} more before, which are not listed"] if unrecorded else []


def _head(one: RefusedLogin) -> str:
    return f"{one.at}  {one.rule}  {one.door}, by {one.way}"


def _body(one: RefusedLogin) -> list[str]:
    who = [f"{visible(one.subject)} of {visible(one.issuer)}"] if one.subject else []
    return [one.id, *who, *_more(one.unrecorded)]
