"""Whoever writes the ledger's file, without its key, adds an event that follows the others as it should and waits until an honest process
signs the head, or alters a proposal's own row: nothing of it counts, and everything that looks finds it.
"""

import datetime as dt
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest

from synapsor.approve.card.card import card_of
from synapsor.core.records import to_body
from synapsor.core.scope import Session
from synapsor.errors import ConfigError, DecisionRefused, IntegrityError, LedgerFailure
from synapsor.flow.backtest import backtest
from synapsor.ledger.anchor import Anchor
from synapsor.ledger.chain import GENESIS, seal_of
from synapsor.ledger.open import open_ledger
from synapsor.ledger.store import Ledger
from synapsor.values import canonical, digest_bytes
from tests.attack.amending import edited
from tests.attack.shop import WAIVER, Shop, as_ledger_owner, as_server, open_shop, reopened, told_by_owner
from tests.attack.test_taken_away import BEFORE, DIFFER, ONE_A_DAY, approval_told_again, rejection_away, thrown, worked
from tests.attack.test_withdrawn_contract import withdraw
from tests.attack.test_worker_permission import AUTOMATIC, ON, WHY, shop_on
from tests.attack.undoing import ADJUST
from tests.databases import Database
from tests.projects import leo_approves, leo_rejects

Raw = Any
RECORDS = (
    "checkpoint",
    "policy_use",
    "receipt",
    "settlement",
    "proposal_row",
    "review_branch",
    "query_audit",
    "evidence",
)


@pytest.fixture
def database(sqlite_db: Database) -> Database:
    """The ledger is the same on every engine."""
    return sqlite_db


async def signed_by_another_process(shop: Shop) -> None:
    """Do what every command does as it ends: sign the head, whoever wrote it."""
    other = open_ledger(shop.ledger_path, clock=shop.project.clock)
    await other.aclose()


def start_told_again(raw: Raw) -> None:
    """Let the older start of policies be the newest switch."""
    handle, body = raw.execute("SELECT id, body FROM policy_switch WHERE state = 'running'").fetchone()
    named = [handle, digest_bytes("policy_switch", body.encode())]
    seq = told_by_owner(raw, "policies_running", handle, {}, policy_switch=named)
    raw.execute("UPDATE policy_switch SET seq = ? WHERE id = ?", (seq, handle))


def start_copied(raw: Raw) -> None:
    """Let a copy of the older start, under a handle of its own, be the newest switch; nothing older is touched."""
    at, who, state, body = raw.execute(
        "SELECT at, operator, state, body FROM policy_switch WHERE state = 'running'"
    ).fetchone()
    handle = "swi_" + "f" * 20
    named = [handle, digest_bytes("policy_switch", body.encode())]
    seq = told_by_owner(raw, "policies_running", handle, {}, policy_switch=named)
    raw.execute(
        "INSERT INTO policy_switch (seq, id, at, operator, state, body) VALUES (?, ?, ?, ?, ?, ?)",
        (seq, handle, at, who, state, body),
    )


@pytest.mark.requirement("ledger:sealed")
@pytest.mark.parametrize("way", [start_told_again, start_copied])
async def test_an_older_start_that_is_told_of_once_more_starts_no_policies_whoever_signs_the_head(
    tmp_path: Path, database: Database, way: Callable[[Raw], None]
) -> None:
    async with shop_on(tmp_path, database, ON) as shop:
        await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        await thrown(shop, "stopped", "running", "stopped")
        assert await worked(shop) == []
        with as_ledger_owner(shop) as raw:
            way(raw)
        await signed_by_another_process(shop)
        with pytest.raises(IntegrityError, match="was not written by"):
            await shop.ledger.policies.switch()
        with pytest.raises(IntegrityError, match="was not written by it"):
            await worked(shop)
        assert shop.invoice() == BEFORE
        report = await shop.project.verify()
        assert report.first_bad is not None
        assert way is start_told_again or report.first_bad[1] == "event was not written with the ledger's key"


