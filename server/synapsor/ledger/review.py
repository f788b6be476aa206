"""A proposal in review, inside of the transaction of whoever asks something about it."""

from __future__ import annotations

from synapsor.core.proposal import Status
from synapsor.core.statements import Inquiry, ShadowRequest
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ledger.chain import Book
from synapsor.refusals import Rule
from synapsor.values import digest_bytes


async def check_asked(book: Book, ledger: str, asked: Inquiry | ShadowRequest, *, left: str) -> None:
    """Refuse what is asked about anything else than a proposal in review; `left` is what is not left to do then.

    Raises:
        DecisionRefused: it is no longer in review (`already_decided`).
        IntegrityError: it is about something else.
    """
    row = await book.tx.one("proposal_by_id", id=asked.proposal)
    if row is None or (asked.ledger, asked.digest) != (ledger, digest_bytes("proposal", row["body"].encode())):
        raise IntegrityError("What is asked is about another proposal.")
    if row["status"] != Status.REVIEW_REQUIRED.value:
        words = f"The proposal {Status(row['status']).stands}."
        raise DecisionRefused(Rule.ALREADY_DECIDED, words, fix=f"Nothing is left to {left}.")
