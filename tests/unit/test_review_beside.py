"""What stands beside a proposal on its card: what the agent read, what a new text repeats of it, other open proposals, and the policy."""

import json
from typing import Any

import pytest

from synapsor.approve.card.beside import RIVALS
from synapsor.approve.card.card import card_of
from synapsor.approve.card.cells import Copied
from synapsor.approve.card.extent import BRIEFLY
from synapsor.approve.card.read import ALSO
from synapsor.approve.card.terms import Terms
from synapsor.approve.card.view import Card
from synapsor.approve.terminal.card import render
from synapsor.core.copied import LEAST, pieces, plain
from synapsor.core.moment import stamp
from synapsor.core.plain import cells, line_of
from synapsor.core.proposal import Member, Status
from synapsor.core.rivals import contested, in_common, targets
from synapsor.ledger.open import open_memory_ledger
from synapsor.ledger.store import Ledger
from synapsor.ports import ProposalRecord
from synapsor.testing.clock import TestClock
from synapsor.values import digest
from tests.cards import card
from tests.decisions import NOW, ROW, audit_of, evidence_of, person, proposal, with_row

LEO = person("leo")


def handle(prefix: str, number: int) -> str:
    return f"{prefix}_{number:020d}"


async def file(ledger: Ledger, number: int, **changes: Any) -> ProposalRecord:
    """File a proposal with evidence of its own, as a call of the same run."""
    evidence = {**evidence_of(ROW), "id": handle("ev", number), "call": handle("aud", number)}
    changes = {"id": handle("wrp", number), "branch": handle("rb", number), "request": f"req {number}", **changes}
    named = {"evidence": evidence["id"], "evidence_digest": digest("evidence", evidence)}
    asked = with_row(proposal(ledger.id, **named), **changes)
    return await ledger.file_proposal(asked, evidence, audit_of(evidence))


async def note(ledger: Ledger, number: int, rows: list[list[str | None]], **changes: Any) -> dict[str, Any]:
    """Record a read of two columns in the same run."""
    columns = [["id", "text"], ["body", "text"]]
    evidence = {
        **evidence_of({}),
        "id": handle("ev", number),
        "call": handle("aud", number),
        "capability": "notes.list",
    }
    evidence = {**evidence, "columns": columns, "rows": rows, **changes}
    await ledger.record_read({**audit_of(evidence), "outcome": "ok"}, evidence)
    return evidence


async def seen(ledger: Ledger, record: ProposalRecord, *, full: bool = False) -> Card:
    return await card_of(ledger, record, operators={"leo": LEO.operator}, now=NOW, full=full)


def ledger_in_memory() -> Ledger:
    return open_memory_ledger(clock=TestClock(NOW))


# Other open proposals about the same row.


@pytest.mark.requirement("approval:rivals")
async def test_other_open_proposals_about_the_same_row_are_told_with_what_they_share() -> None:
    ledger = ledger_in_memory()
    await file(ledger, 1, principal="robin", changes={"late_fee_cents": "100"})
    await file(ledger, 2, changes={"row_version": "9"})
    await file(ledger, 3, key=(("id", "INV-9"),))
    await file(ledger, 4, tenant="globex")
    await file(ledger, 5, source="other")
    await file(ledger, 6, relation="billing.others")
    record = await file(ledger, 7)
    told = await seen(ledger, record)
    assert [(r.proposal.text, r.by.text, r.status, [c.text for c in r.columns]) for r in told.rivals.told] == [
        (handle("wrp", 2), "support_agent_17", "review_required", []),
        (handle("wrp", 1), "robin", "review_required", ["late_fee_cents"]),
    ]
    assert not told.rivals.more
    assert len(told.warnings) == 2  # the contract of these tests is activated nowhere
    assert "another open proposal is about the same row" in told.warnings[-1] + told.warnings[0]
    lines = [" ".join(line.split()) for line in render(told, width=200).splitlines()]
    at = lines.index(f"competes with {handle('wrp', 1)}, billing.propose_late_fee_waiver: it waits for review")
    assert lines[at + 1].startswith("asked by robin, ")
    assert lines[at + 2] == "both set late_fee_cents"
    await ledger.aclose()


