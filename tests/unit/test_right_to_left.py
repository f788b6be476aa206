"""What was and what is to be, where letters that run from the right could turn a line round: a line each, on every card."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from synapsor.approve.card.beside_view import BesideRow
from synapsor.approve.card.cells import Field, PathChange, Total, Value
from synapsor.approve.card.now_view import MovedNow
from synapsor.approve.card.terms import Terms
from synapsor.approve.card.view import Target
from synapsor.approve.terminal import card as terminal
from synapsor.approve.terminal import now, rows
from synapsor.approve.terminal.card import render
from synapsor.approve.terminal.drawing import Line, replaced
from synapsor.core.plain import Text, is_right_to_left
from synapsor.core.proposal import Member, Status
from synapsor.ports import ProposalRecord
from tests.cards import card
from tests.decisions import NOW, ROW, evidence_of, proposal

pytestmark = pytest.mark.requirement("approval:right-to-left")

OLD, NEW = "אבג", "דהו"
ARABIC, DIGITS = "سلام", "١٢٣"


@pytest.mark.parametrize("text", [OLD, f"a {ARABIC}", DIGITS, "\U0001e900", "x" * 400 + OLD])
def test_letters_and_digits_that_run_from_the_right_are_known(text: str) -> None:
    assert is_right_to_left(text)


@pytest.mark.parametrize("text", ["", "plain → 12", "Straße", "日本語", "Ωμέγα", "é", "…"])
def test_other_letters_are_not(text: str) -> None:
    assert not is_right_to_left(text)


@pytest.mark.parametrize(
    ("before", "after", "head", "more"),
    [(OLD, "1", "", ""), ("1", NEW, "", ""), ("1", "2", f"{OLD}: ", ""), ("1", "2", "", f", difference {DIGITS}")],
)
def test_what_was_stands_above_what_is_to_be_wherever_the_letters_are(
    before: str, after: str, head: str, more: str
) -> None:
    told = list(replaced("note", before, after, head=head, more=more))
    texts = [line.text for line in told]
    assert texts[texts.index(before) + 1] == after
    assert (told[texts.index(before)].label, told[texts.index(after)].label) == ("" if head else "note", "  →")
    assert [text for text in texts if "→" in text] == []


def test_without_such_letters_it_stays_one_line() -> None:
    assert list(replaced("note", "1", "2", more=", difference 1")) == [Line("note", "1 → 2, difference 1")]


def test_what_is_long_has_a_line_for_what_was_and_one_for_what_is_to_be() -> None:
    before, after = "a" * 50, "b" * 50
    assert list(replaced("", before, after, head="note: the agent sent ")) == [
        Line("", "note: the agent sent"),
        Line("", before),
        Line("  →", after),
    ]


def value(text: str) -> Value:
    return Value(kind="text", state="value", text=Text(text), quoted=True)


MOVED = MovedNow(name=Text("note"), then=value(OLD), now=value(NEW), guards=True, version=False)
BESIDE = BesideRow(
    key=(Field(name=Text("id"), value=value("1")),), removed=False, changes=((Text("note"), value(OLD), value(NEW)),)
)
TOTAL = Total(name=Text("fee"), before=value(OLD), after=value(NEW), difference=value("1"), bounds=None)
PLACE = PathChange(path=Text("$.note"), mark="changed", before=Text(OLD), after=Text(NEW))
CHANGED = SimpleNamespace(action="changed")


@pytest.mark.parametrize(
    "told",
    [
        lambda: now._moved(MOVED),
        lambda: terminal._beside(BESIDE),
        lambda: rows._total(TOTAL, cast("Target", CHANGED)),
        lambda: rows._path(PLACE),
    ],
    ids=["moved since", "in the group", "total", "place of a document"],
)
def test_each_place_of_a_card_tells_them_so(told: Callable[[], Iterator[Line]]) -> None:
    lines = list(told())
    labels = [line.label for line in lines]
    at = labels.index("  →")
    assert (OLD in lines[at - 1].text, NEW in lines[at].text, NEW in lines[at - 1].text) == (True, True, False)
    assert [line.text for line in lines if "→" in line.text] == []


def test_no_line_of_a_whole_card_has_both() -> None:
    told: dict[str, str | None] = {"meta": json.dumps({"note": OLD, "old": ARABIC}, ensure_ascii=False), "note": ARABIC}
    new: dict[str, str | None] = {"meta": json.dumps({"note": NEW, "old": DIGITS}, ensure_ascii=False), "note": OLD}
    member = Member(key=(("id", OLD),), before={"id": OLD, **told}, changes=new)
    columns = (("id", "text"), ("meta", "json"), ("note", "text"))
    asked = proposal(members=(member,), columns=columns, guards=(), advances=None, tenant_column=None)
    record = ProposalRecord(proposal=asked, status=Status.REVIEW_REQUIRED)
    text = render(card(record, evidence=evidence_of(ROW), terms=Terms(), now=NOW, full=True), width=200)
    arrows = [line for line in text.splitlines() if "→" in line]
    assert len(arrows) == 4
    assert all(line.strip().startswith("→") for line in arrows)
