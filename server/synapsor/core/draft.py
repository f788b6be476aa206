"""A policy drafted from what people approved: the hull of its numbers, closed lists and reason codes, and limits no wider than its days.

A draft approves nothing: it is a text for a reviewer. What a policy could not approve, or should not, does not become one.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.contract.check import check
from synapsor.contract.digest import canonical_body, from_body
from synapsor.contract.document import Positions
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.contract.tables import NUMBERS
from synapsor.core.deciding import reason_of
from synapsor.core.measure import Images, difference, moved, number_of
from synapsor.core.past import ILL, Past
from synapsor.core.policy import why_words
from synapsor.core.redecide import Candidate, Unknown
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.refusals import Rule
from synapsor.values import SAFE_INTEGER, ColumnType, Token

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_MOST_LISTED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A drafted policy.

    Attributes:
        policy: its body, as it would stand under `policies:`.
        replaces: the policy that the capability has now; None where it has none.
        unread: the texts that the model writes and nobody would read.
        proposals: what it was drafted from, and `deciders` who approved that.
        contract: the contract with the draft in it, in order, and not activated.
    """

    capability: str
    name: str
    policy: Mapping[str, Any]
    replaces: str | None
    unread: tuple[str, ...]
    proposals: tuple[str, ...]
    deciders: tuple[str, ...]
    first: str
    last: str
    contract: Contract


def drafted(pasts: Sequence[Past], contracts: Mapping[str, Contract], name: str | None = None) -> Draft:
    """Return the policy that would have approved all of these; `contracts` are those of the project, by capability.

    Raises:
        DecisionRefused: by a rule of `refusals.DRAFTING`.
    """
    for past in pasts:
        _may_be_drafted(past)
    (first, *others) = sorted({past.capability for past in pasts})
    if others:
        raise DecisionRefused(Rule.OTHER_CAPABILITY, detail=f"They are of {first} and {others[0]}.")
    contract = contracts.get(first)
    capability = contract.capabilities.get(first) if contract is not None else None
    if contract is None or not isinstance(capability, ProposeCapability):
        raise DecisionRefused(Rule.NO_CAPABILITY, detail=f"It is {first}.")
    if capability.is_set or capability.operation is Operation.DELETE:
        raise DecisionRefused(Rule.ONLY_PEOPLE)
    table = contract.table_of(capability)
    policy = _policy(pasts, capability, table)
    called = name or _free_name(first, contract)
    made = _with(contract, first, called, policy)
    for past in pasts:
        _fits(past, made)
    return Draft(
        capability=first,
        name=called,
        policy=policy,
        replaces=capability.approval.policy,
        unread=tuple(n for n in capability.set if _is_free_text(n, capability, table)),
        proposals=tuple(past.id for past in pasts),
        deciders=tuple(sorted({who for past in pasts for who in past.deciders})),
        first=min(past.day for past in pasts),
        last=max(past.day for past in pasts),
        contract=made,
    )


def _may_be_drafted(past: Past) -> None:
    if past.proposal is None or past.was("") != "person":
        raise DecisionRefused(Rule.NOT_APPROVED, detail=f"{past.id} {past.status.stands}.")
    if past.came in ILL:
        raise DecisionRefused(Rule.ENDED_ILL, detail=f"That is {past.id}.")
    if past.proposal.undoes is not None:
        raise DecisionRefused(Rule.IS_UNDO, detail=f"That is {past.id}.")


def _policy(pasts: Sequence[Past], capability: ProposeCapability, table: Table) -> dict[str, Any]:
    rows = [row for past in pasts if past.proposal is not None for row in past.proposal.rows]
    covered = {name for past in pasts if past.proposal is not None for name in past.proposal.hidden} | set(table.hidden)
    if hidden := sorted(covered & set(capability.set)):
        raise DecisionRefused(Rule.HIDDEN_COLUMN, detail=f"That is {hidden[0]}.")
    numbers = [name for name in capability.set if table.columns[name].type in NUMBERS]
    spans = {name: _spans(name, rows, counts=name == capability.advances) for name in numbers}
    bounded = [name for name in numbers if name != capability.advances]
    if unbounded := [name for name, said in spans.items() if not said] or ([] if bounded else ["none"]):
        raise DecisionRefused(
            Rule.NO_BOUNDED_NUMBER,
            detail="" if unbounded == ["none"] else f"{unbounded[0]} has no value in one of them.",
        )
    when = {**spans, **dict(_lists(rows, capability, table, covered))}
    arguments = [past.proposal.arguments for past in pasts if past.proposal is not None]
    codes = sorted({code for given in arguments if (code := reason_of(capability, given)) is not None})
    return {
        "when": dict(sorted(when.items())),
        **({"reason_codes": codes} if codes else {}),
        "limits": {"per_day": [_busiest(pasts, bounded), {"count": 1, "of": "object"}]},
    }


