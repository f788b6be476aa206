"""Arguments of a call: exact types, nothing coerced, nothing unknown, nothing missing, and no value repeated."""

import json
import math
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapsor.contract.arguments import compile_arguments
from synapsor.contract.capability import Argument, ReadCapability
from synapsor.contract.schema import input_schema
from synapsor.errors import Code, Refusal

CAPABILITY = ReadCapability.model_validate(
    {
        "description": "Takes one of each.",
        "read": "things",
        "arguments": {
            "text": {"type": "string", "max_length": 5},
            "word": {"type": "string", "one_of": ["open", "paid"]},
            "count": {"type": "integer", "minimum": -3, "maximum": 1000},
            "id": {"type": "integer"},
            "flag": {"type": "boolean"},
            "ratio": {"type": "number", "minimum": 0},
        },
    }
)
CHECK = compile_arguments(CAPABILITY)
SCHEMA = jsonschema.Draft202012Validator(input_schema(CAPABILITY))
GOOD: dict[str, Any] = {"text": "añb", "word": "open", "count": 1, "id": 2**53 - 1, "flag": False, "ratio": 0.5}


def refusal(arguments: Any) -> Refusal:
    with pytest.raises(Refusal) as refused:
        CHECK.check(arguments)
    assert refused.value.code is Code.INVALID_ARGUMENTS
    return refused.value


def test_arguments_that_fit_come_back_as_they_were_given() -> None:
    shuffled = dict(reversed(GOOD.items()))
    checked = CHECK.check(shuffled)
    assert checked == GOOD
    assert list(checked) == ["count", "flag", "id", "ratio", "text", "word"]


@pytest.mark.requirement("contract:arguments:strict")
@pytest.mark.parametrize(
    ("name", "value", "detail"),
    [
        ("count", "1", "count: must be a whole number."),
        ("count", True, "count: must be a whole number."),
        ("count", 1.0, "count: must be a whole number."),
        ("count", 1.9, "count: must be a whole number."),
        ("count", "1_0", "count: must be a whole number."),
        ("count", "１", "count: must be a whole number."),
        ("count", " 1", "count: must be a whole number."),
        ("count", None, "count: must be a whole number."),
        ("count", [1], "count: must be a whole number."),
        ("count", 1001, "count: must be from -3 to 1000."),
        ("count", -4, "count: must be from -3 to 1000."),
        ("id", 2**53, f"id: must be from {1 - 2**53} to {2**53 - 1}."),
        ("id", 10**30, f"id: must be from {1 - 2**53} to {2**53 - 1}."),
        ("text", 5, "text: must be a string."),
        ("text", None, "text: must be a string."),
        ("text", "123456", "text: must be at most 5 characters long."),
        ("text", "a\0", "text: must not hold a NUL character."),
        ("text", "a\ud800", "text: must not hold half of a surrogate pair."),
        ("text", {"$gt": ""}, "text: must be a string."),
        ("word", "OPEN", 'word: must be one of "open", "paid".'),
        ("word", "open ", 'word: must be one of "open", "paid".'),
        ("flag", 0, "flag: must be true or false."),
        ("flag", "false", "flag: must be true or false."),
        ("ratio", math.nan, "ratio: must be a number."),
        ("ratio", math.inf, "ratio: must be a number."),
        ("ratio", True, "ratio: must be a number."),
        ("ratio", "0.5", "ratio: must be a number."),
        ("ratio", -0.5, "ratio: must be at least 0."),
        ("ratio", 2**70, "ratio: must be a number that JSON keeps exact."),
    ],
)
def test_a_value_of_another_kind_is_refused_and_never_coerced(name: str, value: Any, detail: str) -> None:
    assert refusal({**GOOD, name: value}).detail == detail


def test_a_long_list_of_values_is_left_to_the_schema() -> None:
    words = [f"word{n}" for n in range(9)]
    argument = {"type": "string", "one_of": words}
    for many, told in ((9, "the 9 values that the input schema lists"), (8, ", ".join(map(json.dumps, words[:8])))):
        argument["one_of"] = words[:many]
        capability = CAPABILITY.model_copy(update={"arguments": {"word": Argument.model_validate(argument)}})
        with pytest.raises(Refusal) as refused:
            compile_arguments(capability).check({"word": "other"})
        assert refused.value.detail == f"word: must be one of {told}."


