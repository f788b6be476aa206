"""Whatever is in a file, loading ends in a contract that the rules of `core` can work with, or in problems; never in a crash."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synapsor.contract.digest import contract_digest
from synapsor.contract.load import LoadedContract, Reading, load, load_all, read_text
from synapsor.contract.model import SETTABLE, ColumnRule, Contract, ProposeCapability, constant
from synapsor.contract.rules import RULES
from synapsor.contract.tokens import to_token
from synapsor.core.plan import question_of
from synapsor.errors import ContractError
from synapsor.values import ColumnType, ValueUnfit, to_json
from tests.unit.contracts import GOOD, data
from tests.unit.test_contract_digest import BODY, changed, paths

POLICIES = sorted((Path(__file__).parents[2] / "policies").glob("*.yaml"))


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
    for capability in contract.capabilities.values():
        table = contract.table_of(capability)
        contract.context_of(capability)
        question = question_of(capability, table)
        assert set(question.sources) - {None} <= set(capability.arguments)
        if isinstance(capability, ProposeCapability):
            assert question.shape.single
            assert set(capability.set) <= set(question.shape.positions)


@pytest.mark.requirement("contract:load:strict")
@given(
    st.sampled_from(list(range(len(GOOD)))),
    st.integers(0, 12),
    st.text(max_size=6) | st.sampled_from(["\n", "  ", ": ", "{", "]", "- ", "'"]),
)
def test_a_file_that_was_edited_anywhere_is_read_or_refused(start: int, length: int, text: str) -> None:
    in_order(read_text(GOOD[:start] + text + GOOD[start + length :], "x.yaml"))


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


@given(st.sampled_from([path for path in paths(BODY) if path]), TREES | st.just(...))
def test_a_contract_with_anything_anywhere_is_read_or_refused(path: tuple[str | int, ...], value: Any) -> None:
    in_order(read_text(json.dumps(changed(BODY, path, value)), "x.yaml"))


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
    question = question_of(reading.contract.capabilities["billing.list_open"], reading.contract.tables["invoices"])
    assert question.constants == (() if value is None else (to_token(constant(value), ColumnRule(type=kind)),))


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
