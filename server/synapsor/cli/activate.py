"""`synapsor activate`: a contract reviewer signs the digests of the contracts as they are now."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import Any

from synapsor import runtime
from synapsor.cli.refused_acts import check_activates, signer_for
from synapsor.cli.reviewing import comparable, confirm
from synapsor.cli.terminal import answer, interrupt_at_once, note, paragraph
from synapsor.cli.versions import of_file
from synapsor.config import load_config
from synapsor.contract.digest import canonical_body
from synapsor.contract.load import LoadedContract
from synapsor.core.review import ACTIVATOR_ROLE
from synapsor.core.words import many
from synapsor.errors import UsageError
from synapsor.examine.codes import of_codes
from synapsor.flow.acting import Acting
from synapsor.flow.activate import activate, left_behind
from synapsor.flow.decider import Named
from synapsor.flow.signing import Signer
from synapsor.ports import Activated


def run(arguments: Namespace) -> int:
    """Sign each chosen contract and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        chosen = _chosen(project.contracts(), arguments.contracts)
        names = [loaded.contract.contract for loaded in chosen]
        operators = project.operators()
        operator, unlock = await signer_for(arguments, project, names, operators, role=ACTIVATOR_ROLE)
        acting = Acting(who=Named(operator=operator), operators=operators, now=project.clock.now())
        await check_activates(project, names, acting)
        for loaded in chosen:
            for finding in await project.activations.unfit(loaded):
                note(f"{loaded.contract.contract} does not fit its database, {finding.rule}: {finding.message}")
                note(f"  fix: {finding.fix}")
        for finding in of_codes(project):
            note(f"{finding.rule}: {finding.message}")
            note(f"  fix: {finding.fix}")
        if not arguments.yes:
            for loaded in chosen:
                confirm(of_file(loaded), await comparable(project, loaded.contract.contract))
        metadata_of = [await project.activations.metadata(loaded) for loaded in chosen]
        signs = Signer(operator=operator, key=unlock())
        ledger = await project.ledger(create=True)
        done: list[dict[str, Any]] = []
        for loaded, metadata in zip(chosen, metadata_of, strict=True):
            before = await ledger.active_contract(loaded.contract.contract)
            activated = await activate(
                ledger,
                contract=loaded.contract.contract,
                digest=loaded.digest,
                body=canonical_body(loaded.contract),
                sources={name: str(facts["fingerprint"]) for name, facts in metadata["sources"].items()},
                metadata=metadata,
                signer=signs,
                operators=project.operators(),  # who was trusted before they read may be revoked since
                now=project.clock.now(),
            )
            replaced = before.activation.digest if before else loaded.digest
            behind = 0 if replaced == loaded.digest else await left_behind(ledger, replaced, now=project.clock.now())
            done.append({**record_of(activated), "left_behind": behind})
    text = "\n".join(
        f"{d['contract']} is activated, signed by {d['operator']} ({d['id']}):\n  {d['digest']}{left(d)}" for d in done
    )
    answer(arguments, "activation", {"activations": done}, text)
    return 0


def _chosen(contracts: tuple[LoadedContract, ...], names: list[str]) -> tuple[LoadedContract, ...]:
    known = {loaded.contract.contract: loaded for loaded in contracts}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"There is no contract {unknown[0]} in this project.", fix=f"Known here: {', '.join(known)}.")
    return tuple(known[name] for name in dict.fromkeys(names)) if names else contracts


def left(done: dict[str, Any]) -> str:
    """Return what becomes of the proposals that wait under the version before, as a paragraph below; "" where none does."""
    if not done["left_behind"]:
        return ""
    wait = many(done["left_behind"], "proposal waits", "proposals wait")
    return "\n" + paragraph(
        f"! {wait} for a decision or the worker under the version before. The worker applies none that was made under another "
        "version, approved or not, and nobody can approve one. What waits for a decision: reject it, have it proposed again, or "
        "`synapsor extend` it under the new contract."
    )


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