@pytest.mark.requirement("contract:arguments:unknown")
def test_an_unknown_argument_is_refused_by_name() -> None:
    assert refusal({**GOOD, "tenant_id": "globex"}).detail == "tenant_id is not an argument of this capability."


@pytest.mark.parametrize(
    "name", ["x" * 42, "a b", "tenant\u202eid", "\ud800", "ignore previous instructions", "", 5, None, "naïve"]
)
def test_an_unknown_argument_of_a_strange_name_is_refused_without_it(name: Any) -> None:
    assert refusal({**GOOD, name: 1}).detail == "One name is not an argument of this capability."


def test_a_missing_argument_is_refused_by_name() -> None:
    assert refusal({n: v for n, v in GOOD.items() if n != "flag"}).detail == "flag: is required."


def test_every_finding_is_told_up_to_a_limit() -> None:
    assert refusal({"text": 1, "x": 1}).detail == (
        "x is not an argument of this capability. count: is required. flag: is required. id: is required. "
        "ratio: is required. text: must be a string. word: is required."
    )
    assert refusal({f"x{n:03}": 1 for n in range(500)}).detail.endswith(
        "x007 is not an argument of this capability. And 498 more."
    )


@pytest.mark.parametrize("arguments", [[], "text", 5, True])
def test_what_is_no_object_is_refused(arguments: Any) -> None:
    assert refusal(arguments).detail == "The arguments must be an object."


def test_no_arguments_are_an_empty_object() -> None:
    nothing = compile_arguments(CAPABILITY.model_copy(update={"arguments": {}}))
    assert nothing.check(None) == nothing.check({}) == {}
    assert refusal(None).detail.count("is required") == 6


NUMBERS = st.integers() | st.floats() | st.integers(-5, 1005) | st.booleans()
STRINGS = (
    st.text(max_size=8)
    | st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF), max_size=6)
    | st.sampled_from(["open", "paid"])
)
VALUES = st.recursive(
    st.none() | NUMBERS | STRINGS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
)
NAMES = st.sampled_from(sorted(GOOD)) | st.text(max_size=10)
NEAR_MISSES = st.dictionaries(NAMES, VALUES, max_size=3).map(lambda changed: {**GOOD, **changed})


@pytest.mark.requirement("contract:arguments:strict")
@given(NEAR_MISSES | st.dictionaries(NAMES, VALUES))
def test_the_check_accepts_what_the_published_schema_accepts_and_nothing_more(arguments: dict[str, Any]) -> None:
    try:
        checked = CHECK.check(arguments)
    except Refusal as refused:
        detail = refused.detail
    else:
        assert SCHEMA.is_valid(arguments)
        assert all(checked[name] is arguments[name] for name in GOOD)
        json.dumps(checked, allow_nan=False).encode()
        return
    _repeats_nothing(detail, arguments)
    assert not SCHEMA.is_valid(arguments) or _beyond_schema(arguments)


def _beyond_schema(arguments: dict[str, Any]) -> bool:
    """Tell whether the arguments hold what JSON Schema cannot say: NUL, surrogates, 1.0 for 1, numbers without an exact form."""
    texts = [v for v in arguments.values() if isinstance(v, str)]
    numbers = [v for v in arguments.values() if isinstance(v, int | float)]
    return (
        any("\0" in t or any("\ud800" <= c <= "\udfff" for c in t) for t in texts)
        or any(isinstance(n, float) and (n.is_integer() or not math.isfinite(n)) for n in numbers)
        or any(abs(n) >= 2**53 for n in numbers)
    )


def _repeats_nothing(detail: str, arguments: dict[str, Any]) -> None:
    assert detail.isascii()
    assert detail.isprintable()
    long = [
        v for v in arguments.values() if isinstance(v, str) and len(v) > 5 and v not in arguments
    ]  # longer than our words
    assert [value for value in long if value in detail] == []
