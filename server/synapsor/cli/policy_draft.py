"""`synapsor policy draft`: a policy made of what people approved, as text for a contract, and what else it would have approved."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import Any

from synapsor import runtime
from synapsor.approve.policy_text import draft_text
from synapsor.cli.backtest import render
from synapsor.cli.policy_test import begins
from synapsor.cli.terminal import answer, interrupt_at_once, width
from synapsor.config import load_config
from synapsor.core.records import to_body
from synapsor.flow.draft import draft, home_of, tried


def run(arguments: Namespace) -> int:
    """Draft, decide again and return 0, or 1 when the draft would pass what a person had rejected."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger, loaded, now = await project.ledger(), project.contracts(), project.clock.now()
        made = await draft(ledger, arguments.handles, loaded, name=arguments.name)
        report = await tried(ledger, made, loaded, since=begins(arguments.since, now), until=now)
    wide = width()
    text = draft_text(made, home_of(made, loaded).path.name, wide)
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
