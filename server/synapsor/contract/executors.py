"""The rules of a change that an application carries out: the contract promises nothing of it that only the worker's own SQL could keep."""

from __future__ import annotations

from collections.abc import Iterator

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.document import Path, Positions
from synapsor.errors import Problem


def executor_problems(path: Path, capability: ProposeCapability, at: Positions) -> Iterator[Problem]:
    """Yield what is promised beside an executor and could not be kept."""
    if capability.executor is None:
        return
    if capability.undo is not None:
        message = "An application may do more than its rows show, which no inverse of the rows takes back."
        yield at.at_key((*path, "undo"), "SYN396", message, "Remove `undo`, or `executor`.")
    if capability.accepts is not None:
        message = "What a delete does beside is looked at by the worker's own SQL alone."
        yield at.at_key((*path, "accepts"), "SYN397", message, "Remove `accepts`, or `executor`.")
    for related in capability.depends[:1]:
        message = f"`{related}` is of a related row, which the worker's own SQL alone holds while it changes this one."
        yield at.at_key((*path, "executor"), "SYN398", message, "Remove what depends on related rows, or `executor`.")
