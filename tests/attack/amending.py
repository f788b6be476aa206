"""Reviewers who edit and extend proposals and ask about them, in a project over the table of credits."""

from collections.abc import Mapping
from typing import Any

import pytest

from synapsor.core.proposal import Proposal
from synapsor.core.statements import SignedInquiry
from synapsor.errors import DecisionRefused, Refusal
from synapsor.flow.amend import edit, extend
from synapsor.flow.ask import ask
from synapsor.flow.filing import Filing
from synapsor.flow.signing import Signer
from tests.attack.shop import Shop

WHY = "The customer agreed to less."


def signer_of(shop: Shop, operator: str, key: str | None = None) -> Signer:
    """Return an operator with their own key, or with that of somebody else."""
    return Signer(operator=shop.files.operators[operator], key=shop.files.keys[key or operator])


async def amending(shop: Shop, handle: str, operator: str = "mia", **options: Any) -> Filing:
    """Return who amends a proposal."""
    record = await shop.record(handle)
    given: dict[str, Any] = {
        "record": record,
        "served": await shop.project.activated(record.proposal.capability),
        "operator": shop.files.operators[operator],
        "operators": lambda: shop.files.operators,
        "unlock": lambda: signer_of(shop, operator),
        "reason": WHY,
        "now": shop.project.clock.now(),
    }
    return Filing(**{**given, **options})


async def edited(shop: Shop, handle: str, values: Mapping[str, Any], operator: str = "mia", **options: Any) -> Proposal:
    """Return what an edit puts in the place of a proposal."""
    filed = await edit(shop.ledger, await amending(shop, handle, operator, **options), values)
    await shop.project.reader("shop")._pool.tidied()  # type: ignore[attr-defined]  # no event tells
    return filed.proposal


async def extended(shop: Shop, handle: str, operator: str = "mia", **options: Any) -> Proposal:
    """Return what an extension puts in the place of a proposal."""
    filed = await extend(shop.ledger, await amending(shop, handle, operator, **options))
    await shop.project.reader("shop")._pool.tidied()  # type: ignore[attr-defined]  # no event tells
    return filed.proposal


async def refused(shop: Shop, handle: str, values: Mapping[str, Any] | None, **options: Any) -> str:
    """Return the rule by which an edit, or without values an extension, is refused; nothing was filed, and the attempt is on record."""
    before = [r.proposal.id for r in await shop.ledger.inbox(status=None, limit=100)]
    with pytest.raises((DecisionRefused, Refusal)) as found:
        await (extended(shop, handle, **options) if values is None else edited(shop, handle, values, **options))
    await shop.project.reader("shop")._pool.tidied()  # type: ignore[attr-defined]  # no event tells
    assert [r.proposal.id for r in await shop.ledger.inbox(status=None, limit=100)] == before
    error = found.value
    assert isinstance(error, DecisionRefused | Refusal)
    rule = error.rule if isinstance(error, DecisionRefused) else error.code.value
    events = (await shop.record(handle)).events
    assert events[-1]["kind"] == "decision_refused"
    return rule


async def asked(shop: Shop, handle: str, text: str = "Who agreed to that?", operator: str = "leo") -> SignedInquiry:
    """Return what a reviewer asks about a proposal."""
    record = await ask(
        shop.ledger,
        await shop.record(handle),
        text=text,
        signer=signer_of(shop, operator),
        now=shop.project.clock.now(),
        operators=shop.files.operators,
    )
    return record.exchanges[-1].asked
