"""`synapsor rollback`: a contract reviewer signs a version again that was active earlier; no file is touched."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import Any

from synapsor import runtime
from synapsor.cli.activate import left, record_of
from synapsor.cli.refused_acts import check_activates, signer_for
from synapsor.cli.reviewing import comparable, confirm
from synapsor.cli.terminal import answer, interrupt_at_once, paragraph
from synapsor.cli.versions import Version
from synapsor.config import Config, load_config
from synapsor.contract.digest import canonical_body, contract_digest
from synapsor.contract.load import LoadedContract, Reading, read_file
from synapsor.core.review import ACTIVATOR_ROLE
from synapsor.errors import ConfigError
from synapsor.flow.acting import Acting
from synapsor.flow.activate import activate, left_behind
from synapsor.flow.decider import Named
from synapsor.flow.rollback import earlier_version, judged_again, same_databases
from synapsor.flow.signing import Signer

_STARTS = {
    "production": "and no server starts while the file is as it is",
    "development": "and a server that starts serves the file all the same, with a warning and without proposals",
}


def run(arguments: Namespace) -> int:
    """Sign the earlier version and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    config = load_config(arguments.config)
    async with runtime.open_project(config) as project:
        operators = project.operators()
        operator, unlock = await signer_for(arguments, project, [arguments.contract], operators, role=ACTIVATOR_ROLE)
        acting = Acting(who=Named(operator=operator), operators=operators, now=project.clock.now())
        await check_activates(project, [arguments.contract], acting)
        ledger = await project.ledger()
        active, earlier = await earlier_version(ledger, arguments.contract, arguments.to)
        ours, others = _on_disk(config, arguments.contract)
        loaded = judged_again(earlier, project.operators(), others, ledger=ledger.id)
        _check_sources(config, loaded)
        metadata = await project.activations.metadata(loaded)
        sources = {name: str(facts["fingerprint"]) for name, facts in metadata["sources"].items()}
        same_databases(earlier, sources)
        told = earlier.activation
        if not arguments.yes:
            origin = f"the ledger, as {told.operator} activated it at {told.at} ({told.id})"
            version = Version(contract=loaded.contract, digest=loaded.digest, named=origin)
            confirm(version, await comparable(project, told.contract))
        activated = await activate(
            ledger,
            contract=told.contract,
            digest=loaded.digest,
            body=canonical_body(loaded.contract),
            sources=sources,
            metadata={**metadata, "returns_to": told.id},
            signer=Signer(operator=operator, key=unlock()),
            operators=project.operators(),  # who was trusted before they read may be revoked since
            now=project.clock.now(),
        )
        behind = await left_behind(ledger, active.activation.digest, now=project.clock.now())
    done = {
        **record_of(activated),
        "returns_to": told.id,
        "before": active.activation.digest,
        "left_behind": behind,
    }
    file = _file(ours, loaded.digest)
    text = f"{told.contract} is back, signed by {done['operator']} ({done['id']}), at\n  {loaded.digest}{left(done)}"
    meaning = paragraph(_meaning(config, file, done))
    answer(arguments, "rollback", {"activation": done, "file": file}, f"{text}\n{meaning}")
    return 0


def _on_disk(config: Config, name: str) -> tuple[Reading | None, list[Reading]]:
    """Return what the policy files hold of this contract and of others; one that is broken does not keep anybody from going back."""
    readings = [reading for path in config.policies if (reading := read_file(path)).contract is not None]
    ours = [r for r in readings if r.contract is not None and r.contract.contract == name]
    return (ours[0] if ours else None), [r for r in readings if r not in ours]


def _check_sources(config: Config, loaded: LoadedContract) -> None:
    if missing := sorted({t.source for t in loaded.contract.tables.values()} - set(config.sources)):
        raise ConfigError(
            f"This version names sources that are not configured: {', '.join(missing)}.",
            fix="Add them under `sources:`.",
        )


def _file(ours: Reading | None, digest: str) -> dict[str, Any] | None:
    if ours is None or ours.contract is None:
        return None
    held = None if ours.problems else contract_digest(ours.contract)
    return {"path": ours.positions.file, "digest": held, "active": held == digest}


def _meaning(config: Config, file: dict[str, Any] | None, done: dict[str, Any]) -> str:
    """Return what the rollback means beside the files, which are as they were."""
    if file is not None and file["active"]:
        return f"{file['path']} holds the same version: it is what is served."
    held = (
        f"{file['path']} is as it was, and holds {file['digest'] or 'a contract with problems'}, which is not active."
        if file
        else "No policy file of this project holds this contract as it can be read."
    )
    body = f"`synapsor history {done['contract']} --body {done['id']}`"
    return (
        f"! {held}\n"
        f"  A running server refuses the calls of any version but the active one (`not_activated`), {_STARTS[config.profile]}.\n"
        f"  The worker applies no proposal that was made under another version.\n"
        f"  To serve this version, put its file back, from version control or from {body}; "
        f"`synapsor check --json` tells a file's digest. A server that was started with this version then serves "
        f"it again by itself; start any other one again. Nothing needs to be activated again."
    )
