"""The rules of policies: each is used, bounds every number that it may approve, and has a limit for the day."""

from __future__ import annotations

from collections.abc import Iterator

from synapsor.contract.approval import Policy
from synapsor.contract.approvals import case_problems, code_problems, reason_codes
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.columns import column_problems, listed_once
from synapsor.contract.document import Path, Positions
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.contract.rules import suggest
from synapsor.contract.tables import NUMBERS
from synapsor.errors import Problem


def policy_problems(contract: Contract, at: Positions, *, whole: bool) -> Iterator[Problem]:
    """Yield what is wrong with the policies of a contract and with who names them; not every user is there unless it is `whole`."""
    for name, capability in contract.capabilities.items():
        asked = capability.approval.policy if isinstance(capability, ProposeCapability) else None
        if asked is not None and asked not in contract.policies:
            here: Path = ("capabilities", name, "approval", "policy")
            fix = suggest(asked, contract.policies) or "Write it under `policies:`."
            yield at.at_value(here, "SYN371", f"`{asked}` is not a policy of this contract.", fix)
    for name, policy in contract.policies.items():
        path: Path = ("policies", name)
        users = [
            c
            for c in contract.capabilities.values()
            if isinstance(c, ProposeCapability) and c.approval.policy == name and c.table in contract.tables
        ]
        if whole and not users:
            yield at.at_key(path, "SYN371", f"No approval names `{name}`.", "Name it, or remove it.")
        yield from listed_once((*path, "reason_codes"), policy.reason_codes, at)
        yield from _limits(path, policy, at)
        for capability in users:
            yield from _of(path, policy, capability, contract.table_of(capability), at)


def _of(path: Path, policy: Policy, capability: ProposeCapability, table: Table, at: Positions) -> Iterator[Problem]:
    """Yield what is wrong with a policy for one of the capabilities that it may approve."""
    for column, case in policy.when.items():
        yield from case_problems((*path, "when", column), column, case, capability, table, at)
    yield from code_problems((*path, "reason_codes"), policy.reason_codes, reason_codes(capability), at)
    for column in capability.set:
        rule = table.columns.get(column)
        if rule is not None and rule.type in NUMBERS and column not in policy.when:
            fix = f"Add `{column}` to `when`."
            yield at.at_key((*path, "when"), "SYN372", f"`{column}` is a number that is set, without a condition.", fix)
    for index, limit in enumerate(policy.limits.per_day):
        for column in limit.total:
            here = _place(path, index, at, "total", column)
            found = list(column_problems(here, column, table, at))
            yield from found
            if not found and (table.columns[column].type not in NUMBERS or column not in capability.set):
                yield at.at_key(here, "SYN374", f"`{column}` is not a number that is set.", "Remove it.")


def _limits(path: Path, policy: Policy, at: Positions) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, limit in enumerate(policy.limits.per_day):
        here = _place(path, index, at)
        if limit.count is None and not limit.total:
            yield at.at_value(here, "SYN373", "The limit says nothing.", "Add `count` or `total`.")
        if limit.of in seen:
            yield at.at_value(here, "SYN373", f"`{limit.of}` has a limit already.", "Make one of them.")
        seen.add(limit.of)


def _place(path: Path, index: int, at: Positions, *rest: str) -> Path:
    """Return where a limit is written, which is a mapping by itself when there is only one."""
    here: Path = (*path, "limits", "per_day")
    listed: Path = (*here, index)
    return (*(listed if listed in at.values else here), *rest)
