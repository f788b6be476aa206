"""Amendments: a proposal takes the place of the one that it names, which is superseded in the same transaction, or nothing happens."""

from __future__ import annotations

from synapsor.core.proposal import Proposal, Status
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ledger import proposals
from synapsor.ledger.believed import Trust
from synapsor.ledger.chain import Book
from synapsor.ledger.kinds import Record
from synapsor.ledger.rows import proposal_of
from synapsor.ledger.tail import as_of_now
from synapsor.refusals import Rule
from synapsor.values import digest_bytes


async def amend(book: Book, proposal: Proposal, seen: tuple[Record, ...], trust: Trust) -> None:
    """File a proposal in the place of the one that it amends.

    Raises:
        DecisionRefused: that one is no longer in review (`already_decided`), the same was asked for beside it (`asked_already`), the
            chain does not go on (`ledger_altered`), or the ledger's own records contradict each other about that one (`records_differ`).
        IntegrityError: that one is not the one that was amended.
    """
    amends = proposal.amends
    row = await book.tx.one("proposal_by_id", id=amends.proposal) if amends else None
    if amends is None or row is None or digest_bytes("proposal", row["body"].encode()) != amends.digest:
        raise IntegrityError("The proposal amends another one than the ledger has.")
    original = proposal_of(row)
    if row["status"] != Status.REVIEW_REQUIRED.value or original.lapsed(proposal.at):
        stands = "has expired" if original.lapsed(proposal.at) else Status(row["status"]).stands
        raise DecisionRefused(Rule.ALREADY_DECIDED, f"The proposal {stands}.", fix="Look at it again.")
    trust = await as_of_now(book.tx, trust)
    await proposals.check_stands(book.tx, row, trust)
    for other in await book.tx.all("pending_by_request", request=proposal.request):
        if other["id"] != original.id:
            raise DecisionRefused(
                Rule.ASKED_ALREADY,
                f"The same was asked for beside it: {other['id']} {Status(other['status']).stands}.",
                fix="Decide on that one, and reject this.",
            )
    await proposals.step(
        book,
        original.id,
        Status.REVIEW_REQUIRED,
        Status.SUPERSEDED,
        at=proposal.at,
        trust=trust,
        by=proposal.id,
        amended=amends.kind,
        arguments=list(amends.arguments),
    )
    await proposals.add(book, proposal, seen, checkpoint=True)
