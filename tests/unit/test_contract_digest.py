"""The digest of a contract: the same for every way to write the same, another for everything else; and the way back."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from synapsor.contract.digest import canonical_body, contract_digest, from_body
from synapsor.contract.load import read_text
from synapsor.contract.model import Contract
from synapsor.errors import IntegrityError
from synapsor.values import canonical
from tests.unit.contracts import GOOD, LINKED, contract, data

Path = tuple[str | int, ...]
BODY = canonical_body(contract())
DIGEST = contract_digest(contract())


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every value in a body."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in parts:
        yield from paths(item, (*path, step))


def changed(body: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """Return a copy of a body with another value at a path; `...` removes it."""
    body = copy.deepcopy(body)
    inner: Any = body
    for step in path[:-1]:
        inner = inner[step]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return body


def digest_of(text: str) -> str:
    reading = read_text(text, "x.yaml")
    assert reading.problems == ()
    assert reading.contract is not None
    return contract_digest(reading.contract)


def test_the_digest_of_a_known_contract_never_changes() -> None:
    assert DIGEST == "sha256:656fb3ef6606d9d12628f1997a5dbb79ee00dc66a5ebeba0b185a0ef5d6826bd"


@pytest.mark.requirement("contract:digest:meaning")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("contract: billing", "contract: 'billing' # a comment"),
        ("      id: text\n", "      id: {type: text}\n"),
        ("      id: text\n", "      id: {}\n"),
        ("card_token: denied", "card_token: {denied: true, type: text}"),
        ("where: {id: $invoice_id}\n    returns", 'where:\n      "id": "$invoice_id"\n    returns'),
        ("order: [-fee]", "order:\n    - -fee\n    limits: {rows: 50, time_ms: 2000}"),
        ("approval: {role: lead}", "approval: {expires_hours: 72, role: lead}"),
        ("returns: [id, status, fee]", "returns: [id, status, fee]\n    context: null\n    order: []"),
    ],
)
def test_how_it_is_written_makes_no_difference(one: str, other: str) -> None:
    assert GOOD.count(one) == 1
    assert digest_of(GOOD.replace(one, other)) == DIGEST


@pytest.mark.requirement("contract:digest:meaning")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order: [-fee]", "order: [fee]"),
        ("order: [-fee]", "limits: {rows: 51}"),
        ("returns: [id, status, fee]", "returns: [id, fee, status]"),
        ("where: {status: open}", "where: {note: null}"),
        ("where: {status: open}", "where: {note: 'null'}"),
        ("where: {status: open}", "where: {fee: 1}"),
        ("where: {status: open}", "where: {paid: true}"),
        ("where: {status: open}", "where: {note: $$a}"),
        ("due: date", "due: denied"),
        ("at_most: 10000}}}", "at_most: 10001}}}"),
        ("role: lead", "role: boss"),
    ],
)
def test_what_it_means_makes_a_difference(one: str, other: str) -> None:
    assert digest_of(GOOD.replace(one, other)) != DIGEST


def _shuffled(value: Any, order: random.Random) -> Any:
    if isinstance(value, dict):
        items = [(key, _shuffled(item, order)) for key, item in value.items()]
        order.shuffle(items)
        return dict(items)
    return [_shuffled(item, order) for item in value] if isinstance(value, list) else value


@given(st.randoms(use_true_random=False))
def test_the_order_of_keys_makes_no_difference_to_the_contract_itself(order: random.Random) -> None:
    shuffled = Contract.model_validate(_shuffled(data(), order))
    assert canonical(canonical_body(shuffled)) == canonical(BODY)
    for name, table in shuffled.tables.items():
        assert table.returned == contract().tables[name].returned
    assert repr(shuffled) == repr(contract())


REPLACEMENTS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 20_000)
    | st.sampled_from(["id", "note", "open", "text", "lead", "date", "$words", "session.x"])
)


@pytest.mark.requirement("contract:digest:meaning")
@given(
    st.sampled_from([path for path in paths(BODY) if path]),
    REPLACEMENTS | st.just(...) | st.lists(st.sampled_from(["id", "note"]), max_size=2),
)
def test_any_change_of_a_body_that_is_still_a_contract_changes_the_digest(path: Path, value: Any) -> None:
    body = changed(BODY, path, value)
    try:
        other = Contract.model_validate(body)
    except ValidationError:
        return
    assert (contract_digest(other) == DIGEST) == (other == contract())
    assert from_body(canonical_body(other)) == other


@pytest.mark.requirement("contract:digest:roundtrip")
def test_a_contract_can_be_rebuilt_from_its_body() -> None:
    stored = json.loads(canonical(BODY))
    rebuilt = from_body(stored)
    assert rebuilt == contract()
    assert repr(rebuilt) == repr(contract())
    assert canonical_body(rebuilt) == BODY
    assert contract_digest(rebuilt) == DIGEST


@pytest.mark.requirement("contract:digest:roundtrip")
def test_links_paths_and_lists_are_in_the_body_and_rebuilt_from_it() -> None:
    linked = read_text(LINKED, "linked.yaml").contract
    assert linked is not None
    body = json.loads(canonical(canonical_body(linked)))
    assert from_body(body) == linked
    assert body["tables"]["invoices"]["links"] == {
        "buyer": {"to": "buyers", "on": {"buyer_id": "id"}},
        "lines": {"to": "lines", "on": {"id": "invoice_id"}, "many": True},
    }
    assert body["capabilities"]["billing.inspect"]["with"] == {
        "lines": {
            "returns": ["line", "receiver.name"],
            "where": {"count": {"at_least": 1}, "receiver.tier": "gold"},
            "order": ["-count"],
            "rows": 20,
        }
    }
    for one, other in (
        ("many: true", "because: x"),
        ("rows: 20", "rows: 21"),
        ("{id: invoice_id}", "{buyer_id: invoice_id}"),
    ):
        changed_one = read_text(LINKED.replace(one, other), "linked.yaml").contract
        assert changed_one is not None
        assert contract_digest(changed_one) != contract_digest(linked)


def test_a_body_says_its_defaults_and_leaves_out_what_was_not_said() -> None:
    assert BODY["capabilities"]["billing.list_open"] == {
        "description": "The open invoices.",
        "where": {"status": "open"},
        "limits": {"rows": 50, "bytes": 262_144, "time_ms": 2000},
        "read": "invoices",
        "order": ["-fee"],
    }
    assert BODY["tables"]["invoices"]["columns"]["card_token"] == {"type": "text", "denied": True}


def test_a_body_keeps_a_null_that_means_something() -> None:
    loaded = yaml.safe_load(GOOD)
    loaded["capabilities"]["billing.list_open"]["where"] = {"note": None}
    assert canonical_body(Contract.model_validate(loaded))["capabilities"]["billing.list_open"]["where"] == {
        "note": None
    }


@pytest.mark.parametrize("body", [{}, {"synapsor": 1}, {**BODY, "settlement": {}}, changed(BODY, ("synapsor",), 2)])
def test_a_body_that_is_no_contract_is_refused_without_its_values(body: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError) as refused:
        from_body(body)
    assert str(refused.value) == "The recorded contract is not one that this version understands."
    assert refused.value.__cause__ is None
