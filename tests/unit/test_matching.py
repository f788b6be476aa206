"""Whether a row satisfies a reviewed filter is told from its tokens alone, and what cannot be told is not satisfied."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Bound, Range
from synapsor.core.change import Request, _hold, change_set, totals_of
from synapsor.core.matching import satisfies
from synapsor.core.proposal import Member
from synapsor.errors import Code, Refusal
from synapsor.values import ValueUnfit
from tests.unit.contracts import contract

TABLE = contract().tables["invoices"]
ROW: dict[str, str | None] = {
    **dict.fromkeys(TABLE.allowed),
    "id": "x",
    "status": "open",
    "fee": "50",
    "amount": "10.50",
    "note": "Paid by post.",
    "paid": "true",
    "due": "2026-01-31",
    "updated_at": "2026-01-31 10:00:00.5+00",
    "row_version": "1",
}


def asks(**where: Any) -> ProposeCapability:
    return ProposeCapability.model_validate(
        {
            "description": "Asks for it.",
            "propose": "update invoices",
            "where": where,
            "members": {"at_most": 9},
            "set": {"status": "overdue"},
            "approval": {"role": "lead"},
        }
    )


@pytest.mark.requirement("set:frozen")
@pytest.mark.parametrize(
    ("column", "said", "holds"),
    [
        ("status", "open", True),
        ("status", "overdue", False),
        ("status", {"not": "open"}, False),
        ("status", {"not": "overdue"}, True),
        ("status", {"one_of": ["overdue", "open"]}, True),
        ("status", {"one_of": ["overdue"]}, False),
        ("amount", "10.5", True),
        ("amount", {"not": "10.500"}, False),
        ("amount", {"one_of": ["1", "10.5"]}, True),
        ("fee", {"at_least": 50, "at_most": 50}, True),
        ("fee", {"above": 50}, False),
        ("fee", {"below": 50}, False),
        ("fee", {"at_least": 9}, True),
        ("fee", {"at_most": 9}, False),
        ("due", {"below": "2026-02-01"}, True),
        ("due", {"above": "2026-01-31"}, False),
        ("updated_at", {"above": "2026-01-31T10:00:00Z"}, True),
        ("updated_at", {"above": "2026-01-31T10:00:00.55Z"}, False),
        ("note", {"starts_with": "Paid"}, True),
        ("note", {"starts_with": "paid"}, False),
        ("note", {"has_value": True}, True),
        ("note", {"has_value": False}, False),
        ("note", None, False),
        ("paid", True, True),
        ("paid", False, False),
    ],
)
def test_a_filter_holds_for_a_row_or_does_not(column: str, said: Any, holds: bool) -> None:
    assert satisfies(ROW, asks(**{column: said}).where, TABLE.columns, {}) is holds


@pytest.mark.requirement("set:frozen")
@pytest.mark.parametrize(
    ("column", "said", "holds"),
    [
        ("note", "x", False),
        ("note", {"not": "x"}, True),
        ("note", {"starts_with": "x"}, False),
        ("note", None, True),
        ("fee", {"at_most": 9}, False),
        ("due", {"at_most": "2026-01-01"}, False),
    ],
)
def test_without_a_value_nothing_is_compared(column: str, said: Any, holds: bool) -> None:
    assert satisfies({**ROW, column: None}, asks(**{column: said}).where, TABLE.columns, {}) is holds


@pytest.mark.requirement("set:frozen")
@pytest.mark.parametrize("token", ["infinity", "0044-03-15 BC", "20000-01-01", "-infinity"])
def test_a_day_that_does_not_sort_as_text_is_in_no_range(token: str) -> None:
    for said in ({"at_least": "2026-01-01"}, {"at_most": "2026-01-01"}):
        assert not satisfies({**ROW, "due": token}, asks(due=said).where, TABLE.columns, {})


@pytest.mark.requirement("set:frozen")
@pytest.mark.parametrize("token", ["2026-01-31 10:00:00.500000", "2026-01-31 10:00:00.5+00", "2026-01-31 10:00:00.50"])
def test_a_moment_is_compared_by_its_value_however_it_is_spelled(token: str) -> None:
    row, moment = {**ROW, "updated_at": token}, "2026-01-31T10:00:00.5Z"
    for said, holds in (
        (moment, True),
        ({"one_of": [moment]}, True),
        ({"not": moment}, False),
        ({"above": moment}, False),
        ({"at_most": moment}, True),
        ({"below": moment}, False),
        ({"not": "2026-01-31T10:00:00Z"}, True),
    ):
        assert satisfies(row, asks(updated_at=said).where, TABLE.columns, {}) is holds, said


@pytest.mark.requirement("set:frozen")
@pytest.mark.parametrize("token", ["2026-01-31T10:00:00Z", "2026-01-31 10:00", "2026-01-31 11:00:00+01", "infinity"])
def test_a_moment_of_which_nobody_can_tell_satisfies_nothing(token: str) -> None:
    row, moment = {**ROW, "updated_at": token}, "2026-01-31T10:00:00Z"
    for said in (moment, {"not": moment}, {"above": "2020-01-01T00:00:00Z"}, {"at_most": moment}):
        assert not satisfies(row, asks(updated_at=said).where, TABLE.columns, {}), said


@pytest.mark.requirement("set:frozen")
def test_an_argument_is_taken_as_it_is_and_a_constant_with_its_dollar_sign_unescaped() -> None:
    row = {**ROW, "note": "$$x"}
    assert satisfies(row, asks(note="$words").where, TABLE.columns, {"words": "$$x"})
    assert not satisfies(row, asks(note="$words").where, TABLE.columns, {"words": "$x"})
    assert satisfies({**ROW, "note": "$x"}, asks(note="$$x").where, TABLE.columns, {})
    assert satisfies(ROW, asks(status={"one_of": "$words"}).where, TABLE.columns, {"words": ["overdue", "open"]})
    with pytest.raises(ValueUnfit):
        satisfies(ROW, asks(fee="$words").where, TABLE.columns, {"words": "many"})


@pytest.mark.requirement("set:in-order")
@pytest.mark.parametrize(
    ("key", "tokens"),
    [
        ("fee", ["-10", "-9", "7", "19", "100"]),
        ("amount", ["-1.5", "-1.25", "0", "9", "10.0", "10.00"]),
        ("id", ["10", "9", "a", "b", "ä"]),
    ],
)
def test_the_rows_of_a_set_stand_in_the_order_of_their_keys_numbers_by_value(key: str, tokens: list[str]) -> None:
    table = TABLE.model_copy(update={"key": (key,)})
    request = Request(arguments={}, tenant="t", principal="p", proposal="wrp_1", at="2026-01-01T00:00:00.000000Z")
    rows = [{**ROW, key: token} for token in reversed(tokens)]
    found = change_set(asks(status="open"), table, request, rows).members
    assert [member.before[key] for member in found] == tokens


def counted(before: str | None, said: dict[str, Any], column: str = "fee") -> str | None:
    """Return what a counted column comes to."""
    asked = asks(status="open").model_dump(by_alias=True, exclude_defaults=True)
    capability = ProposeCapability.model_validate({**asked, "set": {column: said}})
    request = Request(arguments={}, tenant="t", principal="p", proposal="wrp_1", at="2026-01-01T00:00:00.000000Z")
    return change_set(capability, TABLE, request, [{**ROW, column: before}]).members[0].changes[column]


@pytest.mark.requirement("propose:computed")
@given(before=st.integers(0, 100_000), amount=st.integers(1, 100_000))
def test_what_is_added_and_subtracted_again_is_what_was_there(before: int, amount: int) -> None:
    if before + amount > 100_000:
        with pytest.raises(Refusal) as refused:
            counted(str(before), {"add": amount})
        assert refused.value.code is Code.OUT_OF_BOUNDS
        return
    more = counted(str(before), {"add": amount})
    assert more == str(before + amount)
    assert counted(more, {"subtract": amount}) == str(before)


@pytest.mark.requirement("propose:computed")
@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        ("0.10", {"add": "0.20"}, "0.30"),
        ("99999999999999999999999999999999999999.99", {"add": "0.01"}, "100000000000000000000000000000000000000.00"),
        ("0.10", {"subtract": "0.10"}, "0.00"),
        ("0.10", {"subtract": "0.20"}, "-0.10"),
    ],
)
def test_decimals_are_counted_exactly(before: str, said: dict[str, Any], after: str) -> None:
    assert counted(before, said, "amount") == after


@pytest.mark.requirement("propose:computed")
@pytest.mark.parametrize("before", [None, "NaN", "Infinity", "sNaN"])
def test_what_is_no_number_is_not_counted_from(before: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        counted(before, {"add": "1"}, "amount")
    assert refused.value.code is Code.OUT_OF_BOUNDS


@pytest.mark.requirement("propose:bounded")
@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_finite_number_is_inside_no_bound(token: str) -> None:
    with pytest.raises(Refusal) as refused:
        _hold("amount", Bound(before=Range(at_least=-5)), token, "1")
    assert refused.value.code is Code.OUT_OF_BOUNDS
    with pytest.raises(Refusal):
        _hold("amount", Bound(after=Range(at_most=5)), "1", token)


@pytest.mark.requirement("set:frozen")
def test_a_total_is_exact_and_not_known_where_a_value_is_missing() -> None:
    def members(*tokens: str | None) -> list[Member]:
        return [
            Member(key=(("id", str(n)),), before={"amount": t}, changes={"amount": "0"}) for n, t in enumerate(tokens)
        ]

    assert totals_of(members("0.1", "0.2"), "amount") == {"before": "0.3", "after": "0", "change": "-0.3"}
    assert totals_of(members("1", None), "amount") == {"before": None, "after": "0", "change": None}
    with pytest.raises(Refusal):
        totals_of(members("1e-999", "1"), "amount")


def test_a_set_that_is_too_large_is_to_be_narrowed_and_how_large_it_may_be_is_not_told() -> None:
    asked = asks(status="open").model_dump(by_alias=True, exclude_defaults=True)
    capability = ProposeCapability.model_validate({**asked, "set": {"note": "x"}, "members": {"at_most": 9}})
    request = Request(arguments={}, tenant="t", principal="p", proposal="wrp_1", at="2026-01-01T00:00:00.000000Z")
    with pytest.raises(Refusal) as refused:
        change_set(capability, TABLE, request, [{**ROW, "id": f"i{n}"} for n in range(10)])
    told = refused.value
    assert (told.code, told.meaning.fix.startswith("Narrow it")) == (Code.OUT_OF_BOUNDS, True)
    assert not any(character.isdigit() for character in f"{told} {told.meaning.fix}")