@pytest.mark.requirement("approval:rivals")
async def test_what_is_decided_or_past_its_time_does_not_compete() -> None:
    ledger = ledger_in_memory()
    await file(ledger, 1, expires_at=stamp(NOW))
    superseded = await file(ledger, 2)
    await file(ledger, 3, request=superseded.proposal.request, changes={"late_fee_cents": "1"})
    record = await file(ledger, 4)
    told = await seen(ledger, record)
    assert [rival.proposal.text for rival in told.rivals.told] == [handle("wrp", 3)]
    await ledger.aclose()


@pytest.mark.requirement("approval:rivals")
async def test_of_very_many_that_compete_some_are_told_and_that_there_are_more() -> None:
    ledger = ledger_in_memory()
    for number in range(1, RIVALS + 3):
        record = await file(ledger, number)
    told = await seen(ledger, record)
    assert (len(told.rivals.told), told.rivals.more) == (RIVALS, True)
    assert "and there are more" in render(told)
    await ledger.aclose()


def test_rows_are_the_same_by_source_relation_tenant_and_key_in_any_order() -> None:
    one = proposal()
    both = (("a", "1"), ("b", "2"))
    assert targets(with_row(one, key=both)) == targets(with_row(one, key=both[::-1]))
    for other in ({"source": "x"}, {"relation": "x"}, {"tenant": None}, {"key": (("id", "INV-3002"),)}):
        assert not in_common(one, with_row(one, **other))
    assert contested(one, with_row(one, changes={"waiver_reason": "x", "id": "y"})) == ("waiver_reason",)


# What the agent read.


@pytest.mark.requirement("approval:evidence")
async def test_the_rows_that_the_agent_read_are_told_with_their_age_and_hidden_ones_covered() -> None:
    ledger = ledger_in_memory()
    rows: list[list[str | None]] = [["N-1", "tok_1"], ["N-2", None]]
    hidden = {"hidden": {"body": ["token", "revealer"]}, "sealed": {"body": {"tok_1": "CANARY-sealed"}}}
    await note(ledger, 1, rows, **hidden)
    record = await file(ledger, 2)
    told = await seen(ledger, record)
    own, (other,) = told.rests_on[0], told.also_read
    assert (own.proof, own.own, own.at and own.at.away) == ("proven", True, "1 min")
    assert [v.text.text for v in own.rows[0].rows[0]] == ["INV-3001", "acme", "5500", "", "3"]
    assert (other.proof, other.capability.text) == ("recorded", "notes.list")
    body = [row[1] for row in other.rows[0].rows]
    assert [(v.state, v.text.text) for v in body] == [("hidden", "tok_1"), ("null", "")]
    text = render(told, evidence=True, width=80)
    assert "CANARY" not in text + json.dumps(str(told))
    assert "tok_1 (hidden)" in text
    assert "body (as token)" in text
    assert "the proposal does not name it" in " ".join(text.replace("┆", "").split())
    assert "N-1" not in render(told)
    await ledger.aclose()


@pytest.mark.requirement("approval:evidence")
async def test_very_many_rows_are_cut_with_how_many_more_and_the_decision_does_not_hang_on_them() -> None:
    ledger = ledger_in_memory()
    rows: list[list[str | None]] = [[f"N-{number}", "\x1b[2J\u202e" * 9] for number in range(10_000)]
    await note(ledger, 1, rows, cut_by="rows")
    record = await file(ledger, 2)
    told = await seen(ledger, record)
    (part,) = told.also_read[0].rows
    assert (len(part.rows), part.more, part.cut_by and part.cut_by.text) == (
        BRIEFLY.rows,
        10_000 - BRIEFLY.rows,
        "rows",
    )
    assert told.whole
    text = render(told, evidence=True, width=80)
    assert "and 9,980 more rows, not told here" in text
    assert "cut by the limit on rows when it was read" in text
    assert all(c == "\n" or c.isprintable() for c in text)
    assert not [line for line in text.splitlines() if cells(line) > 80]
    await ledger.aclose()


