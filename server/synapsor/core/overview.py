"""What a person asks of the whole record at once, and what is told: pages, how jobs stand, what happened, and counts of days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from synapsor.contract.approval import Level
from synapsor.core.proposal import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for; None stands for all. `text` is looked for in whatever a proposal says."""

    status: Status | None = None
    capability: str | None = None
    principal: str | None = None
    operator: str | None = None
    risk: Level | None = None
    text: str | None = None

    @property
    def narrows(self) -> bool:
        """Whether anything is left out."""
        return any((self.status, self.capability, self.principal, self.operator, self.risk, self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page: handles, and from where the next page goes on, or None at the end."""

    ids: tuple[str, ...]
    next: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits for somebody: the handles of the first to expire, and of how many it is that wait for anybody at all."""

    ids: tuple[str, ...]
    of: int


Stands: TypeAlias = Literal["due", "paused", "leased", "accepted", "later", "dead", "closed"]
"""How a job stands: to be taken, or not while its source rests, in a worker's hand, accepted by the application and not done yet, put off, given
up, or done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job as it stands.

    Attributes:
        parked: when it was given up; None of one that was not, or that a person has had tried again.
        anew: how many attempts there were before a person had it tried again.
        accepted: from when on a person is to look, of what the application has accepted; None of what it has not.
    """

    id: str
    at: str
    proposal: str
    source: str
    is_open: bool
    attempt: int
    worker: str | None
    lease_until: str | None
    not_before: str | None
    code: str | None
    parked: str | None
    anew: int
    accepted: str | None

    def leased(self, now: str) -> bool:
        """Tell whether a worker has it in hand."""
        return self.is_open and self.lease_until is not None and self.lease_until > now

    def stands(self, now: str, *, rests: bool = False) -> Stands:
        """Return how it stands in one word; `rests` tells that its source does, so that no worker takes it."""
        if not self.is_open:
            return "closed"
        if self.parked is not None:
            return "dead"
        if self.leased(now):
            return "leased"
        if self.accepted is not None:
            return "accepted"
        if rests:
            return "paused"
        return "later" if self.not_before is not None and self.not_before > now else "due"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedAttempt:
    """An attempt at a decision that was refused, and how many more of the same person before it are not on record by themselves."""

    at: str
    proposal: str
    operator: str
    rule: str
    unrecorded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Something that happened: what, and to which record."""

    seq: int
    kind: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """When a decision was made, and when what it is about was filed."""

    filed: str
    at: str
    verdict: str
    by_policy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tallies:
    """Counts of days, by `2026-11-28`; `cut` where there was more than was counted."""

    filed: Mapping[str, int]
    ended: Mapping[str, Mapping[str, int]]
    decided: tuple[Decided, ...]
    cut: bool
