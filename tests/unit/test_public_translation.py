"""Translation: a document in order becomes our data, each change is noted and never grants more, and the rest is refused by name."""

from collections.abc import Iterator
from typing import Any

import pytest

from synapsor.contract.check import check
from synapsor.contract.document import Positions
from synapsor.contract.model import Contract
from synapsor.contract.public import words
from synapsor.contract.public.document import validate
from synapsor.contract.public.draft import Draft
from synapsor.contract.public.translate import Translation, translate
from synapsor.contract.public.types import Types
from synapsor.contract.public.words import NOTES, REFUSALS, WAITS
from tests.unit.public_contracts import BOUND, CONTEXT, DOCUMENT, GONE, WHO, edit, only
from tests.unit.public_types import types

_CAP = "capabilities[0]"
_PLAIN = {
    f"{_CAP}.model_withheld_fields": GONE,
    f"{_CAP}.proposal.transition_guards": GONE,
    f"{_CAP}.proposal.execution": GONE,
    f"{_CAP}.proposal.approval": {"mode": "human", "required_role": "lead"},
    f"{_CAP}.proposal.operation": GONE,
}


def made(kind: str, *changes: tuple[str, Any], given: Types | None = None, plain: bool = True) -> Translation:
    """Return the translation of a document of one kind that says nothing which waits, with changes."""
    document = only(kind, policies=DOCUMENT["policies"] if not plain and kind == "update" else [])
    for path, value in _PLAIN.items() if plain else ():
        try:
            edit(document, path, dict(value) if isinstance(value, dict) else value)
        except (KeyError, IndexError):
            continue  # this kind has no such part
    for path, value in changes:
        edit(document, path, value)
    assert validate(document).errors == ()
    return translate(document, given or types(), name="file")


def refusals(translation: Translation) -> list[tuple[str, str]]:
    return [(said.path, said.word) for said in translation.refused]


def notes(translation: Translation) -> set[tuple[str, str]]:
    return {(said.path, said.word) for said in translation.notes}


def test_a_read_becomes_a_read_by_key_of_the_fields_that_are_visible() -> None:
    done = made("read")
    assert done.refused == ()
    assert done.data["capabilities"] == {
        "shop.inspect_order": {
            "description": "Look at one order. Its state and its total.",
            "read": "orders",
            "where": {"id": "$order_id"},
            "arguments": {"order_id": {"type": "string", "max_length": 40, "description": "The order's id."}},
            "returns": ["id", "state", "total_cents"],
        }
    }
    assert done.data["contexts"] == {"desk": {"tenant": "session.tenant", "principal": "session.who"}}


@pytest.mark.requirement("public-contract:refused-by-name")
def test_what_is_kept_out_is_denied_and_the_tenant_is_never_shown() -> None:
    done = made("read", (f"{_CAP}.visible_fields", ["id", "tenant_id", "state"]))
    assert done.data["capabilities"]["shop.inspect_order"]["returns"] == ["id", "state"]
    assert done.data["tables"]["orders"]["columns"]["card_token"] == "denied"
    assert (f"$.{_CAP}.visible_fields[1]", "scope_not_shown") in notes(done)


def test_an_update_is_guarded_by_the_column_that_the_database_moves_and_keeps_its_bounds() -> None:
    done = made("update")
    assert done.refused == ()
    assert done.data["tables"]["orders"]["version"] == "version"
    assert done.data["tables"]["orders"]["principal"] == "owner"
    change = done.data["capabilities"]["shop.propose_discount"]
    assert change["propose"] == "update orders"
    assert change["set"] == {"discount_cents": "$cents", "discount_reason": "$reason", "state": "discounted"}
    assert change["bounds"] == {"discount_cents": {"after": {"at_least": 1, "at_most": 2500}}}
    assert change["approval"] == {"role": "lead"}


