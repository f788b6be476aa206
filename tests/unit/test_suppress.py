"""What is too small to be told is not told, cannot be subtracted, and is the same whatever the order."""

import random
from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapsor.core.suppress import Key, Shown, Sized, suppress

_NAMES = st.sampled_from(["a", "b", "c", None])
_SIZES = st.integers(0, 12)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Sized], int]:
    """Return groups as a source may count them: different keys, each with rows, and with as many values or fewer."""
    width, measures = draw(st.integers(0, 3)), draw(st.integers(0, 2))
    keys = draw(st.lists(st.tuples(*[_NAMES] * width), unique=True, max_size=20)) if width else [()]
    groups = []
    for key in keys:
        rows = draw(st.integers(1 if width else 0, 12))
        groups.append(Sized(key, (rows, *(draw(st.integers(0, rows)) for _ in range(measures)))))
    return groups, draw(st.integers(1, 8))


def hidden(groups: Sequence[Sized], shown: Shown) -> list[Sized]:
    return [group for group in groups if group.key not in shown.keys]


def lines(groups: Sequence[Sized]) -> list[list[Sized]]:
    """Return what a total may be about: everything, or everything that some of the names hold for."""
    width = len(groups[0].key) if groups else 0
    found: dict[tuple[object, ...], list[Sized]] = {}
    for count in range(width):
        for places in combinations(range(width), count):
            for group in groups:
                found.setdefault((places, *(group.key[place] for place in places)), []).append(group)
    return list(found.values())


@pytest.mark.requirement("aggregate:small-withheld")
@given(tables())
def test_what_is_told_is_of_enough_rows_in_every_measure(given_: tuple[list[Sized], int]) -> None:
    groups, minimum = given_
    shown = suppress(groups, minimum)
    told = [group for group in groups if group.key in shown.keys]
    assert all(size == 0 or size >= minimum for group in told for size in group.sizes)
    assert shown.withheld or len(told) == len(groups)


@pytest.mark.requirement("aggregate:no-subtraction")
@given(tables())
def test_what_a_total_leaves_over_is_of_enough_rows_too(given_: tuple[list[Sized], int]) -> None:
    groups, minimum = given_
    shown = suppress(groups, minimum)
    for line in lines(groups):
        for at in range(len(groups[0].sizes)):
            left = sum(group.sizes[at] for group in hidden(line, shown))
            told = sum(group.sizes[at] for group in line if group.key in shown.keys)
            # Where nothing is told that it could be subtracted from, the total is too small itself.
            assert left == 0 or left >= minimum or told == 0


@pytest.mark.requirement("aggregate:small-withheld")
@given(tables(), st.randoms(use_true_random=False))
def test_what_is_withheld_does_not_depend_on_the_order(given_: tuple[list[Sized], int], order: random.Random) -> None:
    groups, minimum = given_
    mixed = list(groups)
    order.shuffle(mixed)
    assert suppress(mixed, minimum) == suppress(groups, minimum)


@given(tables())
def test_nothing_is_withheld_where_nothing_is_small(given_: tuple[list[Sized], int]) -> None:
    groups, minimum = given_
    large = [group for group in groups if all(size >= minimum for size in group.sizes)]
    assert suppress(large, minimum).keys == frozenset(group.key for group in large)


def told(minimum: int, **rows: int) -> tuple[str, bool]:
    shown = suppress([Sized((name,), (count,)) for name, count in rows.items()], minimum)
    return "".join(sorted(str(key[0]) for key in shown.keys)), shown.withheld


@pytest.mark.requirement("aggregate:no-subtraction")
def test_the_next_smallest_group_goes_with_one_that_is_alone() -> None:
    assert told(5, a=20, b=7, c=9, d=4) == ("ac", True)
    assert told(5, a=20, b=7, c=3, d=4) == ("ab", True)
    assert told(5, a=7, b=7, c=4) == ("b", True)
    assert told(5, a=4, b=1) == ("", True)
    assert told(5, a=5, b=6) == ("ab", False)


@pytest.mark.requirement("aggregate:small-withheld")
def test_too_few_rows_look_like_none() -> None:
    few, none = suppress([Sized((), (4,))], 5), suppress([Sized((), (0,))], 5)
    assert few == none == Shown(frozenset(), withheld=True)
    assert suppress([], 5) == suppress([Sized(("a",), (4,))], 5)
    assert suppress([Sized((), (0,))], 1) == Shown(frozenset([()]), withheld=False)
    assert suppress([], 1) == Shown(frozenset(), withheld=False)


@pytest.mark.requirement("aggregate:no-subtraction")
def test_a_table_of_two_names_is_safe_along_each_of_them() -> None:
    cells: dict[Key, int] = {("a", "x"): 20, ("a", "y"): 3, ("b", "x"): 9, ("b", "y"): 8, ("c", "x"): 7, ("c", "y"): 6}
    shown = suppress([Sized(key, (rows,)) for key, rows in cells.items()], 5)
    # The small cell takes one of its own row and one of its own column with it; nothing else is needed.
    assert shown.keys == {("b", "x"), ("b", "y"), ("c", "x")}


@pytest.mark.requirement("aggregate:small-withheld")
def test_a_measure_of_few_values_is_as_small_as_a_group_of_few_rows() -> None:
    groups = [Sized(("a",), (20, 1)), Sized(("b",), (20, 20)), Sized(("c",), (9, 9)), Sized(("d",), (8, 0))]
    assert suppress(groups, 5).keys == {("b",), ("d",)}
