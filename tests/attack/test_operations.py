"""Every operation of a proposal on every engine, through the desk, a person and the worker: exactly what was approved, or nothing."""

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from synapsor.errors import UnsafeSource
from synapsor.flow.apply import STEPS
from synapsor.testing.clock import TestClock
from tests.attack.shop import Shop, meanwhile, open_shop
from tests.attack.tasks import POLICY as TASKS
from tests.attack.tasks import tasks_table
from tests.databases import Database, sqlite_path
from tests.projects import GLOBEX, leo_approves

NOW = dt.datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=dt.UTC)


def task(shop: Shop, key: int, columns: str = "state, points, row_version") -> tuple[Any, ...] | None:
    """Return a task as it is now, or None."""
    rows = shop.rows(f"SELECT {columns} FROM {{tasks}} WHERE id = {key}")
    return tuple(rows[0]) if rows else None


def everything(shop: Shop) -> list[tuple[Any, ...]]:
    """Return all tasks of all tenants."""
    return sorted(
        tuple(row) for row in shop.rows("SELECT id, state, points, row_version, title, tenant_id FROM {tasks}")
    )


async def refused(shop: Shop, name: str, **arguments: Any) -> str:
    """Return the code that a call is refused with; nothing was filed."""
    answer = await shop.call(name, arguments)
    assert not answer["ok"], answer
    assert await shop.ledger.inbox(status=None, limit=5) == ()
    return str(answer["error"]["code"])


