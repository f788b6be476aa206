"""The same contract over the same rows answers the same on every engine: each operator, on each type that allows it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from synapsor.testing import Trial
from tests.attack.things import HEAD, TABLE, thing, things
from tests.databases import Database
from tests.engines import tried

U1 = "6f2c0d9e-0c2b-4c3e-9d6a-3f6d2f1d7a10"
U2 = "00000000-0000-0000-0000-000000000000"
ROWS = [
    thing("a1", owner="?", word="acme", label="open", amount="10.10", num=1, flag=True, day="2026-01-31"),
    thing("a2", word="ACME", label="overdue", amount="9.90", num=9, flag=False, day="2026-02-01"),
    thing("a3", word="acme ", label="Alpha", amount="-10.00", num=-10, flag=True, day="2025-12-31"),
    thing("a4", word="acm\u00e9", label="late fee", amount="0.00", num=0, flag=None, day="0999-12-31"),
    thing("a5", word="acme\u0301", amount="100.00", num=10),
    thing("a6", word="ac\u200bme", amount="10.09", num=32767),
    thing("a7", word="100%"),
    thing("a8", word="100x"),
    thing("a9", word="a_b"),
    thing("b1", word="axb"),
    thing("b2", word="a\\b"),
    thing("b3", word=""),
    thing("b4", word="\U0001f600x"),
    thing("b5"),
    thing("d1", word="$x"),
    thing("d2", word="$$x"),
    thing("m1", at="2026-01-31 10:00:00", moment="2026-01-31 10:00:00+00:00", ref=U1),
    thing("m2", at="2026-01-31 10:00:00.5", moment="2026-01-31 10:00:00.5+00:00", ref=U2),
    thing("m3", at="2026-01-31 10:00:00.500001", moment="2026-01-31 10:00:00.500001+00:00"),
    thing("m4", at="1999-12-31 23:59:59.999999", moment="1999-12-31 23:59:59.999999+00:00"),
]
EVERY = [row["id"] for row in ROWS]
SPELLED = {  # as an application may have written the same values into SQLite, where they are text
    ("a1", "amount"): "10.1", ("a4", "amount"): "-0", ("a5", "amount"): "1E+2", ("m1", "at"): "2026-01-31T10:00:00.000",
    ("m1", "moment"): "2026-01-31 11:00:00+01:00", ("m2", "moment"): "2026-01-31 10:00:00.500000", ("m3", "moment"): "2026-01-31T10:00:00.500001Z",
}  # fmt: skip
OTHERS = [
    {**row, "id": f"{mark}{row['id']}", "tenant_id": tenant}
    for mark, tenant in (("x", "globex"), ("y", "ACME"), ("z", "acm\u00e9"), ("w", "acme "))
    for row in ROWS
]

_KINDS = {
    "owner": "string",
    "word": "string",
    "label": "string",
    "amount": "string",
    "num": "integer",
    "flag": "boolean",
    "day": "string",
}
_KINDS |= {"at": "string", "moment": "string", "ref": "string"}
_RANGED = ("at_least", "above", "at_most", "below")
_ALLOWED = {
    "owner": ("equals", "not", "one_of", "starts_with"),
    "word": ("equals", "not", "one_of", "starts_with"),
    "label": ("equals", "not", "one_of", "starts_with"),
    "flag": ("equals", "not", "one_of"),
    "ref": ("equals", "not", "one_of"),
    **dict.fromkeys(("amount", "num", "day", "at", "moment"), ("equals", "not", "one_of", *_RANGED)),
}


def _capability(column: str, operator: str) -> str:
    length = ", max_length: 300" if _KINDS[column] == "string" else ""
    many = ", many: 4" if operator == "one_of" else ""
    where = "$value" if operator == "equals" else f"{{{operator}: $value}}"
    return f"""\
  t.{column}_{operator}:
    description: The rows that this filter lets through.
    read: things
    arguments: {{value: {{type: {_KINDS[column]}{length}{many}}}}}
    where: {{{column}: {where}}}
    returns: [id]
"""


def _fixed(name: str, where: str) -> str:
    return f"""\
  t.{name}:
    description: The rows that this filter lets through.
    read: things
    where: {where}
    returns: [id]
