"""What people may be told of: one line for each event, with all that is known of it; nothing else keeps a list of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known of an event.

    Attributes:
        happened: what is said of the one change that it happened to, or of itself.
        counted: what is said behind how many there are.
        kind: the event of the ledger that it tells of; "" where it is found by looking.
        topic: what a webhook's type begins with.
        verdict: whose decisions are named beside it; None for nobody's.
        asks: whether it asks somebody to decide.
        urgent: whether it goes out in quiet hours, whatever the risk.
        told: whether a route that names no events tells it, since a person may have to do something about it.
        left: whether the proposal is not in review any more, so that nobody is reminded of it.
        receipt: whether it is told why it came to this, as a receipt says it.
    """

    happened: str
    counted: str
    kind: str = ""
    topic: Literal["proposal", "policy", "policies", "worker", "attempts"] = "proposal"
    verdict: Literal["approve", "reject"] | None = None
    asks: bool = False
    urgent: bool = False
    told: bool = False
    left: bool = False
    receipt: bool = False


class _Told(StrEnum):
    """A word that has what is known of it beside it."""

    about: About

    def __new__(cls, word: str, about: About) -> Self:
        member = str.__new__(cls, word)
        member._value_ = word
        member.about = about
        return member


class Event(_Told):
    """An event that people may be told of, as routes name it."""

    @property
    def type(self) -> str:
        """What a webhook calls it."""
        return f"{self.about.topic}.{self.value.removeprefix(f'{self.about.topic}_')}"

    FILED = (
        "filed",
        About(
            kind="proposal_filed",
            happened="waits for review",
            counted="waiting for review",
            asks=True,
            told=True,
        ),
    )
    DEFERRED = (
        "deferred",
        About(
            kind="policy_deferred",
            happened="was left to a person by its policy",
            counted="left to a person by a policy",
            asks=True,
            told=True,
        ),
    )
    WAITING = (
        "waiting",
        About(happened="still waits for review", counted="still waiting for review", asks=True, told=True),
    )
    QUESTION_ASKED = (
        "question_asked",
        About(
            kind="question_asked",
            happened="has a question for who asked",
            counted="with a question for who asked",
        ),
    )
    QUESTION_ANSWERED = (
        "question_answered",
        About(
            kind="question_answered",
            happened="has an answer to a reviewer's question",
            counted="with an answer to a reviewer's question",
            asks=True,
            told=True,
        ),
    )
    PARTLY_APPROVED = (
        "partly_approved",
        About(
            kind="approval_recorded",
            happened="has an approval and waits for more",
            counted="with an approval and waiting for more",
            verdict="approve",
            asks=True,
            told=True,
        ),
    )
    APPROVED = (
        "approved",
        About(kind="proposal_approved", happened="was approved", counted="approved", verdict="approve", left=True),
    )
    REJECTED = (
        "rejected",
        About(kind="proposal_rejected", happened="was rejected", counted="rejected", verdict="reject", left=True),
    )
    APPLIED = "applied", About(kind="proposal_applied", happened="was applied", counted="applied")
    CONFLICT = (
        "conflict",
        About(
            kind="proposal_conflict",
            happened="was not applied: the row is not as it was",
            counted="not applied, since the row is not as it was",
            told=True,
            receipt=True,
        ),
    )
    FAILED = (
        "failed",
        About(kind="proposal_failed", happened="was not applied", counted="not applied", told=True, receipt=True),
    )
    EXPIRED = (
        "expired",
        About(
            kind="proposal_expired",
            happened="expired before anybody had decided",
            counted="expired",
            told=True,
            left=True,
        ),
    )
    CANCELED = (
        "canceled",
        About(
            kind="proposal_canceled",
            happened="was canceled, by a person or with the group that it belongs to",
            counted="canceled",
            left=True,
            receipt=True,
        ),
    )
    SUPERSEDED = (
        "superseded",
        About(
            kind="proposal_superseded",
            happened="was replaced by a newer request",
            counted="replaced by newer requests",
            left=True,
        ),
    )
    RECONCILIATION_REQUIRED = (
        "reconciliation_required",
        About(
            kind="proposal_reconciliation_required",
            happened="needs a person to look at its source",
            counted="to be looked at in their source",
            urgent=True,
            told=True,
            receipt=True,
        ),
    )
    RESOLUTION_REFUSED = (
        "resolution_refused",
        About(
            kind="resolution_refused",
            happened="was said to have come to an end, and the application that carries it out says otherwise",
            counted="said to have come to an end, against what applications say",
            urgent=True,
            told=True,
        ),
    )
    WRITEBACK_DEAD = (
        "writeback_dead",
        About(
            kind="job_parked",
            happened="was approved, and its job was given up: an operator must requeue, discard or cancel it",
            counted="approved, whose jobs were given up",
            urgent=True,
            told=True,
        ),
    )
    SET_ASIDE = (
        "set_aside",
        About(
            kind="job_set_aside",
            happened="was set aside: the ledger's own records contradict its job",
            counted="set aside",
            urgent=True,
            told=True,
        ),
    )
    POLICY_NEAR_LIMIT = (
        "policy_near_limit",
        About(
            kind="policy_near_limit",
            topic="policy",
            happened="was approved by a policy that is near its limit",
            counted="approved near a policy's limit",
            told=True,
        ),
    )
    POLICIES_STOPPED = (
        "policies_stopped",
        About(
            kind="policies_stopped",
            topic="policies",
            happened="Automatic approval was stopped",
            counted="stops of automatic approval",
            urgent=True,
            told=True,
        ),
    )
    POLICIES_RUNNING = (
        "policies_running",
        About(
            kind="policies_running",
            topic="policies",
            happened="Automatic approval runs again",
            counted="starts of automatic approval",
        ),
    )
    WORKER_PAUSED = (
        "worker_paused",
        About(
            kind="worker_paused",
            topic="worker",
            happened="The worker was paused: it takes no new job",
            counted="pauses of the worker",
            urgent=True,
            told=True,
        ),
    )
    WORKER_RESUMED = (
        "worker_resumed",
        About(
            kind="worker_resumed",
            topic="worker",
            happened="The worker goes on after a pause",
            counted="ends of pauses of the worker",
        ),
    )
    ATTEMPTS_REFUSED = (
        "attempts_refused",
        About(
            topic="attempts",
            happened="Logins or decisions were refused again and again",
            counted="reports of refused attempts",
            told=True,
        ),
    )


QUIETLY: Final = tuple(event for event in Event if event.about.told)
"""What a route tells that names no events."""

_BY_WORD: Final = {event.value: event for event in Event}


def event_of(word: str) -> Event:
    """Return the event that a word names, as one of this table has written it down."""
    return _BY_WORD[word]
