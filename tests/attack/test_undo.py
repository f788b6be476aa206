"""An applied change is taken back by a proposal of its own: exactly, once, after other people approved it, or not at all; on every engine."""

import asyncio
import datetime as dt
import html
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synapsor.approve.card.terms import terms_behind
from synapsor.approve.identity.operators import revoke_operator
from synapsor.approve.terminal.card import render
from synapsor.approve.terminal.inbox import render as render_inbox
from synapsor.core.proposal import Proposal
from synapsor.core.scope import Session
from synapsor.core.statements import Operator
from synapsor.errors import DecisionRefused, UnsafeSource, UsageError
from synapsor.flow.apply import STEPS
from synapsor.flow.replay import replay
from synapsor.flow.signing import Signer
from synapsor.testing.clock import TestClock
from tests.attack.credits import POLICY
from tests.attack.desk import hall
from tests.attack.jobs import POLICY as JOBS
from tests.attack.jobs import jobs_tables
from tests.attack.shop import Shop, as_ledger_owner, as_server, meanwhile
from tests.attack.undoing import ADJUST, applied, approved, ask, credit, everything, open_credits, refused
from tests.cards import card
from tests.databases import Database
from tests.deciding import approve, reject
from tests.projects import ACME, GLOBEX, leo_approves

FIRST = ("open", "10.10", 5, None, True, 1)
"""The first credit as it is at the beginning."""


# ---- what is restored ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("undo:exact", "undo:people-decide")
async def test_a_change_is_undone_column_by_column_under_a_new_version(books: Shop) -> None:
    others = everything(books)[1:]
    original = await applied(books, "credits.adjust", ADJUST)
    assert credit(books) == ("held", "7.00", 6, "Agreed by phone.", True, 2)
    filed = await ask(books, original)
    assert credit(books) == ("held", "7.00", 6, "Agreed by phone.", True, 2)
    (member,) = filed.members
    assert member.changes == {"amount": "10.10", "note": None, "points": "5", "state": "open"}
    assert (filed.principal, filed.owner, filed.policy, filed.operation) == ("mia", "support_agent_17", None, "update")
    assert (await books.record(filed.id)).status == "review_required"
    assert await books.work() == []
    await leo_approves(books.files, books.project, filed.id, filed.digest)
    assert await books.work() == [("applied", "")]
    assert credit(books) == (*FIRST[:-1], 3)
    assert everything(books)[1:] == others
    assert books.receipts() == 2
    assert (await books.project.verify()).ok


@pytest.mark.requirement("undo:exact", "set:all-or-nothing")
async def test_a_set_is_undone_whole_the_last_row_first(books: Shop) -> None:
    before = everything(books)
    original = await applied(books, "credits.close_all", {"book": "a"})
    filed = await approved(books, original)
    assert [dict(member.key)["number"] for member in filed.members] == ["2", "1"]
    assert await books.work() == [("applied", "")]
    assert [row[:-1] for row in everything(books)] == [row[:-1] for row in before]
    assert [row[-1] for row in everything(books)] == [3, 3, 1, 1, 1]


@pytest.mark.requirement("undo:exact")
async def test_a_row_that_was_marked_as_gone_is_there_again(books: Shop) -> None:
    original = await applied(books, "credits.hide", {"book": "a", "number": 2})
    assert credit(books, number=2) == ("open", "0.05", 20, "Two", False, 2)
    assert (await books.call("credits.hold", {"book": "a", "number": 2}))["error"]["code"] == "not_found"
    await approved(books, original)
    assert await books.work() == [("applied", "")]
    assert credit(books, number=2) == ("open", "0.05", 20, "Two", True, 3)
    assert (await books.call("credits.hold", {"book": "a", "number": 2}))["ok"]


@pytest.mark.requirement("undo:exact", "delete:no-more")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("credits.add", {"book": "new", "number": 7, "amount": "1.50"}),
        ("credits.add_all", {"list": [{"number": n, "amount": f"{n}.25"} for n in (1, 2, 3)]}),
    ],
)
async def test_rows_that_were_added_are_removed_and_no_others(
    books: Shop, name: str, arguments: dict[str, Any]
) -> None:
    before = everything(books)
    original = await applied(books, name, arguments)
    added = everything(books)
    assert len(added) == len(before) + len((await books.record(original)).proposal.members)
    filed = await approved(books, original)
    assert filed.operation == "delete"
    assert everything(books) == added
    assert await books.work() == [("applied", "")]
    assert everything(books) == before


