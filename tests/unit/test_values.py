"""Canonical JSON: one text for one value, and none for what has two readings."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import orjson
import pytest

from synapsor.values import ColumnType, ValueUnfit, canonical, to_json, too_deep

pytestmark = pytest.mark.requirement("values:canonical")


class _Text(str):
    __slots__ = ()


class _Name(StrEnum):
    A = "a"


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("nan"),
        2**53,
        -(2**53),
        {"\u00e9": 1},
        {1: 2},
        {None: 2},
        "\ud800",
        {"a": "\udfff"},
        b"x",
        {1, 2},
        [[0.0]],
        {"a": {"b": 2**60}},
        _Text("x"),
        [_Name.A],
        {_Name.A: 1},
    ],
)
def test_what_has_no_canonical_form_is_unfit(value: Any) -> None:
    with pytest.raises(ValueUnfit):
        canonical(value)


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"a": v}, lambda v: (v,)], ids=["list", "dict", "tuple"])
@pytest.mark.parametrize(("levels", "fits"), [(100, True), (101, False), (255, False), (5000, False)])
def test_a_hundred_levels_and_no_more_have_one(wrap: Callable[[Any], Any], levels: int, fits: bool) -> None:
    value: Any = True
    for _ in range(levels):
        value = wrap(value)
    if fits:
        assert canonical(value).count(b"true") == 1
    else:
        with pytest.raises(ValueUnfit):
            canonical(value)


def test_it_is_sorted_short_and_unescaped_where_it_may_be() -> None:
    text = '{"a":[true,null,-9007199254740991],"b":"\u00e9\u2028\U0001f600/\x7f","c":"\\u0000\\t\\n\\"\\\\"}'
    value = {"c": '\0\t\n"\\', "b": "\u00e9\u2028\U0001f600/\x7f", "a": (True, None, -(2**53 - 1))}
    assert canonical(value) == text.encode()


@pytest.mark.requirement("values:levels")
@pytest.mark.parametrize(("levels", "fits"), [(200, True), (201, False), (3000, False), (200_000, False)])
def test_a_document_has_no_more_levels_than_an_answer_can_have_on_any_python(levels: int, fits: bool) -> None:
    text = '{"a":' * (levels - 1) + '["]}"]' + "}" * (levels - 1)
    beside = f"[{','.join(['[]', '{}'] * 300)}]"
    strings = '["[[[", "\\"{{{"]' + " " * 9
    assert not too_deep(beside)
    assert not too_deep(strings * 400)
    assert too_deep(text) is not fits
    if fits:
        assert orjson.dumps({"answer": to_json(text, ColumnType.JSON)})
    else:
        with pytest.raises(ValueUnfit):
            to_json(text, ColumnType.JSON)
