"""`synapsor history`: the activations of a contract, newest first, and what each of them signed."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from synapsor import runtime
from synapsor.approve.terminal.drawing import entry
from synapsor.cli.refused_acts import lines, told
from synapsor.cli.terminal import answer, as_json, width
from synapsor.config import load_config
from synapsor.core.plain import visible
from synapsor.core.review import doubt_of
from synapsor.core.statements import Operator
from synapsor.errors import UsageError
from synapsor.flow.rollback import version_named
from synapsor.ports import Activated


def run(arguments: Namespace) -> int:
    """List them and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    name = arguments.contract
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        if arguments.body is not None:
            found = await version_named(ledger, name, arguments.body)
            digest, body = found.activation.digest, dict(found.body)
            answer(arguments, "contract", {"digest": digest, "body": body}, as_json(body, indent=2))
            return 0
        activated = await ledger.activations(name, limit=arguments.limit)
        operators, ledger_id = project.operators(), ledger.id
        refused = await told(ledger.overview, name)
    if not activated:
        raise UsageError(f"No contract {name} was ever activated here.", fix="Activate it with `synapsor activate`.")
    entries = [_entry(a, operators, ledger_id, active=a is activated[0]) for a in activated]
    text = "\n".join([render(entries, width()), *lines(refused, "activate it")])
    answer(arguments, "history", {"contract": name, "activations": entries, "refused": refused}, text)
    return 0


def _entry(activated: Activated, operators: Mapping[str, Operator], ledger: str, *, active: bool) -> dict[str, Any]:
    told = activated.activation
    return {
        "id": told.id,
        "at": told.at,
        "operator": told.operator,
        "digest": told.digest,
        "active": active,
        "returns_to": activated.metadata.get("returns_to"),
        "problem": doubt_of(activated, operators, ledger=ledger),
    }


def render(entries: list[dict[str, Any]], wide: int) -> str:
    """Return the activations as text, the active one marked."""
    return "\n".join(line for told in entries for line in entry(*_told(told), width=wide))


def _told(activated: dict[str, Any]) -> tuple[str, list[str]]:
    mark, active = ("*", "  active") if activated["active"] else (" ", "")
    body = [visible(f"signed by {activated['operator']} at {activated['at']}"), visible(activated["digest"])]
    if activated["returns_to"]:
        body.append(visible(f"a rollback to {activated['returns_to']}"))
    if activated["problem"]:
        body.append(f"would not count today: {activated['problem']}")
    return f"{mark} {visible(activated['id'])}{active}", body
