"""`synapsor replay`: the story of a handle, told from the ledger alone, with everything that can be proven proven again."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from synapsor import runtime
from synapsor.approve.plain import shown
from synapsor.cli.terminal import answer
from synapsor.config import load_config
from synapsor.errors import IntegrityError
from synapsor.flow.replay import ReplayReport, Step, replay

ROWS = 5


def run(arguments: Namespace) -> int:
    """Tell the story and return 0, or 5 when something differs."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    async with runtime.open_project(load_config(arguments.config)) as project:
        report = await replay(await project.ledger(), arguments.handle, project.operators())
    answer(arguments, "replay", report.document(), render(report), ok=report.ok)
    return 0 if report.ok else IntegrityError.exit_code


def render(report: ReplayReport) -> str:
    """Return the story as text; whatever came from a model or a database is written out harmlessly."""
    lines = [line for step in report.steps for line in _step(step)]
    checks = [check for step in report.steps for check in step.checks]
    if not checks:
        lines.append(
            "\nNothing here has a digest of its own to compute again; `synapsor verify` proves the whole chain."
        )
    elif report.ok:
        lines.append(f"\n✓ {len(checks)} digests, signatures and links computed again; all as recorded.")
    lines += [
        f"\n✗ {shown(c.what).text}\n    stored {shown(c.stored).text}\n    found  {shown(c.found).text}"
        for c in report.differences
    ]
    return "\n".join(lines)


_LISTED = {"members": "member", "after": "row after"}


def _step(step: Step) -> Iterator[str]:
    yield f"\n{step.name.upper()}"
    for name, value in step.facts.items():
        if name == "rows" and isinstance(value, list):
            yield from _rows(step.facts["columns"], value)
        elif name == "lists":
            for word, found in value.items():
                yield from _rows(found["columns"], found["rows"], word)
                if found["cut_by"]:
                    yield f"  {'':<14} {_text(word)} cut by the limit on {found['cut_by']}"
        elif name in _LISTED and isinstance(value, list):
            yield from (f"  {_LISTED[name]:<14} {_text(one)}" for one in value)
        elif value is not None and value != "" and name != "columns":
            yield f"  {name:<14} {_text(value)}"


def _rows(columns: list[list[str]], rows: list[list[Any]], word: str = "row") -> Iterator[str]:
    for row in rows[:ROWS]:
        yield f"  {_text(word):<14} {_text({name: cell for (name, _), cell in zip(columns, row, strict=False)})}"
    if len(rows) > ROWS:
        yield f"  {'':<14} and {len(rows) - ROWS} more rows, see --json"


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shown(text).text.replace("see --full", "see --json")
