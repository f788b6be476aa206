"""The ledger's schema holds by itself what the code promises: append-only tables, one state machine, and migrations that add up."""

import itertools
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from synapsor.core.proposal import TRANSITIONS, Status
from synapsor.errors import IntegrityError, LedgerFailure
from synapsor.ledger import migrate
from synapsor.ledger.kinds import KINDS
from synapsor.ledger.migrate import Migration, migrations, pending, schema, shape
from synapsor.ledger.sqlite_file import connect
from synapsor.named import queries

SOURCE = Path(migrate.__file__).parent


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = connect(":memory:")
    migrate.migrate(opened, migrations(), at="now")
    yield opened
    opened.close()


def test_the_migrations_add_up_to_the_whole_schema(connection: sqlite3.Connection) -> None:
    whole = connect(":memory:")
    for statement in migrate.statements(schema()):
        whole.execute(statement)
    assert shape(connection) == shape(whole)
    whole.close()


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [m.number for m in migrations()] == list(range(1, len(migrations()) + 1))


def test_migrating_twice_changes_nothing(connection: sqlite3.Connection) -> None:
    before = shape(connection)
    migrate.migrate(connection, migrations(), at="later")
    assert shape(connection) == before
    assert [r["at"] for r in connection.execute("SELECT at FROM migration")] == ["now"] * len(migrations())


def test_a_further_step_is_taken_whole_or_not_at_all(connection: sqlite3.Connection) -> None:
    good = (
        *migrations(),
        Migration(2, "more", "CREATE TABLE more (a INTEGER) STRICT;\nCREATE INDEX more_a ON more (a);\n"),
    )
    bad = (
        *migrations(),
        Migration(2, "more", "CREATE TABLE more (a INTEGER) STRICT;\nCREATE TABLE more (a INTEGER) STRICT;\n"),
    )
    with pytest.raises(sqlite3.Error):
        migrate.migrate(connection, bad, at="now")
    assert pending(connection, good) == good[1:]
    migrate.migrate(connection, good, at="now")
    assert pending(connection, good) == ()
    with pytest.raises(LedgerFailure, match="newer"):
        pending(connection, migrations())


def test_a_step_whose_text_was_changed_is_an_integrity_error(connection: sqlite3.Connection) -> None:
    changed = (Migration(1, "initial", migrations()[0].text + "-- one more line\n"),)
    with pytest.raises(IntegrityError):
        pending(connection, changed)


def test_another_programs_database_is_not_a_ledger() -> None:
    other = connect(":memory:")
    other.execute("CREATE TABLE cats (name TEXT)")
    with pytest.raises(LedgerFailure):
        pending(other, migrations())
    other.close()


def test_every_table_is_strict(connection: sqlite3.Connection) -> None:
    tables = {
        r["name"]: r["strict"]
        for r in connection.execute("SELECT name, strict FROM pragma_table_list WHERE type = 'table'")
        if not r["name"].startswith("sqlite_")
    }
    assert set(tables) >= set(KINDS)
    assert set(tables.values()) == {1}


# Append-only.

IMMUTABLE = sorted({*KINDS, "event", "checkpoint", "ledger", "migration"} - {"proposal", "job"})


def _row(connection: sqlite3.Connection, table: str, **given: object) -> dict[str, object]:
    """Put a row into a table with nothing but its own rules in the way."""
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    row = {c["name"]: given.get(c["name"], 1 if c["type"] == "INTEGER" else "x") for c in columns}
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(':' + n for n in row)})", row)
    return row


OPEN: dict[str, object] = {
    "open": 1,
    "attempt": 0,
    "anew": 0,
    **dict.fromkeys(("lease", "lease_until", "parked", "accepted")),
}
"""A job that nobody has taken yet."""


