"""What nobody knows the end of: its rows are looked at, a person says what became of it and signs, and nobody else moves it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.approve.card.card import card_of
from synapsor.approve.card.view import Card
from synapsor.core.records import to_body
from synapsor.core.statements import SignedResolution, sign
from synapsor.errors import DecisionRefused, IntegrityError, UsageError
from synapsor.flow.replay import replay
from synapsor.flow.signing import Signer
from synapsor.values import canonical, digest
from tests.attack import test_groups as groups
from tests.attack.doubts import found, in_doubt, leave_receipt, resolved
from tests.attack.shop import Shop, as_ledger_owner, as_server, open_shop, told_by_owner
from tests.attack.tasks import tasks_table
from tests.attack.test_forged_ledger import MALLORY
from tests.attack.undoing import ADJUST, everything
from tests.attack.undoing import refused as undo_refused
from tests.databases import Database

FIRST = "tenant_id = 'acme' AND book = 'a' AND number = 1"
APPLY = f"UPDATE {{credits}} SET state = 'held', amount = '7.00', points = 6, note = 'Agreed by phone.' WHERE {FIRST}"


# ---- what is found -------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("reconcile:classified")
async def test_rows_are_found_as_before_as_proposed_changed_or_gone(books: Shop) -> None:
    handle = await in_doubt(books, "credits.adjust", ADJUST)
    assert (await found(books, handle)).whole == "matches_before"
    books.change(APPLY)
    assert (await found(books, handle)).whole == "matches_proposed"
    books.change(f"UPDATE {{credits}} SET points = 7 WHERE {FIRST}")
    seen = await found(books, handle)
    assert seen.whole == "drifted"
    assert [(d.column, d.before, d.proposed, d.now) for d in seen.rows[0].differs if d.column == "points"] == [
        ("points", "5", "6", "7")
    ]
    books.change(f"DELETE FROM {{credits}} WHERE {FIRST}")
    assert (await found(books, handle)).whole == "absent"


@pytest.mark.requirement("reconcile:classified")
async def test_rows_that_are_added_or_removed_are_found_so_on_every_engine(books: Shop) -> None:
    added = await in_doubt(books, "credits.add", {"book": "new", "number": 7, "amount": "1.50"})
    removed = await in_doubt(books, "credits.drop", {"book": "a", "number": 2})
    assert [(await found(books, one)).whole for one in (added, removed)] == ["matches_before"] * 2
    books.change(
        "INSERT INTO {credits} (tenant_id, book, number, amount, state) VALUES ('acme', 'new', 7, '1.50', 'open')"
    )
    books.change("DELETE FROM {credits} WHERE tenant_id = 'acme' AND book = 'a' AND number = 2")
    assert [(await found(books, one)).whole for one in (added, removed)] == ["matches_proposed"] * 2
    books.change("UPDATE {credits} SET amount = '2.50' WHERE tenant_id = 'acme' AND book = 'new'")
    assert (await found(books, added)).whole == "drifted"


@pytest.mark.requirement("reconcile:classified", "hidden:shown-as-reviewed")
@pytest.mark.one_engine
async def test_a_hidden_value_that_moved_is_told_by_its_name_and_another_tenants_row_not_at_all(books: Shop) -> None:
    handle = await in_doubt(books, "notes.rename", {"note": "n1", "title": "Other"})
    books.change("UPDATE {notes} SET phone = '+49 30 CANARY' WHERE id = 'n1'")
    seen = await found(books, handle)
    assert seen.whole == "drifted"
    assert [(d.column, d.now) for d in seen.rows[0].differs if d.hidden] == [("phone", None)]
    assert "CANARY" not in str(seen)
    assert "CANARY" not in str(await books.ledger.evidence(str(seen.evidence)))
    books.change("UPDATE {notes} SET tenant_id = 'globex' WHERE id = 'n1'")
    assert (await found(books, handle)).whole == "absent"


@pytest.mark.requirement("reconcile:classified")
@pytest.mark.one_engine
async def test_of_a_set_of_which_some_rows_are_changed_it_is_told_that_they_are_mixed(books: Shop) -> None:
    handle = await in_doubt(books, "credits.close_all", {"book": "a"})
    books.change(f"UPDATE {{credits}} SET state = 'closed', points = 0 WHERE {FIRST}")
    assert (await found(books, handle)).whole == "mixed"
    await resolved(books, handle, "not_applied")
    assert await books.status(handle) == "failed"


# ---- what a person says --------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("reconcile:signed", "replay:recomputed")
@pytest.mark.one_engine
async def test_a_person_says_that_it_was_applied_and_all_of_the_record_tells_so(books: Shop) -> None:
    handle = await in_doubt(books, "credits.adjust", ADJUST)
    told = (await books.call("synapsor.proposal_status", {"proposal_id": handle}))["proposal"]
    assert (told["status"], told["allowed_next"], told["next_poll_s"]) == (
        "reconciliation_required",
        ["wait", "tell_user"],
        60,
    )
    books.change(APPLY)
    (said,) = await resolved(books, handle, "applied")
    assert (said.found, said.contrary, said.operator, said.role) == ("matches_proposed", False, "leo", "billing_lead")
    assert said.seen == (await found(books, handle)).seen
    record = await books.record(handle)
    assert (record.status, record.differs, record.unreadable) == ("applied", False, ())
    told = (await books.call("synapsor.proposal_status", {"proposal_id": handle}))["proposal"]
    assert (told["status"], told["outcome"], told["next_poll_s"]) == ("applied", "resolved_applied", None)
    report = await replay(books.ledger, said.id, books.files.operators)
    assert (report.ok, report.steps[-1].name) == (True, "resolved")
    assert (await books.project.verify()).ok
    shown = await card(books, handle)
    assert [(one.verdict, one.doubt) for one in shown.decided] == [("approved", None), ("resolved as applied", None)]
    assert await refusal(books, handle, "applied") == "not_in_doubt"


@pytest.mark.requirement("reconcile:signed", "reconcile:contrary")
@pytest.mark.one_engine
async def test_what_is_said_against_what_was_seen_is_said_aloud_and_stays_on_record(books: Shop) -> None:
    handle = await in_doubt(books, "credits.adjust", ADJUST)
    assert await refusal(books, handle, "applied") == "contrary"
    books.change(APPLY)
    assert await refusal(books, handle, "not_applied") == "contrary"
    assert await books.status(handle) == "reconciliation_required"
    (said,) = await resolved(books, handle, "not_applied", contrary=True)
    assert (said.contrary, said.found, await books.status(handle)) == (True, "matches_proposed", "failed")
    shown = await card(books, handle)
    assert shown.decided[-1].verdict == "resolved as not applied, against what was seen"


@pytest.mark.requirement("reconcile:contrary")
@pytest.mark.one_engine
async def test_what_nobody_could_look_at_is_resolved_only_by_who_says_so_aloud(books: Shop) -> None:
    handle = await in_doubt(books, "credits.adjust", ADJUST)
    books.change("ALTER TABLE {credits} RENAME TO credits_gone")
    try:
        assert (await found(books, handle)).whole == "untold"
        assert await refusal(books, handle, "applied") == "contrary"
        (said,) = await resolved(books, handle, "applied", contrary=True)
        assert (said.found, said.seen, said.contrary) == ("untold", "", True)
    finally:
        books.change("ALTER TABLE credits_gone RENAME TO {credits}")


@pytest.mark.requirement("reconcile:signed")
@pytest.mark.one_engine
async def test_rows_that_move_while_somebody_signs_are_looked_at_anew(books: Shop) -> None:
    handle = await in_doubt(books, "credits.adjust", ADJUST)

    def typed() -> Signer:
        books.change(f"UPDATE {{credits}} SET points = 7 WHERE {FIRST}")
        return Signer(operator=books.files.operators["leo"], key=books.files.keys["leo"])

    assert await refusal(books, handle, "not_applied", unlock=typed) == "seen_moved"
    assert await books.status(handle) == "reconciliation_required"


@pytest.mark.requirement("reconcile:who")
@pytest.mark.one_engine
async def test_only_a_trusted_person_with_the_role_who_did_not_ask_for_it_says_what_became_of_it(books: Shop) -> None:
    handle = await in_doubt(books, "credits.adjust", ADJUST)
    leo = books.files.operators["leo"]
    assert await refusal(books, handle, "not_applied", who="rita") == "role_missing"
    own = {**books.files.operators, "leo": replace(leo, principals=("support_agent_17",))}
    assert await refusal(books, handle, "not_applied", operators=lambda: own) == "own_request"
    gone = {**books.files.operators, "leo": replace(leo, revoked=True)}
    assert await refusal(books, handle, "not_applied", operators=lambda: gone) == "operator_revoked"
    asked = iter([books.files.operators, gone])
    assert await refusal(books, handle, "not_applied", operators=lambda: next(asked)) == "operator_revoked"
    thief = Signer(operator=leo, key=books.files.keys["mia"])
    assert await refusal(books, handle, "not_applied", unlock=lambda: thief) == "wrong_key"
    with pytest.raises(UsageError):
        await resolved(books, handle, "not_applied", reason=" ")
    waits = await books.approved("credits.hold", {"book": "b", "number": 1})
    assert await refusal(books, waits, "not_applied") == "not_in_doubt"
    assert await books.status(handle) == "reconciliation_required"


async def card(shop: Shop, handle: str) -> Card:
    """Return the card of a proposal as it stands."""
    record = await shop.record(handle)
    return await card_of(shop.ledger, record, operators=shop.files.operators, now=shop.project.clock.now())


async def refusal(shop: Shop, handle: str, verdict: Any, **options: Any) -> str:
    """Return by which rule somebody is refused to say so; that is on record."""
    with pytest.raises(DecisionRefused) as refused:
        await resolved(shop, handle, verdict, **options)
    record = await shop.record(handle)
    assert record.events[-1]["kind"] == "decision_refused"
    return str(refused.value.rule)


@pytest.mark.requirement("reconcile:signed", "undo:refused")
@pytest.mark.one_engine
async def test_what_a_person_says_was_applied_is_not_undone_by_that(books: Shop) -> None:
    handle = await in_doubt(books, "credits.adjust", ADJUST)
    books.change(APPLY)
    await resolved(books, handle, "applied")
    assert await undo_refused(books, handle, operator="mia") == ("resolved_by_person", 1)


# ---- a group -------------------------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def grouped(tmp_path: Path, sqlite_db: Database) -> AsyncIterator[Shop]:
    """A project whose changes stand or fall together."""
    with tasks_table(sqlite_db):
        async with open_shop(tmp_path / "project", sqlite_db, policy=groups.GROUPED) as found_:
            yield found_


@pytest.mark.requirement("reconcile:whole")
async def test_a_group_is_resolved_whole_and_by_whoever_may_for_all_of_it(grouped: Shop) -> None:
    ids = await groups.approved(grouped)
    leave_receipt(grouped, ids[0])
    assert await grouped.work() == [("reconciliation_required", "receipt_of_another_digest")]
    said = await resolved(grouped, ids[1], "not_applied")
    assert sorted(one.proposal for one in said) == sorted(ids)
    assert {(one.verdict, one.found, one.at) for one in said} == {("not_applied", "matches_before", said[0].at)}
    assert await groups.standing(grouped, *ids) == ["failed"] * 3
    assert (await grouped.project.verify()).ok


@pytest.mark.requirement("reconcile:whole")
async def test_the_ledger_takes_no_resolutions_of_a_part_of_a_group_nor_of_two_minds(grouped: Shop) -> None:
    ids = await groups.approved(grouped)
    leave_receipt(grouped, ids[0])
    await grouped.work()
    taken: list[SignedResolution] = []

    async def keep(signed: Any) -> None:
        taken.extend(signed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grouped.ledger.doubts, "resolve", keep)
        await resolved(grouped, ids[0], "not_applied")
    first, *others = taken
    other_mind = replace(first, resolution=replace(first.resolution, verdict="applied"))
    other_digest = replace(first, resolution=replace(first.resolution, digest="sha256:" + "0" * 64))
    for wrong in ([first], [first, first, *others], [other_mind, *others], [other_digest, *others]):
        with pytest.raises(IntegrityError):
            await grouped.ledger.doubts.resolve(wrong)
    assert await groups.standing(grouped, *ids) == ["reconciliation_required"] * 3
    await grouped.ledger.doubts.resolve(taken)
    assert await groups.standing(grouped, *ids) == ["failed"] * 3


# ---- what is forged ------------------------------------------------------------------------------------------------------------


async def forged(shop: Shop, handle: str, key: Any = MALLORY) -> SignedResolution:
    """Return a resolution in leo's name that leo never signed."""
    taken: list[SignedResolution] = []

    async def keep(signed: Any) -> None:
        taken.extend(signed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shop.ledger.doubts, "resolve", keep)
        await resolved(shop, handle, "applied", contrary=True)
    return replace(taken[0], signature=sign(taken[0].resolution, key))


