"""Whoever owns the ledger's file but no operator's key steers the worker: no pause is ended, no cancel undone, no requeue made up."""

import json
import sqlite3
from contextlib import nullcontext

import pytest

from synapsor.core.records import to_body
from synapsor.core.statements import sign
from synapsor.errors import IntegrityError
from synapsor.flow.replay import replay
from synapsor.values import canonical
from tests.attack.shop import Shop, as_ledger_owner, as_server, told_by_owner
from tests.attack.steered import TWICE, busy, given_up, person, say, turn
from tests.attack.test_forged_ledger import MALLORY, set_body
from tests.databases import Database

pytestmark = pytest.mark.requirement("steer:forged")


@pytest.fixture
def database(sqlite_db: Database) -> Database:
    """What people say is proven before a source is touched, so one engine is enough here."""
    return sqlite_db


async def nothing_came_of(shop: Shop, proposal: str) -> None:
    assert await shop.status(proposal) == "approved"
    assert shop.receipts() == 0
    assert not (await shop.ledger.verify()).ok


async def test_a_job_that_only_its_row_lets_be_taken_again_is_given_up_again(shop: Shop) -> None:
    proposal = await given_up(shop)
    with as_ledger_owner(shop) as raw:
        raw.execute("UPDATE job SET parked = NULL")
    assert not (await shop.ledger.verify()).ok
    assert await shop.work() == [("parked", "job_parked")]
    assert (await shop.status(proposal), shop.receipts()) == ("approved", 0)


async def test_an_event_of_ones_own_has_nothing_tried_again(shop: Shop) -> None:
    proposal = await given_up(shop)
    with as_ledger_owner(shop) as raw:
        told_by_owner(raw, "job_requeued", proposal, {"job": "job_x", "attempt": 2})
        raw.execute("UPDATE job SET parked = NULL")
    with pytest.raises(IntegrityError, match="was not written by it"):
        await shop.work()
    await nothing_came_of(shop, proposal)


async def test_a_server_that_was_taken_over_has_nothing_tried_again_without_an_operators_key(shop: Shop) -> None:
    proposal = await given_up(shop)
    await say(shop, "requeue", proposal)
    told = (await shop.record(proposal)).instructions[-1]
    body = {**to_body(told), "signature": sign(told.instruction, MALLORY)}
    with as_server(shop) as raw:
        set_body(raw, "instruction", told.instruction.id, body)
    assert await shop.work() == [("parked", "job_parked")]
    assert (await shop.status(proposal), shop.receipts()) == ("approved", 0)


async def test_a_requeue_of_before_has_nothing_tried_again(shop: Shop) -> None:
    proposal = await given_up(shop)
    await say(shop, "requeue", proposal)
    await given_up_again(shop)
    with as_ledger_owner(shop) as raw:
        raw.execute("UPDATE job SET parked = NULL")
    assert await shop.work() == [("parked", "job_parked")]
    assert await shop.status(proposal) == "approved"


async def given_up_again(shop: Shop) -> None:
    assert (await shop.work(reached=busy, pace=TWICE))[-1] == ("parked", "busy")


@pytest.mark.parametrize("how", ["taken away", "another verb", "another job"])
async def test_a_cancel_that_was_tampered_with_still_keeps_the_change_from_being_applied(shop: Shop, how: str) -> None:
    proposal = await shop.waiver()
    await say(shop, "cancel", proposal)
    with as_ledger_owner(shop) as raw:
        if how == "taken away":
            raw.execute("DELETE FROM instruction")
        else:
            ((text, handle),) = raw.execute("SELECT body, id FROM instruction").fetchall()
            body = json.loads(text)
            body["instruction"].update({"verb": "requeue"} if how == "another verb" else {"job": "job_0"})
            set_body(raw, "instruction", handle, body)
    before = shop.invoice()
    assert (await shop.record(proposal)).differs
    assert await shop.work() in ([("parked", "cancel_unproven")], [("reconciliation_required", "records_differ")])
    assert shop.invoice() == before
    await nothing_came_of(shop, proposal)


async def test_a_job_under_another_handle_does_not_undo_a_cancel(shop: Shop) -> None:
    proposal, before = await shop.waiver(), shop.invoice()
    await say(shop, "cancel", proposal)
    with as_ledger_owner(shop) as raw:
        ((text,),) = raw.execute("SELECT body FROM job").fetchall()
        body = canonical({**json.loads(text), "id": "job_" + "0" * 20}).decode()
        raw.execute("UPDATE job SET id = ?, body = ?", ("job_" + "0" * 20, body))
    assert await shop.work() == [("parked", "cancel_unproven")]
    assert shop.invoice() == before
    await nothing_came_of(shop, proposal)


