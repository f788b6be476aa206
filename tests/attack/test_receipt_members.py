"""A receipt lists every member of what was done: its key, its version before and after, and the row as it was left; on every engine."""

import json

import pytest

from synapsor.core.writeback import Receipt
from tests.attack.shop import Shop
from tests.attack.test_undo import shown
from tests.attack.undoing import ADJUST, applied, approved

pytestmark = pytest.mark.requirement("receipt:every-member")


async def _receipt(shop: Shop, handle: str) -> Receipt:
    (receipt,) = (await shop.record(handle)).receipts
    return receipt


def _listed(receipt: Receipt) -> list[tuple[object, ...]]:
    return [
        (
            dict(one.key),
            one.done,
            one.version_before,
            one.version_after,
            None if one.after is None else one.after["note"],
        )
        for one in receipt.members
    ]


async def test_every_row_that_was_updated_inserted_or_deleted_is_listed_with_its_versions(books: Shop) -> None:
    closed = await applied(books, "credits.close_all", {"book": "a"})
    assert _listed(await _receipt(books, closed)) == [
        ({"book": "a", "number": "1"}, "updated", "1", "2", None),
        ({"book": "a", "number": "2"}, "updated", "1", "2", "Two"),
    ]
    wanted = [{"number": n, "amount": "1.00"} for n in (2, 1)]
    added = await applied(books, "credits.add_all", {"list": wanted})
    receipt = await _receipt(books, added)
    keys = [{"tenant_id": "acme", "book": "many", "number": n} for n in ("1", "2")]
    assert _listed(receipt) == [(key, "inserted", None, "1", None) for key in keys]
    assert (receipt.rows_affected, receipt.told["rows_affected"], len(receipt.after)) == (2, 2, 2)
    dropped = await applied(books, "credits.drop", {"book": "b", "number": 1})
    receipt = await _receipt(books, dropped)
    assert _listed(receipt) == [({"book": "b", "number": "1"}, "deleted", "1", None, None)]
    assert (receipt.rows_affected, receipt.after) == (1, ())
    undone = await approved(books, added)
    assert await books.work() == [("applied", "")]
    assert [(one.key["number"], one.done) for one in (await _receipt(books, undone.id)).members] == [
        ("2", "deleted"),
        ("1", "deleted"),
    ]


@pytest.mark.one_engine
async def test_the_row_before_each_is_the_proposal_s_own_and_a_hidden_value_is_in_no_receipt(books: Shop) -> None:
    renamed = await applied(books, "notes.rename", {"note": "n1", "title": "Other"})
    record = await books.record(renamed)
    (done,), (member,) = record.receipts[0].members, record.proposal.members
    assert done.key == dict(member.key)
    assert (done.version_before, done.version_after) == (None, None)  # guarded by the whole row
    assert (member.before["title"], done.after) == (
        "One",
        {"id": "n1", "tenant_id": "acme", "owner": "support_agent_17", "title": "Other", "version": "8"},
    )


@pytest.mark.one_engine
async def test_of_an_apply_whose_answer_was_lost_what_the_change_says_is_listed(books: Shop) -> None:
    broken = ["apply.committed"]

    async def reached(step: str) -> None:
        if step in broken:
            broken.remove(step)
            raise RuntimeError("the power is gone")

    handle = await books.approved("credits.adjust", ADJUST)
    assert await books.attempt(reached=reached) == [("retry", "internal")]
    assert await books.work() == [("already_applied", "")]
    (done,) = (await _receipt(books, handle)).members
    assert done.after == {"amount": "7.00", "note": "Agreed by phone.", "points": "6", "state": "held"}
    assert (done.key, done.done, done.version_before, done.version_after) == (
        {"book": "a", "number": "1"},
        "updated",
        "1",
        None,
    )


@pytest.mark.one_engine
@pytest.mark.requirement("undo:shown", "surface:methods")
async def test_people_are_told_every_row_and_an_agent_none_of_it(books: Shop) -> None:
    closed = await applied(books, "credits.close_all", {"book": "a"})
    told = await shown(books, closed)
    for number in (1, 2):
        assert f'updated book = "a" and number = {number}, version 1 → 2' in told
    dropped = await applied(books, "credits.drop", {"book": "b", "number": 1})
    assert 'deleted book = "b" and number = 1' in await shown(books, dropped)
    receipt = await _receipt(books, closed)
    for handle in (closed, dropped):
        answer = json.dumps(await books.call("synapsor.proposal_status", {"proposal_id": handle}))
        assert receipt.id not in answer
        assert "row_version" not in answer


@pytest.mark.one_engine
async def test_what_was_not_applied_lists_nothing(books: Shop) -> None:
    handle = await books.approved("credits.adjust", ADJUST)
    books.change("UPDATE {credits} SET points = 4 WHERE tenant_id = 'acme' AND book = 'a' AND number = 1")
    assert await books.work() == [("conflict", "version_moved")]
    receipt = await _receipt(books, handle)
    assert (receipt.members, receipt.rows_affected) == ((), 0)