def _minimal(connection: sqlite3.Connection, table: str) -> dict[str, object]:
    given: dict[str, dict[str, object]] = {
        "checkpoint": {"previous": 0},
        "decision": {"verdict": "approve"},
        "policy_switch": {"state": "stopped"},
        "resolution": {"verdict": "applied"},
        "worker_pause": {"state": "paused"},
        "instruction": {"verb": "cancel"},
        "evidence": {"id": "ev_x"},
        "measurement": {"outcome": "measured"},
        "refused_login": {"door": "console"},
        "migration": {"number": 99},
    }
    return _row(connection, table, **given.get(table, {}))


@pytest.mark.parametrize("table", IMMUTABLE)
@pytest.mark.requirement("ledger:append-only")
def test_a_record_is_never_changed_deleted_or_replaced(connection: sqlite3.Connection, table: str) -> None:
    if table == "evidence":
        _row(connection, "query_audit", id="aud_x")
    if table == "instruction":
        _row(connection, "job", **OPEN)
    row = _minimal(connection, table)
    names = ", ".join(row)
    values = ", ".join(":" + n for n in row)
    for column in row:
        with pytest.raises(sqlite3.IntegrityError, match="append only"):
            connection.execute(f"UPDATE {table} SET {column} = {column}")
    with pytest.raises(sqlite3.IntegrityError, match="append only"):
        connection.execute(f"DELETE FROM {table}")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({values})", row)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT DO UPDATE SET {next(iter(row))} = 1", row
        )


@pytest.mark.requirement("ledger:one-evidence-a-call")
def test_evidence_has_the_handle_of_its_own_call(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="not of its call"):
        _row(connection, "evidence", id="ev_x")
    _row(connection, "query_audit", id="aud_x")
    _row(connection, "query_audit", seq=2, id="aud_y")
    for other in ("ev_y", "aud_x", "x"):
        with pytest.raises(sqlite3.IntegrityError, match="not of its call"):
            _row(connection, "evidence", id=other)
    _row(connection, "evidence", id="ev_x")
    with pytest.raises(sqlite3.IntegrityError):
        _row(connection, "evidence", id="ev_x")


def test_an_event_is_only_added_at_the_end(connection: sqlite3.Connection) -> None:
    _row(connection, "event", seq=1)
    for seq in (1, 3, 0, -1):
        with pytest.raises(sqlite3.IntegrityError):
            _row(connection, "event", seq=seq)
    _row(connection, "event", seq=2)


@pytest.mark.parametrize(
    "column",
    [
        "seq",
        "id",
        "at",
        "tenant",
        "principal",
        "capability",
        "contract",
        "source",
        "request",
        "quorum",
        "policy",
        "expires_at",
        "body",
    ],
)
def test_only_the_status_of_a_proposal_ever_changes(connection: sqlite3.Connection, column: str) -> None:
    _row(connection, "proposal", status="review_required")
    value = 2 if column in {"seq", "quorum"} else "y"
    with pytest.raises(sqlite3.IntegrityError, match="append only"):
        connection.execute(f"UPDATE proposal SET {column} = ?, status = 'expired'", (value,))
    with pytest.raises(sqlite3.IntegrityError, match="append only"):
        connection.execute("DELETE FROM proposal")


@pytest.mark.parametrize("column", ["seq", "id", "at", "proposal", "decision", "source", "body"])
def test_only_the_lease_of_a_job_ever_changes(connection: sqlite3.Connection, column: str) -> None:
    _row(connection, "job", **OPEN)
    with pytest.raises(sqlite3.IntegrityError, match="append only"):
        connection.execute(f"UPDATE job SET {column} = ?", (2 if column == "seq" else "y",))
    with pytest.raises(sqlite3.IntegrityError, match="append only"):
        connection.execute("DELETE FROM job")


