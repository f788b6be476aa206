"""`synapsor test`: the cases beside a contract, over a database in memory or by reads of the configured sources."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from synapsor import runtime
from synapsor.cli.terminal import answer, width
from synapsor.config import load_config
from synapsor.core.plain import hanging, visible
from synapsor.errors import UsageError
from synapsor.testing.cases import Cases, cases_beside, load_cases
from synapsor.testing.expect import Mismatch, text
from synapsor.testing.junit import junit
from synapsor.testing.suite import Outcome, run_in_memory, run_live


def run(arguments: Namespace) -> int:
    """Run the cases and return 0, or 1 when one fails."""
    files = [load_cases(file) for file in arguments.files or _of_project(arguments.config)]
    chosen = {cases.file: [n for n in cases.held.cases if arguments.name in n] for cases in files}
    if not any(chosen.values()):
        raise UsageError(f"No case has {arguments.name!r} in its name.", fix="Run without --name.")
    outcomes = asyncio.run(_run(arguments, [(cases, chosen[cases.file]) for cases in files if chosen[cases.file]]))
    if arguments.junit is not None:
        _write(arguments.junit, junit(outcomes))
    failed = sum(not o.passed for found in outcomes.values() for o in found)
    passed = sum(map(len, outcomes.values())) - failed
    document = {"passed": passed, "failed": failed, "files": [_file(f, found) for f, found in outcomes.items()]}
    told = "\n".join([*_lines(outcomes, width()), f"{passed} passed, {failed} failed"])
    answer(arguments, "test", document, told, ok=not failed)
    return int(failed > 0)


def _of_project(config: Path | None) -> list[Path]:
    found = [file for policy in load_config(config).policies if (file := cases_beside(policy)).is_file()]
    if not found:
        raise UsageError(
            "There are no cases beside the contracts of this project.",
            fix="Write them into a file such as policies/billing.test.yaml, or name files.",
        )
    return found


async def _run(arguments: Namespace, files: list[tuple[Cases, list[str]]]) -> dict[Path, list[Outcome]]:
    outcomes: dict[Path, list[Outcome]] = {}
    for cases, names in files:
        if cases.held.source == "memory":
            outcomes[cases.file] = await run_in_memory(cases, names)
        else:
            async with runtime.open_project(load_config(arguments.config)) as project:
                outcomes[cases.file] = await run_live(cases, names, project)
    return outcomes


def _write(file: Path, document: str) -> None:
    try:
        file.write_text(document, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.", fix="Name another file.") from None


def _file(file: Path, outcomes: list[Outcome]) -> dict[str, Any]:
    cases = [
        {"name": o.name, "line": o.line, "passed": o.passed, "mismatches": [asdict(m) for m in o.mismatches]}
        for o in outcomes
    ]
    return {"file": str(file), "cases": cases}


def _lines(outcomes: dict[Path, list[Outcome]], width: int) -> Iterator[str]:
    for file, found in outcomes.items():
        yield str(file)
        for outcome in found:
            mark, where = ("✓", "") if outcome.passed else ("✗", f" (line {outcome.line})")
            yield from hanging(f"  {mark} {visible(outcome.name)}{where}", 6, width)
            for mismatch in outcome.mismatches:
                yield from _told(mismatch, width)
        yield ""


def _told(mismatch: Mismatch, width: int) -> Iterator[str]:
    yield f"      {visible(mismatch.where)}"
    for word, value in (("expected", mismatch.expected), ("got", mismatch.got)):
        yield from hanging(f"        {word:<8} {visible(text(value))}", 17, width)
