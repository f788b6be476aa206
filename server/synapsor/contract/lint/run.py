"""Every lint over every contract, and the comments that let findings pass; a contract with a problem of `check` is not looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synapsor.contract.document import Positions
from synapsor.contract.lint.breadth import breadth, twins
from synapsor.contract.lint.columns import column_lints
from synapsor.contract.lint.inputs import input_lints
from synapsor.contract.lint.lints import LINTS, Remark
from synapsor.contract.lint.silence import silenced
from synapsor.contract.lint.texts import text_lints
from synapsor.contract.model import Contract
from synapsor.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """A contract that is in order, and the text that it came from."""

    contract: Contract
    positions: Positions
    text: str


def lint(files: Sequence[Linted]) -> tuple[Remark, ...]:
    """Return every finding, in the order of the files; what a comment lets pass is there with its reason."""
    found = list(_problems(files))
    remarks: list[Remark] = []
    for file in files:
        own = [_remark(problem) for problem in found if problem.file == file.positions.file]
        remarks += sorted(set(silenced(sorted(set(own)), file.text, file.positions.file)))
    return tuple(remarks)


def _problems(files: Sequence[Linted]) -> Iterator[Problem]:
    tools = [name for file in files for name in file.contract.capabilities]
    for file in files:
        contract, at = file.contract, file.positions
        yield from column_lints(contract, at)
        yield from text_lints(contract, tools, at)
        for name, capability in contract.capabilities.items():
            table = contract.table_of(capability)
            yield from breadth(("capabilities", name), capability, table, at)
            yield from input_lints(("capabilities", name), capability, table, at)
    yield from twins([(file.contract, file.positions) for file in files])


def _remark(problem: Problem) -> Remark:
    severity = LINTS[problem.rule].severity
    return Remark(problem.file, problem.line, problem.column, problem.rule, severity, problem.message, problem.fix)