@pytest.mark.requirement("undo:exact")
async def test_a_version_that_changes_count_goes_on_and_rows_stay_their_owners(books: Shop) -> None:
    original = await applied(books, "notes.rename", {"note": "n1", "title": "Other"})
    note = "SELECT owner, title, phone, version FROM {notes} WHERE id = 'n1'"
    assert tuple(books.rows(note)[0]) == ("support_agent_17", "Other", "+49 30 1234567", 8)
    filed = await approved(books, original)
    assert "1234567" not in str(filed)
    assert await books.work() == [("applied", "")]
    assert tuple(books.rows(note)[0]) == ("support_agent_17", "One", "+49 30 1234567", 9)
    again = await approved(books, filed.id)
    assert again.undoes is not None
    assert (again.undoes.depth, again.owner, again.principal) == (2, "support_agent_17", "mia")
    assert await books.work() == [("applied", "")]
    assert tuple(books.rows(note)[0]) == ("support_agent_17", "Other", "+49 30 1234567", 10)


@pytest.mark.requirement("undo:exact")
async def test_what_a_change_depended_on_need_not_be_so_any_more_when_it_is_undone(
    tmp_path: Path, database: Database
) -> None:
    start = JOBS.index("  jobs.rush:")
    policy = JOBS[:start] + "    undo: reviewed\n"
    with jobs_tables(database):
        async with open_credits(tmp_path / "project", database, policy) as shop:
            original = await applied(shop, "jobs.start", {"job": "j1"})
            shop.change("UPDATE {clients} SET tier = 'plain' WHERE id = 'c1'")
            await approved(shop, original)
            assert await shop.work() == [("applied", "")]
            assert tuple(shop.rows("SELECT state, row_version FROM {jobs} WHERE id = 'j1'")[0]) == ("new", 3)


# ---- what is refused -----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("undo:refused")
async def test_only_what_was_applied_can_be_undone(books: Shop) -> None:
    waiting = (await books.proposed("credits.adjust", ADJUST))["id"]
    assert await refused(books, waiting) == ("not_applied", 1)
    await leo_approves(books.files, books.project, waiting, (await books.record(waiting)).proposal.digest)
    assert await refused(books, waiting) == ("not_applied", 1)
    books.change("UPDATE {credits} SET points = 4 WHERE tenant_id = 'acme' AND book = 'a' AND number = 1")
    assert await books.work() == [("conflict", "version_moved")]
    assert await refused(books, waiting) == ("not_applied", 1)


@pytest.mark.requirement("undo:refused")
@pytest.mark.one_engine
async def test_what_the_contract_does_not_let_be_undone_and_what_was_removed_is_refused(books: Shop) -> None:
    held = await applied(books, "credits.hold", {"book": "a", "number": 1})
    assert await refused(books, held) == ("not_reversible", 1)
    removed = await applied(books, "credits.drop", {"book": "a", "number": 2})
    assert await refused(books, removed) == ("hard_delete_restore_unsafe", 1)
    added = await applied(books, "credits.add", {"book": "new", "number": 7, "amount": "1.50"})
    gone = await approved(books, added)
    assert await books.work() == [("applied", "")]
    assert await refused(books, gone.id) == ("hard_delete_restore_unsafe", 1)


@pytest.mark.requirement("undo:refused")
@pytest.mark.one_engine
async def test_nobody_undoes_what_may_or_may_not_have_been_applied(books: Shop) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    with as_server(books) as raw:
        raw.execute("UPDATE proposal SET status = 'reconciliation_required' WHERE id = ?", (original,))
        told = """replace(body, '"target":"applied"', '"target":"reconciliation_required"')"""
        raw.execute(f"UPDATE event SET body = {told} WHERE subject = ?", (original,))
    assert await refused(books, original) == ("reconciliation_required", 3)
    with as_server(books) as raw:
        raw.execute("UPDATE proposal SET status = 'applied' WHERE id = ?", (original,))
        told = """replace(body, '"target":"reconciliation_required"', '"target":"applied"')"""
        raw.execute(f"UPDATE event SET body = {told} WHERE subject = ?", (original,))
    filed = await ask(books, original)
    with as_ledger_owner(books) as raw:
        raw.execute("UPDATE proposal SET status = 'reconciliation_required' WHERE id = ?", (filed.id,))
    assert await refused(books, original) == ("reconciliation_required", 3)


