"""The sources, the contracts on them and the ledger, as far as this user's credentials allow to look; it goes on where a source fails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import TYPE_CHECKING

from synapsor.approve.identity.keys import load_key
from synapsor.config import Config
from synapsor.contract.approval import LEVELS, levels
from synapsor.core.contract_posture import judge_contract
from synapsor.core.facts import Finding
from synapsor.core.needs import proposals_of
from synapsor.core.plan import Relation
from synapsor.errors import ConfigError, LedgerFailure, SourceFailure
from synapsor.runtime import token_sessions, told
from synapsor.secrets import resolve
from synapsor.work.permission import signer_of

if TYPE_CHECKING:
    from synapsor.contract.load import LoadedContract
    from synapsor.runtime import Project

_LOOK = "Check that it runs and that its credential is right."


async def of_sources(project: Project) -> list[Finding]:
    """Return what is wrong with the sources, the contracts and the ledger."""
    found: list[Finding] = []
    for name in sorted(project.config.sources):
        found += told(name, await _source(project, name))
    found += _reading_only(project)
    found += _unheld_roles(project)
    found += _policy_key(project)
    found += project.unmet_sessions(_sessions(project.config))
    try:
        await (await project.ledger()).healthy()
        found += await _activations(project)
    except LedgerFailure as failed:
        fatal = project.config.profile == "production"
        found.append(Finding(rule="ledger", message=failed.message, fix=failed.fix, fatal=fatal))
    return found


async def _source(project: Project, name: str) -> list[Finding]:
    seen: list[Finding] = []
    try:
        mapped, missing = await _mappings(project, name)
        seen += [*await project.reader_posture(name, missing), *mapped]
    except SourceFailure as failed:
        seen.append(_unreachable("reader", failed))
    try:
        seen += await _writer_posture(project, name)
    except SourceFailure as failed:
        seen.append(_unreachable("writer", failed))
    return seen


async def _mappings(project: Project, name: str) -> tuple[list[Finding], set[Relation]]:
    found: list[Finding] = []
    missing: set[Relation] = set()
    for contract in (loaded.contract for loaded in project.contracts()):
        relations = {n: Relation.parse(t.relation) for n, t in contract.tables.items() if t.source == name}
        facts = {n: await project.reader(name).describe(relation) for n, relation in relations.items()}
        missing |= {relations[n] for n, known in facts.items() if known is None}
        found += judge_contract(contract, facts).findings
    return found, missing


async def _writer_posture(project: Project, name: str) -> list[Finding]:
    wired = project.config.sources[name]
    if wired.mode != "writeback":
        return []
    try:
        if wired.write is not None:
            resolve(wired.write)
    except ConfigError as missing:
        message = "The write credential is not here, as it should be where the worker does not run."
        fix = "Run `synapsor doctor` where the worker runs, too."
        return [Finding(rule="writer_not_looked_at", message=f"{message} {missing.message}", fix=fix, fatal=False)]
    _, found = await project.write_target(name, wired)
    return found


def _reading_only(project: Project) -> list[Finding]:
    """Return the sources on which contracts ask for changes, and that serve none."""
    found = []
    for contract in (loaded.contract for loaded in project.contracts()):
        for source in sorted({contract.table_of(c).source for c in proposals_of(contract)}):
            if project.config.sources[source].mode == "evidence":
                message = f"{source}: Contract {contract.contract} asks for changes, and the source is in `mode: evidence`, which serves reads alone."
                fix = f"Under `sources`, give {source} `mode: review`; or `mode: writeback`, by which the worker may apply them."
                found.append(Finding(rule="proposals_off", message=message, fix=fix, fatal=False))
    return found


def _unheld_roles(project: Project) -> list[Finding]:
    trusted = [operator for operator in project.operators().values() if not operator.revoked]
    needed: dict[str, int] = {}
    risks: dict[str, set[str]] = {}
    for loaded in project.contracts():
        for level, approval in (
            (level, c.approval.at(level)) for c in proposals_of(loaded.contract) for level in ("low", *levels(c.risk))
        ):
            needed[approval.role] = max(approval.people, needed.get(approval.role, 1))
            risks.setdefault(approval.role, set()).add(level)
    found = []
    for role, people in sorted(needed.items()):
        held = sum(role in operator.roles for operator in trusted)
        if held < people:
            who = "Nobody holds" if not held else f"Only {held} of {people} people hold"
            of = " or ".join(level for level in LEVELS if level in risks[role])
            message = f"{who} the role {role}, so nobody can approve what needs it: changes of {of} risk."
            fix = f"synapsor operator add NAME --role {role}"
            found.append(Finding(rule="role_unheld", message=message, fix=fix, fatal=False))
    return found


def _policy_key(project: Project) -> list[Finding]:
    """Return that the key by which policies approve cannot be looked at here, or is not trusted with that now."""
    key = project.config.policy_key if project.config.automatic_approval else None
    if key is None:
        return []
    try:
        loaded = load_key(key)
    except ConfigError as missing:
        message = f"The policy key is not here, as it should be where the worker does not run. {missing.message}"
        fix = "Run `synapsor doctor` where the worker runs, too."
        return [Finding(rule="policy_key_not_looked_at", message=message, fix=fix, fatal=False)]
    try:
        signer_of(loaded, project.operators())
    except ConfigError as untrusted:
        message = f"{untrusted.message} A worker that runs approves nothing by policy, and no other starts."
        return [Finding(rule="policy_key_untrusted", message=message, fix=untrusted.fix)]
    return []


async def _activations(project: Project) -> list[Finding]:
    found: list[Finding] = []
    for loaded in project.contracts():
        try:
            why = await project.activations.why_not(loaded)
        except SourceFailure as failed:
            found += told(failed.source, [_unreachable("reader", failed)])
            continue
        if not why:
            found += [finding async for finding in _drift(project, loaded)]
        if why:
            fatal = project.config.profile == "production"
            message = f"Contract {loaded.contract.contract} does not count as activated: {why}."
            fix = "Review it and run `synapsor activate`, or put the file of the active version back."
            found.append(Finding(rule="not_activated", message=message, fix=fix, fatal=fatal))
    return found


async def _drift(project: Project, loaded: LoadedContract) -> AsyncIterator[Finding]:
    try:
        drifted = await project.activations.drifted(loaded)
    except SourceFailure:
        return  # told already
    for name, changed in drifted.items():
        for difference in changed:
            message = f"Table {name} of contract {loaded.contract.contract} is not as it was activated: {difference}."
            fix = "Review it and run `synapsor activate`, which accepts the new shape."
            yield Finding(rule="schema_drift", message=message, fix=fix)


def _unreachable(who: str, failed: SourceFailure) -> Finding:
    return Finding(
        rule="source_unreachable", message=f"The {who} could not look: {failed.said}.", fix=failed.look or _LOOK
    )


def _sessions(config: Config) -> dict[str, Collection[str]]:
    """Return the sessions that there are; without any it is the one of stdio that is lacking."""
    tokens = token_sessions(config)
    return {"`session:`": config.session, **tokens} if config.session or not tokens else tokens
