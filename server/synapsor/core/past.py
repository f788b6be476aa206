"""What became of a past proposal, as the record of it tells: who decided, and what came of that.

It is told for a count and proves nothing; whether a signature holds, `replay` and the worker find out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from synapsor.core.proposal import Proposal, Status
from synapsor.core.statements import Decision

Was = Literal["policy", "person", "rejected", "expired", "canceled", "superseded", "waiting"]
"""How a proposal left review: approved by a policy or by people, rejected by a person, or without a decision; or not yet."""

Came = Literal["", "waits", "applied", "undone", "conflict", "failed", "unresolved"]
"""What came of an approved proposal; "" of every other."""

ILL: frozenset[Came] = frozenset({"undone", "conflict", "failed", "unresolved"})
"""What nobody would want to have approved."""

Wanted: TypeAlias = Callable[[str | None, str, str | None], bool]
"""Tells of a contract's name, a capability and a policy whether such proposals are asked for."""

_LEFT: dict[Status, Was] = {
    Status.REVIEW_REQUIRED: "waiting",
    Status.REJECTED: "rejected",
    Status.EXPIRED: "expired",
    Status.CANCELED: "canceled",
    Status.SUPERSEDED: "superseded",
}
_CAME: dict[Status, Came] = {
    Status.APPROVED: "waits",
    Status.APPLIED: "applied",
    Status.CONFLICT: "conflict",
    Status.FAILED: "failed",
    Status.RECONCILIATION_REQUIRED: "unresolved",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A proposal of the past.

    Attributes:
        contract: the name of the contract that it was made under; None where no version with that digest is on record.
        policy: the policy that might have approved it.
        proposal: None where the record cannot be read.
        undone: an undo of it was applied.
    """

    id: str
    at: str
    capability: str
    contract: str | None
    policy: str | None
    status: Status
    proposal: Proposal | None
    decisions: tuple[Decision, ...] = ()
    undone: bool = False

    @property
    def day(self) -> str:
        """The day (UTC) on which it was asked for."""
        return self.at[:10]

    def was(self, now: str) -> Was:
        """Return how it left review."""
        if self.status in _CAME:
            return "policy" if any(decision.policy is not None for decision in self.decisions) else "person"
        waits = self.status is Status.REVIEW_REQUIRED
        lapsed = waits and self.proposal is not None and self.proposal.lapsed(now)
        return "expired" if lapsed else _LEFT[self.status]

    @property
    def came(self) -> Came:
        """What came of it."""
        return "undone" if self.undone else _CAME.get(self.status, "")

    @property
    def deciders(self) -> tuple[str, ...]:
        """Who decided, by name, the rejection alone where there is one."""
        verdict = "reject" if self.status is Status.REJECTED else "approve"
        return tuple(d.operator for d in self.decisions if d.verdict == verdict)

    @property
    def reason(self) -> str:
        """Why a person rejected it, or what the last one who approved it said."""
        return self.decisions[-1].reason if self.decisions else ""
