"""The review card: everything that is decided on, nothing that fools the eye, and no silent cuts."""

import datetime as dt
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapsor.approve.card.decided import doubted
from synapsor.approve.card.terms import Terms
from synapsor.approve.terminal.card import decided, lines, render
from synapsor.approve.terminal.drawing import Line, drawn
from synapsor.approve.terminal.inbox import render as render_inbox
from synapsor.approve.terminal.inbox import summary
from synapsor.core.moment import parse, stamp
from synapsor.core.onetime import code_of, meant, recognised, step_at
from synapsor.core.outcome import Why
from synapsor.core.plain import cells, fold, shown, span, visible
from synapsor.core.proposal import Member, Proposal, Status
from synapsor.core.review import APPROVAL_LASTS
from synapsor.core.statements import Decision, Operator, SignedDecision, sign
from synapsor.flow.signing import signed_decision
from synapsor.ports import ProposalRecord
from tests.cards import card
from tests.decisions import NOW, PROPOSAL_ID, ROW, Person, evidence_of, person, proposal
from tests.sessions import SECRET, known, trusted, vouched_session, voucher

LEO, MALLORY = person("leo"), person("mallory")
HOSTILE = "\x1b[2J\x1b[1;1H\r\nAPPROVED by leo\u202e\u200b\u2028\x07\x9b31m\ufeff\U000e0041"


def text_of(full: bool = False, colour: bool = False, status: Status = Status.REVIEW_REQUIRED, **changes: Any) -> str:
    record = ProposalRecord(proposal=proposal(**changes), status=status)
    return render(card(record, evidence=evidence_of(ROW), terms=Terms(), now=NOW, full=full), colour=colour)


@pytest.mark.requirement("approval:shown-in-full")
def test_a_long_sentence_of_the_contract_is_told_whole_and_keeps_nobody_from_approving() -> None:
    sentence = "status is ready, and " * 40 + "no more"
    terms = Terms(bounds={"late_fee_cents": sentence}, risk=sentence, policy=sentence, final=sentence)
    record = ProposalRecord(proposal=proposal(policy="small"), status=Status.REVIEW_REQUIRED)
    seen = card(record, evidence=evidence_of(ROW), terms=terms, now=NOW)
    assert seen.whole
    assert " ".join(render(seen, width=200).split()).count("and no more") == 4


@pytest.mark.requirement("approval:shown-in-full")
def test_the_card_shows_all_that_is_decided_on_and_the_agents_words_last() -> None:
    text = text_of()
    lines = [line.strip() for line in text.splitlines()]
    asked = proposal()
    for part in (
        asked.id,
        "billing.propose_late_fee_waiver",
        "support_agent_17",
        "stdio",
        '"INV-3001"',
        '"acme"',
        "shop: billing.invoices",
        asked.digest,
        asked.evidence,
        "billing_lead",
        asked.contract,
    ):
        assert part in text, part
    assert "late_fee_cents     5500" in lines
    assert "→                0" in lines
    assert "waiver_reason      NULL" in lines
    assert '→                "Paid next day."' in lines
    assert "2 unchanged        id, tenant_id" in lines  # the version moves
    held = lines.index("must still be      row_version = 3")
    assert lines[held + 1 : held + 3] == ["late_fee_cents = 5500", "waiver_reason = NULL"]
    assert "seen 1 min ago" in text
    assert "(in 3 d 0 h)" in text
    assert lines.index("What the agent sent (untrusted, believe none of it)") == len(lines) - 3
    assert lines[-1] == 'reason             "Paid next day."'


UNTRUSTED = "What the agent sent (untrusted, believe none of it)"
TERMS = Terms(
    units={"late_fee_cents": "cents"},
    bounds={"late_fee_cents": "before the change at most 10000 cents", "row_version": "the column takes at least 1"},
)


