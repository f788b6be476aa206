"""A past proposal, decided again under contracts that may become the active ones, from what the record of it holds and nothing else.

No source is asked, nothing is recorded, and no hidden value is opened: a candidate that would look at one is told that it cannot be.
Limits are used up as the proposals came in, each on the day (UTC) on which it was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from synapsor.contract.approval import Policy, levels
from synapsor.contract.arguments import ArgumentCheck, compile_arguments
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.core.authority import same_tokens
from synapsor.core.change import Request, change_set, require
from synapsor.core.past import Past
from synapsor.core.policy import Deferral, Held, PolicyUse, outside, tripped, use_of
from synapsor.core.proposal import Member, Proposal
from synapsor.core.writeback import target
from synapsor.errors import Refusal
from synapsor.values import ValueUnfit

Would = Literal["policy", "person", "unknown"]
"""Who would decide under the candidate: a policy approves, a person decides, or it cannot be told."""

_ALWAYS_A_PERSON = frozenset({"no_policy", "settled_by_hand", "amended"})
"""What a policy leaves to a person whatever the rows are."""

_DAYS = 3


class Unknown(StrEnum):
    """Why a past proposal cannot be decided again."""

    UNREADABLE = "unreadable"
    CAPABILITY_GONE = "capability_gone"
    TABLE_CHANGED = "table_changed"
    ARGUMENTS_UNFIT = "arguments_unfit"
    COLUMNS_UNKNOWN = "columns_unknown"
    COLUMN_HIDDEN = "column_hidden"
    REFUSED = "refused"
    CHANGE_DIFFERS = "change_differs"

    @property
    def meaning(self) -> str:
        """The same as a sentence."""
        return _MEANS[self]


_U = Unknown
_MEANS: Mapping[Unknown, str] = {
    _U.UNREADABLE: "Its record cannot be read or contradicts others; `synapsor verify` says more.",
    _U.CAPABILITY_GONE: "The candidate has no such capability that proposes.",
    _U.TABLE_CHANGED: "The candidate changes another table, or tells its rows apart by other columns.",
    _U.ARGUMENTS_UNFIT: "Its arguments are not those that the candidate takes.",
    _U.COLUMNS_UNKNOWN: "The candidate looks at a column that the record does not hold.",
    _U.COLUMN_HIDDEN: "The candidate looks at a column that is hidden in the record, where it stays hidden.",
    _U.REFUSED: "The candidate would refuse the call, and nothing would be filed.",
    _U.CHANGE_DIFFERS: "The candidate makes another change of the same request.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of a past proposal under the candidate.

    Attributes:
        policy: contract and name of the policy that approves it or leaves it to a person; "" where none is asked.
        why: why it is left to a person, as a `Deferral` says it, or cannot be told, as `Unknown` does.
        what: the column, limit or word that this is about, and `of` what a limit counts.
    """

    would: Would
    policy: str = ""
    why: str = ""
    what: str = ""
    of: str = ""


class Limits:
    """What policies have used up, day by day. Only the last days are held: proposals come in the order of time."""

    def __init__(self) -> None:
        """Begin with nothing used up."""
        self._days: dict[str, dict[tuple[str, str, str], Held]] = {}

    def take(self, policy: Policy, use: PolicyUse) -> Deferral | None:
        """Use up a part of the day, and return None; or return the limit that leaves no room for it."""
        held = self._days.setdefault(use.day, {})
        while len(self._days) > _DAYS:
            del self._days[min(self._days)]
        places = {(use.policy, limit.of, use.counted(limit.of)): limit for limit in policy.limits.per_day}
        for place, limit in places.items():
            deferral, _ = tripped(limit, use, held.get(place, Held()))
            if deferral is not None:
                return deferral
        held.update({place: held.get(place, Held()).plus(use) for place in places})
        return None