@pytest.mark.requirement("ledger:sealed")
async def test_a_withdrawn_contract_that_is_told_of_once_more_is_not_activated_whoever_signs_the_head(
    tmp_path: Path, database: Database
) -> None:
    async with shop_on(tmp_path, database, ON) as shop:
        await withdraw(shop)
        with as_ledger_owner(shop) as raw:
            handle, body, name = raw.execute(
                "SELECT id, body, contract FROM activation ORDER BY seq LIMIT 1"
            ).fetchone()
            named = [handle, digest_bytes("activation", body.encode())]
            seq = told_by_owner(raw, "contract_activated", name, {}, activation=named)
            raw.execute("UPDATE activation SET seq = ? WHERE id = ?", (seq, handle))
        await signed_by_another_process(shop)
        with pytest.raises(IntegrityError, match="was not written by"):
            await shop.ledger.active_contract("billing")


@pytest.mark.requirement("ledger:sealed")
async def test_an_approval_that_was_used_is_not_used_again_whoever_signs_the_head(
    tmp_path: Path, database: Database
) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        handle = await approval_told_again(shop, names_it=True)
        await signed_by_another_process(shop)
        with pytest.raises(IntegrityError, match="was not written by it"):
            await shop.work()
        assert shop.invoice() == BEFORE
        assert (await shop.record(handle)).differs


@pytest.mark.requirement("ledger:sealed")
async def test_a_process_that_follows_the_chain_says_who_did_not_write_an_event(
    tmp_path: Path, database: Database
) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        await shop.ledger.follow()
        with as_ledger_owner(shop) as raw:
            seq = told_by_owner(raw, "contract_drifted", "billing", {})
        await signed_by_another_process(shop)
        with pytest.raises(IntegrityError, match=f"Event {seq} of the ledger was not written by it"):
            await shop.ledger.follow()


def altered(raw: Raw, **other: Any) -> str:
    """Alter the row of the proposal and nothing else, and return its digest."""
    (text,) = raw.execute("SELECT body FROM proposal").fetchone()
    body = {**json.loads(text), **other}
    new = canonical(body)
    raw.execute(
        "UPDATE proposal SET body = ?, principal = ?, tenant = ?", (new.decode(), body["principal"], body["tenant"])
    )
    return digest_bytes("proposal", new)


@pytest.mark.requirement("ledger:as-filed")
@pytest.mark.parametrize("seen", [True, False], ids=["a worker that saw it", "one that did not"])
async def test_no_policy_approves_a_proposal_that_was_altered_since_it_was_filed(
    tmp_path: Path, database: Database, *, seen: bool
) -> None:
    async with shop_on(tmp_path, database, ON) as shop:
        asked = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        if seen:
            await shop.ledger.follow()
        with as_ledger_owner(shop) as raw:
            altered(raw, principal="somebody_else")
        assert (await shop.work(), shop.invoice()) == ([], BEFORE)
        assert (await shop.record(asked["id"])).differs


@pytest.mark.requirement("ledger:as-filed")
@pytest.mark.parametrize("change", ["expires_at = '2099-01-01T00:00:00.000000Z'", "seq = seq - 1"])
async def test_a_column_that_says_something_else_than_the_proposal_is_found(
    tmp_path: Path, database: Database, change: str
) -> None:
    async with shop_on(tmp_path, database, ON) as shop:
        asked = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        with as_ledger_owner(shop) as raw:
            raw.execute(f"UPDATE proposal SET {change}")
        assert (await shop.record(asked["id"])).differs
        assert (await shop.work(), shop.invoice()) == ([], BEFORE)


@pytest.mark.requirement("ledger:believed")
async def test_a_status_that_is_not_where_its_events_lead_is_found(tmp_path: Path, database: Database) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        asked = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "x"})
        await leo_rejects(shop.files, shop.project, asked)
        with as_ledger_owner(shop) as raw:
            raw.execute("UPDATE proposal SET status = 'review_required'")
        assert (await shop.record(asked["id"])).differs


