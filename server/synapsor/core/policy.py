"""Automatic approval: whether a proposal is inside a reviewed policy, and what it uses up of the policy's day.

Only numbers, closed lists and reason codes are looked at, never a text of the model's. The worker decides by this, and computes it
again before it applies; what cannot be told is outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext
from typing import Annotated, Any, Final

from synapsor.contract.approval import Case, PerDay, Policy
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.contract.model import Contract
from synapsor.core.deciding import need_of, reason_of
from synapsor.core.measure import holds, moved
from synapsor.core.moment import Instant
from synapsor.core.proposal import Proposal
from synapsor.values import canonical

NEAR = Decimal("0.8")
"""From which part of a limit on it is said that it is near."""

COUNT = "count"

_AMOUNT: Final = re.compile(r"-?[0-9]{1,800}(\.[0-9]{1,800})?")


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
    at: Instant
    day: str
    policy: str
    proposal: str
    decision: str
    tenant: str
    principal: str
    object: str
    totals: dict[str, Annotated[str, _AMOUNT.fullmatch]] = field(default_factory=dict)

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


# Every amount has at most 400 digits on each side of its point: no sum of a day is rounded.
_SUMS = Context(prec=1000, traps=[Inexact, InvalidOperation, Overflow])


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a day holds already of what one limit counts together."""

    count: int = 0
    totals: Mapping[str, Decimal] = field(default_factory=dict)

    def plus(self, use: PolicyUse) -> Held:
        """Return what it holds with one use more."""
        with localcontext(_SUMS):
            added = {name: self.of(name) + Decimal(amount) for name, amount in use.totals.items()}
        return Held(count=self.count + 1, totals={**self.totals, **added})

    def of(self, column: str | None) -> Decimal:
        """Return how much it holds of a column; for None, how many uses."""
        return Decimal(self.count) if column is None else self.totals.get(column, Decimal(0))


def held_of(uses: Iterable[PolicyUse]) -> Held:
    """Return what all of these use up together."""
    held = Held()
    for use in uses:
        held = held.plus(use)
    return held


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far one limit of a policy is used up in a day.

    Attributes:
        most: what the fullest of those that the limit counts by themselves has used.
        near: how many of them have used nearly all of it or all, and `full` how many of those nothing more fits into.
    """

    what: str
    of: str
    limit: str
    most: str
    near: int
    full: int


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
    if proposal.amends is not None:
        return Deferral(policy=name, why="amended")
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


def tripped(limit: PerDay, use: PolicyUse, before: Held) -> tuple[Deferral | None, list[Near]]:
    """Return how this use would break a limit, beside what the day holds already; and else what would be nearly used up by it."""
    near: list[Near] = []
    after = before.plus(use)
    with localcontext(_SUMS):
        for column, most in _limited(limit):
            observed, total, what = before.of(column), after.of(column), column or COUNT
            if total > most:
                told = {"observed": observed, "proposed": total - observed, "limit": most}
                words = {name: format(amount, "f") for name, amount in told.items()}
                name = use.policy.partition(".")[2]
                return Deferral(policy=name, why="limit", what=what, of=limit.of, **words), []
            single = column is None and most <= 1  # one approval fills it, so there is nothing to warn of before
            if observed < NEAR * most <= total and not single:
                near.append(Near(what=what, of=limit.of, observed=format(total, "f"), limit=format(most, "f")))
    return None, near


def standing(limits: Sequence[PerDay], uses: Sequence[PolicyUse]) -> tuple[Standing, ...]:
    """Return how far each limit is used up by what a policy has approved in one day."""
    told = []
    for limit in limits:
        each: dict[str, Held] = {}
        for use in uses:
            mine = use.counted(limit.of)
            each[mine] = each.get(mine, Held()).plus(use)
        for column, most in _limited(limit):
            used = [held.of(column) for held in each.values()]
            told.append(
                Standing(
                    what=column or COUNT,
                    of=limit.of,
                    limit=format(most, "f"),
                    most=format(max(used, default=Decimal(0)), "f"),
                    near=sum(amount >= NEAR * most for amount in used),
                    full=sum(amount >= most for amount in used),
                )
            )
    return tuple(told)


def _limited(limit: PerDay) -> Iterator[tuple[str | None, Decimal]]:
    """Yield what is limited, a column or None for the number of uses, and the most of each."""
    if limit.count is not None:
        yield None, Decimal(limit.count)
    yield from ((column, Decimal(most)) for column, most in limit.total.items())


_WORDS = {
    "no_policy": "the activated contract has no such policy",
    "undo": "an undo is for people",
    "amended": "what a person edited or gave more time is for people",
    "settled_by_hand": "its workflow is settled by hand",
    "high_risk": "its risk is high",
    "quorum": "it takes more than one person",
    "reason_code": "its reason code is not one of the policy's",
    "outside": "it is outside of the policy",
    "total_unknown": "it cannot be told how much it changes in all",
    "evidence": "the evidence is not what it was made from",
    "other_ledger": "it is another ledger's",
    "records_differ": "the ledger's own records differ about it",
    "people_decide": "people decide on it already",
    "unreadable": "the worker could not look at it",
}
"""Why a policy leaves a proposal to a person, in words; any other word is a reason for which the worker would not apply it."""


def deferral_words(facts: Mapping[str, Any]) -> str:
    """Return a recorded deferral in words."""
    if facts["why"] == "limit":
        each = "" if facts["of"] == "policy" else f" for one {facts['of']}"
        return f"{facts['what']} of the day{each} would be {facts['observed']} + {facts['proposed']}, of at most {facts['limit']}"
    return why_words(facts["why"], facts["what"])


def why_words(why: str, what: str = "", of: str = "") -> str:
    """Return why proposals are left to a person, in words; of a limit, what it counts."""
    if why == "limit":
        each = "" if of in {"", "policy"} else f" for one {of}"
        return f"the day's limit of {what}{each} is used up"
    words = _WORDS.get(why, f"the worker would not apply it ({why})")
    return f"{words} ({what})" if what else words