@pytest.mark.requirement("approval:evidence")
async def test_only_reads_of_the_same_person_in_the_same_run_before_it_are_its_own() -> None:
    ledger = ledger_in_memory()
    for number in range(1, ALSO + 3):
        await note(ledger, number, [])
    for number, changes in ((21, {"tenant": "globex"}), (22, {"principal": "robin"})):
        await note(ledger, number, [], **changes)
    record = await file(ledger, 30)
    await note(ledger, 31, [])
    told = await seen(ledger, record)
    assert [e.handle.text for e in told.also_read] == [handle("ev", number) for number in range(ALSO + 2, 2, -1)]
    assert told.also_more
    assert f"more than {ALSO} more reads in the same run" in render(told, width=200)
    await ledger.aclose()


@pytest.mark.requirement("approval:evidence")
@pytest.mark.parametrize(
    "body",
    [
        {"columns": None},
        {"rows": [["one"]]},
        {"rows": [[1, 2]]},
        {"columns": [["id"], ["body"]]},
        {"lists": {"more": {"rows": 1}}},
    ],
)
def test_a_read_that_is_not_of_the_form_that_was_written_is_said_to_be_altered(body: dict[str, Any]) -> None:
    sound = {**evidence_of(ROW), "id": handle("ev", 9)}
    record = ProposalRecord(proposal=proposal(), status=Status.REVIEW_REQUIRED)
    told = card(record, evidence=evidence_of(ROW), terms=Terms(), now=NOW, also=({**sound, **body}, sound))
    assert [(e.proof, len(e.rows)) for e in told.also_read] == [("altered", 0), ("recorded", 1)]
    assert "what the ledger holds is not what was read" in render(told, evidence=True, width=200)


# What a new text repeats of what was read.

SECRET = "The launch code is 7719-ALPHA-0042."


def copied(new: str, rows: list[list[str | None]], before: str | None = None) -> tuple[Copied, ...]:
    member = Member(key=(("id", "N-1"),), before={"id": "N-1", "waiver_reason": before}, changes={"waiver_reason": new})
    asked = proposal(members=(member,), guards=(), advances=None)
    read = {**evidence_of({}), "id": handle("ev", 9), "capability": "notes.list"}
    read = {**read, "columns": [["id", "text"], ["body", "text"]], "rows": rows}
    record = ProposalRecord(proposal=asked, status=Status.REVIEW_REQUIRED)
    told = card(record, evidence=evidence_of(ROW), terms=Terms(), now=NOW, also=(read,))
    return told.rows[0].changes[0].copied


@pytest.mark.requirement("approval:copied-text")
def test_a_new_text_that_repeats_another_row_is_traced_to_where_it_was_read() -> None:
    (found,) = copied(f"Thanks!  {SECRET.upper()} Bye", [["N-7", "nothing"], ["N-8", f"x {SECRET} y"]])
    assert (found.row, found.column.text, found.same_row, found.capability.text) == (2, "body", False, "notes.list")
    assert SECRET.lower() in found.piece.text
    (same,) = copied(SECRET, [["N-1", SECRET]])
    assert same.same_row


@pytest.mark.requirement("approval:copied-text")
def test_the_same_row_that_was_read_twice_is_told_once_and_other_rows_each() -> None:
    twice: list[list[str | None]] = [["N-1", SECRET], ["N-1", SECRET], ["N-7", SECRET], ["N-8", SECRET]]
    assert [(one.same_row, one.row) for one in copied(SECRET, twice)] == [(True, 1), (False, 3), (False, 4)]


@pytest.mark.requirement("approval:copied-text")
def test_what_the_column_held_before_is_copied_from_nowhere_and_short_pieces_are_chance() -> None:
    assert copied(f"{SECRET} Paid.", [["N-1", SECRET]], before=SECRET) == ()
    assert copied("paid on time", [["N-2", "paid on time"]]) == ()
    assert copied("x" * (LEAST - 1), [["N-2", "x" * (LEAST - 1)]]) == ()
    assert len(copied("x" * LEAST, [["N-2", "x" * LEAST]])) == 1