@pytest.mark.requirement("approval:shown-in-full")
def test_a_number_is_shown_with_what_it_counts_and_the_reviewed_bounds_below_it() -> None:
    record = ProposalRecord(proposal=proposal(), status=Status.REVIEW_REQUIRED)
    lines = [
        line.strip() for line in render(card(record, evidence=evidence_of(ROW), terms=TERMS, now=NOW)).splitlines()
    ]
    at = lines.index("late_fee_cents     5500 cents (55.00)")
    assert lines[at + 1 : at + 4] == [
        "\u2192                0 cents (0.00)",
        "difference -5500 cents (-55.00)",
        "bounds: before the change at most 10000 cents",
    ]
    at = lines.index("row_version        3 (as it is)")
    assert lines[at + 1] == "bounds: the column takes at least 1"
    assert "2 unchanged        id, tenant_id" in lines
    assert "late_fee_cents = 5500 cents" in lines


@pytest.mark.parametrize("status", [Status.REVIEW_REQUIRED, Status.APPROVED, Status.APPLIED])
def test_a_card_says_beforehand_what_the_worker_would_refuse(status: Status) -> None:
    record = ProposalRecord(proposal=proposal(), status=status)
    seen = card(record, evidence=evidence_of(ROW), terms=Terms(refusal=Why.CONTRACT_NOT_ACTIVE), now=NOW)
    told = [w for w in seen.warnings if w.startswith("the worker would not apply it: The contract")]
    assert len(told) == (0 if status is Status.APPLIED else 1)


ONCE = "once it is applied"
OTHERS = "if other people approve that as well"


@pytest.mark.parametrize(
    ("status", "undo", "can", "cannot"),
    [
        (Status.REVIEW_REQUIRED, None, f"can be undone {ONCE}, {OTHERS}", f"cannot be undone {ONCE}: why"),
        (Status.APPROVED, None, f"can be undone {ONCE}, {OTHERS}", f"cannot be undone {ONCE}: why"),
        (Status.APPLIED, None, f"can be undone, {OTHERS}", "cannot be undone: why"),
        (Status.APPLIED, Status.REJECTED, f"can be undone, {OTHERS}", "cannot be undone: why"),
        (Status.APPLIED, Status.REVIEW_REQUIRED, None, None),
        (Status.APPLIED, Status.APPLIED, None, None),
        (Status.CONFLICT, None, None, None),
        (Status.REJECTED, None, None, None),
    ],
)
def test_whether_it_can_be_undone_is_told_as_it_stands(
    status: Status, undo: Status | None, can: str | None, cannot: str | None
) -> None:
    record = ProposalRecord(proposal=proposal(), status=status)
    undos = [ProposalRecord(proposal=proposal(), status=undo)] if undo else []
    for final, words in (("", can), ("why", cannot), (None, None)):
        seen = card(record, evidence=evidence_of(ROW), terms=Terms(final=final), now=NOW, undos=undos)
        assert [line.text for line in lines(seen) if line.label == "undo"] == ([words] if words else [])


def test_a_text_that_says_null_is_not_null() -> None:
    text = text_of(changes={"waiver_reason": "NULL"})
    assert '"NULL"' in text


@pytest.mark.requirement("approval:no-tricks")
@pytest.mark.parametrize("place", ["changes", "arguments", "principal", "client", "key", "before", "capability"])
def test_nothing_in_a_proposal_can_act_on_a_terminal_or_begin_a_line(place: str) -> None:
    changed: dict[str, Any] = {
        "changes": {"waiver_reason": HOSTILE},
        "arguments": {"reason": HOSTILE},
        "principal": HOSTILE,
        "client": HOSTILE,
        "key": ((HOSTILE, HOSTILE),),
        "before": {**ROW, "waiver_reason": HOSTILE},
        "capability": HOSTILE,
    }
    text = text_of(**{place: changed[place]})
    assert not re.search(r"[^\n\x20-\x7e→┆]", text), text
    assert not any(line.strip().startswith("APPROVED") for line in text.splitlines())
    inbox = render_inbox(
        [ProposalRecord(proposal=proposal(**{place: changed[place]}), status=Status.REVIEW_REQUIRED)],
        operators={},
        now=NOW,
    )
    head, *below = inbox.splitlines()
    assert head == f"{PROPOSAL_ID}  expires in 3 d 0 h"
    assert all(line.startswith("  ") for line in below)
    assert not any(line.strip().startswith("APPROVED") for line in below)
    assert "\x1b" not in inbox