_MOVED = {
    "a changed column": "UPDATE {credits} SET points = 7 WHERE tenant_id = 'acme' AND book = 'a' AND number = 1",
    "the version alone": "UPDATE {credits} SET note = note WHERE tenant_id = 'acme' AND book = 'a' AND number = 1",
    "there and back": (
        "UPDATE {credits} SET points = 7 WHERE tenant_id = 'acme' AND book = 'a' AND number = 1;"
        "UPDATE {credits} SET points = 6 WHERE tenant_id = 'acme' AND book = 'a' AND number = 1"
    ),
    "another column": "UPDATE {credits} SET hidden_at = '2026-11-23 12:00:00' WHERE tenant_id = 'acme' AND book = 'a' AND number = 1",
    "the row": "DELETE FROM {credits} WHERE tenant_id = 'acme' AND book = 'a' AND number = 1",
    "the tenant": "UPDATE {credits} SET tenant_id = 'other' WHERE tenant_id = 'acme' AND book = 'a' AND number = 1",
}


def _move(shop: Shop, how: str) -> None:
    for statement in _MOVED[how].split(";"):
        shop.change(statement)


@pytest.mark.requirement("undo:keeps-others")
@pytest.mark.parametrize(
    ("how", "columns"),
    [("a changed column", "points"), ("another column", "hidden_at"), ("the row", ""), ("the tenant", "")],
)
async def test_a_row_that_others_took_another_way_is_not_undone(books: Shop, how: str, columns: str) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    _move(books, how)
    before = everything(books)
    with pytest.raises(DecisionRefused) as found:
        await ask(books, original)
    assert (found.value.rule, found.value.exit_code) == ("moved_on", 3)
    told = f"Others have set {columns} since." if columns else "A row is not there any more."
    assert told in found.value.message
    assert await refused(books, original) == ("moved_on", 3)
    assert everything(books) == before


@pytest.mark.requirement("undo:keeps-others")
@pytest.mark.parametrize("how", ["the version alone", "there and back"])
async def test_a_row_that_was_only_written_again_is_undone_and_the_card_says_so(books: Shop, how: str) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    _move(books, how)
    version = everything(books)[0][-1]
    filed = await approved(books, original)
    told = await shown(books, filed.id)
    assert "moved on the row was written since the change that is undone" in told
    assert "no column holds anything else than the change left, but for its version" in told
    assert await books.work() == [("applied", "")]
    assert credit(books) == (*FIRST[:-1], version + 1)


@pytest.mark.requirement("undo:keeps-others", "undo:shown")
async def test_what_others_have_set_since_stays_and_what_they_have_set_back_is_not_set_again(books: Shop) -> None:
    """Closing was undone by hand in one row, which lost its note besides; the points of the other are still the change's."""
    original = await applied(books, "credits.close_all", {"book": "a"})
    books.change("UPDATE {credits} SET note = 'Late' WHERE tenant_id = 'acme' AND book = 'a' AND number = 1")
    books.change(
        "UPDATE {credits} SET note = NULL, state = 'open', points = 20 WHERE tenant_id = 'acme' AND book = 'a' AND number = 2"
    )
    filed = await approved(books, original)
    second, first = filed.members
    assert (first.changes, second.changes) == ({"state": "open", "points": "5"}, {"state": "open", "points": "20"})
    assert (first.before["note"], second.before["note"]) == ("Late", None)
    told = await shown(books, filed.id)
    assert told.count("what others have set stays") == 2
    assert told.count("others have set note") == 2
    assert told.count("set back already: points, state") == 1
    assert await books.work() == [("applied", "")]
    assert credit(books) == ("open", "10.10", 5, "Late", True, 4)
    assert credit(books, number=2) == ("open", "0.05", 20, None, True, 4)
    again = await approved(books, filed.id)
    assert again.undoes is not None
    assert again.undoes.depth == 2
    assert "moved on" not in await shown(books, again.id)
    assert await books.work() == [("applied", "")]
    assert credit(books) == ("closed", "10.10", 0, "Late", True, 5)
    assert credit(books, number=2) == ("open", "0.05", 20, None, True, 5)


