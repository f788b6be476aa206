"""Automatic approval: whether a proposal is inside a reviewed policy, and what it uses up of the policy's day.

Only numbers, closed lists and reason codes are looked at, never a text of the model's. The worker decides by this, and computes it
again before it applies; what cannot be told is outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext
from typing import Any

from synapsor.contract.approval import Case, PerDay, Policy
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.contract.model import Contract
from synapsor.core.deciding import need_of, reason_of
from synapsor.core.measure import holds, moved
from synapsor.core.proposal import Proposal
from synapsor.values import canonical

NEAR = Decimal("0.8")
"""From which part of a limit on it is said that it is near."""

COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferral:
    """Why a policy leaves a proposal to a person.

    Attributes:
        what: the column, limit or word that it is about.
        observed: what the day holds already, `proposed` what this would add, `limit` the most; for limits only.
        of: what the limit counts.
    """

    policy: str
    why: str
    what: str = ""
    observed: str | None = None
    proposed: str | None = None
    limit: str | None = None
    of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyUse:
    """What one approval uses up of a policy's day (UTC).

    Attributes:
        policy: contract and name, so that a new version of the contract does not begin a new day.
        totals: by how much each limited column changes in all.
    """

    id: str
    at: str
    day: str
    policy: str
    proposal: str
    decision: str
    tenant: str
    principal: str
    object: str
    totals: dict[str, str] = field(default_factory=dict)

    def counted(self, of: str) -> str:
        """Return whose use it is, for a limit that counts each of these by itself."""
        return "" if of == "policy" else str(getattr(self, of))


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A limit that is nearly used up."""

    what: str
    of: str
    observed: str
    limit: str


def policy_of(proposal: Proposal, contract: Contract) -> Policy | None:
    """Return the reviewed policy that may approve a proposal, or None."""
    capability = contract.capabilities.get(proposal.capability)
    if not isinstance(capability, ProposeCapability) or capability.approval.policy is None:
        return None
    return contract.policies.get(capability.approval.policy)


def outside(proposal: Proposal, contract: Contract) -> Deferral | None:
    """Return why this proposal is not for its policy to approve, or None when it is inside of it; limits are not looked at."""
    capability = contract.capabilities.get(proposal.capability)
    policy = policy_of(proposal, contract)
    name = proposal.policy or ""
    if not isinstance(capability, ProposeCapability) or policy is None or capability.approval.policy != name:
        return Deferral(policy=name, why="no_policy")
    if capability.is_set or capability.operation is Operation.DELETE:  # several rows, and a removal, are for people
        return Deferral(policy=name, why="no_policy")
    flow = contract.workflow_of(proposal.capability)
    reason = reason_of(capability, proposal.arguments)
    need = need_of(capability, proposal.rows, reason)
    wrong = (
        (flow is not None and contract.workflows[flow].settle != "policy", "settled_by_hand", flow or ""),
        (need.risk == "high", "high_risk", ""),
        (need.quorum > 1, "quorum", str(need.quorum)),
        (bool(policy.reason_codes) and reason not in policy.reason_codes, "reason_code", ""),
        *((not _all_hold(case, column, proposal), "outside", column) for column, case in policy.when.items()),
    )
    return next((Deferral(policy=name, why=why, what=what) for is_wrong, why, what in wrong if is_wrong), None)


def _all_hold(case: Case, column: str, proposal: Proposal) -> bool:
    return all(holds(case, column, row) is True for row in proposal.rows)


def use_of(
    proposal: Proposal, contract: Contract, policy: Policy, *, use_id: str, decision: str, at: str
) -> PolicyUse | None:
    """Return what approving a proposal uses up; None when a column's change cannot be told."""
    totals: dict[str, str] = {}
    for column in sorted({name for limit in policy.limits.per_day for name in limit.total}):
        amount = moved(column, proposal.rows)
        if amount is None:
            return None
        totals[column] = format(amount, "f")
    tenant = proposal.tenant or ""
    keys = [list(pair) for member in proposal.members for pair in member.key]
    row = [proposal.source, proposal.relation, proposal.tenant, keys]
    return PolicyUse(
        id=use_id,
        at=at,
        day=at[:10],
        policy=f"{contract.contract}.{proposal.policy}",
        proposal=proposal.id,
        decision=decision,
        tenant=tenant,
        principal=canonical([tenant, proposal.principal]).decode(),
        object=canonical(row).decode(),
        totals=totals,
    )


def tripped(limit: PerDay, use: PolicyUse, before: Iterable[PolicyUse]) -> tuple[Deferral | None, list[Near]]:
    """Return how this use would break a limit, beside what the day holds already; and else what would be nearly used up by it."""
    near: list[Near] = []
    # Every amount has at most 400 digits on each side of its point: no sum of a day is rounded.
    with localcontext(Context(prec=1000, traps=[Inexact, InvalidOperation, Overflow])):
        for what, observed, proposed, most in _amounts(limit, use, tuple(before)):
            total = observed + proposed
            if total > most:
                told = {"observed": observed, "proposed": proposed, "limit": most}
                words = {name: format(amount, "f") for name, amount in told.items()}
                name = use.policy.partition(".")[2]
                return Deferral(policy=name, why="limit", what=what, of=limit.of, **words), []
            if observed < NEAR * most <= total:
                near.append(Near(what=what, of=limit.of, observed=format(total, "f"), limit=format(most, "f")))
    return None, near


def _amounts(
    limit: PerDay, use: PolicyUse, before: tuple[PolicyUse, ...]
) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    """Return what is limited, what the day holds of it, what this use adds, and the most."""
    counts = [(COUNT, Decimal(len(before)), Decimal(1), Decimal(limit.count))] if limit.count is not None else []
    return counts + [
        (
            column,
            sum((Decimal(earlier.totals.get(column, "0")) for earlier in before), Decimal(0)),
            Decimal(use.totals[column]),
            Decimal(most),
        )
        for column, most in limit.total.items()
    ]


_WORDS = {
    "no_policy": "the activated contract has no such policy",
    "settled_by_hand": "its workflow is settled by hand",
    "high_risk": "its risk is high",
    "quorum": "it takes more than one person",
    "reason_code": "its reason code is not one of the policy's",
    "outside": "it is outside of the policy",
    "total_unknown": "it cannot be told how much it changes in all",
    "evidence": "the evidence is not what it was made from",
}
"""Why a policy leaves a proposal to a person, in words; any other word is a reason for which the worker would not apply it."""


def deferral_words(facts: Mapping[str, Any]) -> str:
    """Return a recorded deferral in words."""
    if facts["why"] == "limit":
        each = "" if facts["of"] == "policy" else f" for one {facts['of']}"
        return f"{facts['what']} of the day{each} would be {facts['observed']} + {facts['proposed']}, of at most {facts['limit']}"
    words = _WORDS.get(facts["why"], f"the worker would not apply it ({facts['why']})")
    return f"{words} ({facts['what']})" if facts["what"] else words