@pytest.mark.requirement("approval:no-tricks")
def test_a_value_that_is_wider_than_the_screen_cannot_place_its_words_at_the_left_edge() -> None:
    text = text_of(full=True, changes={"waiver_reason": "x" * 78 + "digest             sha256:" + "0" * 64})
    folded = [line for line in text.splitlines() if "┆" in line]
    assert folded
    assert all(line.startswith(" " * 21 + "┆ ") for line in folded)


@pytest.mark.requirement("approval:shown-in-full")
@pytest.mark.parametrize("place", ["changes", "arguments"])
def test_a_long_value_is_cut_with_its_length_and_hash_and_the_card_says_that_it_is_not_whole(place: str) -> None:
    long = "a" * 10_000 + "the end"
    changed: dict[str, Any] = {place: {"waiver_reason": long}}
    asked = proposal(**changed)
    record = ProposalRecord(proposal=asked, status=Status.REVIEW_REQUIRED)
    brief = card(record, evidence=evidence_of(ROW), terms=Terms(), now=NOW)
    assert not brief.whole
    assert "10007 characters in all, sha256 " in render(brief, width=1000)
    assert "the end" not in render(brief, width=1000)
    full = card(record, evidence=evidence_of(ROW), terms=Terms(), now=NOW, full=True)
    assert full.whole
    assert "the end" in render(full, width=100_000)


@pytest.mark.requirement("approval:no-tricks")
def test_texts_that_look_alike_and_differ_are_pointed_out() -> None:
    text = text_of(before={**ROW, "waiver_reason": "caf\u00e9"}, changes={"waiver_reason": "cafe\u0301"})
    assert "the two look alike and differ" in text


def test_warnings_come_first() -> None:
    record = ProposalRecord(proposal=proposal(), status=Status.REVIEW_REQUIRED)
    late = card(record, evidence=evidence_of(ROW), terms=Terms(), now=NOW + dt.timedelta(days=4))
    assert render(late).splitlines()[0].strip() == "WARNING            the proposal has expired"
    assert "EXPIRED" in render(late)
    assert f"Proposal {record.proposal.id} has expired" in render(late)
    applied = text_of(status=Status.APPLIED)
    assert (f"Proposal {record.proposal.id} is applied" in applied, "WARNING" in applied) == (True, False)
    missing = card(record, evidence=None, terms=Terms(), now=NOW)
    assert (missing.tampered, len(missing.warnings)) == (True, 1)
    assert "not in this ledger" in missing.warnings[0]


@pytest.mark.requirement("evidence:digest-checked")
def test_evidence_that_is_not_what_the_proposal_was_made_from_is_found() -> None:
    record = ProposalRecord(proposal=proposal(), status=Status.REVIEW_REQUIRED)
    other = evidence_of({**ROW, "late_fee_cents": "1"})
    assert card(record, evidence=other, terms=Terms(), now=NOW).tampered


def test_colours_are_the_cards_own_and_only_where_they_are_wanted() -> None:
    assert "\x1b" not in text_of()
    painted = text_of(colour=True, principal=HOSTILE)
    assert re.sub(r"\x1b\[[0-9;]+m", "", painted) == text_of(principal=HOSTILE)


@pytest.mark.requirement("approval:no-tricks")
@given(st.text())
def test_visible_text_is_harmless_and_no_two_texts_look_the_same(text: str) -> None:
    seen = visible(text)
    assert all(c.isprintable() for c in seen)
    assert seen.isascii() or not any(c in seen for c in "\u200b\u202e\u2066\ufeff")
    # The way back: what was written out is written out unambiguously.
    back = seen.replace("\\\\", "\0").replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t")
    back = re.sub(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})", lambda m: chr(int(m[1] or m[2], 16)), back).replace("\0", "\\")
    assert back == text or "\0" in text or "\\" in text


@pytest.mark.requirement("approval:no-tricks")
@pytest.mark.parametrize("invisible", ["\ufe0f", "\U000e0100", "\U000e01ef", "\U00016fe4", "\U0001d159"])
def test_what_no_eye_sees_is_written_out(invisible: str) -> None:
    assert visible(f"Paid.{invisible}") == f"Paid.{invisible.encode('unicode_escape').decode()}"


@given(st.text(max_size=2000), st.text(max_size=2000))
def test_different_texts_are_shown_differently(one: str, other: str) -> None:
    for quoted in (False, True):
        same = shown(one, quoted=quoted).text == shown(other, quoted=quoted).text
        assert same is (one == other)


