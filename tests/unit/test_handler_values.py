"""A value that a database gave back is compared with the approved token by what both mean, and nothing that only looks alike is the same."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest

from synapsor.handler.values import is_same, value_of

UUID = "6f2c0d9e-0c2b-4c3e-9d6a-3f6d2f1d7a10"
AT = dt.datetime.fromisoformat("2026-11-23T20:17:00.25")


@pytest.mark.requirement("executor:exact")
@pytest.mark.parametrize(
    ("token", "kind", "given"),
    [
        (None, "text", None),
        ("Ann O'Hara", "text", "Ann O'Hara"),
        (UUID, "text", uuid.UUID(UUID)),
        ("5500", "integer", 5500),
        ("5500", "integer", Decimal(5500)),
        ("9007199254740993", "integer", 9007199254740993),
        ("10.10", "numeric", Decimal("10.1")),
        ("10.10", "numeric", "10.10"),
        ("0.1", "float", 0.1),
        ("true", "boolean", True),
        ("false", "boolean", 0),
        ("2026-11-23", "date", dt.date(2026, 11, 23)),
        ("13:45:00.5", "time", dt.time(13, 45, 0, 500000)),
        ("2026-11-23 20:17:00.25", "timestamp", AT),
        ("2026-11-23 20:17:00.25", "timestamp", "2026-11-23 20:17:00.250000"),
        ("2026-11-23 20:17:00.25+00", "timestamptz", AT.replace(tzinfo=dt.UTC)),
        ("2026-11-23 20:17:00.25+00", "timestamptz", AT),
        ("2026-11-23 20:17:00.25+00", "timestamptz", dt.datetime.fromisoformat("2026-11-23T21:17:00.25+01:00")),
        ("infinity", "timestamptz", "infinity"),
        (UUID, "uuid", uuid.UUID(UUID)),
        (UUID, "uuid", UUID.upper()),
        ("\\x00ff", "bytes", memoryview(b"\x00\xff")),
        ('{"n": 1}', "json", {"n": 1}),
        ("[1,2,null]", "array", [1, 2, None]),
        ('{"n": [1, true, {"m": 0.5}]}', "json", {"n": [1.0, True, {"m": 0.5}]}),
        ('{"n": 1.0, "a": [0.1, true, "x"]}', "json", {"a": [0.1, True, "x"], "n": 1}),
        ('{"n": 1, "b": 2}', "json", '{"b": 2, "n": 1.0}'),
        ("[0.10]", "array", [Decimal("0.1")]),
        ("[12345678901234567890.1]", "json", "[12345678901234567890.1]"),
        ("no document", "json", "no document"),
    ],
)
def test_a_value_that_means_the_same_is_the_same(token: str | None, kind: str, given: Any) -> None:
    assert is_same(token, given, kind)


@pytest.mark.requirement("executor:exact")
@pytest.mark.parametrize(
    ("token", "kind", "given"),
    [
        (None, "text", ""),
        ("", "text", None),
        ("null", "json", None),
        ("a", "text", "A"),
        ("a", "text", "a "),
        ("1", "text", 1),
        ("1", "integer", True),
        ("1", "integer", "1x"),
        ("1", "integer", Decimal("1.5")),
        ("10.10", "numeric", Decimal("10.11")),
        ("10.1", "numeric", 10.100000000000001),
        ("true", "boolean", "yes"),
        ("true", "boolean", 2),
        ("2026-11-23", "date", dt.date(2026, 11, 24)),
        ("2026-11-23 20:17:00.25", "timestamp", AT.replace(microsecond=250001)),
        ("2026-11-23 20:17:00.25+00", "timestamptz", dt.datetime.fromisoformat("2026-11-23T20:17:00.25+01:00")),
        ("infinity", "timestamptz", AT),
        (UUID, "uuid", "no uuid"),
        ("\\x00ff", "bytes", b"\x00"),
        ('{"n": 1}', "json", {"n": 2}),
        ('{"n": 1}', "json", {"n": True}),
        ('{"n": [{"m": false}]}', "json", {"n": [{"m": 0}]}),
        ("1", "json", True),
        ("true", "json", 1),
        ("[0]", "array", [False]),
        ("[1]", "json", [1, 1]),
        ('{"n": 1}', "json", {"n": 1, "m": 1}),
        ("1", "float", True),
        ("true", "boolean", 1.0),
        ('{"n": 12345678901234567890.1}', "json", '{"n": 12345678901234567890.2}'),
        ("[1e400]", "array", "[2e400]"),
        ('{"n": "1"}', "json", {"n": 1}),
    ],
)
def test_a_value_that_only_looks_alike_is_another(token: str | None, kind: str, given: Any) -> None:
    assert not is_same(token, given, kind)


@pytest.mark.requirement("executor:document")
def test_what_python_has_no_value_for_stays_the_text_of_the_database() -> None:
    assert [value_of(text, kind) for text, kind in (("P1M2D", "interval"), ("0000-00-00", "date"), ("x", "json"))] == [
        "P1M2D",
        "0000-00-00",
        "x",
    ]
    assert value_of("2026-11-23 20:17:00.25+00", "timestamptz") == AT.replace(tzinfo=dt.UTC)
