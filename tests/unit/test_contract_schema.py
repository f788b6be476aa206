"""The published schemas: closed, true to what is answered, and silent about tables, sources and tenants."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from synapsor.contract.capability import Capability, ProposeCapability, ReadCapability, shown
from synapsor.contract.load import load_all, read_text
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.contract.reference import contract_json_schema
from synapsor.contract.schema import input_schema
from synapsor.core.envelope import failure, success
from synapsor.core.envelope_schema import STATUS_INPUT, STATUS_OUTPUT, output_schema
from synapsor.errors import Code, Refusal
from synapsor.values import ColumnType, to_json
from tests.schemas import holds
from tests.unit.contracts import LINKED, contract, data

ROOT = Path(__file__).parents[2]
POLICIES = sorted(p for p in (ROOT / "policies").glob("*.yaml") if not p.name.endswith(".test.yaml"))
CONTRACT = contract()
TABLE = CONTRACT.tables["invoices"]
READ = CONTRACT.capabilities["billing.inspect"]
LIST = CONTRACT.capabilities["billing.list_open"]
PROPOSE = CONTRACT.capabilities["billing.propose_note"]
PROPOSAL = {
    "id": "wrp_1",
    "status": "review_required",
    "digest": "sha256:" + "0" * 64,
    "operation": "update",
    "before": dict.fromkeys(shown(PROPOSE, TABLE)),
    "after": dict.fromkeys(shown(PROPOSE, TABLE)),
    "changes": [{"column": "note", "before": None, "after": "x"}],
    "members": None,
    "expires_at": "2026-01-01T00:00:00.000000Z",
    "group": None,
    "needs": {"role": "lead", "people": 1},
    "rejection": None,
    "outcome": None,
    "questions": [],
    "superseded_by": None,
    "amends": None,
    "allowed_next": ["wait"],
    "next_poll_s": 15,
    "status_resource": "synapsor://proposal/wrp_1",
}


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema of an object within a schema."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


def all_schemas() -> Iterator[tuple[dict[str, Any], set[str]]]:
    """Yield every published schema, and which of its properties may be left out."""
    for loaded in load_all(POLICIES):
        for capability in loaded.contract.capabilities.values():
            yield input_schema(capability), {"cursor", *(n for n, a in capability.arguments.items() if a.optional)}
            yield output_schema(capability, loaded.contract.table_of(capability), loaded.contract.tables), set()


@pytest.mark.requirement("contract:schema:closed")
def test_every_object_of_every_schema_is_closed_and_complete() -> None:
    for schema, optional in all_schemas():
        jsonschema.Draft202012Validator.check_schema(schema)
        for part in objects(schema):
            assert part["additionalProperties"] is False
            assert part["required"] == [name for name in part["properties"] if name not in optional]


@pytest.mark.requirement("link:shape")
def test_what_links_lead_to_is_declared_closed_and_names_nothing_hidden() -> None:
    linked = read_text(LINKED, "linked.yaml").contract
    assert linked is not None
    for capability in linked.capabilities.values():
        schema = output_schema(capability, linked.table_of(capability), linked.tables)
        jsonschema.Draft202012Validator.check_schema(schema)
        for part in objects(schema):
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])
        hidden = ("shop", "billing.buyers", "buyers", "regions", "tenant", "tenant_id", "ssn_1", "cost", "region_id")
        assert [word for word in hidden if f'"{word}"' in json.dumps(schema)] == []
    read = linked.capabilities["billing.inspect"]
    row = output_schema(read, linked.table_of(read), linked.tables)["properties"]["data"]["anyOf"][0]["properties"][
        "row"
    ]
    assert list(row["properties"]) == ["id", "status", "buyer", "lines"]
    lines = {"rows": [{"line": 1, "receiver": {"name": None}}], "count": 1, "truncated": False, "cut_by": None}
    good = {"id": "1", "status": "open", "buyer": {"name": "A", "region": None}, "lines": lines}
    assert holds(row, good)
    assert holds(row, {**good, "buyer": None})
    assert holds(row, {**good, "buyer": {"name": "A", "region": {"name": "N"}}})
    for bad in (
        {**good, "buyer": {"name": "A"}},
        {**good, "buyer": {"name": "A", "region": None, "tenant": "acme"}},
        {**good, "lines": None},
        {**good, "lines": {**lines, "rows": [{"line": 1, "receiver": None}] * 21}},
        {**good, "lines": {**lines, "cut_by": "time"}},
        {name: value for name, value in good.items() if name != "lines"},
    ):
        assert not holds(row, bad)


@pytest.mark.requirement("contract:schema:silent")
def test_no_schema_names_a_table_a_source_a_tenant_or_a_denied_column() -> None:
    for loaded in load_all(POLICIES):
        for capability in loaded.contract.capabilities.values():
            table = loaded.contract.table_of(capability)
            said = json.dumps([input_schema(capability), output_schema(capability, table, loaded.contract.tables)])
            hidden = [
                table.source,
                table.relation,
                str(table.write_to),
                str(table.tenant_column),
                *(set(table.columns) - set(table.allowed)),
            ]
            assert [word for word in hidden if f'"{word}"' in said] == []


def test_a_single_row_is_answered_as_declared() -> None:
    schema = output_schema(READ, TABLE)
    row = {"id": "INV-1", "status": "open", "fee": 5}
    answer = success("billing.inspect", "read", "1 row.", evidence="ev_1", audit="aud_1", data={"row": row})
    assert holds(schema, answer)
    assert holds(schema, {**answer, "data": {"row": {**row, "fee": None}}})
    assert holds(schema, {**answer, "data": {"row": {**row, "fee": str(2**60)}}})
    for bad in (
        {**row, "tenant_id": "acme"},
        {"id": "INV-1"},
        {**row, "fee": "5"},
        {**row, "fee": 1.5},
        {**row, "fee": True},
    ):
        assert not holds(schema, {**answer, "data": {"row": bad}})
    assert not holds(schema, {**answer, "source_database_changed": True})
    assert not holds(schema, {**answer, "sql": "select"})


def test_a_list_is_answered_as_declared() -> None:
    schema = output_schema(LIST, TABLE)
    row = dict.fromkeys(TABLE.returned)
    data = {"rows": [row], "count": 1, "truncated": True, "cut_by": "rows"}
    answer = success("billing.list_open", "read", "1 row.", evidence="ev_1", audit="aud_1", data=data)
    assert holds(schema, answer)
    assert not holds(schema, {**answer, "data": {**data, "rows": [row] * 51}})
    assert not holds(schema, {**answer, "data": {**data, "cut_by": "time"}})


def test_a_proposal_is_answered_as_declared() -> None:
    schema = output_schema(PROPOSE, TABLE)
    answer = success("billing.propose_note", "propose", "Filed.", evidence="ev_1", audit="aud_1", proposal=PROPOSAL)
    assert holds(schema, answer)
    other = {"id": "wrp_2", "capability": "billing.propose_fee", "status": "review_required"}
    group = {"id": "grp_1", "with": [other], "missing": ["billing.propose_tax"]}
    assert holds(schema, {**answer, "proposal": {**PROPOSAL, "group": group}})
    assert not holds(
        schema, {**answer, "proposal": {**PROPOSAL, "group": {**group, "with": [{**other, "principal": "x"}]}}}
    )
    question = {"id": "que_1", "text": "Why?", "at": "2026-01-01T00:00:00.000000Z", "answered": False}
    successor = {"id": "wrp_2", "because": "edited", "arguments": ["note"]}
    told = {"questions": [question], "superseded_by": successor, "amends": {**successor, "comment": "x"}}
    assert holds(schema, {**answer, "proposal": {**PROPOSAL, **told}})
    for name, more in (("superseded_by", {**successor, "operator": "mia"}), ("questions", [{**question, "by": "leo"}])):
        assert not holds(schema, {**answer, "proposal": {**PROPOSAL, name: more}})
    assert not holds(schema, {**answer, "proposal": {**PROPOSAL, "tenant": "acme"}})
    assert not holds(
        schema, {**answer, "proposal": {**PROPOSAL, "changes": [{"column": "fee", "before": 1, "after": 2}]}}
    )
    assert holds(STATUS_OUTPUT, {**answer, "kind": "read"})


@pytest.mark.parametrize("code", list(Code))
def test_every_refusal_is_answered_as_declared(code: Code) -> None:
    for capability, kind in ((READ, "read"), (LIST, "read"), (PROPOSE, "propose")):
        for audit in ("aud_1", None):
            assert holds(
                output_schema(capability, TABLE), failure("billing.x", kind, Refusal(code, "why"), audit=audit)
            )


def test_several_changes_are_answered_each_with_its_own_type() -> None:
    both = PROPOSE.model_copy(update={"set": {"note": "x", "fee": 0}})
    schema = output_schema(both, TABLE)["properties"]["proposal"]["anyOf"][0]["properties"]["changes"]
    note = {"column": "note", "before": None, "after": "x"}
    assert holds(schema, [note, {"column": "fee", "before": 5, "after": 0}])
    assert not holds(schema, [note, {"column": "fee", "before": "five", "after": 0}])
    assert not holds(schema, [note])


def test_an_input_says_its_limits() -> None:
    capability = READ.model_copy(
        update={
            "arguments": ReadCapability.model_validate(
                {
                    "description": "Takes three.",
                    "read": "invoices",
                    "arguments": {
                        "id": {"type": "string", "max_length": 9, "description": "An id."},
                        "word": {"type": "string", "one_of": ["a", "b"]},
                        "count": {"type": "integer", "minimum": 1},
                    },
                }
            ).arguments
        }
    )
    assert input_schema(capability) == {
        "type": "object",
        "properties": {
            "count": {"type": "integer", "minimum": 1, "maximum": 2**53 - 1},
            "id": {"type": "string", "description": "An id.", "maxLength": 9},
            "word": {"type": "string", "enum": ["a", "b"]},
        },
        "required": ["count", "id", "word"],
        "additionalProperties": False,
    }
    assert holds(STATUS_INPUT, {"proposal_id": "wrp_" + "0" * 20})
    assert not holds(STATUS_INPUT, {"proposal_id": "wrp_1", "tenant": "acme"})


TOKENS = {
    ColumnType.TEXT: st.text(),
    ColumnType.INTEGER: st.integers(-(2**63), 2**64).map(str),
    ColumnType.NUMERIC: st.decimals(allow_nan=True).map(str),
    ColumnType.FLOAT: st.floats().map(repr),
    ColumnType.BOOLEAN: st.sampled_from(["true", "false", "t", "f", "1", "0"]),
    ColumnType.DATE: st.dates().map(str) | st.just("infinity"),
    ColumnType.TIME: st.times().map(str),
    ColumnType.TIMESTAMP: st.datetimes().map(str),
    ColumnType.TIMESTAMPTZ: st.datetimes().map("{}+00".format),
    ColumnType.INTERVAL: st.just("PT1H"),
    ColumnType.UUID: st.uuids().map(str),
    ColumnType.JSON: st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps),
    ColumnType.BYTES: st.binary().map(bytes.hex),
    ColumnType.BITS: st.just("0101"),
    ColumnType.ARRAY: st.lists(st.integers()).map(json.dumps),
}


@given(st.data())
def test_what_a_column_can_hold_fits_its_schema(drawn: st.DataObject) -> None:
    kind = drawn.draw(st.sampled_from(list(ColumnType)))
    token = drawn.draw(st.none() | TOKENS[kind])
    table = Table.model_validate(
        {
            "source": "s",
            "relation": "a.b",
            "key": "id",
            "tenant": "t",
            "columns": {"id": "text", "t": "text", "value": kind.value},
        }
    )
    capability: Capability = ReadCapability.model_validate(
        {"description": "Look at it.", "read": "x", "where": {"id": "1"}, "returns": ["value"]}
    )
    answer = success(
        "a.b", "read", "1 row.", evidence=None, audit="aud_1", data={"row": {"value": to_json(token, kind)}}
    )
    assert holds(output_schema(capability, table), answer)


def test_a_proposal_shows_what_it_changes_beside_what_it_returns() -> None:
    assert isinstance(PROPOSE, ProposeCapability)
    narrow = PROPOSE.model_copy(update={"returns": ("id",)})
    assert shown(narrow, TABLE) == ("id", "note")
    assert "tenant_id" not in shown(PROPOSE, TABLE)
    assert shown(LIST, TABLE) == TABLE.returned


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.name)
def test_an_editor_accepts_every_policy_and_finds_its_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    first = text.partition("\n")[0]
    assert first.startswith("# yaml-language-server: $schema=")
    target = (path.parent / first.partition("=")[2]).resolve()
    assert target == ROOT / "docs/reference/contract.schema.json"
    assert holds(
        json.loads(target.read_text(encoding="utf-8")), yaml.safe_load(text.replace(" on:", ' "on":'))
    )  # which editors take for a word, and YAML 1.1 for true


def test_the_editors_schema_takes_short_forms_and_refuses_unknown_keys() -> None:
    schema = contract_json_schema()
    assert holds(schema, data())
    bad = data()
    bad["capabilities"]["billing.list_open"]["oder"] = ["-fee"]
    assert not holds(schema, bad)
    bad = data()
    bad["tables"]["invoices"]["columns"]["due"] = "dat"
    assert not holds(schema, bad)
    bad = data()
    bad["capabilities"]["no dot"] = bad["capabilities"].pop("billing.list_open")
    assert not holds(schema, bad)


def test_the_models_accept_what_the_editors_schema_accepts() -> None:
    assert Contract.model_validate(data()) == CONTRACT