# ---- values --------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("propose:computed")
async def test_a_value_is_counted_from_the_one_before_and_made_of_who_asked_and_when(
    tasks: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = TestClock(NOW)
    monkeypatch.setattr(tasks.project, "clock", clock)
    monkeypatch.setattr(tasks.ledger._signer, "_clock", clock)
    tasks.desk = await tasks.project.desk()
    proposal = await tasks.proposed("tasks.count", {"task": 1, "more": 3, "less": "0.01"})
    changes = {change["column"]: change["after"] for change in proposal["changes"]}
    assert changes == {
        "closed_at": "2026-11-23T12:00:00Z",
        "cost": "10.09",
        "owner": "support_agent_17",
        "points": 8,
        "request_no": proposal["id"],
    }
    await approve(tasks, proposal)
    assert await tasks.work() == [("applied", "")]
    assert task(tasks, 1, "points, owner, request_no, row_version") == (8, "support_agent_17", proposal["id"], 2)


@pytest.mark.requirement("propose:computed")
async def test_what_cannot_be_counted_exactly_and_inside_the_bounds_is_refused(tasks: Shop) -> None:
    for number, more, less, code in (
        (4, 1, "1", "out_of_bounds"),
        (3, 1, "1", "out_of_bounds"),
        (1, 1, "0.001", "invalid_arguments"),
        (1, 1, "-1", "invalid_arguments"),
        (1, -1, "1", "invalid_arguments"),
        (9, 1, "1", "not_found"),
    ):
        assert await refused(tasks, "tasks.count", task=number, more=more, less=less) == code, (number, more, less)
    for number, more, less in ((2, 50, "1"), (1, 1, "99999999999")):
        assert (await tasks.call("tasks.count", {"task": number, "more": more, "less": less}))["ok"]


@pytest.mark.requirement("propose:computed")
async def test_the_same_request_is_one_proposal_whatever_the_moment(tasks: Shop) -> None:
    first = await tasks.proposed("tasks.count", {"task": 1, "more": 3, "less": "0.01"})
    again = await tasks.proposed("tasks.count", {"task": 1, "more": 3, "less": "0.01"})
    assert again["id"] == first["id"]
    one = await tasks.proposed("tasks.add", {"title": "Once"})
    assert (await tasks.proposed("tasks.add", {"title": "Once"}))["id"] == one["id"]


@pytest.mark.requirement("propose:steps")
@pytest.mark.parametrize(
    ("key", "state", "kept"), [(1, "doing", True), (1, "done", False), (1, "open", False), (3, "open", False)]
)
@pytest.mark.one_engine
async def test_only_a_reviewed_step_is_proposed(tasks: Shop, key: int, state: str, kept: bool) -> None:
    if not kept:
        assert await refused(tasks, "tasks.step", task=key, state=state) == "out_of_bounds"
        return
    await tasks.approved("tasks.step", {"task": key, "state": state})
    assert await tasks.work() == [("applied", "")]
    assert task(tasks, key, "state, row_version") == (state, 2)


# ---- insert --------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("insert:once")
async def test_a_row_is_added_once_under_the_tenant_of_the_session(tasks: Shop) -> None:
    proposal = await tasks.proposed("tasks.add", {"title": "New"})
    assert (proposal["operation"], proposal["before"]) == ("insert", None)
    assert proposal["after"] == {
        "cost": "1.50",
        "owner": "support_agent_17",
        "request_no": proposal["id"],
        "state": "open",
        "title": "New",
    }
    await approve(tasks, proposal)
    assert await tasks.work() == [("applied", "")]
    found = tasks.rows("SELECT tenant_id, state, points, owner, row_version FROM {tasks} WHERE title = 'New'")
    assert [tuple(row) for row in found] == [("acme", "open", 3, "support_agent_17", 1)]
    (row,) = (await tasks.record(proposal["id"])).receipts[-1].after
    assert (row["points"], row["tenant_id"], row["request_no"]) == ("3", "acme", proposal["id"])
    assert "secret" not in row


@pytest.mark.requirement("insert:once")
async def test_a_row_that_is_there_already_is_never_added_again(tasks: Shop) -> None:
    assert await refused(tasks, "tasks.add_once", number="r1", points=1) == "already_there"
    await tasks.approved("tasks.add_once", {"number": "n1", "points": 1})
    tasks.change("INSERT INTO {tasks} (tenant_id, request_no, title, state) VALUES ('acme', 'n1', 'Other', 'open')")
    assert await tasks.work() == [("conflict", "insert_duplicate")]
    assert len(tasks.rows("SELECT id FROM {tasks} WHERE request_no = 'n1'")) == 1
    # The number of another tenant is another number.
    await tasks.approved("tasks.add_once", {"number": "r9", "points": 1})
    assert await tasks.work() == [("applied", "")]


@pytest.mark.requirement("insert:once")
async def test_a_row_that_comes_between_the_look_and_the_insert_is_a_conflict(
    tasks: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tasks.approved("tasks.add_once", {"number": "n2", "points": 1})
    tasks.change("INSERT INTO {tasks} (tenant_id, request_no, title, state) VALUES ('acme', 'n2', 'Other', 'open')")
    monkeypatch.setattr("synapsor.flow.apply.stale", lambda *_: None)
    assert await tasks.work() == [("conflict", "insert_duplicate")]
    assert len(tasks.rows("SELECT id FROM {tasks} WHERE request_no = 'n2'")) == 1


async def test_a_rule_of_the_database_refuses_a_row_and_leaves_none(tasks: Shop) -> None:
    before = everything(tasks)
    await tasks.approved("tasks.add", {"title": "forbidden"})
    assert await tasks.work() == [("failed", "constraint")]
    assert everything(tasks) == before


async def test_a_row_outside_its_bound_is_not_proposed(tasks: Shop) -> None:
    assert await refused(tasks, "tasks.add_once", number="n3", points=51) == "out_of_bounds"


@pytest.mark.requirement("insert:once", "set:all-or-nothing")
async def test_several_rows_are_added_together_or_not_at_all(tasks: Shop) -> None:
    items = [{"number": f"s{n}", "points": n} for n in range(3)]
    proposal = await tasks.proposed("tasks.add_all", {"list": items})
    assert [m["after"]["request_no"] for m in proposal["members"]] == ["s0", "s1", "s2"]
    assert [m["before"] for m in proposal["members"]] == [None] * 3
    await approve(tasks, proposal)
    assert await tasks.work() == [("applied", "")]
    added = tasks.rows(
        "SELECT request_no, points, tenant_id FROM {tasks} WHERE title = 'Of several' ORDER BY request_no"
    )
    assert [tuple(row) for row in added] == [("s0", 0, "acme"), ("s1", 1, "acme"), ("s2", 2, "acme")]
    again = [{"number": n, "points": 1} for n in ("t1", "t2")]
    await tasks.approved("tasks.add_all", {"list": again})
    tasks.change("INSERT INTO {tasks} (tenant_id, request_no, title, state) VALUES ('acme', 't2', 'Other', 'open')")
    assert await tasks.work() == [("conflict", "insert_duplicate")]
    assert tasks.rows("SELECT id FROM {tasks} WHERE request_no = 't1'") in ([], ())


@pytest.mark.requirement("insert:once")
@pytest.mark.one_engine
async def test_items_that_are_not_as_declared_or_there_already_are_refused(tasks: Shop) -> None:
    wrong: tuple[list[dict[str, Any]], ...] = (
        [],
        [{"number": f"x{n}", "points": 1} for n in range(6)],
        [{"number": "x", "points": 1}, {"number": "x", "points": 2}],
        [{"number": "x"}],
        [{"number": "x", "points": 1, "tenant_id": "globex"}],
        [{"number": "x", "points": True}],
    )
    for items in wrong:
        assert await refused(tasks, "tasks.add_all", list=items) == "invalid_arguments", items
    there = [{"number": "y", "points": 1}, {"number": "r1", "points": 1}]
    assert await refused(tasks, "tasks.add_all", list=there) == "already_there"


# ---- delete --------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("delete:no-more")
async def test_a_row_is_removed_and_nothing_else(tasks: Shop) -> None:
    before = everything(tasks)
    proposal = await tasks.proposed("tasks.remove", {"task": 1})
    assert (proposal["before"], proposal["after"], proposal["changes"]) == ({"id": 1, "title": "One"}, None, [])
    await approve(tasks, proposal)
    assert await tasks.work() == [("applied", "")]
    assert everything(tasks) == [row for row in before if row[0] != 1]
    assert (await tasks.record(proposal["id"])).receipts[-1].after == ()


@pytest.mark.requirement("apply:stale-conflicts")
async def test_a_row_that_moved_or_was_replaced_is_not_removed(tasks: Shop) -> None:
    await tasks.approved("tasks.remove", {"task": 1})
    await tasks.approved("tasks.remove", {"task": 2})
    await tasks.approved("tasks.remove", {"task": 3})
    tasks.change("UPDATE {tasks} SET points = 6 WHERE id = 1")
    tasks.change("UPDATE {tasks} SET points = 21 WHERE id = 2")
    tasks.change("UPDATE {tasks} SET points = 20 WHERE id = 2")
    tasks.change("UPDATE {tasks} SET tenant_id = 'globex' WHERE id = 3")
    assert await tasks.work() == [
        ("conflict", "version_moved"),
        ("conflict", "version_moved"),
        ("conflict", "row_gone"),
    ]
    assert [task(tasks, n) is not None for n in (1, 2, 3)] == [True, True, True]


async def test_a_row_that_others_refer_to_is_not_removed(tasks: Shop) -> None:
    tasks.change("INSERT INTO {steps} VALUES (1, 1)")
    await tasks.approved("tasks.remove", {"task": 1})
    assert await tasks.work() == [("failed", "constraint")]
    assert task(tasks, 1) is not None


_EFFECTS = {
    "a cascade": {
        "postgres": (
            "ALTER TABLE billing.steps ADD CONSTRAINT gone FOREIGN KEY (task) REFERENCES billing.tasks (id) ON DELETE CASCADE",
            "ALTER TABLE billing.steps DROP CONSTRAINT gone",
        ),
        "mariadb": (
            "ALTER TABLE steps ADD CONSTRAINT gone FOREIGN KEY (task) REFERENCES tasks (id) ON DELETE SET NULL",
            "ALTER TABLE steps DROP FOREIGN KEY gone",
        ),
        "sqlite": (
            "CREATE TABLE parts (id INTEGER, task INTEGER REFERENCES tasks (id) ON DELETE CASCADE)",
            "DROP TABLE parts",
        ),
    },
    "a trigger": {
        "postgres": (
            (
                "CREATE FUNCTION billing.gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$;"
                "CREATE TRIGGER gone AFTER DELETE ON billing.tasks FOR EACH ROW EXECUTE FUNCTION billing.gone()"
            ),
            "DROP TRIGGER gone ON billing.tasks; DROP FUNCTION billing.gone()",
        ),
        "mariadb": (
            "CREATE TRIGGER gone AFTER DELETE ON tasks FOR EACH ROW DELETE FROM steps WHERE id = OLD.id",
            "DROP TRIGGER gone",
        ),
        "sqlite": (
            "CREATE TRIGGER gone AFTER DELETE ON tasks BEGIN DELETE FROM steps WHERE id = OLD.id; END",
            "DROP TRIGGER gone",
        ),
    },
}


@pytest.mark.requirement("delete:no-more")
@pytest.mark.parametrize("what", _EFFECTS)
async def test_a_delete_that_would_do_more_is_refused_at_the_start_and_in_the_apply(tasks: Shop, what: str) -> None:
    before = everything(tasks)
    worker = await tasks.worker()
    tasks.kept = worker
    await tasks.approved("tasks.remove", {"task": 1})
    with meanwhile(tasks, *_EFFECTS[what][tasks.database.engine]):
        assert await tasks.work() == [("failed", "delete_effects")]
        assert everything(tasks) == before
        with pytest.raises(UnsafeSource, match="delete_has_effects"):
            await tasks.worker()


@pytest.mark.requirement("apply:starts")
async def test_a_worker_starts_while_another_one_holds_the_lock_of_the_whole_file(tasks: Shop) -> None:
    if tasks.database.engine != "sqlite":
        pytest.skip("these lock rows")
    with closing(sqlite3.connect(sqlite_path(tasks.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        tasks.kept = await tasks.worker()
        other.execute("ROLLBACK")
    await tasks.approved("tasks.remove", {"task": 1})
    assert await tasks.work() == [("applied", "")]


@pytest.mark.requirement("delete:no-more")
async def test_a_worker_that_may_not_see_what_a_delete_does_does_not_start(tasks: Shop) -> None:
    if tasks.database.engine != "mariadb":
        pytest.skip("every catalogue of these may be read")
    tasks.change("REVOKE PROCESS ON *.* FROM synapsor_writer@'127.0.0.1'")
    try:
        with pytest.raises(UnsafeSource, match="may not see"):
            await tasks.worker()
    finally:
        tasks.change("GRANT PROCESS ON *.* TO synapsor_writer@'127.0.0.1'")


# ---- sets ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("set:frozen")
async def test_a_set_is_frozen_shown_in_full_and_changed_as_a_whole(tasks: Shop) -> None:
    proposal = await tasks.proposed("tasks.close_all", {"owner": "ann"})
    assert proposal["before"] is None
    assert [(m["before"]["id"], m["before"]["points"], m["after"]["points"]) for m in proposal["members"]] == [
        (1, 5, 4),
        (2, 20, 19),
    ]
    await approve(tasks, proposal)
    tasks.change(
        "INSERT INTO {tasks} (tenant_id, request_no, title, state, owner) VALUES ('acme', 'late', 'Late', 'open', 'ann')"
    )
    assert await tasks.work() == [("applied", "")]
    assert [task(tasks, n) for n in (1, 2, 3)] == [("done", 4, 2), ("done", 19, 2), ("done", 7, 1)]
    assert tasks.rows("SELECT state FROM {tasks} WHERE request_no = 'late'")[0][0] == "open"
    assert task(tasks, 9) == ("open", 5, 1)
    receipt = (await tasks.record(proposal["id"])).receipts[-1]
    assert [(row["id"], row["points"]) for row in receipt.after] == [("1", "4"), ("2", "19")]
    assert receipt.newcomers == 1


@pytest.mark.requirement("set:all-or-nothing")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE {tasks} SET title = 'Two!' WHERE id = 2", "version_moved"),
        ("DELETE FROM {tasks} WHERE id = 2", "row_gone"),
        ("UPDATE {tasks} SET tenant_id = 'globex', request_no = 'moved' WHERE id = 2", "row_gone"),
    ],
)
async def test_one_member_that_moved_keeps_all_of_them_as_they_are(tasks: Shop, change: str, code: str) -> None:
    await tasks.approved("tasks.close_all", {"owner": "ann"})
    tasks.change(change)
    assert await tasks.work() == [("conflict", code)]
    assert task(tasks, 1) == ("open", 5, 1)


@pytest.mark.requirement("set:frozen")
async def test_a_set_over_its_rows_or_totals_is_not_proposed(tasks: Shop) -> None:
    assert await refused(tasks, "tasks.close_all", owner="nobody") == "not_found"
    tasks.change("UPDATE {tasks} SET points = 41 WHERE id = 2")
    assert (await tasks.call("tasks.close_all", {"owner": "ann"}))["ok"]
    tasks.change("UPDATE {tasks} SET points = 56 WHERE id = 2")
    answer = await tasks.call("tasks.close_all", {"owner": "ann"})
    assert answer["error"]["code"] == "out_of_bounds"
    assert "points (total before)" in answer["error"]["message"]
    tasks.change("UPDATE {tasks} SET points = 1 WHERE id = 2")
    tasks.change(
        "INSERT INTO {tasks} (tenant_id, request_no, title, state, owner, points) VALUES"
        " ('acme', 'a', 'A', 'open', 'ann', 1), ('acme', 'b', 'B', 'open', 'ann', 1)"
    )
    assert (await tasks.call("tasks.close_all", {"owner": "ann"}))["error"]["code"] == "out_of_bounds"


@pytest.mark.requirement("set:frozen")
async def test_a_total_over_a_missing_value_is_not_proposed(tasks: Shop) -> None:
    assert await refused(tasks, "tasks.purge") == "out_of_bounds"


@pytest.mark.requirement("set:all-or-nothing")
async def test_a_set_is_removed_as_a_whole(tasks: Shop) -> None:
    tasks.change("UPDATE {tasks} SET points = 2 WHERE id = 4")
    before = everything(tasks)
    await tasks.approved("tasks.purge", {})
    assert await tasks.work() == [("applied", "")]
    assert everything(tasks) == [row for row in before if row[0] not in {3, 4}]


@pytest.mark.requirement("set:all-or-nothing")
async def test_of_two_sets_that_overlap_one_is_applied_and_the_other_not_at_all(tasks: Shop) -> None:
    await tasks.approved("tasks.close_all", {"owner": "ann"})
    tasks.change("UPDATE {tasks} SET owner = 'ann' WHERE id = 4")
    tasks.change("UPDATE {tasks} SET state = 'doing', points = 1 WHERE id = 4")
    await tasks.approved("tasks.close_all", {"owner": "ann"})
    outcomes = await tasks.work()
    assert outcomes == [("applied", ""), ("conflict", "version_moved")]
    assert task(tasks, 4, "state, points") == ("doing", 1)


@pytest.mark.requirement("apply:tenant")
async def test_a_set_of_another_tenant_has_none_of_these_rows(tasks: Shop) -> None:
    proposal = await tasks.proposed("tasks.close_all", {"owner": "ann"}, GLOBEX)
    assert [m["before"]["id"] for m in proposal["members"]] == [9]
    await approve(tasks, proposal)
    assert await tasks.work() == [("applied", "")]
    assert (task(tasks, 1), task(tasks, 9)) == (("open", 5, 1), ("done", 4, 2))


@pytest.mark.one_engine
async def test_a_ledger_with_sets_verifies(tasks: Shop) -> None:
    await tasks.approved("tasks.close_all", {"owner": "ann"})
    await tasks.approved("tasks.add_all", {"list": [{"number": "v", "points": 1}]})
    await tasks.work()
    assert (await tasks.project.verify()).ok


async def approve(shop: Shop, proposal: dict[str, Any]) -> None:
    """Let leo approve it."""
    await leo_approves(shop.files, shop.project, proposal["id"], proposal["digest"])


# ---- what the database does beside, and the worker's own end ------------------------------------------------------------------

_BEFORE_INSERT = {
    "postgres": (
        (
            "CREATE FUNCTION billing.meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.{column} := {value}; RETURN NEW; END $$;"
            "CREATE TRIGGER meddle BEFORE INSERT ON billing.tasks FOR EACH ROW EXECUTE FUNCTION billing.meddle()"
        ),
        "DROP TRIGGER meddle ON billing.tasks; DROP FUNCTION billing.meddle()",
    ),
    "mariadb": (
        "CREATE TRIGGER meddle BEFORE INSERT ON tasks FOR EACH ROW SET NEW.{column} = {value}",
        "DROP TRIGGER meddle",
    ),
    "sqlite": (
        "CREATE TRIGGER meddle AFTER INSERT ON tasks BEGIN UPDATE tasks SET {column} = {value} WHERE id = NEW.id; END",
        "DROP TRIGGER meddle",
    ),
}


@pytest.mark.requirement("apply:exact", "apply:tenant")
@pytest.mark.parametrize(
    ("column", "value"), [("title", "'meddled'"), ("cost", "2.5"), ("tenant_id", "'globex'"), ("owner", "NULL")]
)
async def test_a_trigger_that_makes_another_row_of_an_insert_has_it_rolled_back(
    tasks: Shop, column: str, value: str
) -> None:
    before = everything(tasks)
    await tasks.approved("tasks.add", {"title": "New"})
    make, drop = _BEFORE_INSERT[tasks.database.engine]
    with meanwhile(tasks, make.format(column=column, value=value), drop):
        assert await tasks.work() == [("failed", "after_image")]
    assert everything(tasks) == before


@pytest.mark.requirement("apply:exact", "set:all-or-nothing")
async def test_a_trigger_that_changes_one_member_otherwise_keeps_all_of_them_as_they_are(tasks: Shop) -> None:
    before = everything(tasks)
    await tasks.approved("tasks.close_all", {"owner": "ann"})
    make = {
        "postgres": (
            "CREATE FUNCTION billing.meddle() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN IF NEW.id = 2 THEN NEW.title := 'meddled'; END IF; RETURN NEW; END $$;"
            "CREATE TRIGGER meddle BEFORE UPDATE ON billing.tasks FOR EACH ROW EXECUTE FUNCTION billing.meddle()"
        ),
        "mariadb": "CREATE TRIGGER meddle BEFORE UPDATE ON tasks FOR EACH ROW SET NEW.title = IF(NEW.id = 2, 'meddled', NEW.title)",
        "sqlite": (
            "CREATE TRIGGER meddle AFTER UPDATE OF state ON tasks WHEN NEW.id = 2"
            " BEGIN UPDATE tasks SET title = 'meddled' WHERE id = NEW.id; END"
        ),
    }[tasks.database.engine]
    with meanwhile(tasks, make, _BEFORE_INSERT[tasks.database.engine][1]):
        assert await tasks.work() == [("failed", "after_image")]
    assert everything(tasks) == before


@pytest.mark.requirement("set:all-or-nothing")
async def test_a_rule_that_one_member_breaks_keeps_all_of_them_as_they_are(tasks: Shop) -> None:
    tasks.change("UPDATE {tasks} SET points = 2 WHERE id = 4")
    tasks.change("INSERT INTO {steps} VALUES (1, 4)")
    before = everything(tasks)
    await tasks.approved("tasks.purge", {})
    assert await tasks.work() == [("failed", "constraint")]
    assert everything(tasks) == before


@pytest.mark.requirement("apply:outcome-true")
async def test_a_rule_that_is_checked_only_at_the_commit_fails_a_delete_and_leaves_the_row(tasks: Shop) -> None:
    if tasks.database.engine == "mariadb":
        pytest.skip("it has no deferred rules")
    tasks.change(
        {
            "postgres": (
                "ALTER TABLE billing.steps DROP CONSTRAINT steps_task_fkey;"
                "ALTER TABLE billing.steps ADD FOREIGN KEY (task) REFERENCES billing.tasks (id) DEFERRABLE INITIALLY DEFERRED"
            ),
            "sqlite": (
                "DROP TABLE steps; CREATE TABLE steps"
                " (id INTEGER PRIMARY KEY, task INTEGER REFERENCES tasks (id) DEFERRABLE INITIALLY DEFERRED) STRICT"
            ),
        }[tasks.database.engine]
    )
    tasks.change("INSERT INTO {steps} VALUES (1, 1)")
    await tasks.approved("tasks.remove", {"task": 1})
    assert await tasks.work() == [("failed", "constraint")]
    assert task(tasks, 1) is not None


@pytest.mark.requirement("apply:exact")
async def test_a_trigger_that_is_put_off_to_the_commit_changes_nothing_beside_what_was_approved(tasks: Shop) -> None:
    if tasks.database.engine != "postgres":
        pytest.skip("no trigger is put off here")
    late = (
        "CREATE FUNCTION billing.late() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$ BEGIN UPDATE billing.tasks SET points = 99 WHERE id = NEW.id AND points <> 99; RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON billing.tasks DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION billing.late()"
    )
    before = everything(tasks)
    await tasks.approved("tasks.step", {"task": 1, "state": "doing"})
    with meanwhile(tasks, late, "DROP TRIGGER late ON billing.tasks; DROP FUNCTION billing.late()"):
        assert await tasks.work() == [("failed", "after_image")]
    assert everything(tasks) == before


@pytest.mark.requirement("delete:no-more")
async def test_effects_that_a_reviewer_named_happen_with_the_delete_and_roll_back_with_it(
    tmp_path: Path, database: Database
) -> None:
    table = "billing.steps" if database.engine != "sqlite" else "billing.parts"
    accepted = TASKS.replace(
        "    returns: [id, title]\n", f"    returns: [id, title]\n    accepts: {{cascades: [{table}]}}\n"
    )
    accepted = accepted[: accepted.index("  tasks.purge:")]
    make, drop = _EFFECTS["a cascade"][database.engine]
    with tasks_table(database):
        async with open_shop(tmp_path / "project", database, policy=accepted) as shop:
            with meanwhile(shop, make, drop):
                if database.engine == "postgres":
                    shop.change("ALTER TABLE billing.steps DROP CONSTRAINT steps_task_fkey")
                if database.engine == "mariadb":
                    shop.change("ALTER TABLE steps DROP FOREIGN KEY steps_task")
                name = table.partition(".")[2]
                shop.change(f"INSERT INTO {{{name}}} (id, task) VALUES (1, 1), (2, 2)")
                await shop.approved("tasks.remove", {"task": 1})
                assert await shop.work() == [("applied", "")]
                assert task(shop, 1) is None
                left = shop.rows(f"SELECT task FROM {{{name}}} WHERE task IS NOT NULL")
                assert [row[0] for row in left] == [2]


@pytest.mark.requirement("apply:exactly-once", "set:all-or-nothing")
@pytest.mark.parametrize("name", ["tasks.close_all", "tasks.add_all", "tasks.remove"])
async def test_a_worker_that_breaks_at_any_named_point_changes_all_members_once(tasks: Shop, name: str) -> None:
    for number, point in enumerate((step for step in STEPS if "verdict" not in step), start=1):
        first, owner = 10 * number, f"owner {number}"  # each time of rows of its own
        tasks.change(
            "INSERT INTO {tasks} (id, tenant_id, request_no, title, state, points, owner) VALUES "
            f"({first}, 'acme', 'a{number}', 'A', 'open', 5, '{owner}'), ({first + 1}, 'acme', 'b{number}', 'B', 'doing', 20, '{owner}')"
        )
        arguments: dict[str, dict[str, Any]] = {
            "tasks.close_all": {"owner": owner},
            "tasks.add_all": {"list": [{"number": f"k{number}.{n}", "points": n} for n in (1, 2)]},
            "tasks.remove": {"task": first},
        }
        before = everything(tasks)
        proposal = await tasks.approved(name, arguments[name])
        broken = [point]

        async def reached(step: str, broken: list[str] = broken) -> None:
            if step in broken:
                broken.remove(step)
                raise RuntimeError("the power is gone")

        assert await tasks.attempt(reached=reached) == [("retry", "internal")]
        assert (everything(tasks) == before) is (point != "apply.committed")
        outcome = "already_applied" if point == "apply.committed" else "applied"
        assert await tasks.work() == [(outcome, "")]
        assert await tasks.status(proposal) == "applied"
        assert tasks.receipts() == number
        after = everything(tasks)
        if name == "tasks.close_all":
            mine = {first, first + 1}
            assert [row[1:4] for row in after if row[0] in mine] == [("done", 4, 2), ("done", 19, 2)]
            assert [row for row in after if row[0] not in mine] == [row for row in before if row[0] not in mine]
        elif name == "tasks.add_all":
            assert len(after) == len(before) + 2
            assert {row[0] for row in before} < {row[0] for row in after}
        else:
            assert after == [row for row in before if row[0] != first]


@pytest.mark.requirement("set:all-or-nothing")
async def test_of_two_overlapping_sets_that_two_workers_apply_at_once_one_wins_whole(tasks: Shop) -> None:
    one = await tasks.approved("tasks.close_all", {"owner": "ann"})
    two = await tasks.approved("tasks.count", {"task": 2, "more": 1, "less": "0"})
    workers = [await tasks.worker(name=f"worker-{n}") for n in range(2)]
    async with anyio.create_task_group() as group:
        for worker in workers:
            group.start_soon(lambda each: each.run(drain=True), worker)
    standing = await tasks.until_settled(one, two)
    assert sorted(standing) == ["applied", "conflict"]
    expected = ("done", 4, 2) if standing[0] == "applied" else ("open", 5, 1)
    assert task(tasks, 1) == expected


@pytest.mark.requirement("posture:worker-sufficient")
async def test_a_worker_that_adds_and_removes_needs_no_right_to_update(tmp_path: Path, database: Database) -> None:
    policy = (
        TASKS[: TASKS.index("  tasks.count:")] + TASKS[TASKS.index("  tasks.add:") : TASKS.index("  tasks.add_once:")]
    )
    policy += TASKS[TASKS.index("  tasks.remove:") : TASKS.index("  tasks.close_all:")]
    columns = "request_no, state, points, cost, owner, closed_at"
    revoke = {
        "postgres": f"REVOKE UPDATE ({columns}) ON billing.tasks FROM synapsor_writer",
        "mariadb": f"REVOKE UPDATE ({columns}) ON tasks FROM synapsor_writer@'127.0.0.1'",
        "sqlite": "",
    }[database.engine]
    with tasks_table(database):
        async with open_shop(tmp_path / "project", database, policy=policy) as shop:
            shop.change(revoke)
            await shop.approved("tasks.remove", {"task": 1})
            await shop.approved("tasks.add", {"title": "New"})
            assert await shop.work() == [("applied", "")] * 2
            assert task(shop, 1) is None
            assert len(shop.rows("SELECT id FROM {tasks} WHERE title = 'New'")) == 1


_MOVED_UNSEEN = {
    "postgres": "SET session_replication_role = replica; UPDATE {tasks} SET owner = 'zoe', points = 99 WHERE id = 3",
    "mariadb": "UPDATE {tasks} SET owner = 'zoe', points = 99, row_version = row_version - 1 WHERE id = 3",
}


@pytest.mark.requirement("apply:stale-conflicts")
async def test_a_row_that_moves_after_the_worker_has_looked_is_not_removed_although_its_version_stands_still(
    tasks: Shop,
) -> None:
    if tasks.database.engine == "sqlite":
        return  # which holds the whole file from the beginning
    proposal = await tasks.approved("tasks.remove", {"task": 3})

    async def reached(step: str) -> None:
        if step == "apply.row_locked":
            tasks.change(_MOVED_UNSEEN[tasks.database.engine])

    done = await tasks.work(reached=reached)
    gone = task(tasks, 3) is None
    # MariaDB may hold the row since the look, and then what moves it waits and finds nothing.
    assert (done, gone) in [([("conflict", "guard_failed")], False), ([("applied", "")], True)]
    assert await tasks.status(proposal) == done[0][0]
    if tasks.database.engine == "postgres":
        assert not gone
