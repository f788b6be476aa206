"""An operator who asks for changes to be undone, in a project over the table of credits."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import add_operator
from synapsor.core.proposal import Proposal
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from synapsor.errors import DecisionRefused
from synapsor.flow.filing import Filing
from synapsor.flow.signing import Signer
from synapsor.flow.undo import undo
from tests.attack.credits import POLICY, credits_tables
from tests.attack.shop import Shop, open_shop
from tests.databases import Database
from tests.projects import leo_approves

ADJUST = {"book": "a", "number": 1, "less": "3.10", "note": "Agreed by phone."}
SEEN = "state, amount, points, note, hidden_at IS NULL, row_version"


@asynccontextmanager
async def open_credits(
    root: Path, database: Database, policy: str = POLICY, *, clock: Any = None, config: Mapping[str, str] = {}
) -> AsyncIterator[Shop]:
    """Open a project over the table of books, with a second person who leads billing: mia."""
    with credits_tables(database):
        async with open_shop(root, database, policy=policy, clock=clock, config=config) as shop:
            key = shop.files.keys["mia"] = create_key(root / "keys" / "mia.pem", passphrase=None)
            mia = Operator(name="mia", key=public_text(key), roles=("billing_lead",))
            shop.files.operators = add_operator(root / "operators.yaml", mia)
            yield shop


async def ask(
    shop: Shop,
    handle: str,
    operator: str = "mia",
    reason: str = "It was the wrong credit.",
    trusted: Mapping[str, Operator] | None = None,
) -> Proposal:
    """Return the undo that an operator asks for, as it is filed; `trusted` are those who are by the time that they sign."""
    record = await shop.record(handle)
    who, key = shop.files.operators[operator], shop.files.keys[operator]
    served = await shop.project.activated(record.proposal.capability)
    now, typed = shop.project.clock.now(), list[str]()

    def unlock() -> Signer:
        typed.append(operator)
        return Signer(operator=who, key=key)

    asking = Filing(
        record=record,
        served=served,
        operator=who,
        operators=lambda: trusted if trusted and typed else shop.files.operators,
        unlock=unlock,
        reason=reason,
        now=now,
    )
    filed = await undo(shop.ledger, asking)
    await shop.project.reader("shop")._pool.tidied()  # type: ignore[attr-defined]  # no event tells
    return filed.proposal


async def refused(shop: Shop, handle: str, **options: Any) -> tuple[str, int]:
    """Return the rule and the exit code by which an undo is refused; nothing was filed, and the attempt is on record."""
    before = [(r.proposal.id, r.status) for r in await shop.ledger.inbox(status=None, limit=50)]
    with pytest.raises(DecisionRefused) as found:
        await ask(shop, handle, **options)
    assert [(r.proposal.id, r.status) for r in await shop.ledger.inbox(status=None, limit=50)] == before
    assert (await shop.record(handle)).events[-1]["kind"] == "decision_refused"
    return found.value.rule, found.value.exit_code


async def applied(shop: Shop, name: str, arguments: dict[str, Any]) -> str:
    """Return the handle of a change that was proposed, approved and applied."""
    handle = await shop.approved(name, arguments)
    assert await shop.work() == [("applied", "")]
    return handle


async def approved(shop: Shop, handle: str, **options: Any) -> Proposal:
    """Return the undo of a change, approved by leo."""
    filed = await ask(shop, handle, **options)
    await leo_approves(shop.files, shop.project, filed.id, filed.digest)
    return filed


def credit(shop: Shop, book: str = "a", number: int = 1, tenant: str = "acme") -> tuple[Any, ...] | None:
    """Return a credit as it is now, or None."""
    where = f"tenant_id = '{tenant}' AND book = '{book}' AND number = {number}"
    rows = shop.rows(f"SELECT {SEEN} FROM {{credits}} WHERE {where}")
    return _plain(rows[0]) if rows else None


def everything(shop: Shop) -> list[tuple[Any, ...]]:
    """Return all credits of all tenants."""
    rows = shop.rows(f"SELECT tenant_id, book, number, {SEEN} FROM {{credits}} ORDER BY tenant_id, book, number")
    return [_plain(row) for row in rows]


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    *head, state, amount, points, note, shown, version = row
    return (*head, state, None if amount is None else str(amount), points, note, bool(shown), version)
