"""Record who was refused what on a proposal, a contract or automatic approval: one way for every verb that a person uses, so that no
surface forgets it. A look behind hidden values alone is on record as a look, refused or not (`flow.reveal`).

Whatever is refused inside of `recording` is on record when it leaves. Who only tells what would be refused records nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from synapsor.core.moment import stamp
from synapsor.core.proposal import Proposal
from synapsor.errors import DecisionRefused, Refusal
from synapsor.ports import ReviewLedger
from synapsor.refusals import Rule

NOBODY: Final = "?"
"""Who is recorded where nobody knows who it was."""
POLICIES: Final = "automatic approval"
"""What a switch of automatic approval is about, among the refused attempts; no contract and no proposal is called so."""

WORKER: Final = "the worker"
"""What a pause is about, among the refused attempts; no contract and no proposal is called so."""


@asynccontextmanager
async def recording(ledger: ReviewLedger, about: str, who: str, now: dt.datetime) -> AsyncIterator[None]:
    """Record what is refused inside, and to whom; what it is `about` is a proposal, a contract, `POLICIES` or `WORKER`."""
    try:
        yield
    except (DecisionRefused, Refusal) as refused:
        await record_refused(ledger, about, who, refused, now)
        raise


async def record_refused(
    ledger: ReviewLedger, about: str, who: str, refused: DecisionRefused | Refusal, now: dt.datetime
) -> None:
    """Record a refusal that is not raised, since others are decided on beside it."""
    rule = refused.rule if isinstance(refused, DecisionRefused) else refused.code
    await ledger.refused_decision(about, who, rule, stamp(now))


def check_shown(proposal: Proposal, digest: str, *, ledger: str) -> None:
    """Refuse what is not the very proposal of this ledger that a person was shown.

    Raises:
        DecisionRefused: by rule `not_what_was_shown`.
    """
    if proposal.ledger != ledger:
        raise _not_shown("The proposal belongs to another ledger.")
    if proposal.digest != digest:
        raise _not_shown("The proposal is not the one that was shown.")


def _not_shown(words: str) -> DecisionRefused:
    return DecisionRefused(Rule.NOT_WHAT_WAS_SHOWN, words, fix="Look at it again, and decide on what it is now.")
