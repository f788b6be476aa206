"""Proposals whose end nobody knows, and a person who says what became of them."""

import hashlib
from typing import Any

from synapsor.core.reconcile import Found
from synapsor.core.statements import Operator, Resolution, Resolved
from synapsor.core.writeback import receipt_key
from synapsor.flow.reconcile import Resolving, resolve
from synapsor.flow.signing import Signer
from synapsor.looking import SourceLooks
from tests.attack.shop import Shop

_BLOB = {"postgres": "'\\x{0}'", "mariadb": "x'{0}'", "sqlite": "x'{0}'"}


def leave_receipt(shop: Shop, proposal: str, digest: str = "ab" * 32, outcome: str = "applied") -> None:
    """Leave a receipt of a proposal in the shop, of a digest that is not the proposal's."""
    values = [receipt_key(shop.ledger.id, proposal).hex(), digest, hashlib.sha256(b"head").hexdigest()]
    key, told, head = (_BLOB[shop.database.engine].format(value) for value in values)
    shop.change(
        "INSERT INTO {synapsor_receipts} (receipt_key, proposal_digest, proposal_id, tenant, outcome, ledger_head, worker) "
        f"VALUES ({key}, {told}, '{proposal}', 'acme', '{outcome}', {head}, 'somebody')"
    )


async def in_doubt(shop: Shop, name: str, arguments: dict[str, Any]) -> str:
    """Return the handle of a proposal whose end nobody knows; its rows are as they were."""
    handle = await shop.approved(name, arguments)
    leave_receipt(shop, handle)
    assert await shop.work() == [("reconciliation_required", "receipt_of_another_digest")]
    return handle


async def found(shop: Shop, handle: str) -> Found:
    """Return what a look finds of the rows of a proposal."""
    seen = await SourceLooks(project=shop.project, client="test").found((await shop.record(handle)).proposal, who="leo")
    await shop.project.reader("shop")._pool.tidied()  # type: ignore[attr-defined]  # no event tells
    return seen


async def resolved(
    shop: Shop, handle: str, verdict: Resolved, who: str = "leo", **changed: Any
) -> tuple[Resolution, ...]:
    """Let somebody say what became of a proposal."""
    operator: Operator = shop.files.operators[who]

    async def look(proposal: Any) -> Found:
        return await found(shop, proposal.id)

    given: dict[str, Any] = {
        "verdict": verdict,
        "reason": "The owner's log has it.",
        "operator": operator,
        "operators": lambda: shop.files.operators,
        "unlock": lambda: Signer(operator=operator, key=shop.files.keys[who]),
        "look": look,
        "clock": shop.project.clock,
    }
    return await resolve(shop.ledger, await shop.record(handle), Resolving(**{**given, **changed}))
