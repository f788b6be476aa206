"""What a person says became of a proposal whose end nobody knows: when it counts at once, when it waits for the application, and how that ended.

That something was not applied is true only of what is not done later, and that it was, only of what is not done again. What an application
carries out it may still have in hand, so it is asked to give that up first; the events of a proposal say how far that has come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from synapsor.core.outcome import Outcome, Why, meaning_of
from synapsor.core.proposal import Proposal, Status
from synapsor.core.statements import Resolution, Resolved, SignedResolution

WAITS: Final = "resolution_waits"
REFUSED: Final = "resolution_refused"
VERDICTS: Final[Mapping[Resolved, str]] = {"applied": "was applied", "not_applied": "was not applied"}
_ONLY_IF_TOLD: Final[Mapping[Resolved, frozenset[Why]]] = {
    "applied": frozenset({Why.RECEIPT_OF_ANOTHER_DIGEST}),
    "not_applied": frozenset({Why.EFFECT_STANDS, Why.RECEIPT_OF_ANOTHER_DIGEST}),
}
"""Ends in an application after which nothing of this digest is done any more, and which whoever says so must have known."""


class End(StrEnum):
    """What an application's answer means for what a person has said."""

    COUNTS = "counts"
    REFUSED = "refused"
    WAITS = "waits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What people have said became of a proposal, as its events tell it.

    Attributes:
        counts: what moved it to its end.
        waits: what waits for the application to give it up.
        refusals: why those that waited were refused, oldest first.
    """

    counts: SignedResolution | None = None
    waits: SignedResolution | None = None
    refusals: tuple[str, ...] = ()

    @property
    def refused(self) -> str:
        """Why the last that was said was refused; "" where it was not."""
        return self.refusals[-1] if self.refusals and self.waits is None and self.counts is None else ""


def said_of(events: Iterable[Mapping[str, Any]], signed: Sequence[SignedResolution]) -> Said:
    """Return what people have said became of a proposal; `signed` are those that its events tell of."""
    by_handle = {one.resolution.id: one for one in signed}
    said = Said()
    for event in events:
        facts = event["facts"]
        told = event["records"].get("resolution", (facts.get("resolution"),))[0]
        if event["kind"] == WAITS:
            said = Said(waits=by_handle.get(told), refusals=said.refusals)
        elif event["kind"] == REFUSED:
            said = Said(refusals=(*said.refusals, str(facts.get("code", ""))))
        elif facts.get("origin") == Status.RECONCILIATION_REQUIRED.value:
            said = Said(counts=by_handle.get(told), refusals=said.refusals)
    return said


def asks_first(proposal: Proposal, resolution: Resolution) -> bool:
    """Tell whether the application is asked to give a proposal up before a resolution of it counts."""
    return proposal.executor is not None and not resolution.unasked


def end_by(verdict: Resolved, outcome: Outcome, why: Why | None, known: Iterable[str]) -> End:
    """Return what an application's answer means for what a person says; `known` are the codes that the person was told before."""
    if outcome in {Outcome.RETRY, Outcome.ACCEPTED} or why is Why.HANDLER_DIFFERS:
        return End.WAITS
    if outcome.status is Status.APPLIED:
        return End.COUNTS if verdict == "applied" else End.REFUSED
    if outcome is not Outcome.RECONCILIATION_REQUIRED or (verdict == "applied" and why is Why.EFFECT_STANDS):
        return End.COUNTS
    return End.COUNTS if why in _ONLY_IF_TOLD[verdict] and why in set(known) else End.REFUSED


def waiting_words(said: Said, executor: str | None) -> str:
    """Return how what was said of a proposal stands, as sentences; "" where nothing is to be told."""
    if said.waits is not None:
        told = said.waits.resolution
        return (
            f"{told.operator} said at {told.at} that it {VERDICTS[told.verdict]}. That waits until a worker has asked the application"
            f" {executor} to give it up; the worker's log says what came of it."
        )
    if said.refused:
        return f"What a person said became of it was refused, by what the application answered: {said.refused}. {meaning_of(said.refused)}"
    return ""
