"""`synapsor activate`: a contract reviewer signs the digests of the contracts as they are now."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from synapsor import runtime
from synapsor.approve.terms import bounds_of
from synapsor.cli.signer import signer
from synapsor.cli.terminal import answer, confirm_digest, interrupt_at_once, note
from synapsor.config import load_config
from synapsor.contract.digest import canonical_body
from synapsor.contract.load import LoadedContract
from synapsor.contract.model import Capability, Contract, ProposeCapability, Scalar, constant, is_argument, shown
from synapsor.core.review import ACTIVATOR_ROLE, may_activate
from synapsor.errors import UsageError
from synapsor.flow.review import activate


def run(arguments: Namespace) -> int:
    """Sign each chosen contract and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        chosen = _chosen(project.contracts(), arguments.contracts)
        operator, key = signer(arguments, project.operators(), role=ACTIVATOR_ROLE)
        may_activate(operator)  # before the person reads and types anything
        if not arguments.yes:
            for loaded in chosen:
                _confirm(loaded)
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
            told = activated.activation
            done.append(
                {
                    "id": told.id,
                    "contract": told.contract,
                    "digest": told.digest,
                    "operator": told.operator,
                    "at": told.at,
                }
            )
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


def _confirm(loaded: LoadedContract) -> None:
    contract = loaded.contract
    note(f"\nContract {contract.contract} from {loaded.path}\n  digest {loaded.digest}")
    for name, table in contract.tables.items():
        denied = sorted(set(table.columns) - set(table.allowed))
        note(
            f"  table {name}: {table.source}:{table.relation}; may be seen: {', '.join(table.allowed)}; denied: {', '.join(denied) or 'none named'}"
        )
    for name, capability in contract.capabilities.items():
        note(f"  {name}: {capability.description}")
        for line in _granted(contract, capability):
            note(f"    {line}")
    confirm_digest(loaded.digest, verb="activate", otherwise="Read it, then run again with --yes.")


def _granted(contract: Contract, capability: Capability) -> Iterator[str]:
    """Yield what a capability allows, in the words of the card."""
    table, limits = contract.table_of(capability), capability.limits
    tenant = {table.tenant_column: contract.context_of(capability).tenant} if table.tenant_column else {}
    fixed = {column: _value(value) for column, value in capability.where.items()}
    rows = " and ".join(f"{column} = {value}" for column, value in (*tenant.items(), *fixed.items()))
    yield f"returns {', '.join(shown(capability, table))}"
    yield f"where {rows or 'nothing: every row, since the table has a single tenant'}"
    yield f"limits: {limits.rows} rows, {limits.bytes} bytes, {limits.time_ms} ms"
    if isinstance(capability, ProposeCapability):
        yield f"sets {', '.join(f'{column} = {_value(value)}' for column, value in capability.set.items())}"
        bounds = bounds_of(capability, table, tuple(capability.set))
        yield from (f"bounds of {column}: {words}" for column, words in bounds.items())
        if not bounds:
            yield "no bounds"
        yield f"needs the role {capability.approval.role}, within {capability.approval.expires_hours} hours"


def _value(value: Scalar) -> str:
    """Return an argument as `$name` and a constant as JSON, so that neither is taken for the other."""
    return str(value) if is_argument(value) else json.dumps(constant(value), ensure_ascii=False)
