"""What differs between two contracts: every key counts, nothing that grants more is called less, and equal contracts do not differ."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from synapsor.contract.base import Model
from synapsor.contract.capability import VERBS, AggregateLimits
from synapsor.contract.counts import COUNTS, UNKNOWN, counts_of
from synapsor.contract.difference import Difference, Effect, differences
from synapsor.contract.digest import contract_digest
from synapsor.contract.load import read_text
from synapsor.contract.model import Contract
from synapsor.contract.shape import PARTS
from tests.unit import contracts
from tests.unit.contracts import contract, data

MODELS: list[type[Model]] = list(dict.fromkeys((*PARTS.values(), *VERBS.values(), AggregateLimits)))
INSPECT, LIST, PROPOSE = "billing.inspect", "billing.list_open", "billing.propose_note"
Data = dict[str, Any]


def keys() -> set[str]:
    bases = {base for part in MODELS for base in part.__mro__ if issubclass(base, Model)}
    return {
        f"{base.__name__}.{field.rstrip('_')}"
        for base in bases
        for field in base.__annotations__
        if field in base.model_fields
    }


@pytest.mark.requirement("diff:complete")
def test_every_key_of_the_language_counts_and_nothing_else_does() -> None:
    assert set(COUNTS) == keys()
    assert all(counts_of(part, field) is not UNKNOWN for part in MODELS for field in part.model_fields)


@pytest.mark.requirement("diff:complete")
def test_a_key_that_nobody_thought_of_counts_as_growing() -> None:
    class Later(Model):
        switch: bool = False

    counts = counts_of(Later, "switch")
    assert counts is UNKNOWN
    assert (counts.gain(False, True, None), counts.gain(True, False, None)) == (True, True)  # type: ignore[arg-type]  # it looks at neither


GOOD = data()


def made(*edits: Callable[[Data], None]) -> Contract:
    changed = copy.deepcopy(GOOD)
    for edit in edits:
        edit(changed)
    return Contract.model_validate(changed)


def only(before: Contract, after: Contract) -> Difference:
    (found,) = differences(before, after)
    return found


def at(*path: str, value: Any) -> Callable[[Data], None]:
    """Return an edit that sets a value, or with `...` removes it; what is on the way is made."""

    def edit(found: Data) -> None:
        for step in path[:-1]:
            found = found.setdefault(step, {})
        if not isinstance(found, dict):
            reject()  # another edit has put the short form there
        if value is ...:
            found.pop(path[-1], None)
        else:
            found[path[-1]] = copy.deepcopy(value)

    return edit


def in_table(*path: str, value: Any) -> Callable[[Data], None]:
    return at("tables", "invoices", *path, value=value)


def in_list(*path: str, value: Any) -> Callable[[Data], None]:
    return at("capabilities", LIST, *path, value=value)


def in_proposal(*path: str, value: Any) -> Callable[[Data], None]:
    return at("capabilities", PROPOSE, *path, value=value)


def in_read(*path: str, value: Any) -> Callable[[Data], None]:
    return at("capabilities", INSPECT, *path, value=value)


WORD = at("capabilities", LIST, "arguments", value={"word": {"type": "string", "one_of": ["open", "overdue"]}})
OPTIONAL = at("capabilities", LIST, "arguments", "word", "optional", value=True)
BY_WORD = in_list("where", "status", value="$word")

COUNT = "billing.totals"
COUNTED = at(
    "capabilities",
    COUNT,
    value={
        "description": "The fees of each state.",
        "aggregate": "invoices",
        "measures": {"invoices": "count", "total": {"sum": "fee"}},
        "group": {"state": "status", "month": {"month": "updated_at", "zone": "UTC"}},
        "limits": {"calls_per_day": 10, "variants_per_day": 10},
    },
)


def in_count(*path: str, value: Any) -> Callable[[Data], None]:
    return at("capabilities", COUNT, *path, value=value)


GROWS: list[tuple[str, Any, Any]] = [
    ("fewer rows may stand behind what is told", [COUNTED], [COUNTED, in_count("minimum_group", value=4)]),
    ("something more is computed", [COUNTED], [COUNTED, in_count("measures", "least", value={"min": "fee"})]),
    ("groups are cut by something more", [COUNTED], [COUNTED, in_count("group", "paid", value="paid")]),
    ("more different questions", [COUNTED], [COUNTED, in_count("limits", "variants_per_day", value=11)]),
    ("different questions without end", [COUNTED], [COUNTED, in_count("limits", "variants_per_day", value=...)]),
    ("more calls in a day", [COUNTED], [COUNTED, in_count("limits", "calls_per_day", value=11)]),
    ("more groups", [COUNTED], [COUNTED, in_count("limits", "groups", value=501)]),
    ("a filter is gone", [], [in_list("where", "status", value=...)]),
    ("a filter lets in one more value", [], [in_list("where", "status", value={"one_of": ["open", "overdue"]})]),
    ("the model chooses what was fixed", [WORD], [WORD, BY_WORD]),
    ("a filter may be left out", [WORD, BY_WORD], [WORD, BY_WORD, OPTIONAL]),
    ("a lower end is lower", [in_list("where", "fee", value={"at_least": 10})], [in_list("where", "fee", value={"at_least": 9})]),
    ("an upper end is higher", [in_list("where", "fee", value={"below": 9})], [in_list("where", "fee", value={"below": 10})]),
    ("a decimal end is higher", [in_list("where", "amount", value={"at_most": "9.5"})], [in_list("where", "amount", value={"at_most": "10.00"})]),
    ("a day is later", [in_list("where", "due", value={"at_most": "2026-01-31"})], [in_list("where", "due", value={"at_most": "2026-02-01"})]),
    ("an end is gone", [in_list("where", "fee", value={"at_least": 1, "at_most": 9})], [in_list("where", "fee", value={"at_least": 1})]),
    ("a beginning is shorter", [in_list("where", "note", value={"starts_with": "abc"})], [in_list("where", "note", value={"starts_with": "ab"})]),
    ("no value is not asked for", [in_list("where", "note", value=None)], []),
    ("a filter of the table is gone", [in_table("only", value={"paid": False})], []),
    ("people see the rows of others", [in_table("principal", value="note")], []),
    ("a tenant column is given up", [], [in_table("tenant", value={"single_tenant": True, "because": "One customer only."})]),
    ("the whole row guards no more", [in_table("version", value="whole_row")], []),
    ("one more column moves", [], [in_table("moves", value=["updated_at", "paid"])]),
    ("a column is not denied", [], [in_table("columns", "card_token", value="text")]),
    ("a denied column is not named", [], [in_table("columns", "card_token", value=...)]),
    ("a column is mapped", [], [in_table("columns", "extra_two", value="text")]),
    ("a column holds more values", [], [in_table("columns", "status", "one_of", value=["open", "overdue", "paid"])]),
    ("a column holds anything", [], [in_table("columns", "status", value="text")]),
    ("a column's least value is lower", [], [in_table("columns", "fee", "minimum", value=-1)]),
    ("a column's greatest value is gone", [], [in_table("columns", "fee", "maximum", value=...)]),
    ("more columns are returned", [], [in_read("returns", value=["id", "status", "fee", "note"])]),
    ("every column is returned", [], [in_read("returns", value=...)]),
    ("more rows", [], [in_list("limits", value={"rows": 51})]),
    ("more bytes", [], [in_list("limits", value={"bytes": 300_000})]),
    ("more time", [], [in_list("limits", value={"time_ms": 2001})]),
    ("any number of calls", [in_list("limits", value={"calls_per_minute": 5})], []),
    ("pages", [], [in_list("pages", value=True)]),
    ("a total", [], [in_list("total", value=True)]),
    ("a longer argument", [in_proposal("arguments", "words", "max_length", value=400)], []),
    ("more values at once", [in_list("arguments", value={"w": {"type": "string", "max_length": 9, "many": 2}}), in_list("where", "note", value={"one_of": "$w"})], [in_list("arguments", value={"w": {"type": "string", "max_length": 9, "many": 3}}), in_list("where", "note", value={"one_of": "$w"})]),
    ("a list in an argument", [WORD, BY_WORD], [WORD, BY_WORD, at("capabilities", LIST, "arguments", "word", "one_of", value=["open", "overdue", "paid"]), in_table("columns", "status", "one_of", value=["open", "overdue"])]),
    ("one more column is set", [], [in_proposal("set", "paid", value=True)]),
    ("the model chooses what is set", [in_proposal("set", value={"note": "x"})], [in_proposal("set", value={"note": "$words"})]),
    ("a bound is gone", [], [in_proposal("bounds", value={})]),
    ("a bound is wider", [], [in_proposal("bounds", "fee", "before", "at_most", value=10_001)]),
    ("half a bound is gone", [in_proposal("bounds", "fee", "before", value={"at_least": 1, "at_most": 10_000})], []),
    ("a part of a bound is gone", [in_proposal("bounds", "fee", "after", value={"at_most": 1})], []),
    ("an approval takes no look any more", [in_proposal("approval", "fresh", value=True)], []),
    ("an approval counts longer", [], [in_proposal("approval", "expires_hours", value=73)]),
    ("another thing to do", [], [at("capabilities", "billing.other", value=data()["capabilities"][INSPECT])]),
]  # fmt: skip


@pytest.mark.requirement("diff:never-less")
@pytest.mark.parametrize(("before", "after"), [case[1:] for case in GROWS], ids=[case[0] for case in GROWS])
def test_what_grants_more_grows_and_the_other_way_shrinks(before: Any, after: Any) -> None:
    one, two = made(*before), made(*after)
    assert only(one, two).effect is Effect.GROWS
    assert only(two, one).effect is Effect.SHRINKS


TRADES = [
    ("an application carries it out", in_proposal("executor", value="app")),
    ("another filter", in_list("where", "status", value="overdue")),
    ("a filter the other way", in_list("where", "status", value={"not": "open"})),
    ("another tenant column", in_table("tenant", value="note")),
    ("another relation", in_table("relation", value="billing.others")),
    ("another database", in_table("source", value="other")),
    ("another table written to", in_table("write_to", value=...)),
    ("another role", in_proposal("approval", "role", value="boss")),
    ("another session value", at("contexts", "support", "tenant", value="session.other")),
    ("other columns", in_read("returns", value=["id", "status", "note"])),
    ("another verb", at("capabilities", PROPOSE, value=data()["capabilities"][INSPECT])),
    ("another kind of argument", in_proposal("arguments", "words", "type", value="integer")),
    ("true for one", in_proposal("set", value={"note": "$words", "paid": True})),
]
COUNTED_TRADES = [
    ("something else is computed", in_count("measures", "total", value={"sum": "row_version"})),
    ("groups are of something else", in_count("group", "state", value="note")),
    ("groups are of a stretch of time", in_count("group", "state", value={"year": "due"})),
    (
        "two periods",
        in_count(
            "compare",
            value={
                "column": "due",
                "periods": {"current": {"above": "2026-01-01"}, "previous": {"at_most": "2026-01-01"}},
            },
        ),
    ),
]
NEUTRAL = [
    ("a description", in_read("description", value="Look at an invoice.")),
    ("the order of rows", in_list("order", value=["fee"])),
    ("the order of columns", in_read("returns", value=["status", "id", "fee"])),
    ("a unit", in_table("columns", "fee", "unit", value="dollars")),
    ("the only context by its name", in_read("context", value="support")),
    ("a context that nothing uses", at("contexts", "x", value={"tenant": "session.a", "principal": "session.b"})),
    ("an argument", at("capabilities", LIST, "arguments", value={"w": {"type": "string", "max_length": 9}})),
]


@pytest.mark.parametrize("edit", [case[1] for case in TRADES[:-1]], ids=[case[0] for case in TRADES[:-1]])
def test_what_nobody_can_weigh_counts_as_growing_both_ways(edit: Any) -> None:
    one, two = made(), made(edit)
    assert only(one, two).effect is only(two, one).effect is Effect.TRADES
    assert Effect.TRADES.gains


def test_true_and_one_are_different_values() -> None:
    one, two = made(in_proposal("set", "fee", value=1)), made(in_proposal("set", "fee", value=True))
    assert only(one, two).effect is Effect.TRADES


@pytest.mark.parametrize("edit", [case[1] for case in NEUTRAL], ids=[case[0] for case in NEUTRAL])
def test_what_grants_nothing_merely_changes(edit: Any) -> None:
    one, two = made(), made(edit)
    assert only(one, two).effect is only(two, one).effect is Effect.CHANGES
    assert not Effect.CHANGES.gains


def test_a_filter_that_may_be_left_out_holds_nothing_back() -> None:
    fixed, free = made(WORD, OPTIONAL, BY_WORD), made(WORD, OPTIONAL, in_list("where", "status", value=...))
    assert only(free, fixed).effect is Effect.CHANGES


def test_an_argument_by_another_name_is_weighed_by_what_it_takes() -> None:
    def named(name: str, most: int) -> Contract:
        arguments = {"invoice_id": {"type": "string", "max_length": 64}, name: {"type": "string", "max_length": most}}
        return made(in_proposal("arguments", value=arguments), in_proposal("set", value={"note": f"${name}"}))

    same = differences(named("words", 100), named("text", 100))
    assert {d.effect for d in same} == {Effect.CHANGES}
    longer = differences(named("words", 100), named("text", 500))
    assert longer[0].effect is Effect.TRADES


def test_what_weighs_most_comes_first_with_both_values() -> None:
    found = differences(
        contract(), made(in_list("limits", value={"rows": 60}), in_proposal("bounds", value={}), NEUTRAL[0][1])
    )
    assert [(d.effect, d.path[-1], d.before, d.after) for d in found] == [
        (Effect.GROWS, "fee", {"before": {"at_most": 10000}}, None),
        (Effect.GROWS, "rows", 50, 60),
        (Effect.CHANGES, "description", "Look at one invoice.", "Look at an invoice."),
    ]
    assert str(found[1].said) == "50 → 60"
    assert (found[2].said.before, found[2].said.after) == ('"Look at one invoice."', '"Look at an invoice."')


GROUPS: list[Any] = [
    *(before for _, before, _ in GROWS),
    *(after for _, _, after in GROWS),
    *([e] for _, e in (*TRADES[:-1], *NEUTRAL)),
]
some = st.lists(st.sampled_from(range(len(GROUPS))), max_size=4)
tried = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def picked(numbers: list[int]) -> Contract:
    """Return a contract with some edits; those that do not go together are passed over."""
    try:
        return made(*(edit for n in numbers for edit in GROUPS[n]))
    except ValidationError:
        reject()


@pytest.mark.requirement("diff:never-less")
@tried
@given(some, some)
def test_any_two_contracts_differ_as_their_digests_do_and_alike_both_ways(first: list[int], second: list[int]) -> None:
    one, two = picked(first), picked(second)
    there, back = differences(one, two), differences(two, one)
    assert bool(there) == (contract_digest(one) != contract_digest(two))
    mirrored = {Effect.GROWS: Effect.SHRINKS, Effect.SHRINKS: Effect.GROWS}
    assert {(d.path, mirrored.get(d.effect, d.effect)) for d in there} == {(d.path, d.effect) for d in back}
    assert differences(one, one) == ()


def _limits(found: Data) -> Data:
    limits: Data = found["capabilities"][LIST].setdefault("limits", {})
    return limits


def drop_filter(found: Data, _: int) -> None:
    where = found["capabilities"][LIST].get("where", {})
    where.pop(next(iter(sorted(where)), ""), None)


def raise_limit(found: Data, by: int) -> None:
    limits = _limits(found)
    limits["rows"] = limits.get("rows", 50) + by


def add_column(found: Data, by: int) -> None:
    read = found["capabilities"][INSPECT]
    spare = [name for name in ("note", "paid", "due", "amount", "extra") if name not in read.get("returns", [])]
    if "returns" in read and spare:
        read["returns"] = [*read["returns"], spare[by % len(spare)]]


def allow_column(found: Data, _: int) -> None:
    found["tables"]["invoices"]["columns"]["card_token"] = "text"


def lower_approval(found: Data, by: int) -> None:
    approval = found["capabilities"][PROPOSE].get("approval", {})
    approval["expires_hours"] = approval.get("expires_hours", 72) + by


def loosen_bound(found: Data, by: int) -> None:
    limits = found["capabilities"][PROPOSE].get("bounds", {}).get("fee", {}).get("before", {})
    limits["at_most"] = limits.get("at_most", 0) + by


WIDENINGS = [drop_filter, raise_limit, add_column, allow_column, lower_approval, loosen_bound]


@pytest.mark.requirement("diff:never-less")
@tried
@given(some, st.sampled_from(WIDENINGS), st.integers(1, 90))
def test_widening_is_never_called_less(numbers: list[int], widen: Callable[[Data, int], None], by: int) -> None:
    found = copy.deepcopy(GOOD)
    for edit in (edit for n in numbers for edit in GROUPS[n]):
        edit(found)
    wide = copy.deepcopy(found)
    widen(wide, by)
    try:
        before, after = Contract.model_validate(found), Contract.model_validate(wide)
    except ValidationError:
        reject()
    assert {d.effect for d in differences(before, after)} <= {Effect.GROWS, Effect.CHANGES}


def matches(said: Any, value: int | None) -> bool:
    """Tell whether a value of a column answers to a filter, by the words of the language alone."""
    if not isinstance(said, dict):
        return bool(value == said)
    holds: dict[str, Callable[[Any], bool]] = {
        "not": lambda x: bool(value != x),
        "at_least": lambda x: bool(value is not None and value >= x),
        "above": lambda x: bool(value is not None and value > x),
        "at_most": lambda x: bool(value is not None and value <= x),
        "below": lambda x: bool(value is not None and value < x),
        "one_of": lambda x: value in x,
        "has_value": lambda x: (value is not None) is x,
    }
    return all(holds[name](given) for name, given in said.items())


number = st.integers(-3, 3)
filters = st.one_of(
    st.just(...),
    st.none(),
    number,
    st.fixed_dictionaries(
        {},
        optional={
            "not": number,
            "at_least": number,
            "above": number,
            "at_most": number,
            "below": number,
            "one_of": st.lists(number, min_size=1, max_size=3, unique=True),
            "has_value": st.booleans(),
        },
    ),
)


@pytest.mark.requirement("diff:never-less")
@settings(max_examples=400, deadline=None)
@given(filters, filters)
def test_a_row_that_was_not_seen_before_is_never_missed(first: Any, second: Any) -> None:
    one, two = (made(in_list("where", "fee", value=said)) for said in (first, second))
    rows = [None, *range(-5, 6)]
    was, now = ([row for row in rows if said is ... or matches(said, row)] for said in (first, second))
    found = differences(one, two)
    if set(now) - set(was):
        assert any(d.effect.gains for d in found)
    if set(was) - set(now):
        assert any(d.effect in {Effect.SHRINKS, Effect.TRADES} for d in found)


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        ("", "show: token, ", Effect.SHRINKS),
        ("show: token, ", "", Effect.GROWS),
        ("show: token, ", "show: last_four, ", Effect.TRADES),
        ("show: token, ", "show: aggregate, ", Effect.SHRINKS),
        ("show: token, reveal: lead, ", "show: token, ", Effect.TRADES),
    ],
)
def test_how_much_of_a_column_is_shown_counts(before: str, after: str, effect: Effect) -> None:
    text = contracts.GOOD.replace("set: {note: $words}", "set: {paid: true}").replace(
        "      words: {type: string, max_length: 500}\n", ""
    )
    one, other = (read_text(text.replace("note: {", f"note: {{{said}"), "x.yaml").contract for said in (before, after))
    assert one is not None
    assert other is not None
    assert [d.effect for d in differences(one, other)] == [effect]


@pytest.mark.requirement("diff:never-less")
@pytest.mark.parametrize("change", [case[1] for case in COUNTED_TRADES], ids=[case[0] for case in COUNTED_TRADES])
def test_another_question_of_an_aggregate_may_tell_more_either_way(change: Any) -> None:
    one, two = made(COUNTED), made(COUNTED, change)
    assert only(one, two).effect is Effect.TRADES
    assert only(two, one).effect is Effect.TRADES


def test_another_zone_or_order_of_an_aggregate_grants_nothing() -> None:
    one = made(COUNTED)
    assert only(one, made(COUNTED, in_count("group", "month", "zone", value="Asia/Tokyo"))).effect is Effect.CHANGES
    assert only(one, made(COUNTED, in_count("order", value=["-total"]))).effect is Effect.CHANGES