class Candidate:
    """Contracts that may become the active ones, made ready to decide past proposals again, in the order in which they came in."""

    def __init__(self, contracts: Iterable[Contract], *, only: str | None = None) -> None:
        """Take contracts of different names; `only` is the one capability that is asked about."""
        self.contracts = {contract.contract: contract for contract in contracts}
        self._of = {name: contract for contract in self.contracts.values() for name in contract.capabilities}
        self._only = only
        self._limits = Limits()
        self._checks: dict[str, ArgumentCheck] = {}
        self._columns: dict[str, frozenset[str]] = {}
        self._tables: dict[tuple[str, frozenset[str]], Table] = {}

    def concerns(self, contract: str | None, capability: str, policy: str | None) -> bool:
        """Tell whether past proposals are of what the candidate is about: its contracts' capabilities that a policy may decide on or once
        did, and those that it does not have.
        """
        if self._only is not None:
            return capability == self._only
        found = self._of.get(capability)
        if contract not in self.contracts and (contract is not None or found is None):
            return False
        said = found.capabilities[capability] if found is not None else None
        return policy is not None or not isinstance(said, ProposeCapability) or said.approval.policy is not None

    def contract_of(self, capability: str) -> Contract | None:
        """Return the contract that has a capability."""
        return self._of.get(capability)

    def redecide(self, past: Past) -> Fate:
        """Return what becomes of a past proposal; what a policy approves uses up its day."""
        proposal = past.proposal
        if proposal is None:
            return _unknown(Unknown.UNREADABLE)
        contract = self._of.get(past.capability)
        capability = contract.capabilities[past.capability] if contract is not None else None
        if contract is None or not isinstance(capability, ProposeCapability):
            return _unknown(Unknown.CAPABILITY_GONE)
        name = capability.approval.policy
        policy = contract.policies.get(name or "")
        if proposal.undoes is not None or policy is None:
            return Fate(would="person", why="undo" if proposal.undoes is not None else "no_policy")
        asked, full = replace(proposal, policy=name), f"{contract.contract}.{name}"
        left = outside(asked, contract)
        if left is None or left.why not in _ALWAYS_A_PERSON:
            unlike = self._unlike(proposal, capability, policy, contract)
            if unlike is not None:
                return unlike
        if left is None:
            use = use_of(asked, contract, policy, use_id="", decision="", at=proposal.at)
            left = self._limits.take(policy, use) if use else Deferral(policy=name or "", why="total_unknown")
        if left is None:
            return Fate(would="policy", policy=full)
        return Fate(would="person", policy=full, why=left.why, what=left.what, of=left.of or "")

    def _unlike(
        self, proposal: Proposal, capability: ProposeCapability, policy: Policy, contract: Contract
    ) -> Fate | None:
        """Return why what was asked for is not what the candidate would make of the same request on the same rows, or None."""
        table = contract.table_of(capability)
        if moved := next(_elsewhere(proposal, capability, table), None):
            return _unknown(Unknown.TABLE_CHANGED, moved)
        looked = self._looked(proposal.capability, capability, policy)
        hidden = frozenset(table.hidden) | proposal.hidden
        if covered := sorted(looked & hidden):
            return _unknown(Unknown.COLUMN_HIDDEN, covered[0])
        mapped = self._shown(proposal.capability, table, hidden)
        asked = {path for path in capability.requires if "." in path}
        if not proposal.inserts:
            asked |= {*looked, *capability.where, *mapped.only}
        if missing := sorted(asked - {name for m in proposal.members for name in (*m.before, *m.depends)}):
            return _unknown(Unknown.COLUMNS_UNKNOWN, missing[0])
        return self._remade(proposal, capability, mapped, contract)

    def _remade(
        self, proposal: Proposal, capability: ProposeCapability, table: Table, contract: Contract
    ) -> Fate | None:
        try:
            arguments = self._check(proposal.capability, capability).check(proposal.arguments)
        except (Refusal, ValueUnfit):
            return _unknown(Unknown.ARGUMENTS_UNFIT)
        request = Request(
            arguments=arguments,
            tenant=proposal.tenant,
            principal=proposal.principal,
            proposal=proposal.id,
            at=proposal.at,
        )
        rows = [] if proposal.inserts else [member.before for member in proposal.members]
        try:
            made = change_set(capability, table, request, rows)
            require(capability, table, contract.tables, proposal.members)
        except Refusal as refused:
            return _unknown(Unknown.REFUSED, refused.code.value)
        except (ArithmeticError, LookupError, ValueError):  # what is stored is no value of the candidate's columns
            return _unknown(Unknown.CHANGE_DIFFERS)
        return _differing(made.members, proposal.members, table)

    def _looked(self, name: str, capability: ProposeCapability, policy: Policy) -> frozenset[str]:
        if name not in self._columns:
            self._columns[name] = frozenset(_looked_at(capability, policy))
        return self._columns[name]

    def _check(self, name: str, capability: ProposeCapability) -> ArgumentCheck:
        if name not in self._checks:
            self._checks[name] = compile_arguments(capability)
        return self._checks[name]

    def _shown(self, name: str, table: Table, hidden: frozenset[str]) -> Table:
        """Return a mapping without what `only` says of hidden columns: their values are sealed in the record, and stay so."""
        if (name, hidden) not in self._tables:
            only = {column: said for column, said in table.only.items() if column not in hidden}
            self._tables[name, hidden] = table.model_copy(update={"only": only})
        return self._tables[name, hidden]


def _unknown(why: Unknown, what: str = "") -> Fate:
    return Fate(would="unknown", why=why.value, what=what)


def _elsewhere(proposal: Proposal, capability: ProposeCapability, table: Table) -> Iterator[str]:
    """Yield how the place and the key of a change are not those of the candidate."""
    key = capability.dedup if proposal.inserts else table.key
    places = {
        "source": (proposal.source, table.source),
        "relation": (proposal.relation, str(target(table))),
        "operation": (proposal.operation, capability.operation.value),
        "tenant": (proposal.tenant_column, table.tenant_column),
        "principal": (proposal.principal_column, table.principal),
    }
    yield from (name for name, (was, now) in places.items() if was != now)
    if any(tuple(name for name, _ in member.key) != key for member in proposal.members):
        yield "key"


def _looked_at(capability: ProposeCapability, policy: Policy) -> Iterator[str]:
    """Yield the columns of the row itself that a change is made of and decided by."""
    yield from capability.set
    yield from capability.bounds
    yield from capability.transitions
    yield from capability.dedup
    yield from (path for path in capability.requires if "." not in path)
    for entry in levels(capability.risk).values():
        yield from (name for name, said in entry.items() if not isinstance(said, tuple))
    yield from policy.when
    yield from (column for limit in policy.limits.per_day for column in limit.total)


def _differing(made: Iterable[Member], told: Iterable[Member], table: Table) -> Fate | None:
    for one, other in zip(made, told, strict=True):
        for mine, theirs in ((one.changes, other.changes), (dict(one.key), dict(other.key))):
            if not same_tokens(mine, theirs, table):
                differ = sorted(n for n in {*mine, *theirs} if mine.get(n, "") != theirs.get(n, ""))
                return _unknown(Unknown.CHANGE_DIFFERS, next(iter(differ), ""))
    return None
