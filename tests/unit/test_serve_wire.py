"""One JSON-RPC message is read strictly, and what is none is answered in fixed words."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.types import JSONRPCNotification, JSONRPCRequest

from synapsor.serve.wire import Malformed, message_of, parse
from tests.serving.messages import legacy, line
from tests.serving.process import converse

PARSE_ERROR, INVALID_REQUEST = -32700, -32600


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        b"\xff\xfe\x00",
        b"\xef\xbb\xbf{}",
        b'{"a":1,"a":2}',
        b'{"a":{"b":[{"c":1,"c":1}]}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e400}',
        b'{"a":"\\ud800"}',
        b'{"\\uDFFF":1}',
        b"[" * 9_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b"[" * 201 + b"]" * 201,
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":1}{"a":1}',
        b'{"a":"\x00"}',
    ],
)
def test_a_text_with_no_single_reading_is_a_parse_error(data: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        message_of(data)
    assert json.loads(caught.value.answer()) == {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": PARSE_ERROR, "message": "Parse error"},
    }


@pytest.mark.requirement("surface:small-messages")
@pytest.mark.parametrize(
    "data",
    [
        b"[" * 200_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"a":[' + b"{}," * 200_000 + b"{}]}",
        b'{"a":[' + b"1.5," * 200_000 + b"1]}",
        b'"' * 1_000_000,
        b'{"a":[' + b'"\\"",' * 200_000 + b"1]}",
    ],
)
def test_a_text_of_very_many_parts_is_refused_before_it_is_read(data: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        message_of(data)
    assert (caught.value.code, caught.value.message) == (INVALID_REQUEST, "The message has too many parts")


@pytest.mark.parametrize("text", ["a, [b] {c}: " * 300_000, '"' * 500_000, "\\" * 500_000, "\U0001f600" * 200_000])
def test_a_long_string_is_one_part_whatever_is_in_it(text: str) -> None:
    assert parse(json.dumps({"a": text}).encode()) == {"a": text}


@pytest.mark.parametrize(
    "data", [b'"' + b'\\"' * 500_000, b'{"a' + b"\\" * 1_000_000, b"\\" * 1_000_000, b'""\\' * 3_000]
)
def test_a_string_without_an_end_is_a_parse_error_soon(data: bytes) -> None:
    with pytest.raises(Malformed, match="Parse error"):
        parse(data)


@pytest.mark.requirement("surface:short-ids")
@pytest.mark.parametrize(
    "request_id", ["x" * 257, "\U0001f600" * 1_000_000, 2**63, -(2**63) - 1, 10**400, 1.0, 1e300, "9" * 300]
)
@pytest.mark.parametrize(
    "rest", [{"method": "ping"}, {"method": 5}, {"result": {}}, {"error": {"code": 1, "message": ""}}]
)
def test_an_id_that_is_too_long_to_repeat_is_not_repeated(request_id: object, rest: dict[str, object]) -> None:
    with pytest.raises(Malformed) as caught:
        message_of(json.dumps({"jsonrpc": "2.0", "id": request_id, **rest}).encode())
    assert json.loads(caught.value.answer()) == {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": INVALID_REQUEST, "message": "Invalid request"},
    }


@pytest.mark.requirement("surface:short-ids")
def test_an_id_that_is_too_long_is_not_repeated_over_stdio() -> None:
    sent = [legacy("x" * 3_000_000, "ping"), legacy(2**64, "ping"), legacy("x" * 256, "nothing")]
    answers, _ = converse(b"".join(line(message) for message in sent))
    assert [(answer["id"], answer["error"]["code"]) for answer in answers] == [
        (None, INVALID_REQUEST),
        (None, INVALID_REQUEST),
        ("x" * 256, -32601),
    ]


@pytest.mark.parametrize("request_id", ["", "x" * 256, "\U0001f600" * 256, 2**63 - 1, -(2**63), 0])
def test_an_id_within_the_bounds_is_kept(request_id: str | int) -> None:
    message = message_of(json.dumps({"jsonrpc": "2.0", "id": request_id, "method": "ping"}).encode())
    assert message == JSONRPCRequest(jsonrpc="2.0", id=request_id, method="ping")


@pytest.mark.requirement("surface:short-ids")
def test_a_method_that_is_too_long_to_repeat_is_an_invalid_request() -> None:
    with pytest.raises(Malformed) as caught:
        message_of(json.dumps({"jsonrpc": "2.0", "id": 7, "method": "m" * 257}).encode())
    assert (caught.value.code, caught.value.request_id) == (INVALID_REQUEST, 7)


@pytest.mark.parametrize(
    ("data", "request_id"),
    [
        (b"[]", None),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', None),
        (b"1", None),
        (b"null", None),
        (b'"text"', None),
        (b"{}", None),
        (b'{"jsonrpc":"1.0","id":7,"method":"ping"}', 7),
        (b'{"jsonrpc":"2.0","id":"x","method":5}', "x"),
        (b'{"jsonrpc":"2.0","id":7,"method":"ping","params":[1]}', 7),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', None),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', None),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', None),
        (b'{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}', None),
    ],
)
def test_json_that_is_not_one_message_is_an_invalid_request_under_its_own_id(
    data: bytes, request_id: str | int | None
) -> None:
    with pytest.raises(Malformed) as caught:
        message_of(data)
    answer = json.loads(caught.value.answer())
    assert (answer["id"], answer["error"]["code"]) == (request_id, INVALID_REQUEST)


def test_requests_and_notifications_are_read() -> None:
    request = message_of(b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\\ud83d\\ude00"}}')
    assert request == JSONRPCRequest(jsonrpc="2.0", id=1, method="ping", params={"a": "😀"})
    notice = message_of(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
    assert notice == JSONRPCNotification(jsonrpc="2.0", method="notifications/initialized")


_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner),
)


@given(_JSON, st.booleans())
def test_every_plain_json_value_is_read_as_it_is(value: object, escaped: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=escaped).encode()) == value


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_refusal(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        message_of(data)
