"""Resolutions: what a person says became of proposals whose end nobody knows, a group at once; each moves them at once, or waits until the
application that carries them out has given them up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synapsor.core.proposal import Status
from synapsor.core.reconcile import end_of
from synapsor.core.records import to_body
from synapsor.core.resolving import REFUSED, WAITS, asks_first
from synapsor.core.statements import Resolution, SignedResolution
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ledger import proposals
from synapsor.ledger.believed import Trust, is_told, told_by
from synapsor.ledger.chain import Book, event
from synapsor.ledger.connection import Row, Transaction
from synapsor.ledger.kinds import RESOLUTION, Record, record
from synapsor.ledger.rows import proposal_of
from synapsor.ledger.tail import as_of_now
from synapsor.refusals import Rule
from synapsor.values import digest_bytes


async def resolve(book: Book, trust: Trust, signed: Sequence[SignedResolution]) -> None:
    """Record the resolutions of a proposal and of all that stands or falls with it, and move each where it says; or, where the application
    must give it up first, leave that to a worker.

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
    waits = any(asks_first(proposal_of(row), told[0]) for row in rows)
    for one in signed:
        if waits:
            entry = event(WAITS, one.resolution.proposal, one.resolution.at, (_kept(one),))
            await book.append(entry, checkpoint=True)
        else:
            await _moved(book, one, at=one.resolution.at, trust=trust, records=(_kept(one),))


async def end(
    book: Book, trust: Trust, signed: Sequence[SignedResolution], *, code: str, counts: bool, at: str
) -> bool:
    """Move what waited for the application to where its resolutions say, or refuse them, and say by which answer of it; False, and nothing
    is recorded, where somebody has resolved it or spoken anew meanwhile.

    Raises:
        DecisionRefused: the records contradict each other (`records_differ`).
    """
    try:
        rows = await _in_doubt(book, [one.resolution for one in signed], trust)
    except DecisionRefused as refused:
        if refused.rule is Rule.NOT_IN_DOUBT:
            return False
        raise
    waiting = [await _waits(book.tx, one) for one in signed]
    if len(rows) != len(signed) or not all(waiting):
        return False
    for one in signed:
        facts = {"resolution": one.resolution.id, "code": code}
        if counts:
            await _moved(book, one, at=at, trust=trust, facts=facts)
        else:
            await book.append(event(REFUSED, one.resolution.proposal, at, facts=facts), checkpoint=True)
    return True


async def waiting(tx: Transaction, sources: Sequence[str]) -> tuple[str, ...]:
    """Return the proposals of these sources whose resolutions wait for an application."""
    found = [await tx.all("waiting_resolutions", source=source) for source in sources]
    return tuple(row["id"] for rows in found for row in rows)


def _kept(one: SignedResolution) -> Record:
    return record(RESOLUTION, one.resolution.id, to_body(one))


async def _moved(
    book: Book,
    one: SignedResolution,
    *,
    at: str,
    trust: Trust,
    records: Sequence[Record] = (),
    facts: Mapping[str, str] = {},
) -> None:
    said = one.resolution
    await proposals.step(
        book,
        said.proposal,
        Status.RECONCILIATION_REQUIRED,
        end_of(said.verdict),
        at=at,
        trust=trust,
        records=records,
        checkpoint=True,
        **facts,
    )


async def _waits(tx: Transaction, one: SignedResolution) -> bool:
    """Tell whether exactly this is the newest that was said of its proposal, and waits."""
    rows = await tx.all("proposal_events", subject=one.resolution.proposal)
    newest = next((row for row in reversed(rows) if row["kind"] in {WAITS, REFUSED}), None)
    if newest is None or newest["kind"] != WAITS:
        return False
    kept = _kept(one)
    return is_told(RESOLUTION, kept.id, kept.text, told_by(newest))


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
    return named == of_rows and len({(one.verdict, one.at, one.unasked) for one in told}) == 1