@pytest.mark.requirement("undo:keeps-others", "apply:outcome-true")
async def test_a_row_of_a_set_that_was_set_back_need_not_have_its_version_moved_by_the_undo(books: Shop) -> None:
    if books.database.engine != "postgres":
        pytest.skip("no trigger of it may skip a row that stays as it is")
    make = (
        "DROP TRIGGER credits_version ON billing.credits;"
        "CREATE TRIGGER credits_version BEFORE UPDATE ON billing.credits FOR EACH ROW {}EXECUTE FUNCTION billing.bump_credits()"
    )
    original = await applied(books, "credits.close_all", {"book": "a"})
    books.change("UPDATE {credits} SET state = 'open', points = 20 WHERE tenant_id = 'acme' AND number = 2")
    await approved(books, original)
    with meanwhile(books, make.format("WHEN (OLD.* IS DISTINCT FROM NEW.*) "), make.format("")):
        assert await books.work() == [("applied", "")]
    assert (credit(books), credit(books, number=2)) == ((*FIRST[:-1], 3), ("open", "0.05", 20, "Two", True, 3))


@pytest.mark.requirement("undo:keeps-others")
async def test_where_all_was_set_back_already_nothing_is_left_to_undo(books: Shop) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    books.change(
        "UPDATE {credits} SET state = 'open', amount = '10.10', points = 5, note = NULL"
        " WHERE tenant_id = 'acme' AND book = 'a' AND number = 1"
    )
    assert await refused(books, original) == ("nothing_to_undo", 3)


@pytest.mark.requirement("undo:stale", "apply:stale-conflicts")
@pytest.mark.parametrize("how", _MOVED)
async def test_a_row_that_moves_on_after_the_undo_was_asked_for_is_a_conflict(books: Shop, how: str) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    await approved(books, original)
    _move(books, how)
    before = everything(books)
    ((outcome, code),) = await books.work()
    assert (outcome, code) in {("conflict", "version_moved"), ("conflict", "row_gone")}
    assert everything(books) == before


@pytest.mark.requirement("undo:stale")
@pytest.mark.parametrize(
    ("column", "value"), [("points", "4"), ("state", "'held'"), ("note", "'Kept.'"), ("row_version", "1")]
)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_added_row_that_somebody_worked_with_is_not_removed(
    books: Shop, column: str, value: str, when: str
) -> None:
    original = await applied(books, "credits.add", {"book": "new", "number": 7, "amount": "1.50"})
    touch = f"UPDATE {{credits}} SET {column} = {value} WHERE book = 'new'"
    if when == "before":
        books.change(touch)
        assert await refused(books, original) == ("moved_on", 3)
    else:
        await approved(books, original)
        books.change(touch)
        assert await books.work() == [("conflict", "version_moved")]
    assert credit(books, "new", 7) is not None


@pytest.mark.requirement("undo:stale", "set:all-or-nothing")
async def test_one_row_of_a_set_that_moved_on_keeps_all_as_they_are(books: Shop) -> None:
    original = await applied(books, "credits.close_all", {"book": "a"})
    await approved(books, original)
    books.change("UPDATE {credits} SET note = 'Late' WHERE tenant_id = 'acme' AND book = 'a' AND number = 1")
    before = everything(books)
    assert await books.work() == [("conflict", "version_moved")]
    assert everything(books) == before
    await approved(books, original)
    assert await books.work() == [("applied", "")]
    assert credit(books) == ("open", "10.10", 5, "Late", True, 4)