@pytest.mark.parametrize(
    "guard", [GONE, {"weak_guard_ack": True}, {"column": "counter"}], ids=["none", "weak", "a column that stands still"]
)
def test_without_a_version_that_moves_the_whole_row_is_the_guard(guard: Any) -> None:
    done = made("update", (f"{_CAP}.proposal.conflict_guard", guard))
    assert done.refused == ()
    assert done.data["tables"]["orders"]["version"] == "whole_row"
    moves = ["counter"] if isinstance(guard, dict) and "column" in guard else []
    assert done.data["tables"]["orders"]["moves"] == [*moves, "version"]
    assert any(word == "guard_is_whole_row" for _, word in notes(done))


def test_two_changes_of_one_table_with_different_guards_each_keep_their_own() -> None:
    document = only("update", "delete")
    for path, value in list(_PLAIN.items())[1:]:
        edit(document, path, dict(value) if isinstance(value, dict) else value)
    other = {**document["capabilities"][0], "name": "shop.propose_note"}
    other["proposal"] = {**other["proposal"], "conflict_guard": {"column": "touched_at"}}
    document["capabilities"] = [document["capabilities"][0], other]
    done = translate(document, types(), name="file")
    assert done.refused == ()
    tables, capabilities = done.data["tables"], done.data["capabilities"]
    guards = {name: tables[c["propose"].removeprefix("update ")]["version"] for name, c in capabilities.items()}
    assert guards == {"shop.propose_discount": "version", "shop.propose_note": "touched_at"}


REFUSED: list[tuple[str, str, list[tuple[str, Any]], str]] = [
    ("argument_optional", "read", [("args.order_id.required", False)], "args.order_id.required"),
    (
        "argument_unknown",
        "update",
        [("proposal.patch.state", {"from_arg": "status"})],
        "proposal.patch.state.from_arg",
    ),
    ("argument_unused", "update", [("args.comment", {"type": "string"})], "args.comment"),
    ("approval_role_missing", "update", [("proposal.approval.required_role", GONE)], "proposal.approval.required_role"),
    ("approval_role_missing", "update", [("proposal.approval", GONE)], "proposal.approval.required_role"),
    ("enum_unsupported", "update", [("args.cents.enum", [1, 2])], "args.cents.enum"),
    ("lookup_missing", "read", [("lookup", GONE)], "lookup"),
    ("lookup_missing", "update", [("lookup", GONE)], "lookup"),
    ("nothing_returned", "read", [("visible_fields", ["tenant_id"])], "visible_fields"),
    (
        "number_unsupported",
        "update",
        [("proposal.patch.state", {"fixed": 0.5})],
        "proposal.patch.state.fixed",
    ),
    ("text_unfit", "read", [("description", "x" * 1001)], "description"),
    ("text_unfit", "read", [("args.order_id.description", "x" * 501)], "args.order_id.description"),
    ("type_unknown", "read", [("visible_fields", ["id", "weight"])], "visible_fields[1]"),
    ("writeback_unsupported", "update", [("proposal.writeback", {"mode": "none"})], "proposal.writeback"),
    (
        "writeback_unsupported",
        "update",
        [("proposal.writeback", {"mode": "app_handler", "executor": "Not plain"})],
        "proposal.writeback",
    ),
    ("kind_unsupported", "read", [("kind", "answer_with_evidence")], "kind"),
    ("source_unknown", "read", [("source", "elsewhere")], "source"),
    ("protected_read_unsupported", "rows", [], "protected_read"),
    ("protected_read_unsupported", "groups", [], "protected_read"),
]


@pytest.mark.requirement("public-contract:refused-by-name")
@pytest.mark.parametrize(("word", "kind", "changes", "path"), REFUSED)
def test_what_of_a_capability_cannot_be_honoured_is_refused_by_its_word_at_its_place(
    word: str, kind: str, changes: list[tuple[str, Any]], path: str
) -> None:
    done = made(kind, *((f"{_CAP}.{where}", value) for where, value in changes))
    assert refusals(done) == [(f"$.{_CAP}.{path}", word)]