@pytest.mark.requirement("ledger:believed")
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE decision SET body = replace(body, 'No.', 'Yes')",
        "UPDATE event SET kind = 'question_asked' WHERE kind = 'proposal_rejected'",
        "UPDATE event SET at = replace(at, '20', '19') WHERE kind = 'proposal_rejected'",
    ],
    ids=["other words of a decision", "another kind of an event", "another moment of an event"],
)
async def test_what_was_rejected_and_is_told_otherwise_is_found_though_it_is_rejected_still(
    tmp_path: Path, database: Database, change: str
) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        asked = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "x"})
        await leo_rejects(shop.files, shop.project, asked, reason="No.")
        assert not (await shop.record(asked["id"])).differs
        with as_ledger_owner(shop) as raw:
            assert raw.execute(change).rowcount == 1
        record = await shop.record(asked["id"])
        assert (record.status.value, record.differs) == ("rejected", True)


@pytest.mark.requirement("ledger:believed")
async def test_steps_that_do_not_follow_each_other_lead_nowhere_though_a_server_tells_of_them(
    tmp_path: Path, database: Database
) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        asked = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "x"})
        await leo_rejects(shop.files, shop.project, asked)
        step = """replace(body, '"origin":"review_required"', '"origin":"approved"')"""
        with as_server(shop) as raw:
            raw.execute(f"UPDATE event SET body = {step} WHERE kind = 'proposal_rejected'")
            raw.execute("UPDATE proposal SET status = 'review_required'")
        assert (await shop.record(asked["id"])).differs


@pytest.mark.requirement("ledger:believed")
async def test_the_moment_of_a_decision_is_not_that_of_a_head_that_was_signed_in_another_history(
    tmp_path: Path, database: Database
) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        asked = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "x"})
        await leo_approves(shop.files, shop.project, asked["id"], asked["digest"])
        seq, _ = await shop.ledger.head()
        other = to_body(shop.ledger._signer.sign(seq, GENESIS, previous=1))
        with as_ledger_owner(shop) as raw:
            raw.execute(
                f"UPDATE checkpoint SET {', '.join(f'{name} = :{name}' for name in other)} WHERE seq = :seq", other
            )
        assert (await shop.record(asked["id"])).differs


@pytest.mark.requirement("ledger:sealed")
async def test_a_seal_is_made_with_the_key_of_its_ledger(tmp_path: Path) -> None:
    ours, other = [open_ledger(tmp_path / name / "ledger.db", create=True) for name in ("ours", "other")]
    digest = (await ours.head())[1]
    assert len({seal_of(digest, each._signer.seals) for each in (ours, other)}) == 2  # one of each
    for each in (ours, other):
        await each.aclose()


@pytest.mark.requirement("ledger:as-filed")
async def test_nobody_approves_their_own_request_under_another_name_in_its_row(
    tmp_path: Path, database: Database
) -> None:
    own = Session(values={"tenant_id": "acme", "user": "leo"}, client="test", run="")
    async with open_shop(tmp_path / "project", database) as shop:
        asked = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "x"}, own)
        with as_ledger_owner(shop) as raw:
            new = altered(raw, principal="support_agent_17")
        record = await shop.record(asked["id"])
        card = await card_of(shop.ledger, record, operators=shop.files.operators, now=shop.project.clock.now())
        assert DIFFER in card.warnings
        with pytest.raises(DecisionRefused) as refused:
            await leo_approves(shop.files, shop.project, asked["id"], new)
        assert refused.value.rule == "records_differ"
        assert (await shop.work(), shop.invoice()) == ([], BEFORE)


