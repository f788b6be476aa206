"""The proposals of a time, page by page, with who decided on each and what came of it; nothing of it is held longer than a page."""

from __future__ import annotations

from synapsor.core.past import Past, Wanted
from synapsor.core.proposal import Proposal, Status, undo_key
from synapsor.errors import IntegrityError
from synapsor.ledger.believed import Trust
from synapsor.ledger.connection import Row, Transaction
from synapsor.ledger.kinds import read_each
from synapsor.ledger.proposals import is_believed
from synapsor.ledger.rows import proposal_of, signed_of
from synapsor.values import digest_bytes


async def page(
    tx: Transaction, *, after: int | None, since: str, until: str, limit: int, wanted: Wanted, trust: Trust
) -> tuple[tuple[Past, ...], int | None]:
    """Return the wanted ones of the next `limit` proposals of a time, and what to give as `after` for those behind them; None at the end.

    One that does not stand where its events say has no proposal to decide again.
    """
    if after is None:
        first = await tx.one("proposals_since", since=since)
        if first is None or first["seq"] is None:
            return (), None
        after = int(first["seq"]) - 1
    rows = await tx.all("past_proposals", seq=after, since=since, until=until, limit=limit)
    told = [await _past(tx, row, trust) for row in rows if wanted(row["contract"], row["capability"], row["policy"])]
    return tuple(told), int(rows[-1]["seq"]) if len(rows) == limit else None


async def _past(tx: Transaction, row: Row, trust: Trust) -> Past:
    status = Status(row["status"])
    proposal = _proposal(row) if await is_believed(tx, row["id"], trust) else None
    undone = status is Status.APPLIED and await _is_undone(tx, row)
    signed, _ = read_each("decision", await tx.all("decisions_of", proposal=row["id"]), signed_of)
    return Past(
        id=row["id"],
        at=row["at"],
        capability=row["capability"],
        contract=row["contract"],
        policy=row["policy"],
        status=status,
        proposal=proposal,
        decisions=tuple(one.decision for one in signed),
        undone=undone,
    )


def _proposal(row: Row) -> Proposal | None:
    """Return the proposal of a row; None where its body is none, or another one."""
    try:
        found = proposal_of(row)
    except IntegrityError:
        return None
    return found if (found.id, found.at, found.capability) == (row["id"], row["at"], row["capability"]) else None


async def _is_undone(tx: Transaction, row: Row) -> bool:
    request = undo_key(row["id"], digest_bytes("proposal", row["body"].encode()))
    undos = await tx.all("proposals_of_request", request=request)
    return any(undo["status"] == Status.APPLIED.value for undo in undos)