@pytest.mark.requirement("public-contract:refused-by-name")
def test_what_an_application_carries_out_there_it_carries_out_here() -> None:
    done = made("update", (f"{_CAP}.proposal.writeback", {"mode": "app_handler", "executor": "billing_app"}))
    assert refusals(done) == []
    (capability,) = done.data["capabilities"].values()
    assert capability["executor"] == "billing_app"
    for wrong in ({"mode": "app_handler"}, {"mode": "direct_sql", "executor": "billing_app"}):
        assert refusals(made("update", (f"{_CAP}.proposal.writeback", wrong))) == [
            (f"$.{_CAP}.proposal.writeback", "writeback_unsupported")
        ]


WHOLE: list[tuple[str, str, list[tuple[str, Any]], str]] = [
    (
        "binding_unsupported",
        "read",
        [("contexts[0].bindings[0].source", "cloud_session")],
        "contexts[0].bindings[0].source",
    ),
    ("tenant_missing", "read", [("contexts[0].tenant_binding", GONE)], "contexts[0].tenant_binding"),
    ("engine_unsupported", "read", [("resources[0].engine", "synapsor")], "resources[0].engine"),
    ("engine_unsupported", "read", [("resources[0].engine", "mysql")], "resources[0].engine"),
    ("resource_type_unsupported", "read", [("resources[0].type", "external_source")], "resources[0].type"),
    ("name_unfit", "read", [("contexts[0].name", "_" * 3), (f"{_CAP}.context", "_" * 3)], "contexts[0].name"),
    ("policy_unsupported", "read", [("policies", [{"name": "p", "kind": "scope"}])], "policies[0]"),
    ("policy_unsupported", "read", [("policies", [{"name": "p", "kind": "approval", "mode": "block"}])], "policies[0]"),
]


@pytest.mark.requirement("public-contract:refused-by-name")
@pytest.mark.parametrize(("word", "kind", "changes", "path"), WHOLE)
def test_what_of_the_frame_cannot_be_honoured_is_refused_by_its_word_at_its_place(
    word: str, kind: str, changes: list[tuple[str, Any]], path: str
) -> None:
    done = made(kind, *changes, given=types(engines={"shop": "postgres"}))
    assert refusals(done) == [(f"$.{path}", word)]


def test_a_name_of_the_session_that_stands_for_two_values_is_refused() -> None:
    other = {"name": "night", "bindings": [{**BOUND, "key": "NIGHT_TENANT"}, WHO], "principal_binding": "who"}
    document = only("read", contexts=[CONTEXT, {**other, "tenant_binding": "tenant"}])
    del document["capabilities"][0]["model_withheld_fields"]
    assert refusals(translate(document, types(), name="file")) == [("$.contexts[1].bindings[0]", "session_clash")]


def test_the_key_of_a_conflict_is_part_of_the_whole_row_that_must_be_as_it_was() -> None:
    changes = [("proposal.conflict_guard", GONE), ("subject.conflict_key", "counter")]
    done = made("update", *((f"{_CAP}.{where}", value) for where, value in changes))
    assert done.data["tables"]["orders"]["version"] == "whole_row"
    assert "counter" in done.data["tables"]["orders"]["columns"]


def test_names_that_become_one_are_refused() -> None:
    document = only("read", "delete")
    document["capabilities"][1] = {**document["capabilities"][0], "name": "shop.inspectOrder"}
    del document["capabilities"][0]["model_withheld_fields"]
    assert ("$.capabilities[1].name", "name_clash") in refusals(translate(document, types(), name="file"))


def test_without_types_the_document_is_refused_for_that() -> None:
    done = made("read", given=types(relations={}))
    assert ("$", "types_missing") in refusals(done)


def test_a_contract_that_breaks_a_rule_of_ours_is_refused_where_it_came_from() -> None:
    done = made("read", (f"{_CAP}.description", "Look at shop.orders by its id."))
    assert refusals(done) == [(f"$.{_CAP}.description", "breaks_our_rule")]
    assert done.refused[0].detail.startswith("SYN309")