@pytest.mark.requirement("ledger:sealed")
async def test_a_request_that_no_server_filed_is_none(tmp_path: Path, database: Database) -> None:
    async with shop_on(tmp_path, database, ON) as shop:
        await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        handle = "wrp_" + "f" * 20
        with as_ledger_owner(shop) as raw:
            names = [column[1] for column in raw.execute("PRAGMA table_info(proposal)")]
            row = dict(zip(names, raw.execute("SELECT * FROM proposal").fetchone(), strict=True))
            body = {**json.loads(row["body"]), "id": handle, "tenant": "globex", "request": "sha256:" + "0" * 64}
            text = canonical(body)
            named = [handle, digest_bytes("proposal", text)]
            step = {"origin": None, "target": "review_required"}
            seq = told_by_owner(raw, "proposal_filed", handle, step, proposal=named)
            row |= {"seq": seq, "id": handle, "tenant": "globex", "request": body["request"], "body": text.decode()}
            raw.execute(
                f"INSERT INTO proposal ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
            )
        await signed_by_another_process(shop)
        with pytest.raises(IntegrityError, match="was not written by it"):
            await shop.work()
        assert (await shop.record(handle)).differs


def cut(path: Path, after: str) -> None:
    """Take everything away that was written after the newest record of a kind."""
    with as_ledger_owner(cast(Shop, SimpleNamespace(ledger_path=path))) as raw:
        (seq,) = raw.execute(after).fetchone()
        for table in (*RECORDS, "proposal", "event"):
            raw.execute(f"DELETE FROM {table} WHERE seq > ?", (seq,))


async def _nothing(_: Ledger) -> None:
    """A process that is killed signs nothing as it ends."""


