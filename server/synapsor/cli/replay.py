"""`synapsor replay`: the story of a handle, told from the ledger alone, with everything that can be proven proven again."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from synapsor import runtime
from synapsor.approve.terminal.drawing import Line, drawn, entry
from synapsor.cli.terminal import answer, coloured, width
from synapsor.config import load_config
from synapsor.core.plain import hanging, shown
from synapsor.core.words import many
from synapsor.errors import IntegrityError
from synapsor.flow.replay import replay
from synapsor.flow.story import ReplayReport, Step

ROWS = 5
LABEL = 14


def run(arguments: Namespace) -> int:
    """Tell the story and return 0, or 5 when something differs."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    async with runtime.open_project(load_config(arguments.config)) as project:
        report = await replay(await project.ledger(), arguments.handle, project.operators())
    text = render(report, colour=coloured(arguments), width=width())
    answer(arguments, "replay", report.document(), text, ok=report.ok)
    return 0 if report.ok else IntegrityError.exit_code


def render(report: ReplayReport, *, colour: bool = False, width: int = 100) -> str:
    """Return the story as text of at most `width` cells; whatever came from a model or a database is written out harmlessly."""
    told = drawn((line for step in report.steps for line in _step(step)), colour=colour, width=width, label=LABEL)
    checks = [check for step in report.steps for check in step.checks]
    last: list[str] = []
    if not checks:
        last = ["Nothing here has a digest of its own to compute again; `synapsor verify` proves the whole chain."]
    elif report.ok:
        last = [
            f"✓ {many(len(checks), 'digest, signature or link', 'digests, signatures and links')} computed again: all as recorded."
        ]
    ends = [part for line in last for part in hanging(line, 2, width)]
    for differs in report.differences:
        body = [f"stored {shown(differs.stored).text}", f"found  {shown(differs.found).text}"]
        ends += entry(f"✗ {shown(differs.what).text}", body, width=width)
    return "\n".join([told, "", *ends])


_LISTED = {"members": "member"}
_NOTHING: tuple[Any, ...] = (None, "", [], {})


def _step(step: Step) -> Iterator[Line]:
    yield Line(step.name.upper(), "", "title")
    for name, value in step.facts.items():
        if name == "rows" and isinstance(value, list):
            yield from _rows(step.facts["columns"], value)
        elif name == "lists":
            for word, found in value.items():
                yield from _rows(found["columns"], found["rows"], word)
                if found["cut_by"]:
                    yield Line("", f"{_text(word)} cut by the limit on {found['cut_by']}")
        elif name in _LISTED and isinstance(value, list):
            yield from (Line(_LISTED[name], _text(one)) for one in value)
        elif name != "columns" and value not in _NOTHING:
            yield Line(name.replace("_", " "), _text(value))


def _rows(columns: list[list[str]], rows: list[list[Any]], word: str = "row") -> Iterator[Line]:
    for row in rows[:ROWS]:
        yield Line(_text(word), _text({name: cell for (name, _), cell in zip(columns, row, strict=False)}))
    if len(rows) > ROWS:
        yield Line("", f"and {many(len(rows) - ROWS, 'more row', 'more rows')}, see --json")


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shown(text).text.replace("see --full", "see --json")
