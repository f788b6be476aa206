"""`synapsor lint`: matters of taste and risk in contracts, each with its place and a fix; no database is touched."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from synapsor.cli.terminal import answer, as_json, width
from synapsor.config import load_config
from synapsor.contract.check import check_together
from synapsor.contract.lint.lints import Remark, Severity
from synapsor.contract.lint.run import Linted, lint
from synapsor.contract.load import read_file
from synapsor.core.plain import fold
from synapsor.core.words import many
from synapsor.errors import Problem, UsageError

PROBLEM = 2


def run(arguments: Namespace) -> int:
    """Look and return 0, or 1 with findings that must not stay, or 2 with problems of `check`."""
    if arguments.sarif and arguments.json:
        raise UsageError("--json and --sarif are two forms of the one answer.", fix="Choose one.")
    files = arguments.files or load_config(arguments.config).policies
    problems, remarks = looked_at(list(files))
    refused = _refused(arguments.strict, problems, remarks)
    if arguments.sarif:
        from synapsor.cli.sarif import sarif

        print(as_json(sarif((*map(_of_check, problems), *remarks)), indent=2))
        return refused
    document = {"problems": [asdict(p) for p in problems], "findings": [_entry(r) for r in remarks]}
    answer(arguments, "lint", document, render(problems, remarks, width=width()), ok=not refused)
    return refused


def looked_at(files: list[Path]) -> tuple[list[Problem], tuple[Remark, ...]]:
    """Return the problems that `check` has with the files, and the findings in those that are in order."""
    readings = [read_file(file) for file in files]
    known = [(r.contract, r.positions) for r in readings if r.contract is not None]
    problems = sorted({*(p for r in readings for p in r.problems), *check_together(known)})
    wrong = {problem.file for problem in problems}
    good = [
        Linted(contract=reading.contract, positions=reading.positions, text=file.read_text(encoding="utf-8"))
        for file, reading in zip(files, readings, strict=True)
        if reading.contract is not None and reading.positions.file not in wrong
    ]
    return problems, lint(good)


def _refused(strict: bool, problems: list[Problem], remarks: tuple[Remark, ...]) -> int:
    mind = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    found = any(r.severity in mind and not r.allowed for r in remarks)
    return PROBLEM if problems else int(found)


def _of_check(problem: Problem) -> Remark:
    return Remark(
        problem.file, problem.line, problem.column, problem.rule, Severity.ERROR, problem.message, problem.fix
    )


def _entry(remark: Remark) -> dict[str, Any]:
    return {**asdict(remark), "severity": remark.severity.value, "allowed": remark.allowed or None}


def render(problems: list[Problem], remarks: tuple[Remark, ...], *, width: int) -> str:
    """Return the findings as text, each with its fix below it."""
    shown = [*map(_of_check, problems), *(r for r in remarks if not r.allowed)]
    lines = [line for remark in shown for line in _lines(remark, width)]
    passed = sum(1 for r in remarks if r.allowed)
    let = f"{passed} let pass by a comment" if passed else ""
    if not shown:
        return f"✓ Nothing to look at twice{f', {let}' if let else ''}."
    counted = Counter(r.severity for r in shown)
    each = [many(counted[s], s.value) for s in Severity if counted[s]]
    return "\n".join([*lines, "", ", ".join([*each, *filter(None, [let])]) + "."])


def _lines(remark: Remark, width: int) -> Iterator[str]:
    yield f"{remark.file}:{remark.line}:{remark.column}: {remark.severity.value} {remark.rule}"
    for text in (remark.message, f"fix: {remark.fix}" if remark.fix else ""):
        yield from (f"    {part.rstrip()}" for part in fold(text, width - 4) if text)