@pytest.mark.requirement("approval:copied-text")
def test_the_card_says_it_below_the_change() -> None:
    member = Member(
        key=(("id", "N-1"),), before={"id": "N-1", "waiver_reason": None}, changes={"waiver_reason": SECRET}
    )
    row = {**ROW, "internal": f"{SECRET}\u202e"}
    evidence = evidence_of(row)
    asked = proposal(members=(member,), guards=(), advances=None, evidence_digest=digest("evidence", evidence))
    record = ProposalRecord(proposal=asked, status=Status.REVIEW_REQUIRED)
    told = card(record, evidence=evidence, terms=Terms(), now=NOW)
    lines = [" ".join(line.split()) for line in render(told, width=300).splitlines()]
    at = lines.index(f'→ "{SECRET}"')
    assert lines[at + 1] == (
        f'this also stands in internal of row 1 that was read ({asked.evidence}): "{SECRET.lower()}"'
    )


def test_pieces_are_the_longest_of_each_text_and_the_longest_come_first() -> None:
    read = [plain(text) for text in ("abcdefghijklmnopq 1", "zz abcdefghijklmnopqrst zz", "")]
    assert [tuple(p) for p in pieces("ABCDEFGHIJKLMNOPQRST", None, read)] == [
        (1, "abcdefghijklmnopqrst"),
        (0, "abcdefghijklmnopq"),
    ]


@pytest.mark.requirement("approval:copied-text")
def test_what_is_too_much_to_compare_is_said_to_be_so() -> None:
    members = tuple(
        Member(key=(("id", f"N-{n}"),), before={"id": f"N-{n}"}, changes={"waiver_reason": f"{n} " + "word " * 10})
        for n in range(10)
    )
    asked = proposal(members=members, operation="insert", guards=(), advances=None)
    record = ProposalRecord(proposal=asked, status=Status.REVIEW_REQUIRED)
    read = {**evidence_of({"body": "b" * 900_000}), "id": handle("ev", 9)}
    told = card(record, evidence=evidence_of(ROW), terms=Terms(), now=NOW, also=(read,))
    notes = [[line_of(note)[:28] for note in row.changes[0].notes] for row in told.rows]
    assert notes[0] == []
    assert notes[-1] == ["there is too much of it, or "]


# Why a person was asked.


@pytest.mark.requirement("approval:policy-told")
@pytest.mark.parametrize(
    ("events", "lines"),
    [
        ([], ["policy small has not been asked: a worker asks it, where the project allows that"]),
        (
            [{"why": "outside", "what": "late_fee_cents"}],
            ["policy small left it to a person: it is outside of the policy (late_fee_cents)"],
        ),
        (
            [
                {
                    "why": "limit",
                    "what": "late_fee_cents",
                    "of": "policy",
                    "observed": "90000",
                    "proposed": "5500",
                    "limit": "90001",
                }
            ],
            [
                "policy small left it to a person: late_fee_cents of the day would be 90000 + 5500, of at most 90001",
                "the day held 90000 cents (900.00), this adds 5500 cents (55.00), and the most is 90001 cents (900.01)",
            ],
        ),
        (
            [{"why": "limit", "what": "count", "of": "tenant", "observed": "5", "proposed": "1", "limit": "5"}],
            [
                "policy small left it to a person: count of the day for one tenant would be 5 + 1, of at most 5",
                "the day held 5, this adds 1, and the most is 5",
            ],
        ),
    ],
)
def test_why_a_person_was_asked_is_told_in_plain_words(events: list[dict[str, str]], lines: list[str]) -> None:
    told = tuple({"kind": "policy_deferred", "facts": facts, "at": stamp(NOW)} for facts in events)
    record = ProposalRecord(proposal=proposal(policy="small"), status=Status.REVIEW_REQUIRED, events=told)
    terms = Terms(units={"late_fee_cents": "cents"}, policy="approves when late_fee_cents is at most 100", risk="why")
    text = render(card(record, evidence=evidence_of(ROW), terms=terms, now=NOW), width=300)
    found = [" ".join(line.split()) for line in text.splitlines()]
    at = found.index(lines[0])
    assert found[at : at + len(lines) + 1] == [*lines, "it approves when late_fee_cents is at most 100"]
    assert "risk low: why" in found