@pytest.mark.requirement("undo:stale", "undo:keeps-others", "hidden:guarded")
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_hidden_value_that_moved_on_stays_and_is_guarded_and_not_told(books: Shop, when: str) -> None:
    original = await applied(books, "notes.rename", {"note": "n1", "title": "Other"})
    touch = "UPDATE {notes} SET phone = '+49 30 7654321' WHERE id = 'n1'"
    if when == "before":
        books.change(touch)
        filed = await approved(books, original)
        told = await shown(books, filed.id)
        assert "others have set phone" in told
        assert "7654321" not in told + str(filed)
        assert await books.work() == [("applied", "")]
    else:
        await approved(books, original)
        books.change(touch)
        assert await books.work() == [("conflict", "version_moved")]
    came = ("One", 9) if when == "before" else ("Other", 8)
    note = "SELECT title, version, phone FROM {notes} WHERE id = 'n1'"
    assert tuple(books.rows(note)[0]) == (*came, "+49 30 7654321")


@pytest.mark.requirement("undo:keeps-others", "undo:exact")
async def test_a_version_that_others_have_counted_on_is_counted_on_from_there(books: Shop) -> None:
    original = await applied(books, "notes.rename", {"note": "n1", "title": "Other"})
    books.change("UPDATE {notes} SET version = 40 WHERE id = 'n1'")
    filed = await approved(books, original)
    assert filed.members[0].changes == {"title": "One", "version": "41"}
    assert await books.work() == [("applied", "")]
    assert tuple(books.rows("SELECT title, version FROM {notes} WHERE id = 'n1'")[0]) == ("One", 41)


@pytest.mark.requirement("undo:once")
async def test_a_change_is_undone_once(books: Shop) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    first = await ask(books, original)
    assert await refused(books, original) == ("already_undone", 3)
    await leo_approves(books.files, books.project, first.id, first.digest)
    assert await refused(books, original) == ("already_undone", 3)
    assert await books.work() == [("applied", "")]
    assert await refused(books, original) == ("already_undone", 3)
    again = await approved(books, first.id)
    assert await books.work() == [("applied", "")]
    assert credit(books) == ("held", "7.00", 6, "Agreed by phone.", True, 4)
    assert again.undoes is not None
    assert (again.undoes.proposal, again.undoes.depth) == (first.id, 2)


@pytest.mark.requirement("undo:once")
@pytest.mark.parametrize("decided", [False, True])
@pytest.mark.one_engine
async def test_an_undo_that_nobody_came_to_in_time_is_not_in_the_way(
    books: Shop, monkeypatch: pytest.MonkeyPatch, decided: bool
) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    first = await (approved if decided else ask)(books, original)
    later = TestClock(dt.datetime.now(dt.UTC) + dt.timedelta(hours=73))
    monkeypatch.setattr(books.project, "clock", later)
    second = await ask(books, original)
    assert (second.id != first.id, second.at > first.expires_at) == (True, True)


@pytest.mark.requirement("undo:once")
@pytest.mark.one_engine
async def test_an_undo_that_came_to_nothing_may_be_asked_for_again(books: Shop) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    first = await ask(books, original)
    leo, key, now = books.files.operators["leo"], books.files.keys["leo"], books.project.clock.now()
    await reject(
        books.ledger, first.id, digest=first.digest, signer=Signer(operator=leo, key=key), now=now, reason="Not yet."
    )
    second = await approved(books, original)
    assert second.id != first.id
    assert await books.work() == [("applied", "")]
    assert credit(books) == (*FIRST[:-1], 3)


@pytest.mark.requirement("approval:trusted-now", "undo:people-decide")
async def test_whoever_is_revoked_while_they_type_a_passphrase_asks_for_no_undo(books: Shop) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    mia = replace(books.files.operators["mia"], revoked=True)
    assert await refused(books, original, trusted={"mia": mia}) == ("operator_revoked", 5)
    assert await refused(books, original, trusted={"leo": books.files.operators["leo"]}) == ("operator_revoked", 5)


# ---- who decides ---------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("undo:people-decide", "approval:another-person")
@pytest.mark.one_engine
async def test_who_asks_for_an_undo_does_not_decide_on_it(books: Shop) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    filed = await ask(books, original)
    mia, key, now = books.files.operators["mia"], books.files.keys["mia"], books.project.clock.now()
    with pytest.raises(DecisionRefused) as own:
        await approve(books.ledger, filed.id, digest=filed.digest, signer=Signer(operator=mia, key=key), now=now)
    assert own.value.rule == "own_request"


