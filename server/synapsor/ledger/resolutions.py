"""Resolutions: what a person says became of proposals whose end nobody knows, each with the step that follows from it; a group at once."""

from __future__ import annotations

from collections.abc import Sequence

from synapsor.core.proposal import Status
from synapsor.core.reconcile import end_of
from synapsor.core.records import to_body
from synapsor.core.statements import Resolution, SignedResolution
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ledger import proposals
from synapsor.ledger.believed import Trust
from synapsor.ledger.chain import Book
from synapsor.ledger.connection import Row
from synapsor.ledger.kinds import RESOLUTION, record
from synapsor.ledger.tail import as_of_now
from synapsor.refusals import Rule
from synapsor.values import digest_bytes


async def resolve(book: Book, trust: Trust, signed: Sequence[SignedResolution]) -> None:
    """Record the resolutions of a proposal and of all that stands or falls with it, and move each where it says.

    Raises:
        DecisionRefused: one of them is in no doubt any more (`not_in_doubt`), the clock is another one than it was dated by
            (`clock_moved`), the chain does not go on (`ledger_altered`), or the records contradict each other (`records_differ`).
        IntegrityError: they are not about all of one group, of these digests and this ledger, with one verdict and of one moment.
    """
    told = [one.resolution for one in signed]
    trust = await as_of_now(book.tx, trust)
    rows = await _in_doubt(book, told, trust)
    if not _are_about(told, rows, trust.ledger):
        raise IntegrityError("The resolutions are about something else than one proposal and its group.")
    if not book.is_now(told[0].at):
        raise DecisionRefused(
            Rule.CLOCK_MOVED,
            "The clock of this machine moved while it was resolved.",
            fix="Do it again; nothing was recorded.",
        )
    for one in signed:
        said = one.resolution
        await proposals.step(
            book,
            said.proposal,
            Status.RECONCILIATION_REQUIRED,
            end_of(said.verdict),
            at=said.at,
            trust=trust,
            records=(record(RESOLUTION, said.id, to_body(one)),),
            checkpoint=True,
        )


async def _in_doubt(book: Book, told: Sequence[Resolution], trust: Trust) -> list[Row]:
    """Return the proposal of the first resolution and the others of its group; of all of them nobody knows the end."""
    own = await book.tx.one("proposal_by_id", id=told[0].proposal) if told else None
    if own is None:
        raise IntegrityError("The resolution is of no proposal.")
    grouped = own["group_id"] is not None
    rows = await book.tx.all("group_members", group_id=own["group_id"]) if grouped else [own]
    for row in rows:
        if row["status"] != Status.RECONCILIATION_REQUIRED.value:
            raise DecisionRefused(Rule.NOT_IN_DOUBT, f"The proposal {Status(row['status']).stands}.")
        await proposals.check_stands(book.tx, row, trust)
    return list(rows)


def _are_about(told: Sequence[Resolution], rows: Sequence[Row], ledger: str) -> bool:
    named = sorted((one.ledger, one.proposal, one.digest) for one in told)
    of_rows = sorted((ledger, row["id"], digest_bytes("proposal", row["body"].encode())) for row in rows)
    return named == of_rows and len({(one.verdict, one.at) for one in told}) == 1