def put(raw: Any, seq: int, signed: SignedResolution) -> None:
    """Put a resolution into the ledger's file, and the proposal where it says."""
    said, body = signed.resolution, canonical(to_body(signed)).decode()
    raw.execute(
        "INSERT INTO resolution (seq, id, at, proposal, operator, verdict, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (seq, said.id, said.at, said.proposal, said.operator, said.verdict, body),
    )
    raw.execute("UPDATE proposal SET status = 'applied' WHERE id = ?", (said.proposal,))


STEP = {"origin": "reconciliation_required", "target": "applied"}


@pytest.mark.requirement("reconcile:forged")
@pytest.mark.one_engine
@pytest.mark.parametrize("told", [False, True])
async def test_a_resolution_that_the_owner_of_the_file_forges_is_found_and_moves_nothing(
    books: Shop, told: bool
) -> None:
    handle = await in_doubt(books, "credits.adjust", ADJUST)
    signed = await forged(books, handle)
    with as_ledger_owner(books) as raw:
        (head,) = raw.execute("SELECT max(seq) FROM event").fetchone()
        named = [signed.resolution.id, digest("resolution", to_body(signed))]
        seq = told_by_owner(raw, "proposal_applied", handle, STEP, resolution=named) if told else head
        put(raw, seq, signed)
    assert not (await books.project.verify()).ok
    record = await books.record(handle)
    assert (record.differs, record.led, record.resolution is None) == (True, "reconciliation_required", not told)
    view = (await books.call("synapsor.proposal_status", {"proposal_id": handle}))["proposal"]
    assert (view["status"], view["outcome"]) == ("reconciliation_required", "receipt_of_another_digest")
    with pytest.raises(DecisionRefused) as refused:
        await resolved(books, handle, "applied", contrary=True)
    assert refused.value.rule in {"ledger_altered", "records_differ"}
    assert {row[-1] for row in everything(books)} == {1}


@pytest.mark.requirement("reconcile:forged", "replay:recomputed")
@pytest.mark.one_engine
async def test_a_resolution_that_a_server_forges_with_the_ledgers_key_is_told_to_be_nobodys(books: Shop) -> None:
    handle = await in_doubt(books, "credits.adjust", ADJUST)
    signed = await forged(books, handle)
    with as_server(books) as raw:
        named = [signed.resolution.id, "sha256:" + "0" * 64]
        seq = told_by_owner(raw, "proposal_applied", handle, STEP, resolution=named)
        put(raw, seq, signed)
    report = await replay(books.ledger, handle, books.files.operators)
    assert [check.what for check in report.differences] == [f"signature of leo on {signed.resolution.id}"]
    shown = await card(books, handle)
    assert shown.decided[-1].doubt is not None
    assert "not by the key of leo" in shown.decided[-1].doubt.text
    assert await undo_refused(books, handle, operator="mia") == ("resolved_by_person", 1)