@given(st.text(), st.integers(min_value=2, max_value=50))
def test_folding_loses_nothing_and_keeps_to_its_width(text: str, width: int) -> None:
    lines = fold(text, width)
    assert "".join(lines) == text
    assert [line for line in lines if cells(line) > width] == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("card expired, paid", ["card ", "expired, ", "paid"]),
        ("aaa bbbbbb ccc", ["aaa bbbbbb", " ccc"]),
        ("a" * 12, ["a" * 10, "aa"]),
        ("\u9867\u5ba2\u304b\u3089\u96fb\u8a71", ["\u9867\u5ba2\u304b\u3089\u96fb", "\u8a71"]),
        ("abcdefg \u9867\u5ba2", ["abcdefg \u9867", "\u5ba2"]),
        ("\u304b\u3099" * 6, ["\u304b\u3099" * 5, "\u304b\u3099"]),
        ("", [""]),
    ],
    ids=["at spaces", "a space too many", "a long word", "wide", "wide after narrow", "marks stay", "nothing"],
)
def test_a_text_is_folded_where_a_reader_expects_it(text: str, lines: list[str]) -> None:
    assert fold(text, 10) == lines


@pytest.mark.requirement("approval:no-tricks")
@pytest.mark.parametrize("width", [80, 40])
@given(text=st.text(max_size=300))
def test_no_line_of_a_card_is_wider_than_its_screen_and_none_begins_with_a_values_words(text: str, width: int) -> None:
    asked = proposal(changes={"waiver_reason": text}, arguments={"reason": text, "a" * 63: text}, principal=text)
    record = ProposalRecord(proposal=asked, status=Status.REVIEW_REQUIRED)
    drawn = render(card(record, evidence=evidence_of(ROW), terms=TERMS, now=NOW, full=True), width=width)
    lines = [line for line in drawn.splitlines() if line]
    assert [line for line in lines if cells(line) > width] == []
    headings = {"Change", "Guards", f"Proposal {asked.id} waits for review", UNTRUSTED}
    assert [line for line in lines if not line.startswith(("  ", "\u2506 ")) and line not in headings] == (
        [] if width == 80 else [f"Proposal {asked.id} ", "What the agent sent (untrusted, "]
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h 0 min"),
        (90_000, "1 d 1 h"),
        (-61, "1 min"),
    ],
)
def test_lengths_of_time_are_in_words(seconds: int, words: str) -> None:
    assert span(dt.timedelta(seconds=seconds)) == words


def several(operation: str = "update") -> dict[str, Any]:
    """Return the fields of a proposal about three rows."""
    members = []
    for number, fee in enumerate(("5500", "100", "-40"), start=1):
        row = {**ROW, "id": f"INV-{number}", "late_fee_cents": fee}
        key = (("id", f"INV-{number}"),)
        changes: dict[str, str | None] = {} if operation == "delete" else {"late_fee_cents": "0"}
        members.append(Member(key=key, before={} if operation == "insert" else row, changes=changes))
    guarded = {"guards": (), "advances": None} if operation == "insert" else {}
    return {"operation": operation, "members": tuple(members), **guarded}


@pytest.mark.requirement("approval:shown-in-full", "set:frozen")
def test_of_a_set_every_row_is_shown_with_its_guards_and_what_they_come_to() -> None:
    terms = Terms(units={"late_fee_cents": "cents"}, totals={"late_fee_cents": "before the change at most 9000 cents"})
    record = ProposalRecord(proposal=proposal(**several()), status=Status.REVIEW_REQUIRED)
    lines = [
        line.strip() for line in render(card(record, evidence=evidence_of(ROW), terms=terms, now=NOW)).splitlines()
    ]
    assert 'rows               3, tenant_id = "acme": all of them or none, and no other row' in lines
    for number, fee in enumerate(("5500", "100", "-40"), start=1):
        at = lines.index(f"Row {number} of 3")
        assert lines[at + 1 : at + 4] == [
            f'row                id = "INV-{number}"',
            f"late_fee_cents     {fee} cents ({Decimal(fee) / 100:.2f})",
            "→                0 cents (0.00)",
        ]
        assert "must still be      row_version = 3" in lines[at : at + 7]
    at = lines.index("Totals")
    assert lines[at + 1 : at + 3] == [
        "late_fee_cents     5560 cents (55.60) → 0 cents (0.00), difference -5560 cents (-55.60)",
        "bounds: before the change at most 9000 cents",
    ]


