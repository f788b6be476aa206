"""Whatever is in a file, loading ends in a contract that the rules of `core` can work with, or in problems; never in a crash."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synapsor.contract.capability import AggregateCapability, ProposeCapability, ReadCapability
from synapsor.contract.changes import Operation
from synapsor.contract.conditions import constant
from synapsor.contract.digest import canonical_body, contract_digest
from synapsor.contract.document import Positions, read_document
from synapsor.contract.load import LoadedContract, Reading, load, load_all, read_text
from synapsor.contract.mapping import SETTABLE, ColumnRule
from synapsor.contract.model import Contract
from synapsor.contract.rules import RULES
from synapsor.contract.tokens import to_token
from synapsor.core.count import count_question_of
from synapsor.core.envelope_schema import output_schema
from synapsor.core.links import Mapped
from synapsor.core.question import child_question_of, question_of
from synapsor.errors import ContractError
from synapsor.sql.aggregate import compile_aggregate
from synapsor.sql.statement import Dialect
from synapsor.values import ColumnType, ValueUnfit, to_json
from tests.unit.contracts import GOOD, LINKED, data
from tests.unit.test_contract_digest import BODY, changed, paths

POLICIES = sorted(
    p for p in (Path(__file__).parents[2] / "policies").glob("*.yaml") if not p.name.endswith(".test.yaml")
)
DIALECTS: tuple[Dialect, ...] = ("postgres", "mysql", "sqlite")

COUNTED = changed(
    BODY,
    ("capabilities", "billing.totals"),
    {
        "description": "The fees of each state.",
        "aggregate": "invoices",
        "arguments": {"from": {"type": "string", "max_length": 10}},
        "where": {"paid": True},
        "measures": {"invoices": "count", "total": {"sum": "fee"}, "mean": {"avg": "amount", "places": 4}},
        "group": {"state": "status", "month": {"month": "updated_at", "zone": "Asia/Tokyo"}},
        "compare": {"column": "due", "periods": {"current": {"at_least": "$from"}, "previous": {"below": "$from"}}},
        "order": ["-total.change", "state"],
        "limits": {"groups": 100, "variants_per_day": 3},
    },
)
"""A contract with an aggregate, too."""


def in_order(reading: Reading) -> bool:
    """Tell whether a contract was found; then it must be one that can be planned."""
    assert all(p.rule in RULES and p.line >= 1 and p.column >= 1 and str(p).isprintable() for p in reading.problems)
    if reading.problems:
        return False
    assert reading.contract is not None
    _can_be_planned(reading.contract)
    assert contract_digest(reading.contract).startswith("sha256:")
    return True


def _can_be_planned(contract: Contract) -> None:
    tables = {name: Mapped(table=table) for name, table in contract.tables.items()}
    for capability in contract.capabilities.values():
        table = contract.table_of(capability)
        contract.context_of(capability)
        if isinstance(capability, AggregateCapability):
            counted = count_question_of(capability, table, None, tables)
            output_schema(capability, table, contract.tables)
            assert {asked.argument for asked in counted.asked} - {""} <= set(capability.arguments)
            assert all(compile_aggregate(counted.shape, dialect).text for dialect in DIALECTS)
            continue
        question = question_of(capability, table, None, tables)
        output_schema(capability, table, contract.tables)
        for name, child in capability.with_.items() if isinstance(capability, ReadCapability) else ():
            assert isinstance(capability, ReadCapability)
            child_question_of(child, table.links[name], capability, tables)
        assert {asked.argument for asked in question.asked} - {""} <= set(capability.arguments)
        if isinstance(capability, ProposeCapability):
            is_one = not capability.is_set and capability.operation is not Operation.INSERT
            assert question.shape.single is is_one
            assert set(capability.set) <= set(question.shape.positions)


@pytest.mark.requirement("contract:load:strict")
@given(
    st.sampled_from([GOOD, LINKED]),
    st.integers(0, len(LINKED)),
    st.integers(0, 12),
    st.text(max_size=6) | st.sampled_from(["\n", "  ", ": ", "{", "]", "- ", "'"]),
)
def test_a_file_that_was_edited_anywhere_is_read_or_refused(good: str, start: int, length: int, text: str) -> None:
    start %= len(good)
    in_order(read_text(good[:start] + text + good[start + length :], "x.yaml"))


@given(st.text())
@example("null")
@example("? ")
@example("{")
@example("a: !<x> b")
@example("--- a\n... x")
@example("%TAG ! x\n---\n")
@example("a: |\n b\n c: >-\n  d")
@example("{a: 1, ? b}")
@example("? {a: b}\n: [*x, &y]")
def test_any_text_is_read_or_refused(text: str) -> None:
    assert not in_order(read_text(text, "x.yaml"))


SCALARS = st.none() | st.booleans() | st.integers(-(2**54), 2**54) | st.text(max_size=5) | st.sampled_from(
    ["id", "note", "fee", "extra", "open", "tenant_id", "text", "denied", "$words", "$invoice_id", "invoices", "update invoices", "-fee", "whole_row"]
)  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "id", "x", "fee"]), inner, max_size=3)
    ),
)


_linked = read_text(LINKED, "linked.yaml").contract
assert _linked is not None
LINKS = canonical_body(_linked)
WAYS = st.sampled_from(
    ["buyer", "buyer.name", "buyer.region.name", "buyer.tenant", "lines", "lines.line", "buyers", "regions", {"buyer.tier": "gold"}, {"lines": {}}]
)  # fmt: skip


@given(st.sampled_from([path for path in paths(LINKS) if path]), TREES | WAYS | st.just(...))
def test_a_contract_with_links_and_anything_anywhere_is_read_or_refused(
    path: tuple[str | int, ...], value: Any
) -> None:
    in_order(read_text(json.dumps(changed(LINKS, path, value)), "x.yaml"))


@given(st.sampled_from([path for path in paths(COUNTED) if path]), TREES | st.just(...))
def test_a_contract_with_anything_anywhere_is_read_or_refused(path: tuple[str | int, ...], value: Any) -> None:
    in_order(read_text(json.dumps(changed(COUNTED, path, value)), "x.yaml"))


@given(
    st.sampled_from([path for path in paths(data()) if path]),
    st.text(max_size=5) | st.sampled_from(["id", "read", "propose", "tenant", "note"]),
)
def test_a_contract_with_another_key_anywhere_is_read_or_refused(path: tuple[str | int, ...], key: str) -> None:
    in_order(
        read_text(json.dumps(changed(data(), (*path[:-1], key), {}) if isinstance(path[-1], str) else data()), "x.yaml")
    )


VALUES = (
    SCALARS
    | st.dates().map(str)
    | st.datetimes().map(dt.datetime.isoformat)
    | st.datetimes(timezones=st.just(dt.UTC)).map(dt.datetime.isoformat)
    | st.uuids().map(str)
    | st.decimals(allow_nan=False).map(str)
    | st.floats()
)


@given(VALUES.filter(lambda value: value is not None), st.sampled_from(list(ColumnType)))
def test_only_what_may_be_set_has_a_token(value: Any, kind: ColumnType) -> None:
    try:
        token = to_token(value, ColumnRule(type=kind))
    except ValueUnfit:
        return
    assert kind in SETTABLE
    assert isinstance(token, str)
    assert to_json(token, kind) is not None


@pytest.mark.parametrize(
    ("value", "rule", "token"),
    [
        ("-0", ColumnRule(type=ColumnType.NUMERIC), "0"),
        ("-0.00", ColumnRule(type=ColumnType.NUMERIC), "0.00"),
        ("-0.10", ColumnRule(type=ColumnType.NUMERIC), "-0.10"),
        ("-0", ColumnRule(type=ColumnType.NUMERIC, scale=2), "0.00"),
        (5, ColumnRule(type=ColumnType.NUMERIC, scale=2), "5.00"),
        ("1e2", ColumnRule(type=ColumnType.NUMERIC), None),
        ("10.005", ColumnRule(type=ColumnType.NUMERIC, scale=2), None),
        ("9" * 40, ColumnRule(type=ColumnType.NUMERIC, scale=2), None),
        ("2024-02-29", ColumnRule(type=ColumnType.DATE), "2024-02-29"),
        ("2024-02-31", ColumnRule(type=ColumnType.DATE), None),
        ("2024-2-1", ColumnRule(type=ColumnType.DATE), None),
        ("2024-02-01T10:00:00.500+02:00", ColumnRule(type=ColumnType.TIMESTAMPTZ), "2024-02-01 08:00:00.5+00"),
        ("2024-02-01T10:00:00", ColumnRule(type=ColumnType.TIMESTAMPTZ), None),
        ("2024-02-01T10:00:00Z", ColumnRule(type=ColumnType.TIMESTAMP), None),
        ("2024-02-01T25:00:00", ColumnRule(type=ColumnType.TIMESTAMP), None),
        ("0001-01-01T00:00:00+02:00", ColumnRule(type=ColumnType.TIMESTAMPTZ), None),
        ("0999-01-01T00:00:00", ColumnRule(type=ColumnType.TIMESTAMP), "0999-01-01 00:00:00"),
        ("{00000000-0000-0000-0000-000000000000}", ColumnRule(type=ColumnType.UUID), None),
        ("A0000000-0000-0000-0000-000000000000", ColumnRule(type=ColumnType.UUID), None),
        ("nonsense", ColumnRule(type=ColumnType.UUID), None),
        (2**63, ColumnRule(type=ColumnType.INTEGER), None),
        (True, ColumnRule(type=ColumnType.INTEGER), None),
        (10, ColumnRule(type=ColumnType.INTEGER, maximum=9), None),
        (1, ColumnRule(type=ColumnType.BOOLEAN), None),
        (False, ColumnRule(type=ColumnType.BOOLEAN), "false"),
        ("a\0", ColumnRule(type=ColumnType.TEXT), None),
        ("\ud800", ColumnRule(type=ColumnType.TEXT), None),
        ("abc", ColumnRule(type=ColumnType.TEXT, max_length=2), None),
        ("abc", ColumnRule(type=ColumnType.TEXT, one_of=("ab",)), None),
        ("{}", ColumnRule(type=ColumnType.JSON), None),
    ],
)
def test_a_token_is_what_the_database_would_print_or_the_value_is_refused(
    value: Any, rule: ColumnRule, token: str | None
) -> None:
    try:
        found = to_token(value, rule)
    except ValueUnfit:
        found = None
    assert found == token


@given(VALUES, st.sampled_from(sorted(SETTABLE)))
def test_a_fixed_value_is_judged_by_check_as_by_the_call_that_uses_it(value: Any, kind: ColumnType) -> None:
    body = changed(BODY, ("tables", "invoices", "columns", "due"), {"type": kind.value})
    body["capabilities"]["billing.list_open"]["where"] = {"due": value}
    try:
        text = json.dumps(body, allow_nan=False)
    except ValueError:  # JSON has no way to write it
        return
    reading = read_text(text, "x.yaml")
    if reading.problems or reading.contract is None:
        return
    capability = reading.contract.capabilities["billing.list_open"]
    assert isinstance(capability, ReadCapability)
    question = question_of(capability, reading.contract.tables["invoices"])
    (asked,) = question.asked
    assert asked.constants == (() if value is None else (to_token(constant(value), ColumnRule(type=kind)),))


def test_every_policy_of_the_project_is_in_order() -> None:
    loaded = load_all(POLICIES)
    assert [one.path for one in loaded] == POLICIES
    for one in loaded:
        _can_be_planned(one.contract)
        assert one.digest == contract_digest(one.contract)


def test_a_contract_is_loaded_from_the_file_that_is_named(tmp_path: Path) -> None:
    file = tmp_path / "billing.yaml"
    file.write_text(GOOD, encoding="utf-8")
    contract = Contract.model_validate(data())
    assert load(str(file)) == LoadedContract(contract=contract, digest=contract_digest(contract), path=file)


def test_no_files_are_no_contracts() -> None:
    assert load_all([]) == ()


def test_the_refusal_lists_every_problem_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(GOOD.replace("order: [-fee]", "oder: [-fee]"), encoding="utf-8")
    with pytest.raises(ContractError) as refused:
        load(file)
    assert str(refused.value) == f"{file}:39:5: SYN101 `oder` is not a key here. (Did you mean `order`?)"
    assert refused.value.exit_code == 2


def test_what_is_not_in_the_file_is_reported_where_its_nearest_parent_stands() -> None:
    places = Positions("x.yaml", keys={("a",): (2, 1)}, values={("a",): (2, 4), ("b", 0): (5, 3)})
    assert places.key(("a", "missing", "deeper")) == (2, 1)
    assert places.value(("a",)) == (2, 4)
    assert places.key(("b", 0)) == (5, 3)
    assert places.value(("nowhere",)) == (1, 1)


def test_text_that_yaml_cannot_hold_is_refused() -> None:
    assert [p.rule for p in read_document("a: \ufffe", "x.yaml").problems] == ["SYN004"]
