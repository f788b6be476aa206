"""`synapsor policy`: stop automatic approval at once, let it run again, or see what the policies have used up today."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import Any

from synapsor import runtime
from synapsor.cli.signer import signer
from synapsor.cli.terminal import answer, interrupt_at_once, paragraph
from synapsor.config import load_config
from synapsor.contract.approvals import POLICY_SIGNER, POLICY_STEWARD
from synapsor.core.moment import stamp
from synapsor.core.plain import visible
from synapsor.core.policy import standing
from synapsor.core.records import to_body
from synapsor.core.review import may_switch
from synapsor.core.statements import SwitchState
from synapsor.flow.automatic import running, throw_switch
from synapsor.flow.reason import check_reason
from synapsor.ports import ReviewLedger
from synapsor.runtime import Project

_STATES: dict[str, SwitchState] = {"stop": "stopped", "start": "running"}


def run(arguments: Namespace) -> int:
    """Throw the switch or tell how it stands, and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        if arguments.action != "status":
            operator, unlock = signer(arguments, project.operators(), role=POLICY_STEWARD)
            check_reason("switch", arguments.reason)
            may_switch(operator)  # before anybody types a passphrase
            state, key = _STATES[arguments.action], unlock()
            now, reason = project.clock.now(), arguments.reason
            await throw_switch(ledger, state, operator=operator, key=key, now=now, reason=reason)
        document = await _status(project, ledger)
    answer(arguments, "policies", document, _text(document))
    return 0


async def _status(project: Project, ledger: ReviewLedger) -> dict[str, Any]:
    goes, _ = await running(ledger, project.operators())
    newest = await ledger.switch()
    day = stamp(project.clock.now())[:10]
    used = []
    for loaded in project.contracts():
        for name, policy in loaded.contract.policies.items():
            full = f"{loaded.contract.contract}.{name}"
            uses = await ledger.policy_uses(full, day=day)
            limits = [limit.model_dump(exclude_none=True) for limit in policy.limits.per_day]
            told = [to_body(one) for one in standing(policy.limits.per_day, uses)]
            used.append({"policy": full, "approved_today": len(uses), "limits": limits, "standing": told})
    return {
        "allowed": project.config.automatic_approval,
        "state": "running" if goes else "stopped",
        "switch": to_body(newest.switch) if newest else None,
        "keys": _keys(project),
        "day": day,
        "policies": used,
    }


def _keys(project: Project) -> list[dict[str, Any]]:
    """Return whose keys may approve by policy, and those that may not any more."""
    held = [one for one in project.operators().values() if POLICY_SIGNER in one.roles]
    return [{"operator": one.name, "trusted": not one.revoked} for one in sorted(held, key=lambda one: one.name)]


def _text(document: dict[str, Any]) -> str:
    switch = document["switch"]
    why = f": {visible(switch['reason'])}" if switch and switch["reason"] else ""
    who = f" (by {switch['operator']} at {switch['at']}{why})" if switch else ""
    lines = [f"Automatic approval is {document['state']}{who}."]
    if not document["allowed"]:
        lines = [
            f"Automatic approval is off: synapsor.yaml lacks `automatic_approval: true`. Its switch is {document['state']}{who}."
        ]
    if document["allowed"] and not any(key["trusted"] for key in document["keys"]):
        revoked = ", ".join(visible(key["operator"]) for key in document["keys"])
        lines.append(
            f"No policy key is trusted{f' (revoked: {revoked})' if revoked else ''}, so nothing is approved by policy."
        )
    for one in document["policies"]:
        lines.append(f"  {one['policy']}: {one['approved_today']} approved on {document['day']}")
        lines += [f"    {_limit(told)}" for told in one["standing"]]
    return paragraph("\n".join(lines))


def _limit(told: dict[str, Any]) -> str:
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