@pytest.mark.requirement("approval:shown-in-full")
def test_a_row_that_is_to_be_removed_is_shown_whole_and_one_to_be_added_as_what_it_would_be() -> None:
    removed = [line.strip() for line in text_of(**several("delete")).splitlines()]
    assert "operation          delete" in removed
    assert removed.count("→                the row is removed") == 3
    assert all(f"{name:<18} " in "\n".join(removed) + " " for name in ROW)
    terms = Terms(effects=("the trigger log may fire", "rows of shop.lines may be removed or changed"))
    record = ProposalRecord(proposal=proposal(**several("delete")), status=Status.REVIEW_REQUIRED)
    told = render(card(record, evidence=evidence_of(ROW), terms=terms, now=NOW))
    assert told.count("and the trigger log may fire") == 3
    assert told.count("and rows of shop.lines may be removed or changed") == 3
    added = [line.strip() for line in text_of(**several("insert")).splitlines()]
    assert added.count("→                the row is added; what else it holds is the database's to fill") == 3
    assert "must still be" not in " ".join(added)


@pytest.mark.requirement("approval:shown-in-full")
def test_a_row_that_is_to_be_added_names_its_tenant_once() -> None:
    key = (("tenant_id", "acme"), ("id", "INV-9"))
    added = Member(key=key, before={}, changes={"id": "INV-9", "waiver_reason": "x"})
    lines = text_of(operation="insert", members=(added,), guards=(), advances=None).splitlines()
    assert [line.strip() for line in lines if line.startswith("  row ")] == [
        'row                tenant_id = "acme" and id = "INV-9"'
    ]


def test_what_goes_on_begins_right_behind_its_mark() -> None:
    for wide in range(30, 60):
        told = drawn([Line("why", "one two three four five six seven eight nine ten eleven twelve")], width=wide)
        assert not [line for line in told.splitlines() if "┆  " in line]


def test_a_member_that_had_to_be_cut_leaves_the_card_not_whole() -> None:
    fields = several()
    long = Member(
        key=(("id", "INV-9"),),
        before={**ROW, "id": "INV-9"},
        changes={"late_fee_cents": "0", "waiver_reason": "x" * 5000},
    )
    record = ProposalRecord(
        proposal=proposal(**{**fields, "members": (*fields["members"], long)}), status=Status.REVIEW_REQUIRED
    )
    assert not card(record, evidence=evidence_of(ROW), terms=Terms(), now=NOW).whole
    assert card(record, evidence=evidence_of(ROW), terms=Terms(), now=NOW, full=True).whole


def test_the_inbox_names_the_first_row_of_a_set_and_how_many_more() -> None:
    records = [
        ProposalRecord(proposal=proposal(**several(o)), status=Status.REVIEW_REQUIRED) for o in ("update", "delete")
    ]
    text = render_inbox(records, operators={}, now=NOW)
    assert "INV-1 and 2 more (late_fee_cents)" in text
    assert "INV-1 and 2 more (delete)" in text


def test_the_inbox_tells_what_has_expired_though_nothing_recorded_it() -> None:
    record = ProposalRecord(proposal=proposal(), status=Status.REVIEW_REQUIRED)
    before, after = NOW + dt.timedelta(days=3, seconds=-1), NOW + dt.timedelta(days=3)
    assert "  expires in 1 s\n" in render_inbox([record], operators={}, now=before)
    assert "  has expired\n" in render_inbox([record], operators={}, now=after)
    told = [summary(record, operators={}, now=now) for now in (before, after)]
    assert [(one["status"], one["expired"]) for one in told] == [("review_required", False), ("review_required", True)]
    approved = ProposalRecord(proposal=proposal(), status=Status.APPROVED)
    assert summary(approved, operators={}, now=after)["expired"] is False