def test_an_argument_that_claims_authority_here_is_refused_where_it_stands() -> None:
    changes = [("args", {"role": {"type": "string", "max_length": 9}}), ("lookup.id_from_arg", "role")]
    done = made("read", *((f"{_CAP}.{where}", value) for where, value in changes))
    assert refusals(done) == [(f"$.{_CAP}.args.role", "breaks_our_rule")]
    assert done.refused[0].detail.startswith("SYN403")


@pytest.mark.requirement("public-contract:refused-by-name")
def test_what_waits_for_a_feature_is_refused_by_the_features_name() -> None:
    draft = Draft(types=types(), waits=frozenset({"sets"}))
    draft.needs("inserts", "$.one")
    draft.needs("sets", "$.two")
    assert [(said.path, said.word) for said in draft.refused] == [("$.two", "sets")]


def test_a_change_that_can_be_undone_there_can_be_undone_here_and_a_delete_cannot() -> None:
    reviewed = {"mode": "reviewed_inverse"}
    added = made("insert", plain=False)
    assert (added.refused, added.data["capabilities"]["shop.propose_credit"]["undo"]) == ((), "reviewed")
    given = types(relations={"shop.orders": {**types().model_dump()["relations"]["shop.orders"], "version": "integer"}})
    closed = made("set", (f"{_CAP}.proposal.reversibility", reviewed), given=given, plain=False)
    change = closed.data["capabilities"]["shop.propose_closing"]
    assert (closed.refused, change["undo"], change["advances"]) == ((), "reviewed", "version")
    assert change["set"]["version"] == {"add": 1}
    moved = made("set", (f"{_CAP}.proposal.reversibility", reviewed), plain=False)
    change = moved.data["capabilities"]["shop.propose_closing"]
    assert (moved.refused, change["undo"], "advances" in change) == ((), "reviewed", False)
    gone = made("delete", (f"{_CAP}.proposal.reversibility", reviewed), plain=False)
    assert gone.refused == ()
    assert (f"$.{_CAP}.proposal.reversibility", "delete_not_undone") in notes(gone)
    assert all("undo" not in capability for capability in gone.data["capabilities"].values())


@pytest.mark.requirement("public-contract:refused-by-name")
def test_an_undo_of_a_column_that_a_model_does_not_see_is_refused() -> None:
    reviewed = {"mode": "reviewed_inverse"}
    changes = [("proposal.reversibility", reviewed), ("model_withheld_fields", ["note"])]
    done = made("set", *((f"{_CAP}.{where}", value) for where, value in changes), plain=False)
    assert {word for _, word in refusals(done)} == {"breaks_our_rule"}
    assert any(said.detail.startswith("SYN393") for said in done.refused)


def test_a_wait_is_for_something_that_is_refused_or_unknown_in_our_language() -> None:
    models = _fields()
    came = sorted(feature for feature, field in _KEYS.items() if feature in WAITS and field in models)
    assert came == [], "these features came: take them out of WAITS, and see what of theirs works"


_KEYS = {
    "batches": "ProposeCapability.items",
    "counted_version": "ProposeCapability.members",
    "deletes": "ProposeCapability.accepts",
    "inserts": "ProposeCapability.dedup",
    "policies": "Approval.policy",
    "quorum": "Approval.quorum",
    "reversibility": "ProposeCapability.undo",
    "reason_code": "ProposeCapability.reason_code",
    "sets": "ProposeCapability.members",
    "supervised_worker": "ProposeCapability.worker",
    "tokens": "ColumnRule.show",
    "transitions": "ProposeCapability.transitions",
    "workflows": "Contract.workflows",
    "aggregates": "AggregateCapability.aggregate",
}


