"""The ledger's disk is full, or another process holds the ledger, while people decide: they are told, nothing is half, and it goes on."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from mcp import Client

from synapsor.approve.companion.desk import ApprovalDesk
from synapsor.approve.companion.server import build_companion
from synapsor.approve.identity.voucher import named_voucher
from synapsor.core.moment import stamp
from synapsor.core.proposal import Status
from synapsor.errors import LedgerFailure
from synapsor.flow.batch import UNTRIED
from synapsor.ledger import sqlite as engine
from synapsor.ledger.store import Ledger
from synapsor.ports import SystemClock
from tests.attack.desk import Hall, approval, hall
from tests.attack.shop import NOTE, Shop, open_shop
from tests.commands import Run, key, propose
from tests.companion import Companion, said, write_companion
from tests.databases import Database, load_sqlite
from tests.projects import opened
from tests.unit.test_cli_policies import files, run  # noqa: F401  # fixtures

FULL = (
    "ledger_full",
    "The ledger failed: the disk is full.",
    "Nothing was recorded. Make room on the ledger&#39;s disk",
)
BUSY = ("ledger_busy", "The ledger failed: another process holds it.", "Nothing was recorded. Do it again")


async def fill(ledger: Ledger) -> None:
    """Let the ledger have no room for another record."""
    await ledger.healthy()
    writer: Any = ledger._connection._writer  # type: ignore[attr-defined]  # to fill its disk without one
    full = writer.execute("PRAGMA page_count").fetchone()["page_count"]
    writer.execute(f"PRAGMA max_page_count={full}")
    with pytest.raises(LedgerFailure, match="the disk is full"):
        await _refuse_for_ever(ledger)


async def _refuse_for_ever(ledger: Ledger) -> None:
    while True:
        await ledger.refused_decision("wrp_" + "0" * 20, "leo", "expired", stamp(SystemClock().now()))


async def make_room(ledger: Ledger) -> None:
    """Let it have room again."""
    writer: Any = ledger._connection._writer  # type: ignore[attr-defined]  # see above
    writer.execute("PRAGMA max_page_count=1073741823")
    await ledger.healthy()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Let another process hold the ledger for longer than anybody waits."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for the ledger here."""
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.1)


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Hall]:
    async with open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db")) as shop, hall(shop) as found:
        yield found


async def notes(shop: Shop) -> list[dict[str, Any]]:
    return [await shop.proposed(NOTE, {"invoice_id": f"INV-300{n}", "note": "Call back."}) for n in (1, 2, 3)]


async def _not_now(desk: Hall, client: Any, word: str, asked: list[dict[str, Any]], told: tuple[str, str, str]) -> None:
    """Whatever somebody tries is refused in plain words with its rule and what helps, and nothing of it is recorded."""
    one = f"/proposals/{asked[0]['id']}"
    for path, form in (
        (f"{one}/approve", approval(word, asked[0]["digest"])),
        (f"{one}/reject", approval(word, asked[0]["digest"], reason="No.")),
        (f"{one}/ask", {"csrf": word, "question": "Why?"}),
    ):
        answered = await client.post(path, data=form)
        assert (answered.status_code, [words in answered.text for words in told]) == (503, [True] * 3), path
    picks = [f"{each['id']} {each['digest']}" for each in asked]
    answered = await client.post("/batch/approve", data={"csrf": word, "pick": picks, "seen": "yes"})
    assert (answered.text.count(told[1]), answered.text.count(UNTRIED)) == (1, len(asked) - 1)
    assert "Traceback" not in answered.text
    assert (await client.get("/")).status_code == 200
    for each in asked:
        record = await desk.shop.record(each["id"])
        assert (record.status, record.decisions, record.exchanges) == (Status.REVIEW_REQUIRED, (), ())


@pytest.mark.requirement("decide:ledger-fails")
async def test_on_a_full_disk_the_console_decides_nothing_says_why_and_goes_on_when_there_is_room(desk: Hall) -> None:
    asked = await notes(desk.shop)
    async with desk.client() as client:
        word = await desk.login(client)
        await fill(desk.shop.ledger)
        await _not_now(desk, client, word, asked, FULL)
        await make_room(desk.shop.ledger)
        await _decides_all(desk, client, word, asked)


