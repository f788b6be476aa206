"""The fields of a form for arguments: what each takes, what it holds, and that what nobody changed is no change."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapsor.approve.console.fields import Field, changed_in, fields_of, harmless, sent_in
from synapsor.contract.arguments import check_of
from synapsor.contract.capability import Argument
from synapsor.contract.typed import typed
from synapsor.core.plain import hidden

DECLARED: dict[str, Argument] = {
    name: Argument.model_validate(body)
    for name, body in {
        "short": {"type": "string", "max_length": 20, "description": "In a word."},
        "long": {"type": "string", "max_length": 2000},
        "open": {"type": "string"},
        "why": {"type": "string", "one_of": ["goodwill", "mistake"]},
        "cents": {"type": "integer", "minimum": 0, "maximum": 100},
        "count": {"type": "integer", "optional": True},
        "rate": {"type": "number", "minimum": 0},
        "urgent": {"type": "boolean", "optional": True},
        "tags": {"type": "string", "one_of": ["a", "b"], "many": 2},
        "lines": {"type": "items", "many": 3, "fields": {"n": {"type": "integer"}, "t": {"type": "string"}}},
    }.items()
}
SCHEMA = {
    "properties": {
        name: {"type": "array" if rule.many else rule.type} for name, rule in DECLARED.items()
    }
}  # fmt: skip
HELD: dict[str, Any] = {
    "short": "x", "long": "One.\nTwo.", "open": "", "why": "mistake", "cents": 5, "rate": 0.5, "tags": ["a"],
    "lines": [{"n": 1, "t": "\u202e\n"}],
}  # fmt: skip


def by_name(sent: dict[str, str] | None = None, wrong: dict[str, str] | None = None) -> dict[str, Field]:
    return {one.name: one for one in fields_of(DECLARED, HELD, sent or {}, wrong or {})}


@pytest.mark.requirement("console:edits")
def test_each_argument_has_the_field_that_its_declaration_asks_for() -> None:
    told = {name: (one.shape, one.asks) for name, one in by_name().items()}
    assert told == {
        "short": ("line", "A text of at most 20 characters"),
        "long": ("lines", "A text of at most 2,000 characters"),
        "open": ("lines", "A text"),
        "why": ("choice", "One of the list"),
        "cents": ("line", "A whole number from 0 to 100"),
        "count": ("line", "A whole number, or not given"),
        "rate": ("line", "A number at least 0"),
        "urgent": ("choice", "True or false, or not given"),
        "tags": ("lines", "A JSON list of 1 to 2, each one of a, b"),
        "lines": ("lines", "A JSON list of 1 to 3, each with n, t"),
    }
    found = by_name(wrong={"cents": "must be a whole number"})
    assert (found["short"].about, found["cents"].wrong, found["rate"].wrong) == (
        "In a word.",
        "must be a whole number",
        "",
    )
    assert (found["why"].choices, found["urgent"].choices) == (("goodwill", "mistake"), ("", "true", "false"))
    assert json.loads(found["lines"].text) == HELD["lines"]


@pytest.mark.requirement("console:edits")
def test_a_form_that_comes_back_as_it_was_changes_nothing_and_what_is_changed_has_its_type() -> None:
    form = {f"arg.{name}": (one.text.replace("\n", "\r\n"),) for name, one in by_name().items()}
    assert changed_in(DECLARED, HELD, sent_in({**form, "csrf": ("x",), "reason": ("y",)})) == {}
    changed = {"cents": "7", "count": "1", "urgent": "true", "rate": "2", "tags": '["b"]', "short": "7", "made_up": "1"}
    sent = sent_in({**form, **{f"arg.{name}": (text,) for name, text in changed.items()}})
    values = typed(changed_in(DECLARED, HELD, sent), SCHEMA)
    assert values == {
        "cents": 7, "count": 1, "urgent": True, "rate": 2, "tags": ["b"], "short": "7", "made_up": "1",
    }  # fmt: skip
    assert dict(check_of(DECLARED).broken({**HELD, **values})) == {}
    wrong = {**HELD, **typed({"cents": "seven", "urgent": "", "tags": "[", "lines": "[" * 5000}, SCHEMA)}
    assert set(dict(check_of(DECLARED).broken(wrong))) == {"cents", "urgent", "tags", "lines"}


@pytest.mark.requirement("console:edits", "console:hostile-content")
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_whatever_a_text_is_its_field_hides_nothing_and_is_itself_when_it_comes_back(text: str) -> None:
    told = harmless(text)
    assert not any(hidden(character) for character in told.replace("\n", ""))
    assert harmless(told) == told
    assert changed_in(DECLARED, {"open": text}, sent_in({"arg.open": (told.replace("\n", "\r\n"),)})) == {}
