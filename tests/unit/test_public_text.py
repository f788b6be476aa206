"""JSON text: one reading, every part with its place; whatever two readers could take differently is named, and nothing raises."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapsor.contract.public.document import validate
from synapsor.contract.public.text import JSON_RULES, MAX_DEPTH, read_json
from tests.unit.public_contracts import document, edit

ODD = [
    ('{"a": 1,\n "a": 2}', "json_duplicate_key", "$.a", (2, 2)),
    ('{"x": {"a": 1, "\\u0061": 2}}', "json_duplicate_key", "$.x.a", (1, 16)),
    ('{"a": NaN}', "json_invalid", "$.a", (1, 7)),
    ('{"a": -Infinity}', "json_invalid", "$.a", (1, 7)),
    ('{"a": 1e400}', "json_inexact_number", "$.a", (1, 7)),
    ('{"a": 9007199254740993}', "json_inexact_number", "$.a", (1, 7)),
    ('{"a": 0.12345678901234567890}', "json_inexact_number", "$.a", (1, 7)),
    ('{"a": ' + "9" * 5000 + "}", "json_inexact_number", "$.a", (1, 7)),
    ('{"a": "pay \\u202e now"}', "json_hidden_character", "$.a", (1, 7)),
    ('{"a": "\\ud800"}', "json_hidden_character", "$.a", (1, 7)),
    ('{"a\\u200b": 1}', "json_hidden_character", "$", (1, 2)),
    ("[" * 10_000, "json_too_deep", "$" + "[0]" * MAX_DEPTH, (1, MAX_DEPTH + 1)),
    ('{"a": 1} {"b": 2}', "json_invalid", "$", (1, 10)),
    ('{"a": 1,}', "json_invalid", "$", (1, 9)),
    ("[1 2]", "json_invalid", "$", (1, 4)),
    ('{"a" 1}', "json_invalid", "$.a", (1, 6)),
    ("{'a': 1}", "json_invalid", "$", (1, 2)),
    ("// a contract\n{}", "json_invalid", "$", (1, 1)),
    ("[01]", "json_invalid", "$", (1, 3)),
    ('"open', "json_invalid", "$", (1, 1)),
    ("", "json_invalid", "$", (1, 1)),
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(codec="ascii", min_codepoint=32)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


def _places(data: Any, path: str = "") -> list[str]:
    """Return the path of every part of a document."""
    if isinstance(data, dict):
        inner = [(f"{path}.{key}" if path else key, value) for key, value in data.items()]
    else:
        inner = [(f"{path}[{index}]", value) for index, value in enumerate(data)] if isinstance(data, list) else []
    return [place for here, value in inner for place in (here, *_places(value, here))]


PLACES = _places(document())


@pytest.mark.requirement("public-contract:one-reading")
@pytest.mark.parametrize(("text", "rule", "path", "place"), ODD, ids=lambda value: str(value)[:24])
def test_what_could_be_read_in_two_ways_is_named_with_its_place(
    text: str, rule: str, path: str, place: tuple[int, int]
) -> None:
    found = read_json(text).faults[-1]
    assert (found.rule, found.path, (found.line, found.column)) == (rule, path, place)


def test_every_rule_of_the_text_can_be_broken_and_says_so() -> None:
    assert {rule for _, rule, _, _ in ODD} == set(JSON_RULES)


@given(JSON)
def test_plain_json_is_read_as_python_reads_it(data: Any) -> None:
    read = read_json(json.dumps(data))
    assert read.data == data


@given(st.text())
def test_no_text_makes_the_reader_raise(text: str) -> None:
    read_json(text)


def test_a_number_that_is_whole_is_an_integer_however_it_is_written() -> None:
    data = read_json("[1, 1.0, 1e2, -0.0, 2.5]").data
    assert [(type(value), value) for value in data] == [(int, 1), (int, 1), (int, 100), (int, 0), (float, 2.5)]


def test_a_part_is_found_at_its_line_and_column() -> None:
    read = read_json('{\n  "a": [\n    {"b": true}\n  ]\n}')
    assert [read.place(path) for path in ("$", "$.a", "$.a[0]", "$.a[0].b", "$.a[0].b.c")] == [
        *((1, 1), (2, 3), (3, 5), (3, 6), (3, 6))
    ]


@pytest.mark.requirement("public-contract:one-reading")
@given(ANYTHING)
def test_the_judge_raises_on_no_json_at_all(data: Any) -> None:
    assert not validate(data).ok


@pytest.mark.requirement("public-contract:one-reading")
@given(st.lists(st.tuples(st.sampled_from(PLACES), ANYTHING), min_size=1, max_size=3))
def test_the_judge_raises_on_nothing_that_stands_anywhere_in_a_document(edits: list[tuple[str, Any]]) -> None:
    data = document()
    for path, value in edits:
        try:
            edit(data, path, value)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier edit took the place away
    validate(data)
