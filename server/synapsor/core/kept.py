"""What the ledger keeps, as it gives it back: a proposal with all that has happened to it, and a contract version that was activated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from synapsor.core.exchange import Exchange
from synapsor.core.measured import Measurement, shown_digest
from synapsor.core.proposal import Proposal, Status
from synapsor.core.resolving import Said
from synapsor.core.statements import (
    Activation,
    SignedDecision,
    SignedInstruction,
    SignedResolution,
    SignedShadowRequest,
)
from synapsor.core.writeback import Job, Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRecord:
    """A proposal with everything that has happened to it; `group` are the others that stand or fall with it, each without its own group.

    Attributes:
        said: what people have said became of it, where nobody could know.
        instructions: what people have said is to become of its job; with the proposal that the job is kept with, and with no other.
        exchanges: what was asked about it, and answered.
        shadow_requests: that reviewers want it measured, and `shadow_pending` that it has not been since the last of them.
        measurements: what shadow applies of it came to, oldest first; the newest is what is approved.
        unreadable: what stands beside it and is no record of ours, as kind and handle; none of it counts.
        untold: the questions, answers and decisions, by handle, that stand beside it and are not those of which its events tell; nobody is
            told of them in a person's name.
        differs: its events tell of another status or of a decision that is not there; nobody decides on it, and it is not applied.
        led: where those of its events lead that are this ledger's own, where it differs; None where they lead nowhere.
    """

    proposal: Proposal
    status: Status
    decisions: tuple[SignedDecision, ...] = ()
    job: Job | None = None
    receipts: tuple[Receipt, ...] = ()
    said: Said = field(default_factory=Said)
    instructions: tuple[SignedInstruction, ...] = ()
    group: tuple[ProposalRecord, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    shadow_requests: tuple[SignedShadowRequest, ...] = ()
    shadow_pending: bool = False
    measurements: tuple[Measurement, ...] = ()
    events: tuple[Mapping[str, Any], ...] = ()
    unreadable: tuple[str, ...] = ()
    untold: frozenset[str] = frozenset()
    differs: bool = False
    led: Status | None = None

    @property
    def together(self) -> tuple[ProposalRecord, ...]:
        """All that stands or falls together, this one first; alone where it stands alone."""
        return self, *self.group

    @property
    def resolution(self) -> SignedResolution | None:
        """What a person has said became of it, and moved it to its end; None of what still waits for the application."""
        return self.said.counts

    @property
    def measured(self) -> Measurement | None:
        """The newest measurement, None where there is none."""
        return self.measurements[-1] if self.measurements else None

    @property
    def is_shadowed(self) -> bool:
        """Whether it is measured before anybody approves it: its contract or a reviewer wants that of it, or of what it stands or falls with."""
        return any(one.proposal.shadow or one.shadow_requests for one in self.together)

    @property
    def unmeasured(self) -> bool:
        """Whether it is to be measured and is not yet, or not since somebody has asked for that."""
        return self.is_shadowed and any(one.measured is None or one.shadow_pending for one in self.together)

    @property
    def effect(self) -> str:
        """The digest of the effect that is approved with it, "" where none was measured."""
        return self.measured.effect if self.measured is not None else ""

    @property
    def shown(self) -> str:
        """The digest over all of it that is decided on: what a person is shown and confirms."""
        return shown_digest(self.proposal.digest, self.effect)

    @property
    def stands_nowhere(self) -> bool:
        """Whether only its row says where it stands, and no event of this ledger: nobody is told so."""
        return self.differs and self.led is None

    @property
    def as_told(self) -> ProposalRecord:
        """It and its group, each where its events lead and not where its row says: for who is told of it and decides nothing."""
        others = tuple(other.as_told for other in self.group)
        return replace(self, status=self.led or self.status, group=others)

    @property
    def told(self) -> frozenset[str]:
        """The decisions that its events tell of, by handle."""
        return frozenset(event["records"]["decision"][0] for event in self.events if "decision" in event["records"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Activated:
    """A contract version that an operator signed. `body` is the contract's canonical data."""

    activation: Activation
    signature: str
    body: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)