@pytest.mark.requirement("ledger:signed-as-written")
async def test_the_last_use_of_a_policys_day_is_not_cut_off_unnoticed_after_a_kill(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop_on(tmp_path, database, ON, policy=ONE_A_DAY) as shop:
        await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        assert await shop.work() == [("applied", "")]
        files, path = shop.files, shop.ledger_path
        monkeypatch.setattr(Ledger, "checkpoint", _nothing)
    monkeypatch.undo()
    cut(path, "SELECT max(seq) FROM decision")
    with pytest.raises(ConfigError, match="does not hold a checkpoint that was kept beside it"):
        async with reopened(files):
            pass


@pytest.mark.requirement("ledger:signed-as-written")
async def test_a_reviewers_edit_is_not_cut_off_unnoticed_after_a_kill(
    books: Shop,
) -> None:
    asked = await books.proposed("credits.adjust", ADJUST)
    await edited(books, asked["id"], {"less": "1.00"})
    at_rest = await books.ledger.head()
    signed = max(c.seq for _, c in Anchor(books.ledger_path.with_suffix(".checkpoints")).lines() if c)
    assert signed == at_rest[0]


@pytest.mark.requirement("ledger:as-filed")
async def test_a_policy_is_not_tested_on_what_was_altered_since(tmp_path: Path, database: Database) -> None:
    async with shop_on(tmp_path, database, "", policy=AUTOMATIC) as shop:
        asked = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        await leo_rejects(shop.files, shop.project, asked)
        now = shop.project.clock.now()
        since, until = now - dt.timedelta(days=1), now + dt.timedelta(hours=1)
        before = await backtest(shop.ledger, shop.project.contracts(), since=since, until=until)
        with as_ledger_owner(shop) as raw:
            rejection_away(raw)
        after = await backtest(shop.ledger, shop.project.contracts(), since=since, until=until)
        assert (before.red.count, after.red.count) == (1, 0)
        assert (before.unknown, after.unknown) == (0, 1)


@pytest.mark.requirement("ledger:checkpoints-kept")
async def test_a_checkpoint_of_which_the_disk_takes_a_part_is_written_whole_or_told(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        kept = shop.ledger_path.with_suffix(".checkpoints")
        before, room, write = kept.read_bytes(), iter([7]), os.write

        def short(handle: int, data: bytes) -> int:
            most = next(room, None)
            if most is None:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(handle, data[:most])

        monkeypatch.setattr("synapsor.ledger.anchor.os.write", short)
        await shop.waiver()
        monkeypatch.undo()
        assert any("could not be copied" in record.getMessage() for record in caplog.records)
        assert kept.read_bytes()[: len(before) + 7].startswith(before)


def a_pipe(kept: Path) -> None:
    """Put a pipe there, into which nobody writes."""
    kept.unlink()
    os.mkfifo(kept)


def nowhere(kept: Path) -> None:
    """Lead to a device that takes everything and keeps nothing."""
    kept.unlink()
    kept.symlink_to(os.devnull)


@pytest.mark.requirement("ledger:checkpoints-kept")
@pytest.mark.parametrize("put", [a_pipe, nowhere])
async def test_what_is_no_file_in_the_place_of_the_checkpoints_keeps_nobody_waiting_and_is_told(
    tmp_path: Path, database: Database, caplog: pytest.LogCaptureFixture, put: Callable[[Path], None]
) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        kept = shop.ledger_path.with_suffix(".checkpoints")
        put(kept)
        try:
            with anyio.fail_after(30):
                await shop.ledger.follow()
                await shop.waiver()
                found = (await shop.project.verify()).first_bad
        finally:
            os.close(os.open(kept, os.O_RDWR | os.O_NONBLOCK))  # lets go whoever waits for a writer
        assert any("could not be copied" in record.getMessage() for record in caplog.records)
        assert found == ("ledger.checkpoints", "is missing or cannot be read")


@pytest.mark.requirement("ledger:followed")
async def test_a_ledger_under_another_name_than_it_was_made_with_is_none_of_its_own(
    tmp_path: Path, database: Database
) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        with as_ledger_owner(shop) as raw:
            raw.execute("UPDATE ledger SET id = ?", ("led_" + "0" * 20,))
        other = open_ledger(shop.ledger_path, clock=shop.project.clock)
        with pytest.raises(IntegrityError, match="another name than it was made with"):
            await other.follow()
        await other.aclose()


@pytest.mark.requirement("ledger:unreadable")
async def test_an_event_before_the_first_one_is_none_and_keeps_nobody_from_seeing_the_rest(
    tmp_path: Path, database: Database
) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        first, other = [await shop.proposed(WAIVER, {"invoice_id": f"INV-300{n}", "reason": "Paid."}) for n in (1, 2)]
        with as_ledger_owner(shop) as raw:
            raw.execute("PRAGMA ignore_check_constraints = ON")
            raw.execute(
                "INSERT INTO event SELECT -1, at, kind, subject, body, prev, hash, seal FROM event WHERE subject = ?",
                (first["id"],),
            )
        found = await shop.ledger.inbox(status=None, limit=5)
        assert {record.proposal.id: record.differs for record in found} == {first["id"]: True, other["id"]: False}


@pytest.mark.requirement("ledger:unreadable")
@pytest.mark.parametrize(
    "at", ["999, 'sha256:none'", f"{2**53}, hash", f"{2**63 - 1}, hash"], ids=("no hash", "a large number", "the last")
)
async def test_after_an_event_that_none_can_follow_nothing_is_recorded_and_that_is_said(
    tmp_path: Path, database: Database, at: str
) -> None:
    async with open_shop(tmp_path / "project", database) as shop:
        asked = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid."})
        with as_ledger_owner(shop) as raw:
            raw.execute(
                "INSERT INTO event (seq, hash, at, kind, subject, body, prev, seal) "
                f"SELECT {at}, at, 'read', subject, body, prev, 'none' FROM event WHERE seq = 1"
            )
        with pytest.raises(LedgerFailure) as failed:
            await leo_rejects(shop.files, shop.project, asked)
        assert failed.value.rule == "ledger_damaged"
        answer = await shop.call(WAIVER, {"invoice_id": "INV-3002", "reason": "Paid."})
        assert answer["error"]["code"] == "evidence_unavailable"