def test_a_closed_job_stays_closed_and_attempts_only_grow(connection: sqlite3.Connection) -> None:
    _row(connection, "job", **OPEN, id="j", proposal="p")
    connection.execute("UPDATE job SET attempt = 2")
    with pytest.raises(sqlite3.IntegrityError, match="only grow"):
        connection.execute("UPDATE job SET attempt = 1")
    with pytest.raises(sqlite3.IntegrityError, match="not settled"):
        connection.execute("UPDATE job SET open = 0")
    connection.execute("SAVEPOINT before")
    for told in ({"kind": "job_set_aside", "subject": "another"}, {"kind": "job_leased", "subject": "p"}):
        _row(connection, "event", seq=1, **told)
        with pytest.raises(sqlite3.IntegrityError, match="not settled"):
            connection.execute("UPDATE job SET open = 0")
        connection.execute("ROLLBACK TO before")
    _row(connection, "event", seq=1, kind="job_set_aside", subject="p")
    connection.execute("UPDATE job SET open = 0")
    connection.execute("ROLLBACK TO before")
    _row(connection, "settlement", job="j")
    connection.execute("UPDATE job SET open = 0")
    for change in ("open = 1", "attempt = 3", "code = 'x'"):
        with pytest.raises(sqlite3.IntegrityError, match="closed"):
            connection.execute(f"UPDATE job SET {change}")


@pytest.mark.requirement("worker:row-order")
@pytest.mark.parametrize("query", ["due_job", "due_job_of"])
def test_the_next_job_is_found_by_indexes_of_what_is_open_however_much_is_closed(
    connection: sqlite3.Connection, query: str
) -> None:
    text = queries("synapsor.ledger")[query]
    plan = connection.execute(f"EXPLAIN QUERY PLAN {text}", dict.fromkeys(re.findall(r":(\w+)", text), "")).fetchall()
    steps = [row["detail"] for row in plan]
    looks = [step for step in steps if not step.startswith("CORRELATED SCALAR SUBQUERY")]
    assert all(step.startswith("SEARCH ") for step in looks), steps  # no scan, and nothing is sorted
    assert looks[0].startswith("SEARCH own USING INDEX job_open (source=?")
    assert "SEARCH mine USING COVERING INDEX job_row_job (seq=?)" in looks
    assert "SEARCH theirs USING PRIMARY KEY (target=? AND seq<?)" in looks


@pytest.mark.requirement("worker:row-order")
def test_rows_are_those_of_open_jobs_and_of_all_of_their_group(connection: sqlite3.Connection) -> None:
    for seq, (name, group) in enumerate({"p": None, "g1": "g", "g2": "g", "other": "h"}.items(), start=1):
        told = {"request": name, "capability": name, "status": "review_required", "group_id": group}
        _row(connection, "proposal", seq=seq, id=name, **told)
        _row(connection, "proposal_row", seq=seq, proposal=name, target=f"row of {name}", own=1)
    _row(connection, "job", **OPEN, seq=11, id="j1", proposal="p")
    _row(connection, "job", **OPEN, seq=12, id="j2", proposal="g2")
    rows = "SELECT seq, target FROM job_row ORDER BY seq, target"
    of_group = [(12, "row of g1"), (12, "row of g2")]
    assert [tuple(row.values()) for row in connection.execute(rows)] == [(11, "row of p"), *of_group]
    _row(connection, "settlement", job="j1")
    connection.execute("UPDATE job SET open = 0 WHERE id = 'j1'")
    assert [tuple(row.values()) for row in connection.execute(rows)] == of_group


@pytest.mark.requirement("steer:given-up")
def test_a_job_is_given_up_by_an_event_and_taken_again_by_an_instruction_of_later(
    connection: sqlite3.Connection,
) -> None:
    _row(connection, "job", **OPEN, id="j", proposal="p")
    with pytest.raises(sqlite3.IntegrityError, match="not given up"):
        connection.execute("UPDATE job SET parked = 'now'")
    _row(connection, "instruction", seq=1, id="early", job="j", proposal="p", verb="requeue")
    for seq, kind in enumerate(("job_leased", "job_parked"), start=1):
        _row(connection, "event", seq=seq, kind=kind, subject="p")
    connection.execute("UPDATE job SET parked = 'now'")
    with pytest.raises(sqlite3.IntegrityError, match="nobody has it tried again"):
        connection.execute("UPDATE job SET parked = NULL")
    _row(connection, "instruction", seq=3, id="late", job="j", proposal="p", verb="requeue")
    connection.execute("UPDATE job SET parked = NULL")