def _spans(column: str, rows: Sequence[Images], *, counts: bool) -> dict[str, Any]:
    """Return the hull of a number before, after and of its change, as far as all rows tell it; only of its change where it counts changes."""
    pairs = [row.get(column, (None, None)) for row in rows]
    told: dict[str, list[Token]] = {
        "before": [] if counts else [before for before, _ in pairs],
        "after": [] if counts else [after for _, after in pairs],
        "change": [difference(before, after) for before, after in pairs],
    }
    hulls = {name: hull for name, tokens in told.items() if (hull := _hull(tokens)) is not None}
    return hulls if "after" in hulls or (counts and hulls) else {}


def _hull(tokens: Sequence[Token]) -> dict[str, int] | None:
    numbers = [number for token in tokens if (number := number_of(token)) is not None]
    if not numbers or len(numbers) < len(tokens) or max(map(abs, numbers)) > SAFE_INTEGER:
        return None
    return {"at_least": math.floor(min(numbers)), "at_most": math.ceil(max(numbers))}


def _lists(
    rows: Sequence[Images], capability: ProposeCapability, table: Table, covered: set[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what the texts of closed lists were, and were set to, where every row has one."""
    for name, rule in table.allowed.items():
        if rule.type is not ColumnType.TEXT or rule.one_of is None or name in covered:
            continue
        said = {}
        for which, place in (("before", 0), ("after", 1)):
            found = {row.get(name, (None, None))[place] for row in rows}
            if None not in found and len(found) <= _MOST_LISTED and (place == 0 or name in capability.set):
                said[which] = {"one_of": sorted(map(str, found))}
        if said:
            yield name, said


def _busiest(pasts: Sequence[Past], columns: Sequence[str]) -> dict[str, Any]:
    """Return a limit of a day that the busiest day of these would just have kept."""
    counts: dict[str, int] = defaultdict(int)
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for past in pasts:
        counts[past.day] += 1
        for name in columns:
            amount = moved(name, past.proposal.rows) if past.proposal is not None else None
            sums[name][past.day] += amount or Decimal(0)
    totals = {name: min(math.ceil(max(days.values())), SAFE_INTEGER) for name, days in sorted(sums.items())}
    return {"count": max(counts.values()), "total": totals}


def _is_free_text(name: str, capability: ProposeCapability, table: Table) -> bool:
    said, rule = capability.set[name], table.columns[name]
    return rule.type is ColumnType.TEXT and rule.one_of is None and isinstance(said, str) and said.startswith("$")


def _free_name(capability: str, contract: Contract) -> str:
    base = f"{capability.partition('.')[2][:50]}_draft"
    return next(n for n in (base, *(f"{base}_{i}" for i in range(2, 10_000))) if n not in contract.policies)


def _with(contract: Contract, capability: str, name: str, policy: Mapping[str, Any]) -> Contract:
    """Return the contract with the policy in it and named by the capability; one that nobody names any more is left out."""
    if name in contract.policies or not _NAME.fullmatch(name):
        raise DecisionRefused(Rule.NOT_IN_ORDER, detail=f"{name!a} is no free name for a policy.")
    body = canonical_body(contract)
    capabilities = {n: dict(said) for n, said in body["capabilities"].items()}
    capabilities[capability]["approval"] = {**capabilities[capability]["approval"], "policy": name}
    named = {said["approval"].get("policy") for said in capabilities.values() if "approval" in said}
    policies = {n: said for n, said in {**body.get("policies", {}), name: dict(policy)}.items() if n in named}
    try:
        made = from_body({**body, "capabilities": capabilities, "policies": policies})
    except IntegrityError:
        raise DecisionRefused(Rule.NOT_IN_ORDER) from None
    for problem in check(made, Positions("draft")):
        raise DecisionRefused(Rule.NOT_IN_ORDER, detail=f"{problem.rule} {problem.message} {problem.fix}".rstrip())
    return made


def _fits(past: Past, contract: Contract) -> None:
    """Check that the draft would approve a proposal that it was made of, on a day of its own."""
    fate = Candidate([contract]).redecide(past)
    if fate.would == "unknown":
        raise DecisionRefused(Rule.DIFFERS_NOW, detail=f"{past.id}: {fate.why}. {Unknown(fate.why).meaning}")
    if fate.would == "person":
        raise DecisionRefused(Rule.ONLY_PEOPLE, detail=f"{past.id}: {why_words(fate.why, fate.what, fate.of)}.")