"""


FIXED = {
    "no_value": ("{word: null}", ["b5", "m1", "m2", "m3", "m4"]),
    "no_value_said": ("{word: {has_value: false}}", ["b5", "m1", "m2", "m3", "m4"]),
    "has_value": ("{amount: {has_value: true}}", ["a1", "a2", "a3", "a4", "a5", "a6"]),
    "between": ('{amount: {above: 0, at_most: "10.10"}}', ["a1", "a2", "a6"]),
    "apart": ("{num: {has_value: true, not: 0, at_least: -10}}", ["a1", "a2", "a3", "a5", "a6"]),
    "words": ("{word: {starts_with: ac, not: ACME}}", ["a1", "a3", "a4", "a5", "a6"]),
    "labels": ("{label: {one_of: [Alpha, open]}}", ["a1", "a3"]),
    "wide": ("{num: {below: 100000}}", ["a1", "a2", "a3", "a4", "a5", "a6"]),
    "none": ("{num: 100000}", []),
    "dollar": ("{word: $$x}", ["d1"]),
}
POLICY = HEAD + TABLE + "capabilities:\n"
POLICY += "".join(_capability(column, operator) for column, allowed in _ALLOWED.items() for operator in allowed)
POLICY += "".join(_fixed(name, where) for name, (where, _) in FIXED.items())


def but(*ids: str) -> list[str]:
    """Return every row but some."""
    return [row for row in EVERY if row not in ids]


CASES: list[tuple[str, Any, list[str]]] = [
    # On MariaDB it is of a character set that has few of these letters.
    ("owner_equals", "?", ["a1"]),
    ("owner_equals", "\u6f22", []),
    ("owner_equals", "ANN", []),
    ("owner_not", "\u6f22", EVERY),
    ("owner_not", "ann", ["a1"]),
    ("owner_one_of", ["\u6f22", "\U0001f600", "ann"], but("a1")),
    ("owner_starts_with", "\u6f22", []),
    ("owner_starts_with", "an", but("a1")),
    ("word_equals", "acme", ["a1"]),
    ("word_equals", "ACME", ["a2"]),
    ("word_equals", "acme ", ["a3"]),
    ("word_equals", "acm\u00e9", ["a4"]),
    ("word_equals", "acme\u0301", ["a5"]),
    ("word_equals", "ac\u200bme", ["a6"]),
    ("word_equals", "Acme", []),
    ("word_equals", "", ["b3"]),
    ("word_equals", "\U0001f600x", ["b4"]),
    ("word_equals", "x" * 300, []),
    ("word_equals", "$x", ["d1"]),
    ("word_equals", "$$x", ["d2"]),
    ("word_one_of", ["$$x", "$y"], ["d2"]),
    ("word_starts_with", "$", ["d1", "d2"]),
    ("word_starts_with", "$$", ["d2"]),
    ("word_not", "acme", but("a1")),
    ("word_not", "Acme", EVERY),
    ("word_not", "", but("b3")),
    ("word_not", "x" * 300, EVERY),
    ("word_one_of", ["acme", "acme ", "nothing"], ["a1", "a3"]),
    ("word_one_of", ["AcMe"], []),
    ("word_one_of", ["", "a\\b", "100%", "a_b"], ["a7", "a9", "b2", "b3"]),
    ("word_starts_with", "acme", ["a1", "a3", "a5"]),
    ("word_starts_with", "ACM", ["a2"]),
    ("word_starts_with", "100%", ["a7"]),
    ("word_starts_with", "100", ["a7", "a8"]),
    ("word_starts_with", "a_", ["a9"]),
    ("word_starts_with", "a\\", ["b2"]),
    ("word_starts_with", "%", []),
    ("word_starts_with", "_", []),
    ("word_starts_with", "acm\u00e9", ["a4"]),
    ("word_starts_with", "\U0001f600", ["b4"]),
    ("word_starts_with", "acme  ", []),
    ("label_equals", "open", ["a1"]),
    ("label_equals", "late fee", ["a4"]),
    ("label_equals", "Open", []),
    ("label_equals", "open ", []),
    ("label_equals", "none of its labels", []),
    ("label_equals", "1", []),
    ("label_equals", "", []),
    ("label_equals", "\u6f22", []),
    ("label_not", "\u6f22", EVERY),
    ("label_one_of", ["\u6f22", "Alpha"], ["a3"]),
    ("label_not", "open", but("a1")),
    ("label_not", "none of its labels", EVERY),
    ("label_one_of", ["none of its labels", "Alpha"], ["a3"]),
    ("label_one_of", ["nothing"], []),
    ("label_starts_with", "o", ["a1", "a2"]),
    ("label_starts_with", "a", []),
    ("label_starts_with", "late ", ["a4"]),
    ("amount_equals", "10.1", ["a1"]),
    ("amount_equals", "10.10", ["a1"]),
    ("amount_equals", "0", ["a4"]),
    ("amount_equals", "-0.00", ["a4"]),
    ("amount_equals", "12345678901234567890.00", []),
    ("amount_not", "10.1", but("a1")),
    ("amount_not", "12345678901234567890.00", EVERY),
    ("amount_one_of", ["9.9", "-10", "100"], ["a2", "a3", "a5"]),
    ("amount_at_least", "10.09", ["a1", "a5", "a6"]),
    ("amount_above", "10.09", ["a1", "a5"]),
    ("amount_at_most", "9.9", ["a2", "a3", "a4"]),
    ("amount_below", "9.90", ["a3", "a4"]),
    ("amount_below", "12345678901234567890.00", ["a1", "a2", "a3", "a4", "a5", "a6"]),
    ("amount_above", "-12345678901234567890.00", ["a1", "a2", "a3", "a4", "a5", "a6"]),
    ("num_equals", 9, ["a2"]),
    ("num_equals", 40000, []),
    ("num_not", 9, but("a2")),
    ("num_not", 2**53 - 1, EVERY),
    ("num_one_of", [1, 40000, -10], ["a1", "a3"]),
    ("num_at_least", 9, ["a2", "a5", "a6"]),
    ("num_above", 9, ["a5", "a6"]),
    ("num_at_most", 0, ["a3", "a4"]),
    ("num_below", 0, ["a3"]),
    ("num_below", 2**53 - 1, ["a1", "a2", "a3", "a4", "a5", "a6"]),
    ("num_above", -(2**53) + 1, ["a1", "a2", "a3", "a4", "a5", "a6"]),
    ("flag_equals", True, ["a1", "a3"]),
    ("flag_equals", False, ["a2"]),
    ("flag_not", True, but("a1", "a3")),
    ("flag_not", False, but("a2")),
    ("flag_one_of", [True, False], ["a1", "a2", "a3"]),
    ("flag_one_of", [False], ["a2"]),
    ("day_equals", "2026-01-31", ["a1"]),
    ("day_not", "2026-01-31", but("a1")),
    ("day_one_of", ["2026-02-01", "0999-12-31"], ["a2", "a4"]),
    ("day_at_least", "2026-01-31", ["a1", "a2"]),
    ("day_above", "2026-01-31", ["a2"]),
    ("day_at_most", "2025-12-31", ["a3", "a4"]),
    ("day_below", "2025-12-31", ["a4"]),
    ("day_below", "9999-12-31", ["a1", "a2", "a3", "a4"]),
    ("at_equals", "2026-01-31T10:00:00", ["m1"]),
    ("at_equals", "2026-01-31 10:00:00.000000", ["m1"]),
    ("at_not", "2026-01-31T10:00:00", but("m1")),
    ("at_one_of", ["2026-01-31T10:00:00.50", "1999-12-31T23:59:59.999999"], ["m2", "m4"]),
    ("at_at_least", "2026-01-31T10:00:00.5", ["m2", "m3"]),
    ("at_above", "2026-01-31T10:00:00.5", ["m3"]),
    ("at_at_most", "2026-01-31T10:00:00", ["m1", "m4"]),
    ("at_below", "2026-01-31T10:00:00", ["m4"]),
    ("at_below", "9999-12-31T23:59:59.999999", ["m1", "m2", "m3", "m4"]),
    ("at_above", "0001-01-01T00:00:00", ["m1", "m2", "m3", "m4"]),
    ("moment_equals", "2026-01-31T10:00:00Z", ["m1"]),
    ("moment_equals", "2026-01-31T12:30:00.5+02:30", ["m2"]),
    ("moment_equals", "2026-01-30T23:00:00.500001-11:00", ["m3"]),
    ("moment_not", "2026-01-31T11:00:00+01:00", but("m1")),
    ("moment_one_of", ["2026-01-31T10:00:00.5Z", "2000-01-01T00:59:59.999999+01:00"], ["m2", "m4"]),
    ("moment_at_least", "2026-01-31T10:00:00.5Z", ["m2", "m3"]),
    ("moment_above", "2026-01-31T10:00:00.5Z", ["m3"]),
    ("moment_at_most", "2026-01-31T11:00:00+01:00", ["m1", "m4"]),
    ("moment_below", "2026-01-31T11:00:00+01:00", ["m4"]),
    ("moment_below", "9999-12-31T23:59:59.999999Z", ["m1", "m2", "m3", "m4"]),
    ("moment_above", "0001-01-01T00:00:00Z", ["m1", "m2", "m3", "m4"]),
    ("ref_equals", U1, ["m1"]),
    ("ref_not", U1, but("m1")),
    ("ref_one_of", [U1, U2], ["m1", "m2"]),
]
REFUSED: list[tuple[str, Any]] = [
    ("word_starts_with", ""),
    ("amount_equals", "10.105"),
    ("amount_above", "1e3"),
    ("amount_above", "10,5"),
    ("amount_above", " 10"),
    ("amount_above", ""),
    ("num_above", "9"),
    ("flag_equals", 1),
    ("flag_equals", "true"),
    ("day_above", "2026-02-30"),
    ("day_above", "2026-1-1"),
    ("day_above", "31.01.2026"),
    ("at_above", "2026-01-31T10:00:00Z"),
    ("at_above", "2026-01-31"),
    ("moment_above", "2026-01-31T10:00:00"),
    ("moment_above", "0001-01-01T00:00:00+01:00"),
    ("moment_above", "now"),
    ("ref_equals", U1.upper()),
    ("ref_equals", "{" + U1 + "}"),
    ("word_one_of", []),
    ("word_one_of", ["a", "b", "c", "d", "e"]),
    ("word_one_of", ["a", "a"]),
    ("word_one_of", "acme"),
    ("word_one_of", ["a", None]),
    ("word_one_of", ["a", ["b"]]),
    ("num_one_of", [1, True]),
    ("word_equals", ["acme"]),
    ("word_equals", None),
]


def as_stored(database: Database) -> list[dict[str, Any]]:
    """Return the rows as an application of this engine may have written them."""
    rows = [*ROWS, *OTHERS]
    if database.engine == "sqlite":
        return [{name: SPELLED.get((row["id"][-2:], name), value) for name, value in row.items()} for row in rows]
    if database.engine == "mariadb":
        return [{**row, "moment": row["moment"] and row["moment"].removesuffix("+00:00")} for row in rows]
    return rows


@pytest.fixture
async def trial(each_database: Database) -> AsyncIterator[Trial]:
    with things(each_database, as_stored(each_database)):
        async with tried(each_database, POLICY) as found:
            yield found


@pytest.mark.requirement("read:filters")
async def test_every_operator_lets_the_same_rows_through_on_every_engine(trial: Trial) -> None:
    wrong = []
    for name, value, expected in CASES:
        answer = await trial.call(f"t.{name}", value=value)
        found = sorted(row["id"] for row in answer["data"]["rows"]) if answer["ok"] else answer["error"]
        if found != expected:
            wrong.append((name, value, found))
    assert wrong == []
    for name, (_, expected) in FIXED.items():
        answer = await trial.call(f"t.{name}")
        assert (name, sorted(row["id"] for row in answer["data"]["rows"])) == (name, expected)


@pytest.mark.requirement("read:filters", "arguments:closed")
async def test_a_value_that_is_none_of_its_column_is_refused_alike_on_every_engine(trial: Trial) -> None:
    for name, value in REFUSED:
        answer = await trial.call(f"t.{name}", value=value)
        assert (name, value, answer["error"] and answer["error"]["code"]) == (name, value, "invalid_arguments")
        assert json.dumps(value, ensure_ascii=False) not in answer["error"]["message"]


def test_every_operator_is_tried_on_every_type_that_allows_it() -> None:
    assert {name for name, _, _ in CASES} == {
        f"{c}_{operator}" for c, allowed in _ALLOWED.items() for operator in allowed
    }
