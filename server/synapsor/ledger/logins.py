"""Logins that were refused: each a record of its own, since no proposal is about it."""

from __future__ import annotations

from synapsor.core.attempts import RefusedLogin
from synapsor.core.records import from_body, to_body
from synapsor.ledger.chain import Book, event
from synapsor.ledger.connection import Transaction
from synapsor.ledger.kinds import REFUSED_LOGIN, loads, read_each, record


async def refuse(book: Book, refused: RefusedLogin) -> None:
    """Record that a login was attempted and refused."""
    # Who follows the chain reads no record, and counts those of which this one tells the number alone.
    facts = {"unrecorded": refused.unrecorded} if refused.unrecorded else None
    told = record(REFUSED_LOGIN, refused.id, to_body(refused))
    await book.append(event("login_refused", refused.id, refused.at, (told,), facts))


async def newest(tx: Transaction, limit: int) -> tuple[RefusedLogin, ...]:
    """Return the newest refused logins, newest first."""
    rows = await tx.all("refused_logins", limit=limit)
    return read_each("login", rows, lambda row: from_body(RefusedLogin, loads(row["body"])))[0]
