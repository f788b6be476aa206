"""`synapsor activate`: a contract reviewer signs the digests of the contracts as they are now."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import Any

from synapsor import runtime
from synapsor.cli.signer import signer
from synapsor.cli.terminal import answer, confirm_digest, interrupt_at_once, note
from synapsor.config import load_config
from synapsor.contract.deciding import policies, workflows
from synapsor.contract.digest import canonical_body
from synapsor.contract.load import LoadedContract
from synapsor.contract.model import Contract
from synapsor.contract.plainly import granted, guarded
from synapsor.core.review import ACTIVATOR_ROLE, may_activate
from synapsor.errors import UsageError
from synapsor.flow.review import activate
from synapsor.ports import Activated


def run(arguments: Namespace) -> int:
    """Sign each chosen contract and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        chosen = _chosen(project.contracts(), arguments.contracts)
        operator, key = signer(arguments, project.operators(), role=ACTIVATOR_ROLE)
        may_activate(operator)  # before the person reads and types anything
        for loaded in chosen:
            for finding in await project.unfit(loaded):
                note(f"{loaded.contract.contract} does not fit its database, {finding.rule}: {finding.message}")
                note(f"  fix: {finding.fix}")
        if not arguments.yes:
            for loaded in chosen:
                confirm(loaded.contract, loaded.digest, str(loaded.path))
        ledger = await project.ledger(create=True)
        done: list[dict[str, Any]] = []
        for loaded in chosen:
            metadata = await project.source_metadata(loaded)
            activated = await activate(
                ledger,
                contract=loaded.contract.contract,
                digest=loaded.digest,
                body=canonical_body(loaded.contract),
                sources={name: str(facts["fingerprint"]) for name, facts in metadata["sources"].items()},
                metadata=metadata,
                operator=operator,
                key=key,
                now=project.clock.now(),
            )
            done.append(record_of(activated))
    text = "\n".join(
        f"{d['contract']} is activated: {d['digest']} (signed by {d['operator']}, {d['id']})" for d in done
    )
    answer(arguments, "activation", {"activations": done}, text)
    return 0


def _chosen(contracts: tuple[LoadedContract, ...], names: list[str]) -> tuple[LoadedContract, ...]:
    known = {loaded.contract.contract: loaded for loaded in contracts}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"There is no contract {unknown[0]} in this project.", fix=f"Known here: {', '.join(known)}.")
    return tuple(known[name] for name in dict.fromkeys(names)) if names else contracts


def record_of(activated: Activated) -> dict[str, Any]:
    """Return what is told of an activation as JSON data."""
    told = activated.activation
    return {
        "id": told.id,
        "contract": told.contract,
        "digest": told.digest,
        "operator": told.operator,
        "at": told.at,
    }


def confirm(contract: Contract, digest: str, origin: str) -> None:
    """Show a person what they are about to sign, and where it comes from, and have them type the digest.

    Raises:
        UsageError: they typed something else, or nobody is there.
    """
    note(f"\nContract {contract.contract} from {origin}\n  digest {digest}")
    for name, table in contract.tables.items():
        denied = sorted(set(table.columns) - set(table.allowed))
        note(
            f"  table {name}: {table.source}:{table.relation}; may be seen: {', '.join(table.allowed)}; denied: {', '.join(denied) or 'none named'}"
        )
        for line in guarded(table):
            note(f"    {line}")
    for name, capability in contract.capabilities.items():
        note(f"  {name}: {capability.description}")
        for line in granted(contract, capability):
            note(f"    {line}")
    for line in (*policies(contract), *workflows(contract)):
        note(f"  {line}")
    confirm_digest(digest, verb="activate", otherwise="Read it, then run again with --yes.")