@pytest.mark.requirement("undo:people-decide")
@pytest.mark.one_engine
async def test_who_is_not_trusted_or_has_another_key_or_no_reason_asks_for_nothing(books: Shop) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    with pytest.raises(UsageError, match="reason"):
        await ask(books, original, reason="  ")
    mine = books.files.keys["mia"]
    books.files.keys["mia"] = books.files.keys["leo"]
    assert await refused(books, original) == ("wrong_key", 5)
    books.files.keys["mia"] = mine
    for roles, revoked, rule in (
        (("policy_signer",), False, "no_person"),
        (("billing_lead",), True, "operator_revoked"),
    ):
        known = books.files.operators["mia"]
        books.files.operators["mia"] = Operator(name="mia", key=known.key, roles=roles, revoked=revoked)
        assert await refused(books, original) == (rule, 5)


@pytest.mark.requirement("undo:people-decide")
@pytest.mark.one_engine
async def test_an_undo_whose_asker_is_revoked_before_it_is_applied_is_refused(books: Shop) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    filed = await approved(books, original)
    revoke_operator(books.files.config.operators, "mia")
    assert books.project.operators()["mia"].revoked
    assert await books.work() == [("failed", "undo_not_asked")]
    assert await books.status(filed.id) == "failed"
    assert credit(books) == ("held", "7.00", 6, "Agreed by phone.", True, 2)


@pytest.mark.requirement("undo:once")
@pytest.mark.one_engine
async def test_of_two_who_ask_at_once_one_files_the_undo(books: Shop) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    found = await asyncio.gather(ask(books, original), ask(books, original), return_exceptions=True)
    filed = [one for one in found if isinstance(one, Proposal)]
    (refusal,) = (one for one in found if not isinstance(one, Proposal))
    assert isinstance(refusal, DecisionRefused)
    assert (len(filed), refusal.rule) == (1, "already_undone")


# ---- what people and agents see ------------------------------------------------------------------------------------------------


async def shown(shop: Shop, handle: str) -> str:
    """Return the card of a proposal as text, in one line."""
    record = await shop.record(handle)
    evidence = await shop.ledger.evidence(record.proposal.evidence)
    operators = shop.project.operators()
    terms = await terms_behind(shop.ledger, record.proposal, operators)
    seen = card(record, evidence=evidence, terms=terms, now=shop.project.clock.now(), operators=operators, full=True)
    assert (seen.whole, seen.tampered, seen.warnings) == (True, False, ())
    return " ".join(render(seen, width=200).split())


@pytest.mark.requirement("undo:shown")
async def test_the_card_says_what_is_undone_and_before_that_whether_it_could_be(books: Shop) -> None:
    waiting = (await books.proposed("credits.adjust", ADJUST))["id"]
    assert "undo can be undone once it is applied, if other people approve that as well" in await shown(books, waiting)
    for name, why in (
        ("credits.hold", "its contract does not say `undo: reviewed`"),
        ("credits.drop", "a removed row is not restored"),
    ):
        other = await books.proposed(name, {"book": "b", "number": 1})
        assert f"undo cannot be undone once it is applied: {why}" in await shown(books, other["id"])
    await leo_approves(books.files, books.project, waiting, (await books.record(waiting)).proposal.digest)
    assert await books.work() == [("applied", "")]
    filed = await ask(books, waiting)
    told = await shown(books, filed.id)
    assert f"undoes {waiting}, which was applied" in told
    assert 'because "It was the wrong credit."' in told
    assert "asked by mia, through cli" in told
    assert "7.00 → 10.10" in told
    assert "What the agent sent" not in told
    now = dt.datetime.now(dt.UTC)
    assert f"undo of {waiting}: credits.adjust" in render_inbox(
        (await books.record(filed.id),), now=now, operators=books.files.operators
    )


