"""Whoever writes the ledger's file takes away what stands in somebody's way, with no key at all: a rejection, a stop, what a policy used up."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synapsor.approve.card.card import card_of
from synapsor.contract.approvals import POLICY_STEWARD
from synapsor.core.statements import SwitchState, Verdict
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.flow.decider import Unknown
from synapsor.flow.objection import Intent, objection
from synapsor.flow.signing import Signer
from synapsor.flow.throw import switch, throw
from synapsor.ledger.believed import Trust
from synapsor.ports import ProposalRecord
from synapsor.values import digest_bytes
from tests.attack.amending import extended, refused
from tests.attack.desk import hall
from tests.attack.shop import WAIVER, Shop, as_ledger_owner, filed_again, open_shop, reopened, told_by_owner
from tests.attack.test_forged_ledger import forge_job
from tests.attack.test_worker_permission import AUTOMATIC, ON, WHY, shop_on
from tests.attack.undoing import ADJUST
from tests.databases import Database
from tests.projects import leo_approves, leo_rejects, opened

Raw = Any
BEFORE = (5500, None, 1)
ONE_A_DAY = AUTOMATIC.replace("count: 2, total: {late_fee_cents: 9000}", "count: 1")
DIFFER = "the ledger's own records contradict each other about it; do not decide, run `synapsor verify`"


@pytest.fixture
def database(sqlite_db: Database) -> Database:
    """The ledger is the same on every engine."""
    return sqlite_db


async def thrown(shop: Shop, *states: SwitchState) -> None:
    """Let rita, who is a steward here, stop and start automatic approval."""
    steward = Signer(operator=_steward(shop), key=shop.files.keys["rita"])
    now, trusted = shop.project.clock.now(), {"rita": steward.operator}
    for state in states:
        await throw(shop.ledger, switch(state), signer=steward, operators=trusted, now=now, reason="Look first.")


def _steward(shop: Shop) -> Any:
    return replace(shop.files.operators["rita"], roles=("contract_reviewer", POLICY_STEWARD))


async def worked(shop: Shop) -> list[tuple[str, str]]:
    """Let the worker work, to whom rita is a steward."""
    real = shop.project.deciders
    return await shop.work(operators=lambda: {**real(), "rita": _steward(shop)})


async def rejected(shop: Shop) -> dict[str, Any]:
    """Return a proposal that leo has rejected."""
    asked = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
    await leo_rejects(shop.files, shop.project, asked)
    return asked


def start_in_its_place(raw: Raw) -> None:
    """Put the older start in the place of the stop."""
    raw.execute("DELETE FROM policy_switch WHERE seq = (SELECT max(seq) FROM policy_switch)")
    (seq,) = raw.execute("SELECT max(seq) FROM event WHERE kind = 'policies_stopped'").fetchone()
    raw.execute("UPDATE policy_switch SET seq = ? WHERE state = 'running'", (seq,))


def rejection_away(raw: Raw) -> None:
    """Take the rejection away, and leave its event."""
    raw.execute("DELETE FROM decision")
    raw.execute("UPDATE proposal SET status = 'review_required'")


def event_hidden(raw: Raw) -> None:
    """Take it away, and let its event be found no more by whoever asks for the proposal."""
    rejection_away(raw)
    raw.execute("UPDATE event SET subject = 'x' WHERE kind = 'proposal_rejected'")


def event_broken(raw: Raw) -> None:
    """Take it away, and let its event be none that counts."""
    rejection_away(raw)
    raw.execute("UPDATE event SET body = '{}' WHERE kind = 'proposal_rejected'")


def another_verdict(raw: Raw) -> None:
    """Leave a decision there, and let it be another one than its event tells of."""
    raw.execute("UPDATE proposal SET status = 'review_required'")
    raw.execute("""UPDATE decision SET verdict = 'approve', body = replace(body, '"reject"', '"approve"')""")


def event_rewritten(raw: Raw) -> None:
    """Take it away, and let its event tell of no step and of no decision."""
    rejection_away(raw)
    silent = """replace(replace(body, '"target"', '"tarzet"'), '"decision"', '"decisiom"')"""
    raw.execute(f"UPDATE event SET body = {silent} WHERE kind = 'proposal_rejected'")


FOUND: dict[str, Callable[[Raw], None]] = {
    "away": rejection_away,
    "broken": event_broken,
    "rewritten": event_rewritten,
    "other": another_verdict,
}
WAYS = {**FOUND, "hidden": event_hidden}


@pytest.mark.requirement("ledger:believed")
@pytest.mark.parametrize("anew", [False, True], ids=("running worker", "another worker"))
async def test_an_older_start_in_the_place_of_a_stop_starts_no_policies(
    tmp_path: Path, sqlite_db: Database, *, anew: bool
) -> None:
    async with shop_on(tmp_path, sqlite_db, ON) as shop:
        await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        await thrown(shop, "stopped", "running", "stopped")
        if not anew:
            assert await worked(shop) == []
        with as_ledger_owner(shop) as raw:
            start_in_its_place(raw)
        if not anew:
            assert await worked(shop) == []
        files = shop.files
    async with reopened(files) as again:
        assert await worked(again) == []
        assert again.invoice() == BEFORE
        with pytest.raises(IntegrityError, match="not the one that its event tells of"):
            await again.ledger.policies.switch()
        # Whoever is trusted with it ends that, either way.
        await thrown(again, "running")
        assert await worked(again) == [("applied", "")]


@pytest.mark.requirement("ledger:believed")
async def test_the_page_about_the_ledger_says_that_the_record_of_a_stop_was_altered(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with shop_on(tmp_path, sqlite_db, ON) as shop, hall(shop) as desk, desk.client() as client:
        await desk.login(client)
        await thrown(shop, "running", "stopped")
        page = (await client.get("/ledger")).text
        assert "<strong>stopped</strong>" in page
        assert "Stopped by <bdi>rita</bdi>" in page
        with as_ledger_owner(shop) as raw:
            start_in_its_place(raw)
        page = (await client.get("/ledger")).text
        assert "<strong>stopped</strong>" in page
        assert "The ledger's records of it contradict each other" in page


@pytest.mark.requirement("ledger:believed")
@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)
async def test_what_a_person_rejected_no_policy_approves_when_the_rejection_is_taken_away(
    tmp_path: Path, sqlite_db: Database, how: Callable[[Raw], None]
) -> None:
    async with shop_on(tmp_path, sqlite_db, ON) as shop:
        asked = await rejected(shop)
        assert await shop.work() == []
        with as_ledger_owner(shop) as raw:
            how(raw)
        assert await shop.work() == []
        assert (shop.invoice(), await shop.status(asked["id"])) == (BEFORE, "review_required")
        record = await shop.record(asked["id"])
        told = [event["facts"]["why"] for event in record.events if event["kind"] == "policy_deferred"]
        assert (record.differs, told) == (True, ["records_differ"])


@pytest.mark.requirement("ledger:believed")
@pytest.mark.parametrize("how", FOUND)
async def test_what_somebody_rejected_nobody_else_approves_when_the_rejection_is_taken_away(
    tmp_path: Path, sqlite_db: Database, how: str
) -> None:
    """Where the chain holds, the events contradict the rows; where an event was touched, it does not hold."""
    async with open_shop(tmp_path / "project", sqlite_db) as shop:
        asked = await rejected(shop)
        with as_ledger_owner(shop) as raw:
            FOUND[how](raw)
        files = shop.files
    async with opened(files) as project:
        ledger = await project.ledger()
        record = await ledger.proposal(asked["id"])
        assert record is not None
        card = await card_of(ledger, record, operators=files.operators, now=project.clock.now())
        assert (card.tampered, card.warnings[0]) == (True, DIFFER)
        rule = "records_differ" if how in {"away", "other"} else "ledger_altered"
        verdicts: tuple[Verdict, ...] = ("approve", "reject")
        for verdict in verdicts:
            intent = Intent(verdict=verdict, who=Unknown(), operators=files.operators, now=project.clock.now())
            against = await objection(ledger, record, intent)
            assert against is not None
            assert (against.rule, against.exit_code) == (rule, 5)
        with pytest.raises(DecisionRefused) as found:
            await leo_approves(files, project, asked["id"], asked["digest"])
        assert found.value.rule == rule


@pytest.mark.requirement("ledger:believed")
async def test_an_approval_in_the_place_of_a_hidden_rejection_is_set_aside_by_the_worker_that_saw_it(
    tmp_path: Path, sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let a program decide that does not read the chain, and cannot see that an event is hidden; the worker has, and touches nothing."""

    async def unread(_: object, trust: Trust | None = None) -> Trust | None:
        return trust

    async with open_shop(tmp_path / "project", sqlite_db) as shop:
        asked = await rejected(shop)
        assert await shop.work() == []
        with as_ledger_owner(shop) as raw:
            event_hidden(raw)
        with monkeypatch.context() as old:
            old.setattr("synapsor.ledger.store.Ledger.follow", unread)
            old.setattr("synapsor.ledger.decisions.as_of_now", unread)
            async with opened(shop.files) as project:
                await leo_approves(shop.files, project, asked["id"], asked["digest"])
        assert await shop.work() == [("reconciliation_required", "records_differ")]
        assert (shop.invoice(), shop.receipts()) == (BEFORE, 0)
        assert await shop.work() == []