def _fields() -> set[str]:
    """Return every key of our language, by model."""
    from synapsor.contract.base import Model  # noqa: PLC0415  # its subclasses, when all of them are known

    def below(kind: type[Model]) -> Iterator[type[Model]]:
        for inner in kind.__subclasses__():
            yield inner
            yield from below(inner)

    return {f"{kind.__name__}.{name}" for kind in below(Model) for name in kind.model_fields}


NOTED: list[tuple[str, str, list[tuple[str, Any]], str]] = [
    ("argument_dropped", "read", [("args.more", {"type": "boolean"})], f"{_CAP}.args.more"),
    (
        "argument_typed",
        "read",
        [("subject", {**DOCUMENT["resources"][0], "primary_key": "counter"})],
        f"{_CAP}.args.order_id",
    ),
    ("description_made", "read", [("description", GONE), ("returns_hint", GONE)], f"{_CAP}.description"),
    ("evidence_always", "read", [("evidence.required", False)], f"{_CAP}.evidence"),
    ("extension_ignored", "read", [("x-runner-color", "red")], f"{_CAP}.x-runner-color"),
    (
        "handler_is_ours",
        "update",
        [("proposal.writeback", {"mode": "app_handler", "executor": "billing_app"})],
        f"{_CAP}.proposal.writeback.executor",
    ),
    (
        "idempotency_is_ours",
        "update",
        [("proposal.writeback.idempotency_key", "{proposal_id}")],
        f"{_CAP}.proposal.writeback.idempotency_key",
    ),
    ("length_added", "read", [("args.order_id.max_length", GONE)], f"{_CAP}.args.order_id"),
    ("length_added", "read", [("args.order_id.max_length", 99)], f"{_CAP}.args.order_id.max_length"),
    (
        "number_narrowed",
        "update",
        [("proposal.numeric_bounds.discount_cents.maximum", 99.5)],
        f"{_CAP}.proposal.numeric_bounds.discount_cents.maximum",
    ),
    (
        "renamed",
        "read",
        [("args", {"orderId": {"type": "string", "max_length": 9}}), ("lookup.id_from_arg", "orderId")],
        f"{_CAP}.args.orderId",
    ),
    ("rows_for_one_key", "read", [("max_rows", 20)], f"{_CAP}.max_rows"),
    ("scope_not_shown", "read", [("visible_fields", ["id", "tenant_id"])], f"{_CAP}.visible_fields[1]"),
    (
        "whole_numbers",
        "update",
        [
            ("proposal.patch.amount", {"from_arg": "cents"}),
            ("proposal.allowed_fields", ["discount_cents", "discount_reason", "state", "amount"]),
        ],
        f"{_CAP}.args.cents",
    ),
    ("guard_is_whole_row", "update", [("proposal.conflict_guard", GONE)], f"{_CAP}.proposal.conflict_guard"),
]


@pytest.mark.requirement("public-contract:refused-by-name")
@pytest.mark.parametrize(("word", "kind", "changes", "path"), NOTED)
def test_what_is_other_than_in_the_document_is_noted_at_its_place(
    word: str, kind: str, changes: list[tuple[str, Any]], path: str
) -> None:
    edits = [(f"{_CAP}.{where}", value) for where, value in changes]
    if word == "argument_typed":
        subject = {k: changes[0][1][k] for k in ("schema", "table", "primary_key", "tenant_key")}
        edits = [(f"{_CAP}.subject", subject)]
    done = made(kind, *edits)
    assert done.refused == ()
    assert (f"$.{path}", word) in notes(done)


def test_the_other_changes_are_noted_too() -> None:
    document = only("read", "update", policies=[*DOCUMENT["policies"], {"name": "spare", "kind": "approval"}])
    document["receipts"] = DOCUMENT["receipts"]
    document["contexts"][0].pop("principal_binding")
    document["capabilities"][1]["subject"].pop("principal_scope_key")
    document["capabilities"][0]["kept_out_fields"] = ["note", "version"]
    document["capabilities"][0]["subject"] = {**document["capabilities"][1]["subject"], "single_tenant_dev": True}
    seen = {word for _, word in notes(translate(document, types(), name="file"))}
    assert seen >= {
        *("policy_unused", "records_ignored", "principal_added", "kept_out_elsewhere", "session_value"),
        *("single_tenant", "total_counts_from_nothing"),
    }