@pytest.mark.requirement("approval:no-tricks")
@pytest.mark.parametrize(
    ("by", "trusted", "digest", "doubt"),
    [
        (LEO, [LEO], None, None),
        (MALLORY, [LEO], None, "the signature is not by the key of leo"),
        (LEO, [MALLORY], None, "nobody of the name leo is trusted here, so nothing proves it"),
        (LEO, [LEO], "sha256:" + "0" * 64, "it is about another proposal"),
    ],
)
def test_of_a_decision_that_nothing_proves_it_is_said_why(
    by: Person, trusted: list[Person], digest: str | None, doubt: str | None
) -> None:
    asked = proposal()
    decision = Decision(
        id="dec_" + "0" * 20,
        ledger=asked.ledger,
        proposal=asked.id,
        digest=digest or asked.digest,
        verdict="approve",
        operator="leo",
        role=asked.role,
        at=asked.at,
        expires_at=stamp(parse(asked.at) + APPROVAL_LASTS),
        reason="",
        nonce="n" * 32,
    )
    signed = SignedDecision(decision=decision, signature=sign(decision, by.key))
    record = ProposalRecord(proposal=asked, status=Status.APPROVED, decisions=(signed,))
    known = {one.operator.name: one.operator for one in trusted}
    (seen,) = card(record, evidence=evidence_of(ROW), terms=Terms(), now=NOW, operators=known).decided
    told = list(decided(seen))
    assert told[0].text.startswith("by leo, in the role billing_lead")
    assert [(line.text, line.tone) for line in told[1:]] == ([(doubt, "warning")] if doubt else [])


@pytest.mark.requirement("approval:login")
def test_of_a_decision_by_a_session_it_is_said_when_its_login_its_moment_or_its_code_does_not_prove_it() -> None:
    console, leo, asked = voucher(), known(person()), proposal(step_up=True)
    operators = trusted(leo, console)
    session = vouched_session(leo, console, asked.ledger)
    step = step_at("totp", stamp(NOW))
    code = recognised("totp", code_of("totp", SECRET, "", step), SECRET, meant("approve", asked.digest), stamp(NOW))

    def doubts(told: Proposal, known: dict[str, Operator], **changed: Any) -> list[str]:
        made = signed_decision("approve", told, signer=session, now=NOW, step_up=code, operators=operators)
        decision = replace(made.decision, **changed)
        signed = replace(made, decision=decision, signature=sign(decision, session.key))
        record = ProposalRecord(proposal=told, status=Status.APPROVED, decisions=(signed,))
        seen = card(record, evidence=evidence_of(ROW), terms=Terms(), now=NOW, operators=known).decided
        assert doubted(record, known) is any(one.doubt for one in seen)
        return [one.doubt.text.removeprefix("by what is trusted now it would not count: ") for one in seen if one.doubt]

    assert doubts(asked, operators) == []
    blind = replace(leo, code_secret=None)
    assert doubts(asked, {**operators, "leo": blind}) == [], "what cannot be seen is no reason to doubt"
    gone = replace(console.operator, revoked=True)
    assert doubts(asked, {**operators, "console": gone}) == ["The login is by a key that is not trusted any more."]
    assert doubts(asked, operators, step_up=None) == ["The approval lacks the one-time code that it takes."]
    later = proposal(step_up=True, at=stamp(NOW + dt.timedelta(hours=1)))
    assert doubts(later, operators) == ["The approval is of a moment at which nobody can have given it."]
    assert doubts(asked, {**operators, "leo": replace(leo, roles=("boss",))}) == [
        "This needs the role billing_lead, which leo has not."
    ]


@pytest.mark.requirement("approval:no-tricks")
def test_what_goes_on_in_a_heading_or_a_label_is_marked_and_marks_on_a_letter_do_not_pile_up() -> None:
    long = "word " * 30
    heading = drawn([Line(long, "")], width=60).split("\n")[2:]
    label = drawn([Line(long, "told")], width=60).split("\n")[1:-1]
    assert [{line[:2] for line in heading}, {line[:4] for line in label}] == [{"┆ "}, {"  ┆ "}]
    assert visible("a" + "\u0301" * 4) == "a\u0301\u0301\\u0301\\u0301"


@pytest.mark.requirement("approval:no-tricks")
def test_no_text_ends_its_own_quotes() -> None:
    assert shown('paid" (as it is)', quoted=True).text == '"paid\\" (as it is)"'