@pytest.mark.requirement("accepted:forged")
def test_a_job_is_accepted_by_an_event_and_stays_as_it_was_accepted(connection: sqlite3.Connection) -> None:
    _row(connection, "job", **OPEN, id="j", proposal="p")
    with pytest.raises(sqlite3.IntegrityError, match="not accepted"):
        connection.execute("UPDATE job SET accepted = 'then'")
    _row(connection, "event", seq=1, kind="job_accepted", subject="p")
    connection.execute("UPDATE job SET accepted = 'then'")
    for value in ("'later'", "NULL"):
        with pytest.raises(sqlite3.IntegrityError, match="not accepted"):
            connection.execute(f"UPDATE job SET accepted = {value}")


@pytest.mark.requirement("steer:given-up")
def test_nobody_has_in_hand_what_was_given_up_and_nothing_is_said_of_a_job_that_is_done(
    connection: sqlite3.Connection,
) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        _row(connection, "job", **{**OPEN, "parked": "now", "lease": "l", "lease_until": "then"})
    with pytest.raises(sqlite3.IntegrityError, match="no such job"):
        _row(connection, "instruction", job="j", proposal="p", verb="cancel")


# The state machine.


def _step(start: Status, target: Status) -> bool:
    """Tell whether the schema allows a step, with every record there that a step may need."""
    connection = connect(":memory:")
    migrate.migrate(connection, migrations(), at="now")
    try:
        _row(connection, "proposal", id="p", status="review_required")
        verdict = "reject" if target is Status.REJECTED else "approve"
        _row(connection, "decision", id=verdict, proposal="p", verdict=verdict)
        if start is not Status.REVIEW_REQUIRED:
            guards = [
                r["name"]
                for r in connection.execute(
                    "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'proposal'"
                )
            ]
            texts = [
                r["sql"]
                for r in connection.execute(
                    "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'proposal'"
                )
            ]
            for name in guards:
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute("UPDATE proposal SET status = ?", (start.value,))
            for text in texts:
                connection.execute(text)
        _row(connection, "settlement", proposal="p", status=target.value)
        if start is Status.RECONCILIATION_REQUIRED:
            verdict = "applied" if target is Status.APPLIED else "not_applied"
            _row(connection, "resolution", proposal="p", verdict=verdict)
        connection.execute("UPDATE proposal SET status = ? WHERE id = 'p'", (target.value,))
    except sqlite3.IntegrityError:
        return False
    finally:
        connection.close()
    return True


@pytest.mark.requirement("ledger:one-state-machine")
def test_the_schema_allows_exactly_the_steps_of_the_transition_table() -> None:
    allowed = {(a, b) for a, b in itertools.product(Status, Status) if _step(a, b)}
    assert allowed == {(a, b) for a, targets in TRANSITIONS.items() for b in targets}


def test_a_proposal_starts_in_review(connection: sqlite3.Connection) -> None:
    for status in set(Status) - {Status.REVIEW_REQUIRED}:
        with pytest.raises(sqlite3.IntegrityError):
            _row(connection, "proposal", status=status.value)


