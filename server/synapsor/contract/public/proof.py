"""The last step of a translation: our own model and our own rules, each finding told at the place of the document that it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from synapsor.contract.check import check
from synapsor.contract.document import Path, Positions
from synapsor.contract.model import Contract
from synapsor.contract.public.draft import Draft
from synapsor.contract.shape import shape_problems
from synapsor.errors import Problem


def prove(draft: Draft) -> None:
    """Refuse what our model or our rules do not take."""
    paths = list(_paths(draft.data, ()))
    # A line for each part: by it a finding tells which part it is about.
    places = {path: (line, 1) for line, path in enumerate(paths, 1)}
    positions = Positions("", places, places)
    try:
        contract = Contract.model_validate(draft.data)
    except ValidationError as error:
        problems: tuple[Problem, ...] = tuple(shape_problems(error, draft.data, positions))
    else:
        problems = check(contract, positions)
    for problem in problems:
        origin = draft.origin(paths[problem.line - 1])
        draft.refuse(origin, "breaks_our_rule", f"{problem.rule} {problem.message} {problem.fix}".rstrip())


def _paths(data: Any, path: Path) -> Iterator[Path]:
    yield path
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _paths(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _paths(value, (*path, index))
