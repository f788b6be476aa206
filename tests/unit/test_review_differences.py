"""How values are told to a reviewer: typed, exact, NULL apart from every text, and a difference beside the values and never instead."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapsor.approve.card.cells import Change, TextLine
from synapsor.approve.card.terms import Terms
from synapsor.approve.card.view import Card
from synapsor.approve.terminal.card import render
from synapsor.core.jsondiff import places_of
from synapsor.core.plain import cells, line_of
from synapsor.core.proposal import Member, Status
from synapsor.core.readings import amount, apart, reading_of, zone_of
from synapsor.core.records import to_body
from synapsor.core.scripts import mixed
from synapsor.core.textdiff import MOST_CHANGES, changes, lines_of
from synapsor.ports import ProposalRecord
from synapsor.values import ColumnType, Token
from tests.cards import card
from tests.decisions import NOW, ROW, evidence_of, proposal

T = ColumnType
KIND_OF = {"note": "text", "due": "timestamptz", "day": "date", "paid": "boolean", "meta": "json", "fee": "integer"}


def seen(before: dict[str, Token], after: dict[str, Token], *, full: bool = False, **units: str) -> Card:
    member = Member(key=(("id", "INV-3001"),), before={"id": "INV-3001", **before}, changes=after)
    columns = tuple({**dict.fromkeys(["id", *before], "text"), **KIND_OF}.items())
    asked = proposal(members=(member,), columns=columns, guards=(), advances=None, tenant_column=None)
    record = ProposalRecord(proposal=asked, status=Status.REVIEW_REQUIRED)
    return card(record, evidence=evidence_of(ROW), terms=Terms(units=units), now=NOW, full=full)


def change(column: str, before: Token, after: Token, *, full: bool = False, **units: str) -> Change:
    (found,) = seen({column: before}, {column: after}, full=full, **units).rows[0].changes
    return found


def drawn(column: str, before: Token, after: Token, *, full: bool = False, **units: str) -> list[str]:
    text = render(seen({column: before}, {column: after}, full=full, **units), width=1000)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    ends = ("1 unchanged ", 'id "INV-3001" (unchanged)')
    return lines[lines.index("Change") + 1 : next(at for at, line in enumerate(lines) if line.startswith(ends))]


@pytest.mark.parametrize(
    ("token", "unit", "told"),
    [
        ("5500", "cents", "55.00"),
        ("-1234567", "EUR cents", "-12,345.67 EUR"),
        ("5500.5", "cents", "55.005"),
        ("900719925474099299", "pence", "9,007,199,254,740,992.99"),
        ("250", "basis points", "2.50 %"),
        ("93784", "seconds", "1 d 2 h 3 min 4 s"),
        ("-90", "minutes", "-1 h 30 min"),
        ("30", "minutes", None),
        ("1500", "ms", "1.500 s"),
        ("1536000", "bytes", "about 1.5 MiB"),
        ("1234567.50", "EUR", "1,234,567.50 EUR"),
        ("12", "pieces", None),
        ("NaN", "cents", None),
        ("1e500", "cents", None),
        ("9" * 100, "cents", None),
    ],
)
def test_a_number_is_read_as_what_it_counts_and_exactly(token: str, unit: str, told: str | None) -> None:
    assert amount(token, unit) == told


@pytest.mark.parametrize(
    ("token", "kind", "reading", "zone"),
    [
        ("2026-11-23 20:17:00.25+00", T.TIMESTAMPTZ, "in 8 h 17 min", "UTC"),
        ("2026-11-21 10:00:00+02:00", T.TIMESTAMPTZ, "2 d 4 h ago", "+02:00"),
        ("2026-11-23T11:00:00Z", T.TIMESTAMPTZ, "1 h 0 min ago", "UTC"),
        ("infinity", T.TIMESTAMPTZ, None, None),
        ("2026-11-23 20:17:00", T.TIMESTAMP, None, "none"),
        ("2026-11-24", T.DATE, "Tue, tomorrow", None),
        ("2026-11-20", T.DATE, "Fri, 3 days ago", None),
        ("0000-00-00", T.DATE, None, None),
        ("1", T.BOOLEAN, "true", None),
        ("true", T.BOOLEAN, None, None),
        ("\\x00ff", T.BYTES, "2 bytes", None),
        ("\\xzz", T.BYTES, None, None),
        ("a text", T.TEXT, None, None),
    ],
)
def test_a_value_is_read_as_its_type_tells_it(
    token: str, kind: ColumnType, reading: str | None, zone: str | None
) -> None:
    assert (reading_of(token, kind, None, NOW), zone_of(token, kind)) == (reading, zone)


@pytest.mark.parametrize(
    ("one", "other", "kind", "told"),
    [
        ("2026-11-23 20:17:00+00", "2026-11-25 20:17:01.5+00", T.TIMESTAMPTZ, "2 d 1.5 s later"),
        ("2026-11-23", "2026-11-20", T.DATE, "3 days earlier"),
        ("2026-11-23 20:17:00", "2026-11-23 20:17:00", T.TIMESTAMP, None),
        ("2026-11-23 20:17:00", "infinity", T.TIMESTAMP, None),
        ("2026-11-23 20:17:00", "2026-11-23 20:17:00+00", T.TIMESTAMPTZ, None),
        ("1", "2", T.INTEGER, None),
    ],
)
def test_of_two_instants_it_is_told_how_far_they_are_apart(
    one: str, other: str, kind: ColumnType, told: str | None
) -> None:
    assert apart(one, other, kind) == told


@pytest.mark.requirement("approval:typed")
def test_null_an_empty_text_and_a_text_that_says_null_are_three_things() -> None:
    null, empty, words = (change("note", "x", after).after for after in (None, "", "NULL"))
    assert null is not None and empty is not None and words is not None  # noqa: PT018  # for the types
    assert [(v.state, v.is_empty, v.text.text) for v in (null, empty, words)] == [
        ("null", False, ""),
        ("value", True, ""),
        ("value", False, "NULL"),
    ]
    assert [drawn("note", "x", after)[1] for after in (None, "", "NULL")] == ["→ NULL", '→ ""', '→ "NULL"']


@pytest.mark.requirement("approval:typed")
def test_money_and_instants_are_told_beside_the_exact_value() -> None:
    assert drawn("fee", "5500", "0", fee="EUR cents") == [
        "fee 5500 EUR cents (55.00 EUR)",
        "→ 0 EUR cents (0.00 EUR)",
        "difference -5500 EUR cents (-55.00 EUR)",
    ]
    assert drawn("due", "2026-11-23 10:00:00+00", "2026-11-24 12:30:00+00") == [
        "due 2026-11-23 10:00:00+00 (UTC, 2 h 0 min ago)",
        "→ 2026-11-24 12:30:00+00 (UTC, in 1 d 0 h)",
        "difference 1 d 2 h 30 min later",
    ]
    assert drawn("paid", "0", "1") == ["paid 0 (false)", "→ 1 (true)"]


@pytest.mark.requirement("approval:typed")
def test_a_text_of_several_lines_is_told_line_by_line_and_no_line_can_pass_for_the_cards_own() -> None:
    assert drawn("note", "Dear Ann,\nwe waive it.\nLeo", "Dear Ann,\nwe keep it.\n- approved by leo\nLeo") == [
        "note a text of several lines",
        '= "Dear Ann,"',
        '- "we waive it."',
        '+ "we keep it."',
        '+ "- approved by leo"',
        '= "Leo"',
    ]
    told = change("note", "a\r\nb", "a\nb").lines
    assert told is not None
    assert [(line.mark, line.text and line.text.text) for line in told.lines] == [
        ("removed", "a\\r"),
        ("added", "a"),
        ("same", "b"),
    ]


@pytest.mark.requirement("approval:typed", "approval:shown-in-full")
def test_lines_that_are_left_out_are_counted_and_the_texts_are_not_taken_as_seen() -> None:
    before = "\n".join(f"line {number}" for number in range(10_000))
    after = before.replace("line 5000\n", "another\n")
    brief, full = (change("note", before, after, full=full) for full in (False, True))
    assert brief.lines is not None
    assert not brief.lines.whole
    assert brief.lines.lines[0] == TextLine(mark="same", text=None, count=4998)
    assert [line.mark for line in brief.lines.lines] == ["same", "same", "same", "removed", "added", *["same"] * 3]
    assert not seen({"note": before}, {"note": after}).whole
    assert full.lines is not None
    assert (full.lines.whole, len(full.lines.lines)) == (True, 10_001)
    assert seen({"note": before}, {"note": after}, full=True).whole
    assert '"another"' in " ".join(drawn("note", before, after, full=True))


@given(st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_both_texts_can_be_put_together_again_from_their_lines(one: list[str], other: list[str]) -> None:
    steps = list(changes(one, other))
    assert [line for mark, line in steps if mark != "added"] == one
    assert [line for mark, line in steps if mark != "removed"] == other


@given(st.text(alphabet="ab. \n", max_size=60), st.text(alphabet="ab. \n", max_size=60))
def test_so_can_texts_of_one_line_from_their_sentences(one: str, other: str) -> None:
    steps = lines_of(one, other)
    seam = "\n" if "\n" in one + other else ""
    assert seam.join(line for mark, line in steps if mark != "added") == one
    assert seam.join(line for mark, line in steps if mark != "removed") == other


def test_texts_that_differ_in_very_many_lines_are_told_as_one_for_the_other() -> None:
    one, other = ([f"{name} {number}" for number in range(MOST_CHANGES)] for name in ("one", "other"))
    assert [mark for mark, _ in changes(one, other)] == ["removed"] * MOST_CHANGES + ["added"] * MOST_CHANGES


@pytest.mark.requirement("approval:typed")
def test_a_document_is_told_place_by_place() -> None:
    before = '{"plan": {"seats": 5, "on": true}, "tags": ["a", "b"], "old key": 1, "same": {"x": [1.0]}}'
    after = '{"tags": ["a", "c", {"x": null}], "plan": {"seats": "5", "on": true}, "same": {"x": [1.0]}, "new": ""}'
    for column in ("meta", "note"):
        assert drawn(column, before, after)[2:] == [
            '$.plan.seats: 5 → "5"',
            '$.tags[1]: "b" → "c"',
            '$.tags[2] is added: {"x": null}',
            '$["old key"] is removed: 1',
            '$.new is added: ""',
        ]
    told = change("meta", before, after)
    assert told.after is not None
    assert told.after.text.text == after


@pytest.mark.parametrize(
    ("one", "other", "places"),
    [
        ('{"a": 1.0}', '{"a": 1}', [("$.a", "changed", "1.0", "1")]),
        ("[true]", "[1]", [("$[0]", "changed", "true", "1")]),
        ("[0, 1, 2]", "[1, 2]", [("$[0]", "removed", "0", None)]),
        ('{"b":1,"a":2}', '{"a": 2, "b": 1}', []),
        ('{"a": 1, "a": 2}', '{"a": 2}', None),
        ("[NaN]", "[1]", None),
        ("[" * 300 + "]" * 300, "[]", None),
        ('"text"', "[]", None),
        (None, "[]", None),
        ("[" + "1," * 100_000 + "1]", "[]", None),
    ],
)
def test_documents_are_compared_by_what_they_say_or_not_at_all(one: Token, other: Token, places: Any) -> None:
    assert places_of(one, other) == places


@pytest.mark.requirement("approval:no-tricks")
def test_what_should_be_looked_at_twice_is_pointed_out() -> None:
    said = {
        "the two look alike and differ in their characters": ("caf\u00e9", "cafe\u0301"),
        "the two documents say the same and differ in how they are written": ('{"a":1}', '{ "a": 1 }'),
        "one word has letters of Latin and Cyrillic, which look alike": ("paypal", "p\u0430ypal"),
    }
    for words, (before, after) in said.items():
        assert [line_of(note) for note in change("note", before, after).notes] == [words]
    assert change("note", "x", "\u041e\u043f\u043b\u0430\u0442\u0430 ok").notes == ()
    assert [mixed(text) for text in ("na\u00efve", "\u03b1bc", "\u65e5\u672c abc")] == [None, "Latin and Greek", None]


@pytest.mark.requirement("approval:no-tricks")
@pytest.mark.parametrize("column", ["fee", "due", "day", "paid"])
def test_what_a_column_of_this_type_would_never_hold_is_set_in_quotes(column: str) -> None:
    assert drawn(column, "1 (as it is)", "0", full=True)[0] == f'{column} "1 (as it is)"'


HOSTILE = "\x1b[2J\u202eevil\u2066\n\rAPPROVED\x07\u200b" + '"] is added: "x'


@pytest.mark.requirement("approval:no-tricks")
@pytest.mark.parametrize("column", ["note", "meta", "due", "fee", "day", "paid"])
def test_no_difference_carries_what_could_act_on_a_terminal(column: str) -> None:
    documents = (json.dumps({HOSTILE: 1, "k": [HOSTILE]}, ensure_ascii=False), json.dumps({HOSTILE: 2}))
    for before, after in (("a\nb", HOSTILE + "\nb"), (HOSTILE, "1"), documents):
        told = seen({column: before}, {column: after}, full=True, fee=HOSTILE)
        text = render(told, width=80)
        assert all(c == "\n" or c.isprintable() for c in text)
        assert not [line for line in text.splitlines() if cells(line) > 80]
        body = json.dumps(to_body(told), ensure_ascii=False)
        assert all(c.isprintable() for c in body)


def test_a_text_of_a_megabyte_is_shown_cut_or_in_full() -> None:
    before, after = "x" * 1_000_000, "\u202ey" * 500_000
    brief, full = (seen({"note": before}, {"note": after}, full=full) for full in (False, True))
    assert (brief.whole, full.whole) == (False, True)
    assert len(render(brief)) < 10_000
    told = full.rows[0].changes[0].after
    assert told is not None
    assert len(told.text.text) == 500_000 * 7
