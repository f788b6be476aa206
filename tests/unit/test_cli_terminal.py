"""What commands print: letters as letters, and nothing that acts on a terminal or hides from the eye."""

import io
import json
import sys
from argparse import Namespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapsor.cli.terminal import answer, as_json, width
from synapsor.core.plain import hidden

DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(autouse=True)
def _utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))


@pytest.mark.requirement("approval:no-tricks")
@given(DATA, st.sampled_from([None, 2]))
def test_json_says_the_same_data_with_nothing_in_it_that_is_obeyed_or_unseen(data: Any, indent: int | None) -> None:
    text = as_json(data, indent=indent)
    assert json.loads(text) == data
    assert [c for c in text if c != "\n" and hidden(c)] == []
    text.encode("utf-8")


def test_letters_are_letters_and_controls_and_directions_are_written_out() -> None:
    told = "n\u00e4chsten \u9867\u5ba2 \u202e\x1b[2J\x7f\x9b\u200b\ud800\U000e0041"
    assert as_json(told) == '"n\u00e4chsten \u9867\u5ba2 ' + r'\u202e\u001b[2J\u007f\u009b\u200b\ud800\udb40\udc41"'


def test_an_output_that_is_not_utf8_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", out)
    answer(Namespace(json=True), "test", {"reason": "\u9867\u5ba2"}, "")
    out.flush()
    out.seek(0)
    assert json.loads(out.read())["reason"] == "\u9867\u5ba2"


@pytest.mark.parametrize(("columns", "wide"), [("40", 40), ("80", 80), ("300", 100)])
def test_a_text_is_as_wide_as_the_terminal_and_no_wider_than_is_read_well(
    columns: str, wide: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert width() == wide
