"""What a reviewer is told of the rows as they are now, on every engine: the worker's own verdict beforehand, and nothing that is hidden."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.approve.board.asked import Decide
from synapsor.approve.board.work import Reviewing
from synapsor.approve.card.card import card_of
from synapsor.approve.card.now import with_now
from synapsor.approve.terminal.card import render
from synapsor.core.blast import blast_body
from synapsor.core.live import Live, live_body
from synapsor.core.proposal import Proposal
from synapsor.core.records import to_body
from synapsor.core.untold import Untold
from synapsor.errors import DecisionRefused
from synapsor.flow.decider import Named
from synapsor.flow.objection import Intent, may_ask
from synapsor.flow.signing import Signer
from tests.attack.jobs import POLICY as JOBS
from tests.attack.jobs import jobs_tables
from tests.attack.looking import asked, looks
from tests.attack.people import POLICY as PEOPLE
from tests.attack.people import people_table
from tests.attack.shop import WAIVER, Shop, meanwhile, open_shop, reopened
from tests.attack.tasks import POLICY, tasks_table
from tests.attack.test_canaries import ledger_bytes
from tests.databases import Database
from tests.deciding import approve
from tests.leaks import tells_number


@pytest_asyncio.fixture
async def jobs(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    with jobs_tables(database):
        async with open_shop(tmp_path / "project", database, policy=JOBS) as found:
            yield found


@pytest_asyncio.fixture
async def people(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    with people_table(database):
        async with open_shop(tmp_path / "project", database, policy=PEOPLE) as found:
            yield found


async def seen(shop: Shop, proposal: Proposal) -> dict[str, Any]:
    """Return a look at the rows as data, when its connection is at rest."""
    live = await looks(shop).again(proposal, who="leo")
    await shop.project.reader("shop")._pool.tidied()  # type: ignore[attr-defined]  # no event tells
    body = live_body(live)
    assert (body.pop("at") <= proposal.expires_at, live.proposal) == (True, proposal.id)
    return body


def moved(column: str, then: Any, now: Any, *, guards: bool = True, version: bool = False) -> dict[str, Any]:
    return {"column": column, "hidden": False, "guards": guards, "version": version, "then": then, "now": now}


SAME: dict[str, Any] = {"stands": "same", "moved": [], "lost": None, "would_end": None}
VERSION = {"in": "conflict", "by": "version_moved"}
DEPENDS = {"in": "conflict", "by": "dependency_moved"}


@pytest.mark.requirement("live:as-the-worker")
async def test_an_update_is_told_as_the_worker_would_find_it(tasks: Shop) -> None:
    proposal = await asked(tasks, "tasks.step", task=1, state="doing")
    body = await seen(tasks, proposal)
    evidence = body.pop("evidence")
    assert body == {"state": "same", "untold": None, "rows": [{"key": [["id", "1"]], **SAME}]}
    found = await tasks.ledger.evidence(evidence)
    assert found is not None
    assert (found["principal"], len(found["rows"])) == ("leo", 1)
    tasks.change("UPDATE {tasks} SET title = 'Other' WHERE id = 1")
    (row,) = (await seen(tasks, proposal))["rows"]
    version = moved("row_version", "1", "2", version=True)
    assert row["stands"] == "changed"
    assert row["moved"] == [version, moved("title", "One", "Other", guards=False)]
    assert row["would_end"] == VERSION
    tasks.change("DELETE FROM {tasks} WHERE id = 1")
    body = await seen(tasks, proposal)
    gone: dict[str, Any] = {
        "stands": "gone",
        "moved": [],
        "lost": None,
        "would_end": {"in": "conflict", "by": "row_gone"},
    }
    assert (body["state"], body["rows"]) == ("changed", [{"key": [["id", "1"]], **gone}])


@pytest.mark.requirement("live:as-the-worker")
async def test_what_it_is_told_to_end_in_is_what_the_worker_ends_it_in(tasks: Shop) -> None:
    tasks.kept = await tasks.worker()
    for change in (
        "UPDATE {tasks} SET title = 'Other' WHERE id = 1",
        "UPDATE {tasks} SET state = 'done' WHERE id = 1",
        "DELETE FROM {tasks} WHERE id = 1",
    ):
        proposal = await tasks.approved("tasks.count", {"task": 1, "more": 1, "less": "0"})
        tasks.change(change)
        (row,) = (await seen(tasks, (await tasks.record(proposal)).proposal))["rows"]
        end = row["would_end"]
        assert await tasks.work() == [(end["in"], end["by"])]


@pytest.mark.requirement("live:as-the-worker")
async def test_a_column_that_nothing_guards_is_found_out_after_the_change(tasks: Shop) -> None:
    # The version's trigger is switched off meanwhile, so that only the column itself tells.
    tasks.kept = await tasks.worker()
    proposal = await tasks.approved("tasks.step", {"task": 1, "state": "doing"})
    tasks.change("UPDATE {tasks} SET title = 'Other' WHERE id = 1; UPDATE {tasks} SET row_version = 1 WHERE id = 1")
    if tasks.database.engine != "sqlite":
        off = {
            "postgres": "ALTER TABLE billing.tasks DISABLE TRIGGER tasks_version",
            "mariadb": "DROP TRIGGER tasks_version",
        }
        on = {
            "postgres": "ALTER TABLE billing.tasks ENABLE TRIGGER tasks_version",
            "mariadb": "CREATE TRIGGER tasks_version BEFORE UPDATE ON tasks FOR EACH ROW SET NEW.row_version = OLD.row_version + 1",
        }
        tasks.change(
            f"{off[tasks.database.engine]}; UPDATE {{tasks}} SET row_version = 1 WHERE id = 1; {on[tasks.database.engine]}"
        )
    (row,) = (await seen(tasks, (await tasks.record(proposal)).proposal))["rows"]
    assert row["moved"] == [moved("title", "One", "Other", guards=False)]
    assert row["would_end"] == {"in": "failed", "by": "after_image"}
    assert await tasks.work() == [("failed", "after_image")]


@pytest.mark.requirement("live:as-the-worker")
async def test_a_row_that_is_to_be_added_is_looked_for(tasks: Shop) -> None:
    proposal = await asked(tasks, "tasks.add_all", list=[{"number": "n1", "points": 1}, {"number": "n2", "points": 2}])
    keys = [[["tenant_id", "acme"], ["request_no", number]] for number in ("n1", "n2")]
    assert (await seen(tasks, proposal))["rows"] == [{"key": key, **SAME} for key in keys]
    tasks.change("INSERT INTO {tasks} (id, tenant_id, request_no, title, state) VALUES (50, 'acme', 'n2', 'x', 'open')")
    tasks.change(
        "INSERT INTO {tasks} (id, tenant_id, request_no, title, state) VALUES (51, 'globex', 'n1', 'x', 'open')"
    )
    there: dict[str, Any] = {
        "stands": "there",
        "moved": [],
        "lost": None,
        "would_end": {"in": "conflict", "by": "insert_duplicate"},
    }
    assert (await seen(tasks, proposal))["rows"] == [{"key": keys[0], **SAME}, {"key": keys[1], **there}]


@pytest.mark.requirement("live:as-the-worker")
async def test_a_delete_of_several_rows_is_told_row_by_row(tasks: Shop) -> None:
    tasks.change("UPDATE {tasks} SET points = 7 WHERE id = 4")
    proposal = await asked(tasks, "tasks.purge")
    tasks.change("UPDATE {tasks} SET points = 8 WHERE id = 4")
    body = await seen(tasks, proposal)
    assert [row["stands"] for row in body["rows"]] == ["same", "changed"]
    assert [one["column"] for one in body["rows"][1]["moved"]] == ["points", "row_version"]
    assert all(one["guards"] for one in body["rows"][1]["moved"])


@pytest.mark.requirement("live:as-the-worker")
async def test_related_rows_are_looked_at_as_well(jobs: Shop) -> None:
    proposal = await asked(jobs, "jobs.start", job="j1")
    assert (await seen(jobs, proposal))["state"] == "same"
    jobs.change("UPDATE {clients} SET tier = 'plain', limit_cents = NULL WHERE id = 'c1'")
    (row,) = (await seen(jobs, proposal))["rows"]
    assert row["moved"] == [moved("client.limit_cents", "1000", None), moved("client.tier", "gold", "plain")]
    assert (row["stands"], row["would_end"]) == ("changed", DEPENDS)
    jobs.change("UPDATE {clients} SET tier = 'gold', limit_cents = 1000, gone = true WHERE id = 'c1'")
    (row,) = (await seen(jobs, proposal))["rows"]
    assert (row["stands"], row["moved"], row["lost"], row["would_end"]) == ("changed", [], "client", DEPENDS)
    jobs.change("UPDATE {clients} SET gone = false WHERE id = 'c1'; UPDATE {jobs} SET state = 'other' WHERE id = 'j1'")
    (row,) = (await seen(jobs, proposal))["rows"]
    assert ([one["column"] for one in row["moved"]], row["would_end"]) == (["row_version", "state"], VERSION)
    added = await asked(jobs, "jobs.add", job="j8", client="c1")
    assert (await seen(jobs, added))["state"] == "same"
    jobs.change("UPDATE {clients} SET tier = 'plain' WHERE id = 'c1'")
    (row,) = (await seen(jobs, added))["rows"]
    assert (row["stands"], row["moved"], row["would_end"]) == (
        "changed",
        [moved("client.tier", "gold", "plain")],
        DEPENDS,
    )


@pytest.mark.requirement("live:hidden-stays")
async def test_of_a_hidden_column_it_is_told_that_it_changed_and_no_value(people: Shop) -> None:
    proposal = await asked(people, "people.propose_note", person="P-1", words="new")
    assert (await seen(people, proposal))["state"] == "same"
    people.change(
        "UPDATE {people} SET card = 'CANARY-new-9999', email = NULL, salary = 77123455, name = 'Ada' WHERE id = 'P-1'"
    )
    body = await seen(people, proposal)
    hidden = {"hidden": True, "guards": True, "version": False}
    assert body["rows"][0]["moved"] == [{"column": name, **hidden} for name in ("card", "email", "salary")]
    record = await people.record(proposal.id)
    both = await looks(people).now(proposal, who="leo")
    assert {(one.then, one.now) for one in both.live.rows[0].moved} == {(None, None)}
    card = await card_of(people.ledger, record, operators=people.files.operators, now=people.project.clock.now())
    shown = with_now(card, proposal, both, now=people.project.clock.now())
    for text in (json.dumps(body), json.dumps(to_body(shown)), render(shown, width=100)):
        assert not {part for part in ("CANARY", "77123", "acme.example") if part in text}
        assert not tells_number(text, "9999")
    assert "changed, and is not shown" in render(shown)
    assert b"CANARY-new" not in ledger_bytes(people.files.root)
    assert b"77123455" not in ledger_bytes(people.files.root)


@pytest.mark.requirement("live:hidden-stays")
async def test_no_hidden_value_of_any_row_of_a_set_is_kept(people: Shop) -> None:
    proposal = await asked(people, "people.propose_notes", words="new")
    people.change("UPDATE {people} SET card = 'CANARY-two-8888', salary = 77123466 WHERE id = 'P-2'")
    body = await seen(people, proposal)
    assert [row["stands"] for row in body["rows"]] == ["same", "changed"]
    assert b"CANARY-two" not in ledger_bytes(people.files.root)
    assert b"77123466" not in ledger_bytes(people.files.root)


@pytest.mark.requirement("live:scope")
async def test_a_row_of_another_tenant_is_not_there(tasks: Shop) -> None:
    proposal = await asked(tasks, "tasks.step", task=1, state="doing")
    tasks.change("UPDATE {tasks} SET tenant_id = 'globex' WHERE id = 1")
    body = await seen(tasks, proposal)
    assert [row["stands"] for row in body["rows"]] == ["gone"]
    assert "globex" not in json.dumps(body)


@pytest.mark.requirement("live:recorded")
@pytest.mark.one_engine
async def test_a_look_is_recorded_before_it_is_told(tasks: Shop) -> None:
    proposal = await asked(tasks, "tasks.step", task=1, state="doing")
    before = len(tasks.audits())
    await seen(tasks, proposal)
    assert tasks.audits()[before:] == [("tasks.step", "looked")]
    report = await tasks.project.verify()
    assert report.first_bad is None


@pytest.mark.requirement("live:untold")
async def test_what_cannot_be_told_is_one_word_of_a_closed_list(tasks: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = await asked(tasks, "tasks.step", task=1, state="doing")

    async def told() -> str:
        both = await looks(tasks).now(proposal, who="leo")
        assert both.live.untold is not None
        assert both.live.rows == ()
        assert live_body(both.live)["untold"] == blast_body(both.blast)["untold"] == both.live.untold.value
        assert (both.live.state, both.blast.colour.value) == ("untold", "red")
        return both.live.untold.value

    other = replace(proposal, capability="tasks.nothing")
    both = await looks(tasks).now(other, who="leo")
    assert both.live.untold is Untold.NOT_CONFIGURED
    older = replace(proposal, contract="sha256:" + "0" * 64)
    both = await looks(tasks).now(older, who="leo")
    assert (both.live.untold, both.blast.untold) == (Untold.CONTRACT_REPLACED, Untold.CONTRACT_REPLACED)
    with monkeypatch.context() as patch:
        patch.setattr("synapsor.looking.LOOK_SECONDS", 0)
        assert await told() == "timeout"
    prefix = "billing." if tasks.database.engine == "postgres" else ""
    rename = f"ALTER TABLE {prefix}tasks RENAME COLUMN {{}} TO {{}}"
    with meanwhile(tasks, rename.format("points", "dots"), rename.format("dots", "points")):
        assert await told() == "schema_drift"
    tasks.files.operators.clear()
    (tasks.files.root / "operators.yaml").write_text("synapsor: 1\n", encoding="utf-8")
    assert await told() == "not_activated"


@pytest.mark.requirement("live:untold")
async def test_a_source_that_cannot_be_reached_is_said_to_be(tmp_path: Path, sqlite_db: Database) -> None:
    with tasks_table(sqlite_db):
        async with open_shop(tmp_path / "project", sqlite_db, policy=POLICY) as shop:
            proposal = await asked(shop, "tasks.step", task=1, state="doing")
            file = Path(sqlite_db.read_url.removeprefix("sqlite:///"))
            away = file.with_name("away.db")
            moved_to(file, away)
            await shop.project.reader("shop")._pool.aclose()  # type: ignore[attr-defined]  # an open file stays readable
            both = await looks(shop).now(proposal, who="leo")
            assert (both.live.untold, both.blast.untold) == (Untold.SOURCE_UNAVAILABLE, Untold.SOURCE_UNAVAILABLE)
            moved_to(away, file)
            moved_to(shop.files.root / "secrets" / "read", shop.files.root / "secrets" / "elsewhere")
            shop.project._readers.clear()
            both = await looks(shop).now(proposal, who="leo")
            assert both.live.untold is Untold.NOT_CONFIGURED


def moved_to(one: Path, other: Path) -> None:
    one.rename(other)


# ---- approving ---------------------------------------------------------------------------------------------------------------

FRESH = "approval: {role: billing_lead, fresh: true}"


@pytest_asyncio.fixture
async def fresh(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    with tasks_table(database):
        policy = POLICY.replace("approval: {role: billing_lead}", FRESH)
        async with open_shop(tmp_path / "project", database, policy=policy) as found:
            yield found


async def approved(shop: Shop, proposal: Proposal, live: Live | None, **more: Any) -> str:
    """Return how a proposal stands after leo has approved it, or the rule by which he was refused."""
    more = {"now": shop.project.clock.now(), **more}
    try:
        record = await approve(
            shop.ledger,
            proposal.id,
            digest=proposal.digest,
            signer=Signer(operator=shop.files.operators["leo"], key=shop.files.keys["leo"]),
            operators=shop.files.operators,
            live=live,
            **more,
        )
    except DecisionRefused as refused:
        return refused.rule
    return record.status.value


@pytest.mark.requirement("live:fresh")
@pytest.mark.one_engine
async def test_with_fresh_no_approval_is_given_without_a_clean_look_just_before(fresh: Shop) -> None:
    proposal = await asked(fresh, "tasks.step", task=1, state="doing")
    live = await looks(fresh).again(proposal, who="leo")
    assert live.state == "same"
    untold = replace(live, rows=(), untold=Untold.SOURCE_UNAVAILABLE)
    assert await approved(fresh, proposal, None) == "stale_row"
    assert await approved(fresh, proposal, None, stale_anyway=True) == "stale_row"
    assert await approved(fresh, proposal, untold, stale_anyway=True) == "stale_row"
    assert await approved(fresh, proposal, replace(live, proposal="wrp_" + "0" * 20)) == "stale_row"
    assert await approved(fresh, proposal, replace(live, digest="sha256:" + "0" * 64)) == "stale_row"
    assert await approved(fresh, proposal, replace(live, at="2026-01-01T00:00:00.000000Z")) == "stale_row"
    assert await approved(fresh, proposal, replace(live, at="2999-01-01T00:00:00.000000Z")) == "stale_row"
    fresh.change("UPDATE {tasks} SET title = 'Other' WHERE id = 1")
    stale = await looks(fresh).again(proposal, who="leo")
    assert await approved(fresh, proposal, stale, stale_anyway=True) == "stale_row"
    assert await fresh.status(proposal.id) == "review_required"
    again = await asked(fresh, "tasks.step", task=1, state="doing")
    live = await looks(fresh).again(again, who="leo")
    assert await approved(fresh, again, live) == "approved"
    assert await fresh.work() == [("applied", "")]


@pytest.mark.requirement("live:fresh", "live:stale-said-aloud")
@pytest.mark.one_engine
async def test_the_board_looks_before_it_approves(fresh: Shop) -> None:
    board = Reviewing(
        ledger=fresh.ledger,
        operators=lambda: fresh.files.operators,
        modes={"shop": "writeback"},
        clock=fresh.project.clock,
        operator="leo",
        unlock=lambda: fresh.files.keys["leo"],
        looks=looks(fresh),
    )
    stale = await asked(fresh, "tasks.step", task=1, state="doing")
    fresh.change("UPDATE {tasks} SET title = 'Other' WHERE id = 1")
    told = await board.decide(Decide(ids=(stale.id,), verdict="approve", digest=stale.digest))
    assert told.endswith("(stale_row)")
    clean = await asked(fresh, "tasks.step", task=2, state="done")
    shown = await board.glance(clean.id, width=80, full=False)
    assert (shown.live, shown.stands, shown.reaches) == (True, "same", True)
    assert "What it touches beside" in "\n".join("".join(text for _, text in row) for row in shown.lines)
    blind = replace(board, looks=None)
    assert (await blind.decide(Decide(ids=(clean.id,), verdict="approve", digest=clean.digest))).endswith("(stale_row)")
    told = await board.decide(Decide(ids=(clean.id,), verdict="approve", digest=clean.digest))
    assert told == f"{clean.id} is approved."


@pytest.mark.requirement("live:stale-said-aloud")
@pytest.mark.one_engine
async def test_a_stale_row_is_approved_only_by_who_says_so(tasks: Shop) -> None:
    proposal = await asked(tasks, "tasks.step", task=1, state="doing")
    tasks.change("UPDATE {tasks} SET title = 'Other' WHERE id = 1")
    live = await looks(tasks).again(proposal, who="leo")
    assert await approved(tasks, proposal, live) == "stale_row"
    record = await tasks.record(proposal.id)
    leo = tasks.files.operators["leo"]
    with pytest.raises(DecisionRefused) as refused:
        await may_ask(
            tasks.ledger,
            record,
            Intent(
                verdict="approve",
                who=Named(operator=leo),
                operators=tasks.files.operators,
                now=tasks.project.clock.now(),
            ),
            live=live,
        )
    assert refused.value.rule == "stale_row"
    assert await approved(tasks, proposal, live, stale_anyway=True) == "approved"
    assert await tasks.work() == [("conflict", "version_moved")]


@pytest.mark.requirement("live:as-the-worker")
async def test_a_process_that_goes_on_looks_by_the_version_that_somebody_else_has_activated_meanwhile(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with open_shop(tmp_path / "project", sqlite_db) as shop:
        first = await asked(shop, WAIVER, invoice_id="INV-3001", reason="Paid next day.")
        assert (await looks(shop).again(first, who="leo")).state == "same"
        file = shop.files.root / "policies" / "billing.yaml"
        file.write_text(
            file.read_text(encoding="utf-8").replace("expires_hours: 72", "expires_hours: 71"), encoding="utf-8"
        )
        assert (await looks(shop).again(first, who="leo")).untold is Untold.NOT_ACTIVATED
        async with reopened(shop.files) as other:  # where it is activated
            second = await asked(other, WAIVER, invoice_id="INV-3002", reason="Paid next day.")
        assert (await looks(shop).again(second, who="leo")).state == "same"
