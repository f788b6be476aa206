"""What may follow where a proposal stands: what an agent may do next, and when it is worth looking again.

It is advice in closed words and allows nothing: whatever an agent then does is judged as if it had never been told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

from synapsor.core.presets import RejectCode
from synapsor.core.proposal import Status

Next: TypeAlias = Literal[
    "wait",
    "answer_question",
    "see_successor",
    "read_again",
    "propose_again",
    "propose_corrected",
    "give_information",
    "tell_user",
]
NEXT: Final[tuple[Next, ...]] = get_args(Next)

_S = Status
_AFTER: Mapping[Status, tuple[Next, ...]] = {
    _S.REVIEW_REQUIRED: ("wait",),
    _S.APPROVED: ("wait",),
    _S.EXPIRED: ("propose_again", "tell_user"),
    _S.CANCELED: ("propose_again", "tell_user"),
    _S.CONFLICT: ("read_again", "propose_again"),
    _S.RECONCILIATION_REQUIRED: ("wait", "tell_user"),
}
"""Of every other status, the user is to be told and nothing else is to be done."""
_AFTER_REJECTION: Mapping[RejectCode, tuple[Next, ...]] = {
    "wrong_scope": ("propose_corrected", "tell_user"),
    "odd_arguments": ("propose_corrected", "tell_user"),
    "needs_information": ("give_information", "tell_user"),
}
"""After every other rejection, asking again would be asking for the same."""
_POLL_S: Mapping[Status, int] = {_S.REVIEW_REQUIRED: 15, _S.APPROVED: 2, _S.RECONCILIATION_REQUIRED: 60}
_POLL_GIVEN_UP_S: Final = 60


def allowed_next(
    status: Status,
    rejected: RejectCode | None = None,
    *,
    asked: bool = False,
    replaced: bool = False,
    given_up: bool = False,
    called_off: bool = False,
) -> tuple[Next, ...]:
    """Return what an agent may do next.

    `rejected` is the word of a rejection that has one, `asked` says that a person waits for an answer, `replaced` that another proposal
    has taken its place, `given_up` that it was approved and a person must look at its job, and `called_off` that a person canceled it
    after it was approved.
    """
    if (given_up and status is Status.APPROVED) or (called_off and status is Status.CANCELED):
        return ("tell_user", "wait") if given_up else ("tell_user",)
    if status is Status.REVIEW_REQUIRED and asked:
        return ("answer_question", *_AFTER[status])
    if status is Status.SUPERSEDED and replaced:
        return ("see_successor", "tell_user")
    if status is Status.REJECTED and rejected is not None:
        return _AFTER_REJECTION.get(rejected, ("tell_user",))
    return _AFTER.get(status, ("tell_user",))


def next_poll_s(status: Status, *, given_up: bool = False, accepted: bool = False) -> int | None:
    """Return in how many seconds it is worth looking again; None of what stands at its end. What was given up waits for a person, and what is
    accepted for an application.
    """
    if (given_up or accepted) and status is Status.APPROVED:
        return _POLL_GIVEN_UP_S
    return _POLL_S.get(status)