@pytest.mark.requirement("undo:shown", "undo:keeps-others", "receipt:every-member")
@pytest.mark.one_engine
async def test_the_console_says_what_has_moved_on_and_lists_what_was_done(books: Shop) -> None:
    original = await applied(books, "credits.close_all", {"book": "a"})
    books.change(
        "UPDATE {credits} SET hidden_at = hidden_at, state = 'open' WHERE tenant_id = 'acme' AND book = 'a' AND number = 1"
    )
    books.change("UPDATE {credits} SET note = 'Late' WHERE tenant_id = 'acme' AND book = 'a' AND number = 2")
    filed = await ask(books, original)
    async with hall(books) as desk, desk.client() as client:
        await desk.login(client)
        page = html.unescape(re.sub("<[^>]*>", "", (await client.get(f"/proposals/{filed.id}")).text))
        assert page.count("The row was written since the change that is undone; what others have set stays.") == 2
        assert ("Others have set note." in page, "Set back already: state." in page) == (True, True)
        page = html.unescape(re.sub("<[^>]*>", "", (await client.get(f"/proposals/{original}")).text))
        for number in (1, 2):
            assert f"updated book = “a” and number = {number}, version 1 → 2" in page


@pytest.mark.requirement("undo:shown", "replay:recomputed")
@pytest.mark.one_engine
async def test_replay_tells_what_was_undone_and_finds_another_original(books: Shop) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    filed = await approved(books, original)
    assert await books.work() == [("applied", "")]
    operators = books.project.operators()
    told = await replay(books.ledger, filed.id, operators)
    assert told.ok
    (step,) = (step for step in told.document()["steps"] if step["step"] == "proposed")
    assert (step["undoes"]["proposal"], step["undoes"]["depth"]) == (original, 1)
    with as_ledger_owner(books) as raw:
        raw.execute(
            "UPDATE proposal SET body = replace(body, 'Agreed by phone.', 'Agreed by mail.') WHERE id = ?", (original,)
        )
    assert not (await replay(books.ledger, filed.id, operators)).ok


@pytest.mark.requirement("undo:shown", "surface:methods")
@pytest.mark.one_engine
async def test_an_agent_sees_its_own_proposal_as_before_and_no_way_to_undo(books: Shop) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    before = await books.call("synapsor.proposal_status", {"proposal_id": original})
    filed = await approved(books, original)
    assert await books.work() == [("applied", "")]
    after = await books.call("synapsor.proposal_status", {"proposal_id": original})
    assert before["proposal"] == after["proposal"]
    hidden = await books.call("synapsor.proposal_status", {"proposal_id": filed.id})
    assert hidden["error"]["code"] == "not_found"
    assert (await books.call("synapsor.proposal_status", {"proposal_id": filed.id}, GLOBEX))["error"][
        "code"
    ] == "not_found"
    own = Session(values={"tenant_id": "acme", "user": "mia"}, client="test")  # even of whoever asked for it
    assert (await books.call("synapsor.proposal_status", {"proposal_id": filed.id}, own))["error"][
        "code"
    ] == "not_found"
    assert await books.desk.resource(f"synapsor://proposal/{filed.id}", own) is None
    assert [name for name in books.desk.tools if "undo" in name] == []


@pytest.mark.requirement("undo:shown", "prompts:own-records")
@pytest.mark.one_engine
async def test_no_prompt_or_completion_tells_of_an_undo_even_to_whoever_asked_for_it(books: Shop) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    filed = await ask(books, original)
    mia = Session(values={"tenant_id": "acme", "user": "mia"}, client="test")
    assert (filed.principal, (await books.record(filed.id)).status.value) == ("mia", "review_required")
    assert await books.desk.own.waiting(mia) == []
    assert await books.desk.own.handles("proposal", "", mia) == []
    assert await books.desk.own.proposal(filed.id, mia) is None
    assert await books.desk.own.handles("proposal", "", ACME) == [original]


# ---- exactly once --------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("undo:once", "apply:exactly-once")
@pytest.mark.parametrize("name", ["credits.adjust", "credits.add"])
async def test_a_worker_that_breaks_at_any_named_point_undoes_once(books: Shop, name: str) -> None:
    for number, point in enumerate((step for step in STEPS if "verdict" not in step), start=1):
        if name == "credits.adjust":
            books.change(
                "INSERT INTO {credits} (tenant_id, book, number, state, amount, points)"
                f" VALUES ('acme', 'k', {number}, 'open', '10.00', 5)"
            )
        before = everything(books)
        arguments = {
            "credits.adjust": {**ADJUST, "book": "k", "number": number},
            "credits.add": {"book": "k", "number": number, "amount": "2.00"},
        }[name]
        original = await applied(books, name, arguments)
        changed = everything(books)
        filed = await approved(books, original)
        broken = [point]

        async def reached(step: str, broken: list[str] = broken) -> None:
            if step in broken:
                broken.remove(step)
                raise RuntimeError("the power is gone")

        assert await books.attempt(reached=reached) == [("retry", "internal")]
        assert (everything(books) == changed) is (point != "apply.committed")
        outcome = "already_applied" if point == "apply.committed" else "applied"
        assert await books.work() == [(outcome, "")]
        assert await books.status(filed.id) == "applied"
        assert [row[:-1] for row in everything(books)] == [row[:-1] for row in before]
        assert books.receipts() == 2 * number


