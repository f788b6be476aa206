"""Contracts from files: every problem of every file at once, each with its line, its rule and a fix.

Only a contract without a single problem is returned; there is no lenient way in. A public contract is translated on the way.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from synapsor.contract.check import check, check_together
from synapsor.contract.digest import contract_digest
from synapsor.contract.document import Positions, hidden_characters, read_document
from synapsor.contract.model import Contract
from synapsor.contract.public.reading import is_public, read_public
from synapsor.contract.public.types import Types, beside, read_types
from synapsor.contract.shape import shape_problems
from synapsor.errors import ContractError, Problem

MAX_BYTES = 1024 * 1024
UNREADABLE: Final = "SYN001"

_TICK_NS: Final = 2_000_000_000
"""The coarsest step in which a file system tells time: within one, a file can be written twice and look the same."""

Marks: TypeAlias = tuple[tuple[int, ...] | None, ...]
"""What moves when a file of a contract is written, replaced or taken away; None of one that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedContract:
    """A contract that was found to be in order, its digest, and the file it came from.

    Attributes:
        marks: what its files looked like before they were read; None of a contract from elsewhere, or where that tells nothing.
    """

    contract: Contract
    digest: str
    path: Path
    marks: Marks | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What became of one file. `contract` is there as far as its shape could be understood."""

    contract: Contract | None
    positions: Positions
    problems: tuple[Problem, ...]


def load(path: Path | str) -> LoadedContract:
    """Return the contract of one file.

    Raises:
        ContractError: with every problem found.
    """
    return load_all([path])[0]


def load_all(paths: Iterable[Path | str]) -> tuple[LoadedContract, ...]:
    """Return the contracts of several files, checked one by one and together.

    Raises:
        ContractError: with every problem of every file.
    """
    files = [Path(path) for path in paths]
    marks = [marks_of(file) for file in files]
    readings = [read_file(file) for file in files]
    known = [(r.contract, r.positions) for r in readings if r.contract is not None]
    problems = sorted({*(p for r in readings for p in r.problems), *check_together(known)})
    if problems:
        raise ContractError(tuple(problems))
    return tuple(
        LoadedContract(contract=contract, digest=contract_digest(contract), path=file, marks=seen)
        for file, seen, (contract, _) in zip(files, marks, known, strict=True)
    )


def marks_of(file: Path) -> Marks | None:
    """Return what all the files of a contract look like without reading them; None when one was written so lately that it tells nothing."""
    marks = tuple(_mark(path) for path in (file, beside(file)))
    newest = max((changed for *_, changed in filter(None, marks)), default=0)
    return marks if time.time_ns() - newest > _TICK_NS else None


def _mark(file: Path) -> tuple[int, ...] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    # A copy can keep the time of modification; that of the change it cannot.
    return found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def read_file(file: Path) -> Reading:
    """Return what became of one file, without raising for what is wrong in it."""
    name = str(file)
    try:
        data = _bytes(file)
    except OSError:
        data = None
    if data is None:
        return _unread(file, "that can be read")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return _nothing(name, "SYN002", "This is not UTF-8 text.", "Save the file as UTF-8.", line=line)
    return _read_public(text, file) if is_public(text) else read_text(text, name)


def _read_public(text: str, file: Path) -> Reading:
    """Return what became of a public contract, by the types file beside it."""
    name, where = str(file), beside(file)
    unseen = hidden_characters(text, name)
    types, problems = types_of(where) if where.is_file() else (Types(), ())
    if types is None or unseen:
        return Reading(contract=None, positions=Positions(name), problems=(*unseen, *problems))
    read = read_public(text, types, name=file.name.partition(".")[0])
    return Reading(contract=read.contract(), positions=Positions(name), problems=read.problems(name))


def types_of(file: Path) -> tuple[Types | None, tuple[Problem, ...]]:
    """Return what a types file says, or what is wrong with it."""
    try:
        data = _bytes(file)
        text = data.decode("utf-8") if data is not None else None
    except (OSError, UnicodeDecodeError):
        text = None
    if text is None:
        return None, _unread(file, "of UTF-8 text").problems
    return read_types(text, str(file))


def _bytes(file: Path) -> bytes | None:
    if not file.is_file():  # a pipe would block, and a device would never end
        return None
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    return data if len(data) <= MAX_BYTES else None


def read_text(text: str, file: str) -> Reading:
    """Return what became of a contract's text; `file` is what its problems are reported under."""
    unseen = hidden_characters(text, file)
    if unseen:
        return Reading(contract=None, positions=Positions(file), problems=tuple(unseen))
    document = read_document(text, file)
    problems, positions = list(document.problems), document.positions
    if document.data is None:
        return Reading(contract=None, positions=positions, problems=tuple(problems))
    if not isinstance(document.data, dict):
        return _nothing(file, "SYN104", "A contract is a mapping.", "Begin it with `synapsor: 1`.")
    places = {(p.line, p.column) for p in problems}
    contract: Contract | None
    whole, shape = True, list[Problem]()
    try:
        contract = Contract.model_validate(document.data)
    except ValidationError as error:
        shape = [p for p in shape_problems(error, document.data, positions) if (p.line, p.column) not in places]
        whole, contract = False, _without_broken_capabilities(error, document.data)
    problems += shape
    if contract is not None:
        found = check(contract, positions, whole=whole)
        problems += [p for p in found if (p.line, p.column) not in places]
    return Reading(contract=contract, positions=positions, problems=tuple(problems))


def _without_broken_capabilities(error: ValidationError, data: dict[str, Any]) -> Contract | None:
    """Return the contract without what has the wrong shape, if only capabilities have, so that the rest is checked as well."""
    broken = set(_broken(error))
    capabilities = data.get("capabilities")
    if None in broken or not isinstance(capabilities, dict):
        return None
    try:
        kept = {n: c for n, c in capabilities.items() if n not in broken}
        return Contract.model_validate({**data, "capabilities": kept})
    except ValidationError:
        return None


def _broken(error: ValidationError) -> Iterator[str | None]:
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        loc = detail["loc"]
        yield str(loc[1]) if loc[:1] == ("capabilities",) and len(loc) > 1 else None


def _unread(file: Path, wanted: str) -> Reading:
    if not os.path.lexists(file):
        return _nothing(str(file), UNREADABLE, "There is no such file.", "Look at its path.")
    message = f"This is not a regular file of at most 1 MiB {wanted}."
    return _nothing(str(file), UNREADABLE, message, "Look at what is there, and at who may read it.")


def _nothing(file: str, rule: str, message: str, fix: str = "", *, line: int = 1) -> Reading:
    return Reading(contract=None, positions=Positions(file), problems=(Problem(file, line, 1, rule, message, fix),))
