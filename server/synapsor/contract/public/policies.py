"""The approval policies and workflows of a public contract as ours; a policy of another kind is refused and never left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from synapsor.contract.public.draft import Draft, renamed
from synapsor.contract.public.part import Part
from synapsor.contract.public.policy import is_numeric

_SCOPES: Final = {"tenant_policy": "tenant", "tenant_policy_object": "object"}
UNLIMITED: Final = 100
"""How many proposals of a tenant a policy without limits approves in a day."""
_EMPTY: Final[tuple[Any, ...]] = (None, [], {}, "")


def write_policies(draft: Draft, policies: list[Part], capabilities: list[Part], names: Mapping[str, str]) -> None:
    """Write every policy that an approval names."""
    for policy in policies:
        if policy.get("kind") != "approval" or policy.get("mode") not in {None, "green"}:
            draft.refuse(policy.path, "policy_unsupported")
            continue
        users = [c for c in capabilities if _policy(c) == policy.get("name")]
        if not users:
            draft.note(policy.path, "policy_unused")
            continue
        _write(draft, policy, users, ("policies", names[policy.get("name")]))


def _policy(capability: Part) -> Any:
    proposal = capability.child("proposal")
    approval = proposal.child("approval") if proposal is not None else None
    return approval.get("policy") if approval is not None and approval.get("mode") == "policy" else None


def _write(draft: Draft, policy: Part, users: list[Part], path: tuple[str, ...]) -> None:
    rules = {rule["field"]: rule["max"] for rule in policy.get("rules") or ()}
    for capability in users:
        for column in _numbers(capability):
            if column not in rules:
                draft.refuse(policy.at("rules"), "policy_unsupported", f"`{column}` has no rule.")
    if not rules:
        draft.refuse(policy.at("rules"), "policy_unsupported", "It has no rule.")
    when: dict[str, Any] = {column: {"after": {"at_most": most}} for column, most in rules.items()}
    limits: dict[str, dict[str, Any]] = {}
    for index, limit in enumerate(policy.get("limits") or ()):
        here = f"{policy.at('limits')}[{index}]"
        # The format's own limits are per tenant where nothing is said.
        held = limits.setdefault(_SCOPES[limit.get("scope", "tenant_policy")], {})
        if limit["kind"] == "count":
            held["count"] = min(limit["max"], held.get("count", limit["max"]))
            continue
        column, totals = limit["field"], held.setdefault("total", {})
        totals[column] = min(limit["max"], totals.get(column, limit["max"]))
        when.setdefault(column, {})["before"] = {"at_most": 0}
        draft.note(here, "total_counts_from_nothing", f"It is `{column}`.")
    if not limits:
        limits["tenant"] = {"count": UNLIMITED}
        draft.note(policy.path, "limit_added", f"It is {UNLIMITED} proposals of a tenant.")
    draft.put((*path, "when"), when, policy.at("rules"))
    per_day = [{**limit, "of": of} for of, limit in limits.items()]
    said = per_day[0] if len(per_day) == 1 else per_day
    draft.put((*path, "limits"), {"per_day": said}, policy.at("limits"))


def _numbers(capability: Part) -> list[str]:
    proposal = capability.child("proposal")
    patch = proposal.child("patch") if proposal is not None else None
    if proposal is None or patch is None:
        return []
    return [column for column in patch.data if is_numeric(column, capability, proposal)]


def write_workflows(draft: Draft, workflows: list[Part], names: Mapping[str, str]) -> None:
    """Write every workflow, by the second part of its name."""
    if workflows:
        draft.needs("workflows", workflows[0].path)
    ours = renamed(draft, ((w.get("name").partition(".")[2], w.at("name")) for w in workflows))
    for workflow in workflows:
        for key in ("required_evidence", "approval", "settlement", "replay"):
            if workflow.get(key) not in _EMPTY:
                draft.refuse(workflow.at(key), "workflow_unsupported")
        path = ("workflows", ours[workflow.get("name").partition(".")[2]])
        allowed = [names[name] for name in workflow.names("allowed_capabilities")]
        draft.put((*path, "allow"), allowed, workflow.at("allowed_capabilities"))
        decided = [c for c in allowed if "policy" in _approval(draft, c)]
        draft.put((*path, "settle"), "policy" if decided else "manual", workflow.path)


def _approval(draft: Draft, capability: str) -> dict[str, Any]:
    found: dict[str, Any] = draft.data.get("capabilities", {}).get(capability, {}).get("approval", {})
    return found
