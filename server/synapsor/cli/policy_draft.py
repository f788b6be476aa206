"""`synapsor policy draft`: a policy made of what people approved, as text for a contract, and what else it would have approved."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from synapsor import runtime
from synapsor.cli.backtest import render
from synapsor.cli.policy_test import begins
from synapsor.cli.terminal import answer, hanging, interrupt_at_once, width
from synapsor.config import load_config
from synapsor.contract.digest import contract_digest
from synapsor.contract.public.yaml_text import render as as_yaml
from synapsor.core.draft import Draft
from synapsor.core.plain import visible
from synapsor.core.records import to_body
from synapsor.core.words import many
from synapsor.flow.backtest import backtest
from synapsor.flow.draft import draft


def run(arguments: Namespace) -> int:
    """Draft, decide again and return 0, or 1 when the draft would pass what a person had rejected."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger, loaded, now = await project.ledger(), project.contracts(), project.clock.now()
        made = await draft(ledger, arguments.handles, loaded, name=arguments.name)
        (own,) = (each for each in loaded if made.capability in each.contract.capabilities)
        tried = replace(own, contract=made.contract, digest=contract_digest(made.contract))
        report = await backtest(
            ledger, [tried], since=begins(arguments.since, now), until=now, capability=made.capability
        )
    wide = width()
    text = "\n".join(_lines(made, str(own.path.name), wide))
    document: dict[str, Any] = {
        "draft": {
            "capability": made.capability,
            "name": made.name,
            "policy": made.policy,
            "replaces": made.replaces,
            "unread": list(made.unread),
            "proposals": list(made.proposals),
            "yaml": text,
        },
        "report": to_body(report),
    }
    answer(arguments, "policy-draft", document, f"{text}\n\n{render(report, wide)}", ok=report.ok)
    return 0 if report.ok else 1


def _lines(made: Draft, file: str, wide: int) -> Iterator[str]:
    """Yield the draft as a piece of a contract, with where it comes from as comments."""
    time = made.first if made.first == made.last else f"{made.first} to {made.last}"
    who = ", ".join(map(visible, made.deciders))
    told = [f"Drafted from {many(len(made.proposals), 'decision')} of {who}, on proposals of {time}:"]
    told += [f"  {visible(proposal)}" for proposal in made.proposals]
    told.append(
        f"Nothing is changed by it. To use it, put it into {visible(file)}, have it reviewed, and name it there:"
    )
    told.append(
        f"  {made.capability}: approval: {{policy: {made.name}}}"
        + (f" instead of {made.replaces}" if made.replaces else "")
    )
    if made.unread:
        told.append(f"Nobody would read the texts of the model's that are written into {', '.join(made.unread)}.")
    for line in told:
        yield from (f"# {part}" for part in hanging(line, 2, wide - 2))
    yield as_yaml({"policies": {made.name: dict(made.policy)}}, wide=wide).strip("\n")
