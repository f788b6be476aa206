"""How automatic approval stands: the switch, the keys, and how far the policies of the activated contracts are used up today.

What counts is what was activated, and never what the files say by now; where they say something else, that is told.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from synapsor.cli.refused_acts import lines as refused_lines
from synapsor.cli.refused_acts import told
from synapsor.cli.terminal import paragraph
from synapsor.contract.approvals import POLICY_SIGNER
from synapsor.core.moment import stamp
from synapsor.core.outcome import Why
from synapsor.core.plain import visible
from synapsor.core.policy import standing
from synapsor.core.records import to_body
from synapsor.errors import ConfigError, ContractError, IntegrityError
from synapsor.flow.permitted import proven
from synapsor.flow.refused import POLICIES
from synapsor.flow.switched import Switched

if TYPE_CHECKING:
    from synapsor.contract.load import LoadedContract
    from synapsor.contract.model import Contract
    from synapsor.ledger.store import Ledger
    from synapsor.runtime import Project

_MOST_CONTRACTS: Final = 1000
_STANDS: Final = {
    "file_differs": "The file of {} is not what was activated; told here is the active version, which alone counts.",
    "not_activated": "{} was never activated, so its policies approve nothing.",
    "not_counted": "The activation of {} does not count, so its policies approve nothing; `synapsor doctor` says why.",
    "no_file": "{} has no file in this project any more; its active version counts all the same.",
    "files_unread": "It is not told whether the file of {} is the active version: the files cannot be read.",
}
"""What a contract's activation and its file have to do with one another, where they are not the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """A contract with its digest: the active version where that counts, and None where it does not."""

    contract: Contract | None
    digest: str | None


async def status(project: Project, ledger: Ledger, stands: Switched) -> dict[str, Any]:
    """Return how automatic approval stands, as data."""
    day, files = stamp(project.clock.now())[:10], _files(project)
    contracts: list[dict[str, Any]] = []
    used: list[dict[str, Any]] = []
    for name in sorted({*await ledger.overview.contracts(limit=_MOST_CONTRACTS), *(files or ())}):
        active = await _active(name, project, ledger)
        file = files.get(name) if files is not None else None
        if _has_policies(active, file):
            said = "files_unread" if files is None and active.contract else _stands(active, file)
            contracts.append({"contract": name, "active": active.digest, "stands": said})
        if active.contract is not None:
            used += [one async for one in _used(active.contract, ledger, day)]
    return {
        "allowed": project.config.automatic_approval,
        "state": "stopped" if stands.stopped else "running",
        "because": stands.because,
        "switch": to_body(stands.switch) if stands.switch else None,
        "keys": _keys(project),
        "day": day,
        "contracts": contracts,
        "policies": used,
        "refused": await told(ledger.overview, POLICIES),
    }


def _files(project: Project) -> dict[str, LoadedContract] | None:
    """Return the contracts of the project's files by name; None when they cannot be read, which must not hide what counts."""
    try:
        return {loaded.contract.contract: loaded for loaded in project.contracts()}
    except (ConfigError, ContractError):
        return None


async def _active(name: str, project: Project, ledger: Ledger) -> _Version:
    """Return the version of a contract that the worker goes by."""
    try:
        active = await ledger.active_contract(name)
    except IntegrityError:
        return _Version(contract=None, digest="")
    if active is None:
        return _Version(contract=None, digest=None)
    contract = proven(active, ledger.id, project.operators())
    return _Version(contract=None if isinstance(contract, Why) else contract, digest=active.activation.digest)


def _has_policies(active: _Version, file: LoadedContract | None) -> bool:
    """Tell whether there is anything to say of a contract; of an activation that does not count, what it had is not known."""
    known = [one for one in (active.contract, file and file.contract) if one]
    return any(one.policies for one in known) or (
        active.contract is None and active.digest is not None and file is None
    )


def _stands(active: _Version, file: LoadedContract | None) -> str:
    if active.contract is None:
        return "not_activated" if active.digest is None else "not_counted"
    if file is None:
        return "no_file"
    return "same" if file.digest == active.digest else "file_differs"


async def _used(contract: Contract, ledger: Ledger, day: str) -> AsyncIterator[dict[str, Any]]:
    for name, policy in contract.policies.items():
        full = f"{contract.contract}.{name}"
        uses = await ledger.policies.uses(full, day=day)
        limits = [limit.model_dump(exclude_none=True) for limit in policy.limits.per_day]
        stands = [to_body(one) for one in standing(policy.limits.per_day, uses)]
        yield {"policy": full, "approved_today": len(uses), "limits": limits, "standing": stands}


def _keys(project: Project) -> list[dict[str, Any]]:
    """Return whose keys may approve by policy, and those that may not any more."""
    held = [one for one in project.operators().values() if POLICY_SIGNER in one.roles]
    return [{"operator": one.name, "trusted": not one.revoked} for one in sorted(held, key=lambda one: one.name)]


def text_of(document: Mapping[str, Any], stands: Switched) -> str:
    """Return it as text."""
    lines = [f"Automatic approval is {stands.words}."]
    if not document["allowed"]:
        lines = [
            f"Automatic approval is off: synapsor.yaml lacks `automatic_approval: true`. Its switch is {stands.words}."
        ]
    if document["allowed"] and not any(key["trusted"] for key in document["keys"]):
        revoked = ", ".join(visible(key["operator"]) for key in document["keys"])
        lines.append(
            f"No policy key is trusted{f' (revoked: {revoked})' if revoked else ''}, so nothing is approved by policy."
        )
    if not document["policies"]:
        lines.append("No activated contract has a policy, so nothing is approved by policy.")
    lines += [
        _STANDS[one["stands"]].format(visible(one["contract"]))
        for one in document["contracts"]
        if one["stands"] in _STANDS
    ]
    for one in document["policies"]:
        lines.append(f"  {one['policy']}: {one['approved_today']} approved on {document['day']}")
        lines += [f"    {_limit(one_limit)}" for one_limit in one["standing"]]
    lines += refused_lines(document["refused"], "stop or start it")
    return paragraph("\n".join(lines))


def _limit(told: Mapping[str, Any]) -> str:
    """Return how far one limit is used up; whose use it is, is not told."""
    used = f"{told['what']}: {told['most']} of {told['limit']}"
    if told["of"] == "policy":
        warned = "FULL" if told["full"] else "NEARLY FULL" if told["near"] else ""
    else:
        used += f" for one {told['of']}, at the most"
        nearly = told["near"] - told["full"]
        said = ((told["full"], "FULL"), (nearly, "NEARLY FULL"))
        warned = ", ".join(f"{word} for {count:,}" for count, word in said if count)
    return f"{used}: {warned}" if warned else used
