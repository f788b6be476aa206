"""`synapsor verify`: the ledger from its first event to its last, or the first place where it does not hold."""

from __future__ import annotations

import asyncio
import re
from argparse import Namespace

from synapsor import runtime
from synapsor.cli.terminal import answer, paragraph
from synapsor.config import load_config
from synapsor.core.words import many
from synapsor.errors import IntegrityError, UsageError

_HASH = re.compile(r"sha256:[0-9a-f]{64}")


def run(arguments: Namespace) -> int:
    """Verify and return 0, or 5 when something does not hold."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    async with runtime.open_project(load_config(arguments.config)) as project:
        report = await project.verify(_head(arguments.head))
    number, head = report.head
    bad = {"where": report.first_bad[0], "why": report.first_bad[1]} if report.first_bad else None
    document = {
        "events": report.events,
        "checkpoints": report.checkpoints,
        "head": {"seq": number, "hash": head},
        "first_bad": bad,
    }
    if bad is None:
        held = f"{many(report.events, 'event')} and {many(report.checkpoints, 'signed checkpoint')} hold"
        kept = "Keep this head elsewhere; with --head it proves later that nothing was cut off:"
        text = f"{paragraph(f'✓ {held}. {kept}')}\n  {number}:{head}"
    else:
        text = paragraph(f"✗ {bad['where']}: {bad['why']}.\n  {many(report.events, 'event')} before it hold.")
    answer(arguments, "verify", document, text, ok=report.ok)
    return 0 if report.ok else IntegrityError.exit_code


def _head(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    number, _, told = text.partition(":")
    if not number.isascii() or not number.isdigit() or not _HASH.fullmatch(told):
        raise UsageError(
            "--head takes the number and hash that an earlier verify printed.", fix="Write it as 23:sha256:2f33…"
        )
    return int(number), told