def test_a_status_needs_the_record_that_gives_it(connection: sqlite3.Connection) -> None:
    _row(connection, "proposal", id="p", status="review_required")
    with pytest.raises(sqlite3.IntegrityError, match="no quorum"):
        connection.execute("UPDATE proposal SET status = 'approved'")
    _row(connection, "decision", proposal="p", verdict="approve")
    with pytest.raises(sqlite3.IntegrityError, match="no such decision"):
        connection.execute("UPDATE proposal SET status = 'rejected'")
    connection.execute("UPDATE proposal SET status = 'approved'")
    with pytest.raises(sqlite3.IntegrityError, match="nothing to decide"):
        _row(connection, "decision", seq=2, id="late", proposal="p", verdict="reject")
    _row(connection, "settlement", proposal="p", status="failed")
    with pytest.raises(sqlite3.IntegrityError, match="no settlement"):
        connection.execute("UPDATE proposal SET status = 'applied'")
    connection.execute("UPDATE proposal SET status = 'failed'")


@pytest.mark.requirement("reconcile:signed")
def test_what_is_in_doubt_moves_by_a_resolution_that_says_so_and_by_none_of_before(
    connection: sqlite3.Connection,
) -> None:
    _row(connection, "proposal", id="p", status="review_required")
    with pytest.raises(sqlite3.IntegrityError, match="nothing to resolve"):
        _row(connection, "resolution", proposal="p", verdict="applied")
    _row(connection, "decision", proposal="p", verdict="approve")
    connection.execute("UPDATE proposal SET status = 'approved'")
    _row(connection, "settlement", proposal="p", status="reconciliation_required")
    connection.execute("UPDATE proposal SET status = 'reconciliation_required'")
    with pytest.raises(sqlite3.IntegrityError, match="nobody resolved it"):
        connection.execute("UPDATE proposal SET status = 'applied'")
    _row(connection, "resolution", proposal="p", verdict="not_applied")
    with pytest.raises(sqlite3.IntegrityError, match="nobody resolved it"):
        connection.execute("UPDATE proposal SET status = 'applied'")
    connection.execute("UPDATE proposal SET status = 'failed'")


@pytest.mark.requirement("approval:quorum")
def test_an_approval_needs_as_many_different_people_as_the_proposal_says(connection: sqlite3.Connection) -> None:
    _row(connection, "proposal", id="p", status="review_required", quorum=2)
    for seq, operator in enumerate(("leo", "leo", "mia"), start=1):
        with pytest.raises(sqlite3.IntegrityError, match="no quorum"):
            connection.execute("UPDATE proposal SET status = 'approved'")
        _row(
            connection,
            "decision",
            seq=seq,
            id=f"d{seq}",
            proposal="p",
            verdict="approve",
            operator=operator,
            step_up=None,
        )
    connection.execute("UPDATE proposal SET status = 'approved'")


@pytest.mark.requirement("approval:reject-is-final")
def test_nothing_is_approved_that_somebody_rejected(connection: sqlite3.Connection) -> None:
    _row(connection, "proposal", id="p", status="review_required")
    _row(connection, "decision", seq=1, id="d1", proposal="p", verdict="reject", operator="leo")
    _row(connection, "decision", seq=2, id="d2", proposal="p", verdict="approve", operator="mia")
    with pytest.raises(sqlite3.IntegrityError, match="no such decision"):
        connection.execute("UPDATE proposal SET status = 'approved'")
    connection.execute("UPDATE proposal SET status = 'rejected'")


def test_a_request_has_one_pending_proposal(connection: sqlite3.Connection) -> None:
    alone = {"request": "r", "status": "review_required", "group_id": None}
    _row(connection, "proposal", seq=1, id="a", **alone)
    with pytest.raises(sqlite3.IntegrityError):
        _row(connection, "proposal", seq=2, id="b", **alone)
    connection.execute("UPDATE proposal SET status = 'expired'")
    _row(connection, "proposal", seq=2, id="b", **alone)


