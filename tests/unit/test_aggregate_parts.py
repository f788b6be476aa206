"""The parts of an aggregate, each for itself: spans, zones, stretches of time, exact numbers, order."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synapsor.contract.conditions import Operator
from synapsor.contract.measures import Function, Unit
from synapsor.contract.spans import span_of
from synapsor.contract.zones import is_zone, offsets
from synapsor.core.aggregate import AggregatePlan, AggregateShape, GroupColumn, MeasureColumn, Ordering, Tally
from synapsor.core.buckets import HOUR_STEP, LATER, OFFSET_ZERO, text_of
from synapsor.core.plan import Column, Condition, Join, Relation
from synapsor.core.totals import average, recheck_tallies, told
from synapsor.errors import Code, Refusal
from synapsor.sources.sqlite_functions import ExactSum, months, seconds
from synapsor.values import ColumnType, ValueUnfit

LIMITS = {"at_least": Operator.AT_LEAST, "above": Operator.ABOVE, "at_most": Operator.AT_MOST, "below": Operator.BELOW}
PERIODS = st.tuples(
    st.none() | st.tuples(st.sampled_from(["at_least", "above"]), st.integers(0, 9)),
    st.none() | st.tuples(st.sampled_from(["at_most", "below"]), st.integers(0, 9)),
).filter(any)


def holds(period: tuple[Any, ...], value: Fraction) -> bool:
    tests = {"at_least": value.__ge__, "above": value.__gt__, "at_most": value.__le__, "below": value.__lt__}
    return all(tests[end[0]](end[1]) for end in period if end)


@pytest.mark.requirement("aggregate:periods-apart")
@pytest.mark.parametrize("kind", [ColumnType.INTEGER, ColumnType.NUMERIC, ColumnType.DATE])
@given(PERIODS, PERIODS)
def test_periods_that_have_a_value_in_common_overlap(kind: ColumnType, one: Any, other: Any) -> None:
    def span(period: Any) -> Any:
        tokens = (
            (LIMITS[end[0]], str(end[1]) if kind is not ColumnType.DATE else f"202{end[1]}-01-01")
            for end in period
            if end
        )
        return span_of(tokens, kind)

    common = any(holds(one, value) and holds(other, value) for value in (Fraction(n, 4) for n in range(-4, 44)))
    assert span(one).overlaps(span(other)) or not common
    assert span(one).overlaps(span(other)) == span(other).overlaps(span(one))


def test_ten_is_more_than_nine_and_what_ends_where_the_other_begins_is_apart() -> None:
    low, high = [(Operator.BELOW, "9")], [(Operator.AT_LEAST, "10")]
    assert not span_of(low, ColumnType.INTEGER).overlaps(span_of(high, ColumnType.INTEGER))
    assert not span_of(low, ColumnType.NUMERIC).overlaps(span_of([(Operator.AT_LEAST, "9.0")], ColumnType.NUMERIC))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Africa/Casablanca", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
@given(st.integers(-2_208_900_000, 4_102_300_000))
def test_the_offsets_of_a_zone_are_those_of_the_standard_library(zone: str, instant: int) -> None:
    known = [offset for begins, offset in offsets(zone) if begins <= instant]
    assert known[-1] == ZoneInfo(zone).utcoffset(dt.datetime.fromtimestamp(instant, ZoneInfo(zone))).total_seconds()  # type: ignore[union-attr]  # it is there


def test_a_zone_is_one_of_the_iana_names() -> None:
    assert is_zone("Europe/Berlin")
    assert is_zone("UTC")
    assert not any(
        is_zone(name) for name in ("localtime", "Factory", "posixrules", "Europe/Berln", "../etc/passwd", "")
    )


def test_an_hour_is_told_with_the_offset_of_its_clock() -> None:
    berlin = [
        text_of(Unit.HOUR, 10 * HOUR_STEP + offset + OFFSET_ZERO, zoned=True) for offset in (7200, 3600, -12600, 0)
    ]
    assert berlin == [
        "1970-01-01T10:00+02:00",
        "1970-01-01T10:00+01:00",
        "1970-01-01T10:00-03:30",
        "1970-01-01T10:00+00:00",
    ]
    assert text_of(Unit.HOUR, -HOUR_STEP + OFFSET_ZERO, zoned=False) == "1969-12-31T23:00"


def test_what_cannot_be_told_is_later_or_earlier_and_nonsense_is_refused() -> None:
    assert [text_of(unit, LATER, zoned=False) for unit in Unit] == ["later"] * 6
    assert [text_of(unit, -LATER, zoned=False) for unit in Unit] == ["earlier"] * 6
    with pytest.raises(ValueUnfit):
        text_of(Unit.DAY, LATER - 1, zoned=False)


@pytest.mark.requirement("aggregate:exact")
@given(st.decimals(allow_nan=False, allow_infinity=False, places=4), st.integers(1, 1000), st.integers(0, 12))
def test_an_average_is_the_nearest_that_its_places_can_say(total: Decimal, count: int, places: int) -> None:
    found = average(total, count, places)
    assert found is not None
    assert len(found.partition(".")[2]) == places
    off = Fraction(found) - Fraction(total) / count
    assert abs(off) <= Fraction(1, 2 * 10**places)
    if abs(off) == Fraction(1, 2 * 10**places):
        assert (off > 0) == (total > 0)


def test_an_average_of_nothing_is_none_and_one_of_what_is_no_number_is_none_either() -> None:
    assert average(Decimal(0), 0, 2) is None
    assert average(Decimal("NaN"), 3, 2) == "NaN"


def shape(**more: Any) -> AggregateShape:
    given_: dict[str, Any] = {
        "relation": Relation(schema="a", name="b"),
        "groups": (GroupColumn(name="word", column=Column("word", ColumnType.TEXT)),),
        "measures": (
            MeasureColumn(name="total", function=Function.SUM, column=Column("amount", ColumnType.NUMERIC), places=2),
        ),
        "tenant": Column("tenant", ColumnType.TEXT),
        "minimum": 1,
        "most": 100,
        "rows": 100,
        "bytes": 1000,
    }
    return AggregateShape(**(given_ | more))


def tally(word: str | None, total: str | None, count: int = 5) -> Tally:
    return Tally(key=(word,), supports=((count, count),), values=((total,),), witnesses=(("t", "t"),))


def test_what_has_no_value_comes_last_and_equals_come_in_the_order_of_their_groups() -> None:
    tallies = [
        tally("c", "9"),
        tally(None, "10.5"),
        tally("b", None),
        tally("a", "9.00"),
        tally("d", "NaN"),
        tally("e", "-0"),
    ]
    down = told(shape(order=(Ordering(name="total", descending=True),)), tallies).totals
    assert [total.tokens for total in down] == [
        ("d", "NaN"), (None, "10.50"), ("a", "9.00"), ("c", "9.00"), ("e", "0.00"), ("b", None),
    ]  # fmt: skip
    up = told(shape(order=(Ordering(name="total"),)), tallies).totals
    assert [total.names[0] for total in up] == ["e", "a", "c", None, "d", "b"]
    assert [t.names[0] for t in told(shape(), tallies).totals] == ["a", "b", "c", "d", "e", None]
    by_word = told(shape(order=(Ordering(name="word", descending=True),)), tallies).totals
    assert [t.names[0] for t in by_word] == ["e", "d", "c", "b", "a", None]


@pytest.mark.requirement("aggregate:small-withheld")
def test_the_first_few_are_the_first_of_what_may_be_told() -> None:
    tallies = [tally("a", "9", 3), tally("b", "8", 3), tally("c", "7"), tally("d", "6"), tally("e", "5")]
    found = told(shape(minimum=5, rows=2, order=(Ordering(name="total", descending=True),)), tallies)
    assert ([t.names[0] for t in found.totals], found.cut, found.withheld) == (["c", "d"], True, True)


def test_more_groups_than_may_be_are_refused() -> None:
    with pytest.raises(Refusal) as refused:
        told(shape(most=1), [tally("a", "1"), tally("b", "1")])
    assert refused.value.code is Code.RESULT_TOO_LARGE


@pytest.mark.requirement("aggregate:tenant")
@pytest.mark.parametrize("ends", [("t", "u"), ("T", "t"), ("t", None), (None, None)])
def test_a_group_with_rows_of_somebody_else_is_refused(ends: tuple[str | None, str | None]) -> None:
    plan = AggregatePlan(shape=shape(), scope=("t",), values=(), time_ms=1)
    recheck_tallies(plan, [tally("a", "1")])
    with pytest.raises(Refusal):
        recheck_tallies(
            plan, [tally("a", "1"), Tally(key=("b",), supports=((1, 1),), values=(("1",),), witnesses=(ends,))]
        )


BUYER = Join(
    relation=Relation(schema="a", name="buyers"),
    path="buyer",
    alias="l1",
    on=((Column("buyer_id", ColumnType.TEXT), Column("id", ColumnType.TEXT, of="l1", via=("buyer",))),),
    tenant=Column("tenant", ColumnType.TEXT, of="l1", via=("buyer",)),
    where=(Condition(Column("open", ColumnType.BOOLEAN, of="l1", via=("buyer",))),),
)
SELLER = replace(BUYER, path="seller", alias="l2", tenant=None, principal=BUYER.tenant, where=())


@pytest.mark.requirement("aggregate:tenant", "link:aggregate")
@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("ends", [("t", "u"), ("T", "t"), ("t ", "t "), (None, "t")])
def test_a_group_with_related_rows_of_somebody_else_is_refused(at: int, ends: tuple[str | None, str | None]) -> None:
    filtered = shape(joins=(BUYER, SELLER), where=(Condition(Column("kind", ColumnType.INTEGER)),))
    plan = AggregatePlan(shape=filtered, scope=("t",), values=("7",), joined=("t", "true", "rita"), time_ms=1)
    assert [plan.bound[place] for _, place in filtered.related_witnesses] == ["t", "rita"]
    assert [column.path for column in filtered.witnessed] == ["tenant", "buyer.tenant", "buyer.tenant"]
    own = tally("a", "1")
    for buyer, seller in ((("t", "t"), ("rita", "rita")), ((None, None), (None, None))):
        recheck_tallies(plan, [replace(own, witnesses=(("t", "t"), buyer, seller))])
    met: list[tuple[str | None, str | None]] = [("t", "t"), ("t", "t"), ("rita", "rita")]
    met[at] = ends
    with pytest.raises(Refusal):
        recheck_tallies(plan, [replace(own, witnesses=tuple(met))])


def test_every_part_of_a_shape_is_in_its_fingerprint() -> None:
    column = Column("amount", ColumnType.NUMERIC)
    others = [
        shape(relation=Relation(schema="a", name="c")),
        shape(groups=()),
        shape(groups=(GroupColumn(name="word", column=Column("day", ColumnType.DATE), unit=Unit.DAY),)),
        shape(
            groups=(GroupColumn(name="word", column=Column("at", ColumnType.TIMESTAMPTZ), unit=Unit.DAY, zone="UTC"),)
        ),
        shape(
            groups=(GroupColumn(name="word", column=Column("at", ColumnType.TIMESTAMPTZ), unit=Unit.DAY, zone="CET"),)
        ),
        shape(measures=(MeasureColumn(name="total", function=Function.AVG, column=column, places=2),)),
        shape(measures=(MeasureColumn(name="total", function=Function.AVG, column=column, places=3),)),
        shape(tenant=None),
        shape(principal=Column("person", ColumnType.TEXT)),
        shape(joins=(BUYER,)),
        shape(joins=(SELLER,)),
        shape(groups=(GroupColumn(name="word", column=Column("word", ColumnType.TEXT, of="l1", via=("buyer",))),)),
        shape(where=(Condition(Column("word", ColumnType.TEXT)),)),
        shape(where=(Condition(Column("word", ColumnType.TEXT, of="l1", via=("buyer",))),)),
        shape(
            measures=(
                MeasureColumn(
                    name="total", function=Function.SUM, column=replace(column, of="l1", via=("buyer",)), places=2
                ),
            )
        ),
        shape(order=(Ordering(name="total"),)),
        shape(order=(Ordering(name="total", descending=True),)),
        *(shape(**{name: 7}) for name in ("minimum", "most", "rows", "bytes")),
    ]
    prints = {other.fingerprint for other in [shape(), *others]}
    assert len(prints) == len(others) + 1
    assert len({hash(other) for other in [shape(), *others]}) == len(prints)


# ---- what SQLite is given ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "zoned", "wanted"),
    [
        (None, 1, None),
        ("1970-01-01", 0, 0),
        ("1970-01-01 00:00:01.9", 0, 1),
        ("1969-12-31T23:59:59.5", 0, -1),
        ("1970-01-01 00:00:00+00", 1, 0),
        ("1970-01-01T00:00:00Z", 1, 0),
        ("0000-01-01", 0, -62_135_596_801),
    ],
)
def test_a_stored_time_is_its_seconds(stored: str | None, zoned: int, wanted: int | None) -> None:
    assert seconds(stored, zoned) == wanted


@pytest.mark.parametrize(
    "stored", ["soon", "", 5, 1.5, b"1970-01-01", "1970-02-30", "1970-01-01 25:00:00", "1970-01-01 00:00:00+01"]
)
def test_what_is_stored_as_no_time_ends_the_statement(stored: Any) -> None:
    with pytest.raises(ValueUnfit):
        seconds(stored, 1)


def test_a_timestamp_without_a_zone_says_none() -> None:
    with pytest.raises(ValueUnfit):
        seconds("1970-01-01 00:00:00+00", 0)


@given(st.dates())
def test_the_months_of_a_day_are_counted_from_the_year_nought(day: dt.date) -> None:
    assert months((day - dt.date(1970, 1, 1)).days) == day.year * 12 + day.month - 1


@pytest.mark.requirement("aggregate:exact")
@example([Decimal(10**28), Decimal("0.000001")])
@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=6) | st.integers(-(2**63), 2**63 - 1)))
def test_a_sum_of_sqlite_is_exact(values: list[Decimal | int]) -> None:
    summed = ExactSum()
    for value in [*values, None]:
        summed.step(str(value) if isinstance(value, Decimal) else value)
    found = summed.finalize()
    assert found is None if not values else Fraction(str(found)) == sum(Fraction(value) for value in values)


@pytest.mark.parametrize("stored", ["many", b"1", "", "1e999999"])
def test_what_is_no_number_is_not_added_up(stored: Any) -> None:
    summed = ExactSum()
    summed.step("1.5")
    with pytest.raises((ValueUnfit, ArithmeticError)):
        summed.step(stored)
