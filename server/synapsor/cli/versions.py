"""Versions of a contract as a command line names them: a file, or by digest or handle what was activated."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from synapsor import runtime
from synapsor.config import load_config
from synapsor.contract.load import LoadedContract, load, read_file
from synapsor.contract.model import Contract
from synapsor.errors import UsageError
from synapsor.flow.rollback import as_signed, version_named
from synapsor.ports import Activated
from synapsor.runtime import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a contract, and what it is called."""

    contract: Contract
    digest: str
    named: str


async def compared(arguments: Namespace, named: list[str]) -> tuple[Version, Version]:
    """Return the two versions of a command line; of one name, the active version and the file.

    Raises:
        UsageError: there is no such version.
        ContractError: a file has problems.
        IntegrityError: what is recorded is not what was signed.
    """
    files = _in_files(named)
    match named:
        case [one, other] if one in files and other in files:  # no project is needed
            return files[one], files[other]
    async with runtime.open_project(load_config(arguments.config)) as project:
        if len(named) == 1:
            after = files.get(named[0]) or _from_file(_file_of(project, named[0]))
            active = await active_version(project, after.contract.contract)
            if active is None:
                raise UsageError(
                    f"No contract {after.contract.contract} was ever activated here.",
                    fix="Name two versions, or activate it with `synapsor activate`.",
                )
            return active, after
        known = [*(version.contract.contract for version in files.values()), *_names(project.config.policies)]
        before, after = [files.get(name) or await _recorded(project, name, known) for name in named]
        return before, after


def _in_files(named: Iterable[str]) -> dict[str, Version]:
    return {name: _from_file(Path(name)) for name in named if Path(name).is_file()}


def of_file(loaded: LoadedContract) -> Version:
    """Return a contract as its file says it."""
    return Version(contract=loaded.contract, digest=loaded.digest, named=str(loaded.path))


async def active_version(project: Project, contract: str) -> Version | None:
    """Return the version of a contract that was activated last; None when none ever was.

    Raises:
        IntegrityError: what is recorded is not what was signed.
    """
    active = await (await project.ledger()).active_contract(contract)
    return None if active is None else await _proven(project, active, "the active version")


def _file_of(project: Project, named: str) -> Path:
    files = {c: p for p in project.config.policies if (c := _name(p))}
    if named not in files:
        raise UsageError(
            f"There is no contract or file {named} here.", fix=f"Contracts of this project: {', '.join(sorted(files))}."
        )
    return files[named]


def _names(policies: Iterable[Path]) -> list[str]:
    return [name for path in policies if (name := _name(path))]


def _name(path: Path) -> str:
    found = read_file(path).contract
    return found.contract if found else ""


def _from_file(path: Path) -> Version:
    return of_file(load(path))


async def _recorded(project: Project, named: str, contracts: Iterable[str]) -> Version:
    ledger = await project.ledger()
    for contract in dict.fromkeys(contracts):
        if await ledger.activation_named(contract, named) is not None:
            return await _proven(project, await version_named(ledger, contract, named), named)
    raise UsageError(
        f"{named} is no file, and no activation has this digest or handle.", fix="See `synapsor history CONTRACT`."
    )


async def _proven(project: Project, found: Activated, named: str) -> Version:
    ledger = await project.ledger()
    contract = as_signed(found, project.operators(), ledger=ledger.id)
    return Version(contract=contract, digest=found.activation.digest, named=f"{named} ({found.activation.id})")