@pytest.mark.parametrize(
    "how", ["row taken away", "said to run", "an older one in its place", "event taken away", "an event of one's own"]
)
async def test_a_pause_that_was_tampered_with_is_not_ended(shop: Shop, how: str) -> None:
    proposal = await shop.waiver()
    for state in ("paused", "running", "paused"):
        await turn(shop, state)
    assert await shop.work() == []
    with as_ledger_owner(shop) as raw:
        told = raw.execute("SELECT id, body FROM worker_pause ORDER BY seq").fetchall()
        handle, text = told[-1]
        if how == "row taken away":
            raw.execute("DELETE FROM worker_pause")
        elif how == "said to run":
            body = json.loads(text)
            body["pause"]["state"] = "running"
            set_body(raw, "worker_pause", handle, body)
        elif how == "an older one in its place":
            set_body(raw, "worker_pause", handle, json.loads(told[-2][1]))
        elif how == "event taken away":
            raw.execute("UPDATE event SET kind = 'gone', subject = 'gone' WHERE kind LIKE 'worker%'")
            raw.execute("DELETE FROM worker_pause")
        else:
            told_by_owner(raw, "worker_resumed", "shop", {})
    with (
        nullcontext()
        if how != "an event of one's own"
        else pytest.raises(IntegrityError, match="was not written by it")
    ):
        assert await shop.work() == []
    await nothing_came_of(shop, proposal)


async def test_a_server_that_was_taken_over_ends_no_pause_without_an_operators_key(shop: Shop) -> None:
    proposal = await shop.waiver()
    await turn(shop, "paused")
    signed = await turn(shop, "running", by=person(shop))
    body = {**to_body(signed), "signature": sign(signed.pause, MALLORY)}
    with as_server(shop) as raw:
        set_body(raw, "worker_pause", signed.pause.id, body)
    assert (await shop.work(), await shop.status(proposal)) == ([], "approved")


async def test_the_end_of_the_pause_of_another_source_ends_none_here_although_it_was_truly_signed(shop: Shop) -> None:
    proposal = await shop.waiver()
    await turn(shop, "paused")
    signed = await turn(shop, "running", source="other")
    with as_server(shop) as raw:
        raw.execute("UPDATE worker_pause SET source = 'shop' WHERE id = ?", (signed.pause.id,))
        raw.execute("UPDATE event SET subject = 'shop' WHERE subject = 'other'")
    assert (await shop.work(), await shop.status(proposal)) == ([], "approved")


async def test_a_replay_names_an_instruction_that_nobody_signed(shop: Shop) -> None:
    proposal = await given_up(shop)
    kept = await say(shop, "requeue", proposal)
    told = kept.instructions[-1]
    body = {**to_body(told), "signature": sign(told.instruction, MALLORY)}
    with as_server(shop) as raw:
        set_body(raw, "instruction", told.instruction.id, body)
    report = await replay(shop.ledger, told.instruction.id, shop.project.operators())
    assert [one.what for one in report.differences] == [f"signature of opal on {told.instruction.id}"]


@pytest.mark.requirement("ledger:order-verified")
@pytest.mark.parametrize(
    ("forged", "found"),
    [
        ("DELETE FROM job_row WHERE seq = :first", "its job does not wait by the rows that it is about"),
        ("INSERT INTO job_row VALUES (:theirs, :first, 1)", "its job does not wait by the rows that it is about"),
        ("UPDATE job_row SET own = 0 WHERE seq = :first", "its job does not wait by the rows that it is about"),
        ("INSERT INTO job_row VALUES (:theirs, 1, 1)", "holds rows that no open job is about"),
        (
            "INSERT INTO proposal_row VALUES (:filed, :proposal, :theirs, 0)",
            "its proposal is not found by the rows that it is about, and by no others",
        ),
    ],
    ids=("taken away", "put in", "another name", "of no job", "of a proposal"),
)
async def test_rows_by_which_jobs_wait_are_found_where_they_are_not_those_of_the_proposals(
    shop: Shop, forged: str, found: str
) -> None:
    await shop.waiver()
    await shop.waiver("INV-3002")
    assert (await shop.ledger.verify()).ok
    with as_ledger_owner(shop) as raw:
        (filed, proposal, first, _), (*_, theirs) = _waiting(raw)
        told = {"filed": filed, "proposal": proposal, "first": first, "theirs": theirs}
        raw.execute(forged, told)
    report = await shop.ledger.verify()
    assert report.first_bad is not None
    assert report.first_bad[1] == found


@pytest.mark.requirement("ledger:order-verified")
async def test_a_job_of_another_source_keeps_none_waiting_although_a_row_says_so(shop: Shop) -> None:
    stuck, other = await shop.waiver(), await shop.waiver("INV-3002")
    with as_ledger_owner(shop) as raw:
        (_, _, first, _), (*_, theirs) = _waiting(raw)
        raw.execute("UPDATE job SET source = 'nowhere' WHERE seq = ?", (first,))
        raw.execute("INSERT INTO job_row VALUES (?, ?, 1)", (theirs, first))
    assert await shop.work() == [("applied", "")]
    assert (await shop.status(stuck), await shop.status(other)) == ("approved", "applied")
    assert not (await shop.ledger.verify()).ok


def _waiting(raw: sqlite3.Connection) -> list[tuple[int, str, int, str]]:
    """Return of each open job, oldest first, where its proposal was filed, that, its own number and its one row."""
    query = "SELECT p.seq, p.id, j.seq, r.target FROM job j JOIN proposal p ON p.id = j.proposal JOIN job_row r ON r.seq = j.seq ORDER BY j.seq"
    return raw.execute(query).fetchall()
