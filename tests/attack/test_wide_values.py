"""Values beyond what a column holds: compared and not cast to it, so that they differ from every row and fail nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.databases import Database, Engine, execute
from tests.engines import inserted, tried

_MAKE: dict[Engine, str] = {
    "postgres": """
CREATE DOMAIN billing.grade AS text CHECK (VALUE ~ '^[A-F]$'); CREATE DOMAIN billing.few AS smallint CHECK (VALUE < 100);
CREATE TABLE billing.wide (id text PRIMARY KEY, tenant_id text NOT NULL, grade billing.grade, few billing.few, mid integer, word varchar(5),
  fixed char(5), big numeric);
GRANT SELECT ON billing.wide TO synapsor_reader;
""",
    "mariadb": """
CREATE TABLE wide (id varchar(20) PRIMARY KEY, tenant_id varchar(64) NOT NULL, grade enum('A', 'B'), few tinyint unsigned, mid mediumint,
  word varchar(5), fixed char(5), big decimal(65,0)) CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
GRANT SELECT ON wide TO synapsor_reader@'127.0.0.1';
""",
    "sqlite": """
CREATE TABLE wide (id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL, grade TEXT, few INTEGER, mid INTEGER, word TEXT, fixed TEXT,
  big TEXT) STRICT;
""",
}
_DROP: dict[Engine, str] = {
    "postgres": "DROP TABLE IF EXISTS billing.wide; DROP DOMAIN IF EXISTS billing.grade; DROP DOMAIN IF EXISTS billing.few;",
    "mariadb": "DROP TABLE IF EXISTS wide;",
    "sqlite": "DROP TABLE IF EXISTS wide;",
}
HUGE = "9" * 60
ROWS: list[dict[str, Any]] = [
    {"id": "1", "tenant_id": "acme", "grade": "A", "few": 7, "mid": 7, "word": "abcde", "fixed": "ab", "big": HUGE},
    {"id": "2", "tenant_id": "acme", "grade": "B", "few": 90, "mid": 90, "word": "a", "fixed": "b", "big": "-" + HUGE},
    {"id": "3", "tenant_id": "acme", "grade": None, "few": None, "mid": None, "word": None, "fixed": None, "big": "10"},
]
POLICY = """\
synapsor: 1
contract: wide
contexts:
  staff: {tenant: session.tenant_id, principal: session.user}
tables:
  wide:
    source: shop
    relation: billing.wide
    key: id
    tenant: tenant_id
    columns: {id: text, tenant_id: text, grade: text, few: integer, mid: integer, word: text, fixed: text, big: numeric}
capabilities:
"""
_KINDS = {"few": "integer", "mid": "integer"}
_OPERATORS = {
    "is": "$value",
    "not": "{not: $value}",
    "any": "{one_of: $value}",
    "least": "{at_least: $value}",
    "below": "{below: $value}",
}
for _column in ("grade", "few", "mid", "word", "fixed", "big"):
    for _name, _where in _OPERATORS.items():
        if _name in {"is", "not", "any"} or _column in {"few", "mid", "big"}:
            _type = _KINDS.get(_column, "string")
            _more = ("" if _type == "integer" else ", max_length: 90") + (", many: 2" if _name == "any" else "")
            POLICY += f"""\
  w.{_column}_{_name}:
    description: The rows that this lets through.
    read: wide
    arguments: {{value: {{type: {_type}{_more}}}}}
    where: {{{_column}: {_where}}}
    returns: [id]
"""
CASES: list[tuple[str, Any, list[str]]] = [
    ("grade_is", "A", ["1"]), ("grade_is", "not a grade", []), ("grade_is", "", []), ("grade_not", "not a grade", ["1", "2", "3"]),
    ("grade_any", ["B", "ZZ"], ["2"]),
    ("few_is", 7, ["1"]), ("few_is", 1000, []), ("few_is", -1, []), ("few_is", 2**40, []), ("few_not", 2**40, ["1", "2", "3"]),
    ("few_any", [7, 70000], ["1"]), ("few_least", -(2**40), ["1", "2"]), ("few_below", 2**40, ["1", "2"]), ("few_least", 300, []),
    ("mid_is", 2**40, []), ("mid_not", -(2**40), ["1", "2", "3"]), ("mid_any", [90, 2**40], ["2"]), ("mid_below", 2**40, ["1", "2"]),
    ("word_is", "abcde", ["1"]), ("word_is", "abcdef", []), ("word_not", "abcdef", ["1", "2", "3"]), ("word_any", ["abcdef", "a"], ["2"]),
    ("fixed_is", "ab", ["1"]), ("fixed_is", "ab ", []), ("fixed_is", "ab   x", []), ("fixed_not", "ab ", ["1", "2", "3"]),
    ("fixed_any", ["ab   x", "b"], ["2"]),
    ("big_is", HUGE, ["1"]), ("big_is", HUGE[:-1] + "8", []), ("big_is", HUGE + ".0", ["1"]), ("big_is", HUGE + ".5", []),
    ("big_not", HUGE, ["2", "3"]), ("big_any", [HUGE, "10.0"], ["1", "3"]),
    ("big_least", "1" + "0" * 60, []), ("big_below", "1" + "0" * 60, ["1", "2", "3"]), ("big_least", "1" + "0" * 59, ["1"]),
    ("big_below", "0." + "0" * 29 + "1", ["2"]), ("big_least", "9" * 80, []), ("big_below", "9" * 80, ["1", "2", "3"]),
    ("big_below", "10." + "0" * 25 + "1", ["2", "3"]), ("big_is", "10." + "0" * 25 + "1", []), ("big_not", "9" * 80, ["1", "2", "3"]),
]  # fmt: skip


@pytest.fixture
def wide(each_database: Database) -> Iterator[Database]:
    engine = each_database.engine
    name = "billing.wide" if engine == "postgres" else "wide"
    execute(each_database, _DROP[engine] + _MAKE[engine] + inserted(engine, name, ROWS))
    yield each_database
    execute(each_database, _DROP[engine])


@pytest.mark.requirement("read:filters")
async def test_a_value_that_a_column_could_never_hold_differs_from_every_row(wide: Database) -> None:
    wrong = []
    async with tried(wide, POLICY) as trial:
        for name, value, expected in CASES:
            answer = await trial.call(f"w.{name}", value=value)
            found = sorted(row["id"] for row in answer["data"]["rows"]) if answer["ok"] else answer["error"]["code"]
            if found != expected:
                wrong.append((name, value, found))
    assert wrong == []