def test_the_sum_of_new_rows_is_shared_out_among_them_and_never_lost() -> None:
    done = made("batch", plain=False)
    change = done.data["capabilities"]["shop.propose_credits"]
    assert change["bounds"] == {"cents": {"after": {"at_least": 0, "at_most": 2000}}}
    assert ("$.capabilities[0].proposal.operation.aggregate_bounds[0]", "total_shared_out") in notes(done)


@pytest.mark.parametrize("kind", ["set", "batch"])
def test_a_sum_of_differences_is_refused(kind: str) -> None:
    done = made(kind, (f"{_CAP}.proposal.operation.aggregate_bounds[0].measure", "absolute_delta"), plain=False)
    assert ("$.capabilities[0].proposal.operation.aggregate_bounds[0]", "delta_unsupported") in refusals(done)


def test_a_policys_limits_are_one_for_each_of_what_they_count_and_there_is_one() -> None:
    done = made("update", plain=False)
    per_day = {"count": 20, "total": {"discount_cents": 5000}, "of": "tenant"}
    assert done.data["policies"]["small"]["limits"] == {"per_day": per_day}
    assert done.data["policies"]["small"]["when"] == {
        "discount_cents": {"after": {"at_most": 500}, "before": {"at_most": 0}}
    }
    unlimited = made("update", ("policies[0].limits", GONE), plain=False)
    assert unlimited.data["policies"]["small"]["limits"] == {"per_day": {"count": 100, "of": "tenant"}}
    assert ("$.policies[0]", "limit_added") in notes(unlimited)


def test_a_bound_is_narrowed_inwards_and_never_outwards() -> None:
    bounds = {"minimum": 0.5, "maximum": 99.5}
    done = made("update", (f"{_CAP}.proposal.numeric_bounds.discount_cents", bounds))
    limits = done.data["capabilities"]["shop.propose_discount"]["bounds"]["discount_cents"]["after"]
    assert limits == {"at_least": 1, "at_most": 99}


def test_a_text_with_a_dollar_sign_stays_a_text_and_a_decimal_is_written_out() -> None:
    patch = {"state": {"fixed": "$open"}, "amount": {"fixed": 0.1}}
    edits = [(f"{_CAP}.proposal.patch", patch), (f"{_CAP}.proposal.allowed_fields", ["state", "amount"])]
    more = [
        (f"{_CAP}.proposal.numeric_bounds", GONE),
        (f"{_CAP}.args", {"order_id": {"type": "string", "max_length": 9}}),
    ]
    done = made("update", *edits, *more)
    assert done.refused == ()
    assert done.data["capabilities"]["shop.propose_discount"]["set"] == {"state": "$$open", "amount": "0.1"}


def test_a_translation_is_in_order_by_our_model_and_our_rules() -> None:
    for kind in ("read", "update"):
        contract = Contract.model_validate(made(kind).data)
        assert check(contract, Positions("")) == ()


def test_a_document_that_grants_nothing_is_refused_by_our_own_rule() -> None:
    assert {word for _, word in refusals(translate(only(), types(), name="file"))} == {"breaks_our_rule"}


def test_the_words_are_apart_and_each_is_a_sentence() -> None:
    tables = (REFUSALS, NOTES, WAITS)
    assert sum(map(len, tables)) == len({word for table in tables for word in table})
    assert all(sentence.endswith(".") for table in tables for sentence in table.values())
    assert words.Said("$", "renamed", "It is 2.").message.endswith("It is 2.")


def test_a_part_without_an_origin_is_told_at_the_document() -> None:
    assert Draft(types()).origin(("tables", "orders")) == "$"