async def approval_told_again(shop: Shop, *, names_it: bool) -> str:
    """Let whoever owns the file tell once more of an approval that was used up, with the decision or without it; return its proposal."""
    handle = await shop.waiver()
    approved = await shop.record(handle)
    decision = approved.decisions[0].decision.id
    assert await shop.work(operators=dict) == [("failed", "approval_invalid")]
    with as_ledger_owner(shop) as raw:
        for kind in ("settlement", "receipt", "job"):
            raw.execute(f"DELETE FROM {kind}")
        filed_again(raw, handle)
        step = {"origin": "review_required", "target": "approved"}
        (body,) = raw.execute("SELECT body FROM decision").fetchone()
        told = {"decision": [decision, digest_bytes("decision", body.encode())]} if names_it else {}
        seq = told_by_owner(raw, "proposal_approved", handle, step, **told)
        raw.execute("UPDATE decision SET seq = ?", (seq,))
        raw.execute("UPDATE proposal SET status = 'approved'")
        forge_job(raw, approved.proposal, decision)
    return handle


@pytest.mark.requirement("ledger:believed")
@pytest.mark.parametrize("names_it", [False, True], ids=("a step alone", "a step with the decision"))
async def test_what_is_filed_once_more_by_whoever_owns_the_file_has_none_of_its_approvals(
    tmp_path: Path, sqlite_db: Database, *, names_it: bool
) -> None:
    """Its approval counted for nothing when the job was done, and that was its end; it is as it was signed, and not told of again."""
    async with open_shop(tmp_path / "project", sqlite_db) as shop:
        await approval_told_again(shop, names_it=names_it)
        with pytest.raises(IntegrityError, match="was not written by it"):
            await shop.work()
        assert (shop.invoice(), shop.receipts()) == (BEFORE, 0)