@pytest.mark.requirement("group:whole")
def test_a_group_has_one_proposal_of_each_capability(connection: sqlite3.Connection) -> None:
    _row(connection, "proposal", seq=1, id="a", request="r", status="review_required", capability="c", group_id="g")
    with pytest.raises(sqlite3.IntegrityError):
        _row(connection, "proposal", seq=2, id="b", request="s", status="review_required", capability="c", group_id="g")
    _row(connection, "proposal", seq=2, id="b", request="s", status="review_required", capability="d", group_id="g")


@pytest.mark.requirement("group:whole")
@pytest.mark.parametrize("elsewhere", [s for s in Status if s not in {Status.REVIEW_REQUIRED, Status.APPROVED}])
def test_a_proposal_is_not_approved_when_one_of_its_group_has_left_review(
    connection: sqlite3.Connection, elsewhere: Status
) -> None:
    _row(
        connection,
        "proposal",
        seq=1,
        id="a",
        request="r",
        status="review_required",
        capability="c",
        group_id="g",
        quorum=1,
    )
    _row(connection, "decision", seq=1, proposal="a", verdict="approve")
    connection.execute("DROP TRIGGER proposal_starts")
    _row(connection, "proposal", seq=2, id="b", request="s", status=elsewhere.value, capability="d", group_id="g")
    with pytest.raises(sqlite3.IntegrityError, match="not with its group"):
        connection.execute("UPDATE proposal SET status = 'approved' WHERE id = 'a'")


@pytest.mark.requirement("group:whole")
def test_a_proposal_is_not_applied_when_one_of_its_group_has_come_to_another_end(
    connection: sqlite3.Connection,
) -> None:
    connection.execute("DROP TRIGGER proposal_starts")
    for seq, (name, status) in enumerate((("a", "approved"), ("b", "conflict")), 1):
        _row(connection, "proposal", seq=seq, id=name, request=name, status=status, capability=name, group_id="g")
        _row(connection, "settlement", seq=seq, id=name, proposal=name, status="applied")
    with pytest.raises(sqlite3.IntegrityError, match="not with its group"):
        connection.execute("UPDATE proposal SET status = 'applied' WHERE id = 'a'")


@pytest.mark.requirement("group:whole")
def test_a_group_has_one_job(connection: sqlite3.Connection) -> None:
    for seq, name in enumerate("ab", 1):
        _row(
            connection,
            "proposal",
            seq=seq,
            id=name,
            request=name,
            status="review_required",
            capability=name,
            group_id="g",
        )
    _row(connection, "proposal", seq=3, id="c", request="c", status="review_required", group_id=None)
    alone = OPEN
    _row(connection, "job", seq=1, id="a", proposal="a", **alone)
    with pytest.raises(sqlite3.IntegrityError, match="its group has one"):
        _row(connection, "job", seq=2, id="b", proposal="b", **alone)
    _row(connection, "job", seq=3, id="c", proposal="c", **alone)


# The queries.


def test_every_query_has_a_name_a_line_that_describes_it_and_values_only_as_placeholders() -> None:
    for name, text in queries("synapsor.ledger").items():
        assert text.endswith((")", *"abcdefghijklmnopqrstuvwxyz0123456789'")), name
        assert "'" not in re.sub(
            r"'(review_required|approved|reject|read|aud|ok|policy_deferred|policies_stopped|policies_running|worker_paused|worker_resumed|job_parked|apply_intended|intent_cleared|reconciliation_required|resolution_refused|resolution_waits)'",
            "",
            text,
        ), name


def test_every_query_is_used_and_every_used_query_exists() -> None:
    code = "\n".join(p.read_text(encoding="utf-8") for p in SOURCE.glob("*.py"))
    generic = {f"{form.format(kind)}" for kind in KINDS for form in ("insert_{}", "{}_by_id", "{}_at")}
    assert generic <= set(queries("synapsor.ledger"))
    asked = set(re.findall(r'tx\.(?:one|all|execute)\(\s*"([a-z_]+)"', code))
    assert asked <= set(queries("synapsor.ledger"))
    assert set(queries("synapsor.ledger")) - generic <= asked