@pytest.mark.requirement("undo:refused")
async def test_what_an_apply_left_without_telling_is_not_removed_by_a_guess(books: Shop) -> None:
    broken = ["apply.committed"]

    async def reached(step: str) -> None:
        if step in broken:
            broken.remove(step)
            raise RuntimeError("the power is gone")

    added = await books.approved("credits.add", {"book": "new", "number": 7, "amount": "1.50"})
    assert await books.attempt(reached=reached) == [("retry", "internal")]
    assert await books.work() == [("already_applied", "")]
    assert await refused(books, added) == ("not_recorded", 3)
    # Which columns go back an update says all of itself.
    broken.append("apply.committed")
    original = await books.approved("credits.adjust", ADJUST)
    assert await books.attempt(reached=reached) == [("retry", "internal")]
    assert await books.work() == [("already_applied", "")]
    filed = await approved(books, original)
    assert "whether the row was written since the change is not on record" in await shown(books, filed.id)
    assert await books.work() == [("applied", "")]
    assert credit(books) == (*FIRST[:-1], 3)


# ---- what the database does beside ---------------------------------------------------------------------------------------------

_TRIGGER = {
    "postgres": (
        (
            "CREATE FUNCTION billing.gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$;"
            "CREATE TRIGGER gone AFTER DELETE ON billing.credits FOR EACH ROW EXECUTE FUNCTION billing.gone()"
        ),
        "DROP TRIGGER gone ON billing.credits; DROP FUNCTION billing.gone()",
    ),
    "mariadb": ("CREATE TRIGGER gone AFTER DELETE ON credits FOR EACH ROW SET @gone = 1", "DROP TRIGGER gone"),
    "sqlite": (
        "CREATE TRIGGER gone AFTER DELETE ON credits BEGIN DELETE FROM notes WHERE id = OLD.book; END",
        "DROP TRIGGER gone",
    ),
}


def _only_adding() -> str:
    """Return the contract with its insert alone."""
    first, last = POLICY.index("  credits.adjust:"), POLICY.index("  credits.add_all:")
    adding = POLICY[POLICY.index("  credits.add:") : last]
    return POLICY[:first] + adding


@pytest.mark.requirement("delete:no-more", "posture:worker-sufficient")
async def test_an_undo_that_would_remove_more_is_refused_at_the_start_and_in_the_apply(
    tmp_path: Path, database: Database
) -> None:
    async with open_credits(tmp_path / "project", database, _only_adding()) as shop:
        original = await applied(shop, "credits.add", {"book": "new", "number": 7, "amount": "1.50"})
        added = everything(shop)
        await approved(shop, original)
        with meanwhile(shop, *_TRIGGER[database.engine]):
            assert (await shop.work(proving=None))[-1] == (
                "failed",
                "delete_effects",
            )  # SQLite looks at a changed schema twice
            assert everything(shop) == added
            with pytest.raises(UnsafeSource, match="delete_has_effects"):
                await shop.worker()


@pytest.mark.requirement("posture:worker-sufficient")
async def test_a_worker_that_may_not_remove_what_an_undo_would_does_not_start(
    tmp_path: Path, database: Database
) -> None:
    if database.engine == "sqlite":
        pytest.skip("it has no grants")
    host = "@'127.0.0.1'" if database.engine == "mariadb" else ""
    async with open_credits(tmp_path / "project", database, _only_adding()) as shop:
        shop.change(f"REVOKE DELETE ON {{credits}} FROM synapsor_writer{host}")
        with pytest.raises(UnsafeSource, match="writer_cannot_delete"):
            await shop.worker()
