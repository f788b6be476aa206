"""What an undo restores beside what others have done since: each column by itself, whatever was left, was before and is there now."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.core.proposal import Member
from synapsor.core.restore import Parted, Since, restored, since
from synapsor.core.undo import Inverse
from synapsor.refusals import Rule
from tests.decisions import proposal
from tests.unit.test_undo import CONTRACT

Row = dict[str, str | None]
SHEETS = Contract.model_validate(yaml.safe_load(CONTRACT))
HELD = ("id", "tenant_id", "touched")
CHANGED = ("cents", "note")


def parts(name: str = "sheets.lower") -> tuple[ProposeCapability, Table]:
    """Return a capability and its table."""
    capability = SHEETS.capabilities[name]
    assert isinstance(capability, ProposeCapability)
    return capability, SHEETS.tables["sheets"]


def inverse(*rows: tuple[Row, Row], operation: Operation = Operation.UPDATE) -> Inverse:
    """Return what takes back changes: of each row what was left and what was before."""
    members = tuple(
        Member(key=(("id", str(at)),), before={"id": str(at), "tenant_id": "acme", **left}, changes=dict(was))
        for at, (left, was) in enumerate(rows)
    )
    return Inverse(operation=operation, members=members, guards=(), advances=None)


def now(at: int = 0, **cells: str | None) -> Row:
    """Return a row as it is now."""
    return {"id": str(at), "tenant_id": "acme", "touched": "9", **cells}


def by_hand(left: str | None, was: str | None, theirs: str | None) -> tuple[bool, str | None]:
    """Return whether a column is a conflict, and what it comes to: three sides as anybody would write it down."""
    theirs_moved, ours_moved = theirs != left, was != left
    if theirs_moved and ours_moved and theirs != was:
        return True, None
    return False, theirs if theirs_moved else was


CELL = st.sampled_from([None, "1", "2", "3"])
SIDES = st.fixed_dictionaries(dict.fromkeys(CHANGED, st.tuples(CELL, CELL, CELL)))


@pytest.mark.requirement("undo:keeps-others")
@given(st.lists(SIDES, min_size=1, max_size=3))
def test_every_column_of_every_row_is_restored_by_itself_or_nothing_is(drawn: list[dict[str, Any]]) -> None:
    capability, table = parts()
    left, was, theirs = ([{n: sides[n][at] for n in CHANGED} for sides in drawn] for at in range(3))
    rows = [now(at, **one) for at, one in enumerate(theirs)]
    found = restored(inverse(*zip(left, was, strict=True)), rows, capability, table)
    expected = [{n: by_hand(*sides[n]) for n in CHANGED} for sides in drawn]
    torn = {n for one in expected for n, (is_torn, _) in one.items() if is_torn}
    if torn:
        assert isinstance(found, Parted)
        assert (found.rule, set(found.columns)) == (Rule.MOVED_ON, torn)
        return
    changes = [{n: token for n, (_, token) in one.items()} for one in expected]
    if changes == theirs:
        assert found == Parted(rule=Rule.NOTHING_TO_UNDO)
        return
    assert not isinstance(found, Parted)
    assert [member.changes for member in found] == changes
    assert [member.before for member in found] == rows


@pytest.mark.requirement("undo:keeps-others")
def test_the_column_that_counts_changes_counts_on_from_the_row_as_it_is_and_is_no_conflict() -> None:
    capability, table = parts("sheets.count")
    capability = capability.model_copy(update={"set": {"cents": capability.set["cents"], "note": "counted"}})
    one = inverse(({"cents": "6", "note": "counted"}, {"cents": "5", "note": None}))
    (member,) = restored(one, [now(cents="40", note="counted")], capability, table)  # type: ignore[misc]  # it is restored
    assert member.changes == {"cents": "41", "note": None}
    assert restored(one, [now(cents="100", note="counted")], capability, table) == Parted(rule=Rule.NOT_REVERSIBLE)
    assert restored(one, [now(cents="40", note=None)], capability, table) == Parted(rule=Rule.NOTHING_TO_UNDO)


@pytest.mark.requirement("undo:keeps-others", "undo:refused")
def test_a_row_that_the_mapping_would_not_hold_is_not_gone_back_to() -> None:
    capability, table = parts()
    one = inverse(({"cents": "5", "note": "x", "touched": "0"}, {"cents": "50", "note": "x"}))
    row = now(cents="5", note="x", touched="1")
    narrowed = table.model_copy(update={"only": {"cents": 40}})
    assert restored(one, [row], capability, narrowed) == Parted(rule=Rule.NOT_REVERSIBLE)
    taken_out = table.model_copy(update={"only": {"touched": 0}})
    assert restored(one, [row], capability, taken_out) == Parted(rule=Rule.MOVED_ON, columns=("touched",))
    assert not isinstance(restored(one, [{**row, "touched": "0"}], capability, taken_out), Parted)
    held = table.model_copy(update={"only": {"cents": 50}})  # what the row goes back to, and not what it is now
    assert not isinstance(restored(one, [row], capability, held), Parted)


@pytest.mark.requirement("undo:stale")
@pytest.mark.parametrize("column", ["cents", "note", "tenant_id"])
def test_a_row_that_was_added_is_removed_only_as_it_was_left(column: str) -> None:
    capability, table = parts("sheets.add")
    one = inverse(({"cents": "5", "note": "x"}, {}), operation=Operation.DELETE)
    row = now(cents="5", note="x")
    (member,) = restored(one, [row], capability, table)  # type: ignore[misc]  # it is restored
    assert (member.before, member.changes) == (row, {})
    found = restored(one, [{**row, column: "7"}], capability, table)
    assert found == Parted(rule=Rule.MOVED_ON, columns=(column,))
    assert restored(one, [{n: t for n, t in row.items() if n != column}], capability, table) == found


def _pair(row: Row, *, advances: str | None, operation: str = "update") -> tuple[Any, Any]:
    """Return an undo that saw a row, and the change that it takes back: cents 5 to 4 and no other note than before."""
    before: Row = {"id": "a", "cents": "5", "note": "x", "touched": "0", "version": "1", "hidden": "h"}
    was = Member(key=(("id", "a"),), before=before, changes={"cents": "4", "note": "x"})
    original = replace(proposal(), members=(was,), advances=advances, moves=("touched",))
    undo = replace(original, operation=operation, members=(replace(was, before={**was.after, **row}, changes={}),))
    return undo, original


@pytest.mark.requirement("undo:shown")
@pytest.mark.parametrize(
    ("row", "left", "told"),
    [
        ({"version": "2", "touched": "7"}, "2", Since()),
        ({"version": "3"}, "2", Since(written=True)),
        ({"version": "2"}, None, Since(written=None)),
        ({"version": "3", "hidden": "i"}, "2", Since(others=("hidden",), written=True)),
        ({"version": "3", "note": "y"}, "2", Since(others=("note",), written=True)),
        ({"version": "3", "cents": "5"}, "2", Since(back=("cents",), written=True)),
    ],
)
def test_what_others_have_done_since_is_told_by_columns_and_by_the_version(
    row: Row, left: str | None, told: Since
) -> None:
    undo, original = _pair(row, advances="version")
    assert since(undo, original, ({"version": left},) if left else ()) == (told,)
    removal, _ = _pair(row, advances="version", operation="delete")
    assert since(removal, original, ()) == (Since(),)


@pytest.mark.requirement("undo:shown")
def test_without_a_version_only_columns_tell_that_a_row_has_moved_on() -> None:
    undo, original = _pair({"touched": "9"}, advances=None)
    assert since(undo, original, ()) == (Since(),)
    undo, original = _pair({"hidden": None}, advances=None)
    assert since(undo, original, ()) == (Since(others=("hidden",)),)