@pytest.mark.requirement("ledger:believed")
async def test_what_an_edit_took_the_place_of_is_nobodys_to_decide_on_again(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with open_shop(tmp_path / "project", sqlite_db) as shop:
        old = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        shop.change("UPDATE {invoices} SET row_version = 2 WHERE id = 'INV-3001'")
        new = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        assert await shop.status(old["id"]) == "superseded"
        with as_ledger_owner(shop) as raw:
            raw.execute("UPDATE proposal SET request = 'x', status = 'review_required' WHERE id = ?", (old["id"],))
        with pytest.raises(DecisionRefused) as found:
            await leo_approves(shop.files, shop.project, old["id"], old["digest"])
        assert found.value.rule == "records_differ"
        await leo_approves(shop.files, shop.project, new["id"], new["digest"])
        assert await shop.work() == [("applied", "")]


@pytest.mark.requirement("ledger:believed")
@pytest.mark.parametrize("verb", ["decide", "amend"])
async def test_a_rejection_that_is_taken_away_while_somebody_acts_is_missed_as_the_act_is_recorded(
    books: Shop, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    asked, record = await books.proposed("credits.adjust", ADJUST), getattr(books.ledger, verb)

    async def late(*act: Any, **options: Any) -> ProposalRecord:
        monkeypatch.undo()
        await leo_rejects(books.files, books.project, asked)
        with as_ledger_owner(books) as raw:
            rejection_away(raw)
        found: ProposalRecord = await record(*act, **options)
        return found

    monkeypatch.setattr(books.ledger, verb, late)
    act = (
        extended(books, asked["id"])
        if verb == "amend"
        else leo_approves(books.files, books.project, asked["id"], asked["digest"])
    )
    with pytest.raises(DecisionRefused) as found:
        await act
    assert found.value.rule == "records_differ"
    assert await books.status(asked["id"]) == "review_required"


@pytest.mark.requirement("ledger:believed")
async def test_nobody_gives_more_time_to_what_was_rejected(books: Shop) -> None:
    asked = await books.proposed("credits.adjust", ADJUST)
    await leo_rejects(books.files, books.project, asked)
    with as_ledger_owner(books) as raw:
        rejection_away(raw)
    assert await refused(books, asked["id"], None) == "records_differ"


@pytest.mark.requirement("ledger:believed")
@pytest.mark.parametrize("what", ["DELETE FROM policy_use", "UPDATE policy_use SET day = '2020-01-01'"])
async def test_uses_that_are_taken_away_give_a_policy_no_second_day(
    tmp_path: Path, sqlite_db: Database, what: str
) -> None:
    async with shop_on(tmp_path, sqlite_db, ON, policy=ONE_A_DAY) as shop:
        await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        assert await shop.work() == [("applied", "")]
        with as_ledger_owner(shop) as raw:
            raw.execute(what)
        second = await shop.proposed(WAIVER, {"invoice_id": "INV-3002", **WHY})
        assert await shop.work() == []
        record = await shop.record(second["id"])
        told = [event["facts"]["why"] for event in record.events if event["kind"] == "policy_deferred"]
        assert (record.status.value, told) == ("review_required", ["records_differ"])


@pytest.mark.requirement("ledger:believed")
async def test_what_a_policy_left_to_people_stays_theirs_when_the_event_that_says_so_is_hidden(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with shop_on(tmp_path, sqlite_db, ON) as shop:
        large = await shop.proposed(WAIVER, {"invoice_id": "INV-3009", **WHY})
        assert await shop.work() == []
        await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})  # so that it is not the last event
        assert await shop.work() == [("applied", "")]
        with as_ledger_owner(shop) as raw:
            raw.execute("UPDATE event SET subject = 'x' WHERE kind = 'policy_deferred'")
            raw.execute("DELETE FROM policy_use")
        shop.change("UPDATE {invoices} SET late_fee_cents = 5500 WHERE id = 'INV-3009'")
        assert await shop.work() == []
        assert (await shop.record(large["id"])).differs
        again = [event for event in (await shop.record(large["id"])).events if event["kind"] == "policy_deferred"]
        assert [event["facts"]["why"] for event in again] == ["records_differ"]


@pytest.mark.requirement("ledger:believed")
async def test_an_honest_ledger_that_lost_its_last_events_in_a_crash_goes_on(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with shop_on(tmp_path, sqlite_db, ON) as shop:
        await thrown(shop, "stopped")
        asked = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        assert await worked(shop) == []
        await thrown(shop, "running")
        await shop.proposed(WAIVER, {"invoice_id": "INV-3009", **WHY})  # no checkpoint is over it
        with as_ledger_owner(shop) as raw:
            (seq,) = raw.execute("SELECT max(seq) FROM proposal").fetchone()
            for table in ("proposal_row", "review_branch", "proposal", "evidence", "query_audit", "event"):
                raw.execute(f"DELETE FROM {table} WHERE seq = ?", (seq,))
        files = shop.files
    async with reopened(files) as again:
        assert not (await again.record(asked["id"])).differs
        assert await worked(again) == [("applied", "")]
