"""The policies of a public contract, and the approvals that name them: what may be decided without a person, within which numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from synapsor.contract.public.forms import is_identifier, is_list, is_name, is_number, is_text, one_of, whole
from synapsor.contract.public.part import Part

_WHOLE: Final = whole(0)


def judge_policy(policy: Part) -> None:
    """Report what is wrong with one policy by itself."""
    policy.closed("name", "kind", "mode", "rules", "limits")
    policy.needs(
        ("name", is_name, "INVALID_POLICY_NAME"),
        ("kind", one_of("approval", "settlement", "scope", "custom"), "INVALID_POLICY_KIND"),
    )
    policy.may(
        ("mode", one_of("green", "yellow", "red", "manual", "block"), "INVALID_POLICY_MODE"),
        ("rules", is_list, "POLICY_RULES_NOT_ARRAY"),
        ("limits", lambda value: isinstance(value, list) and bool(value), "APPROVAL_POLICY_LIMITS_NOT_ARRAY"),
    )
    if policy.get("kind") == "approval":
        for rule in policy.items("rules", "APPROVAL_POLICY_RULE_NOT_OBJECT"):
            rule.closed("field", "max")
            rule.needs(
                ("field", is_identifier, "INVALID_APPROVAL_POLICY_FIELD"),
                ("max", _WHOLE, "INVALID_APPROVAL_POLICY_MAX"),
            )
        for limit in policy.items("limits", "APPROVAL_POLICY_LIMIT_NOT_OBJECT"):
            _judge_limit(limit)
    elif isinstance(policy.get("limits"), list) and policy.get("limits"):
        policy.wrong("APPROVAL_POLICY_LIMITS_KIND_REQUIRED", "limits")


def _judge_limit(limit: Part) -> None:
    limit.closed("kind", "max", "period", "field", "scope")
    limit.needs(
        ("kind", one_of("count", "total"), "INVALID_APPROVAL_POLICY_LIMIT_KIND"),
        ("max", _WHOLE, "INVALID_APPROVAL_POLICY_LIMIT_MAX"),
        ("period", one_of("day"), "INVALID_APPROVAL_POLICY_LIMIT_PERIOD"),
    )
    limit.may(("scope", one_of("tenant_policy", "tenant_policy_object"), "INVALID_APPROVAL_POLICY_LIMIT_SCOPE"))
    if limit.get("kind") == "total":
        limit.needs(("field", is_identifier, "APPROVAL_POLICY_TOTAL_FIELD_REQUIRED"))
    if limit.get("kind") == "count":
        limit.forbids("APPROVAL_POLICY_COUNT_FIELD_FORBIDDEN", "field")


def judge_approval(capability: Part, policies: Mapping[str, Part]) -> None:
    """Report what is wrong between a proposal's approval and the policies."""
    proposal = capability.child("proposal")
    approval = proposal.child("approval") if proposal is not None else None
    if proposal is None or approval is None:
        return
    name = approval.get("policy")
    if approval.get("mode") != "policy":
        if "policy" in approval:
            approval.wrong("APPROVAL_POLICY_MODE_REQUIRED", "policy")
        return
    approval.needs(("required_role", is_text, "APPROVAL_POLICY_ROLE_REQUIRED"))
    if not is_name(name):
        approval.wrong("APPROVAL_POLICY_REQUIRED", "policy")
    elif name not in policies:
        approval.wrong("UNKNOWN_APPROVAL_POLICY", "policy")
    elif policies[name].get("kind") != "approval":
        approval.wrong("APPROVAL_POLICY_KIND_REQUIRED", "policy")
    else:
        _judge_numbers(policies[name], capability, proposal)


def _judge_numbers(policy: Part, capability: Part, proposal: Part) -> None:
    bounds = _object(proposal.get("numeric_bounds"))
    for rule in policy.items("rules", "APPROVAL_POLICY_RULE_NOT_OBJECT"):
        name, most = rule.get("field"), rule.get("max")
        if not is_identifier(name) or not _WHOLE(most):
            continue
        if not is_numeric(name, capability, proposal):
            rule.wrong("APPROVAL_POLICY_FIELD_NOT_NUMERIC", "field")
        ceiling = _object(bounds.get(name)).get("maximum")
        if is_number(ceiling) and most > ceiling:
            rule.wrong("APPROVAL_POLICY_MAX_EXCEEDS_BOUND", "max")
    for limit in policy.items("limits", "APPROVAL_POLICY_LIMIT_NOT_OBJECT"):
        name = limit.get("field")
        if limit.get("kind") == "total" and is_identifier(name) and not is_numeric(name, capability, proposal):
            limit.wrong("APPROVAL_POLICY_TOTAL_FIELD_NOT_NUMERIC", "field")


def is_numeric(name: str, capability: Part, proposal: Part) -> bool:
    """Tell whether a patched field is a number for all that a capability says."""
    if name in _object(proposal.get("numeric_bounds")):
        return True
    patch = _object(_object(proposal.get("patch")).get(name))
    if whole(-(2**53), 2**53)(patch.get("fixed")):
        return True
    argument = patch.get("from_arg")
    return isinstance(argument, str) and _object(_object(capability.get("args")).get(argument)).get("type") == "number"


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