@pytest.mark.requirement("decide:ledger-fails")
async def test_while_another_process_holds_the_ledger_the_console_decides_nothing_says_why_and_goes_on(
    desk: Hall,
) -> None:
    asked = await notes(desk.shop)
    async with desk.client() as client:
        word = await desk.login(client)
        with held(desk.shop.files.config.ledger):
            await _not_now(desk, client, word, asked, BUSY)
        await _decides_all(desk, client, word, asked)


async def _decides_all(desk: Hall, client: Any, word: str, asked: list[dict[str, Any]]) -> None:
    first, *others = asked
    answered = await client.post(f"/proposals/{first['id']}/approve", data=approval(word, first["digest"]))
    assert answered.status_code == 303
    picks = [f"{each['id']} {each['digest']}" for each in others]
    await client.post("/batch/approve", data={"csrf": word, "pick": picks, "seen": "yes"})
    for each in asked:
        record = await desk.shop.record(each["id"])
        assert (record.status, len(record.decisions), record.job is not None) == (Status.APPROVED, 1, True)
    assert (await desk.shop.project.verify()).ok


@pytest.mark.requirement("decide:ledger-fails")
async def test_the_companion_says_that_nothing_was_decided_and_takes_the_same_code_when_there_is_room(
    tmp_path: Path, sqlite_db: Database
) -> None:
    companion = write_companion(tmp_path / "project", sqlite_db)
    async with opened(companion.files) as project:
        asked = await companion.filed()
        decision = {"proposal": asked["id"], "verdict": "approve", "code": companion.code(asked["digest"])}
        ledger = await project.ledger()
        async with Client(
            build_companion(_desk(companion, project, ledger), lambda: "leo", version="0", console=None)
        ) as client:
            await said(client, "review_proposal", proposal=asked["id"])
            await fill(ledger)
            told = await said(client, "decide_proposal", **decision)
            assert "nothing was decided (ledger_full): The ledger failed: the disk is full." in told
            await make_room(ledger)
            with held(companion.files.config.ledger):
                told = await said(client, "decide_proposal", **decision)
            assert "nothing was decided (ledger_busy): The ledger failed: another process holds it." in told
            assert "was approved by leo" in await said(client, "decide_proposal", **decision)
    assert await companion.status(asked["id"]) == ("approved", 1, [])


def _desk(companion: Companion, project: Any, ledger: Ledger) -> ApprovalDesk:
    return ApprovalDesk(
        ledger=ledger,
        operators=project.deciders,
        modes={"shop": "writeback"},
        voucher=named_voucher("approvals", companion.files.root / "keys" / "approvals.pem", project.deciders()),
        clock=project.clock,
    )


@pytest.mark.requirement("decide:ledger-fails")
def test_a_command_whose_ledger_another_process_holds_decides_nothing_and_ends_with_its_code(
    run: Run,  # noqa: F811  # a fixture
    files: Any,  # noqa: F811  # a fixture
) -> None:
    proposal = propose(run)
    line = ("--json", "approve", proposal["id"], *key(files, "leo"), "--digest", proposal["digest"])
    with held(files.config.ledger):
        done = run(*line)
    error = done.json["error"]
    assert (done.code, error["rule"], error["exit_code"]) == (4, "ledger_busy", 4)
    assert error["fix"].startswith("Nothing was recorded. Do it again")
    assert run(*line).json["approvals"] == {"have": 1, "need": 2}


@pytest.mark.requirement("console:over-told")
async def test_the_login_of_a_console_that_has_ended_is_worth_nothing_to_anybody(tmp_path: Path) -> None:
    async with open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db")) as shop:
        asked = await shop.proposed(NOTE, {"invoice_id": "INV-3001", "note": "x"})
        async with hall(shop) as first, first.client() as client:
            code = await first.begin(client)
            login = await first.sign(code, "leo")
            assert (await first.hand_over(code, login)).status_code == 200
            await client.get("/login/wait")
            cookies, place = dict(client.cookies), client.base_url.path
        async with hall(shop) as second, second.client() as client:
            client.cookies.update(cookies)
            client.base_url = second.url + place
            again = await client.get("/history")
            assert again.headers["location"] == "/login?next=%2Fhistory&over=yes"
            code = await second.begin(client)
            answered = await second.hand_over(code, login)
            assert (answered.status_code, answered.json()) == (403, {"error": "login_invalid"})
            word = "x" * 43
            sent = await client.post(f"/proposals/{asked['id']}/approve", data=approval(word, asked["digest"]))
            assert sent.headers["location"].endswith("over=unsent")
        assert (await shop.record(asked["id"])).decisions == ()
