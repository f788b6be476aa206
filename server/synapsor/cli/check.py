"""`synapsor check`: configuration and contracts, every problem with its place; no database is touched."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Final

from synapsor import runtime
from synapsor.cli.terminal import answer, listed
from synapsor.config import load_config
from synapsor.contract.approval import Approval, Level
from synapsor.contract.capability import AggregateCapability, ProposeCapability, ReadCapability, is_single
from synapsor.contract.load import LoadedContract, load_all
from synapsor.core.facts import Finding
from synapsor.errors import ContractError
from synapsor.notify.addresses import check_addresses
from synapsor.operators import read_operators

RISKS: Final[tuple[Level, ...]] = ("medium", "high")


def run(arguments: Namespace) -> int:
    """Check and return 0, or 2 with every problem."""
    codes: tuple[Finding, ...] = ()
    try:
        if arguments.files:
            loaded = tuple(load_all(arguments.files))
        else:
            loaded, codes = _project(arguments.config)
    except ContractError as error:
        problems = [asdict(p) for p in error.problems]
        answer(
            arguments,
            "check",
            {"problems": problems, "capabilities": []},
            "\n".join(part for p in error.problems for part in listed(str(p), 4, sys.stdout)),
            ok=False,
        )
        return error.exit_code
    told = [_line(contract, name) for contract in loaded for name in contract.contract.capabilities]
    lines = [part for line in told for part in listed(line, 4, sys.stdout)]
    entries = [{"contract": c.contract.contract, "digest": c.digest, "file": str(c.path)} for c in loaded]
    names = [name for c in loaded for name in c.contract.capabilities]
    findings = [{"rule": one.rule, "message": one.message, "fix": one.fix} for one in codes]
    lines += [part for one in codes for part in listed(f"!   {one.rule}  {one.message} fix: {one.fix}", 4, sys.stdout)]
    document = {"problems": [], "contracts": entries, "capabilities": names, "findings": findings}
    answer(arguments, "check", document, "\n".join(lines))
    return 0


def _project(path: Path | None) -> tuple[tuple[LoadedContract, ...], tuple[Finding, ...]]:
    """Return the project's contracts, and which one-time codes they want that nobody has."""
    from synapsor.examine.codes import of_codes  # heavy: all that `doctor` looks at

    config = load_config(path)
    read_operators(config.operators)
    loaded = load_all(config.policies)
    runtime.check_sources(config, loaded)
    check_addresses(config.notify)
    return tuple(loaded), tuple(of_codes(runtime.Project(config, AsyncExitStack())))


def _line(loaded: LoadedContract, name: str) -> str:
    contract = loaded.contract
    capability = contract.capabilities[name]
    table = contract.table_of(capability)
    if isinstance(capability, ReadCapability):
        most = "one row" if is_single(capability, table) else f"at most {capability.limits.rows} rows"
        what = f"reads {table.source}:{table.relation}, {most}"
    elif isinstance(capability, AggregateCapability):
        by = f" by {', '.join(capability.group)}" if capability.group else ""
        what = f"computes {', '.join(capability.measures)} of {table.source}:{table.relation}{by}, of {capability.minimum_group} rows or more"
    else:
        what = f"proposes {', '.join(capability.set) or 'to delete rows'} of {table.source}:{table.write_to or table.relation}, decided by {_decider(capability)}"
    return f"ok  {name}  {what}"


def _decider(capability: ProposeCapability) -> str:
    approval = capability.approval
    told = f"{_people(approval)}, or the policy {approval.policy}" if approval.policy else _people(approval)
    return told + stricter(approval)


def stricter(approval: Approval) -> str:
    """Return who decides where the risk is higher, "" where it is the same people."""
    others = {level: _people(approval.at(level)) for level in RISKS}
    return "".join(f"; of {level} risk by {people}" for level, people in others.items() if people != _people(approval))


def _people(approval: Approval) -> str:
    return f"{approval.people} with the role {approval.role}" if approval.people > 1 else approval.role
