"""By which names two proposals are found to be about the same row: the table's key, and the `dedup` columns of inserts."""

from typing import Any

import pytest

from synapsor.contract.load import read_text
from synapsor.contract.names import names_of
from synapsor.core.proposal import Proposal
from synapsor.core.rivals import in_common, targets
from tests.attack.tasks import POLICY
from tests.decisions import proposal, with_row

NAMED = (("code", "tenant_id"), ("id",))

pytestmark = pytest.mark.requirement("worker:row-order")


def removed(**row: Any) -> Proposal:
    """Return the removal of a row that is there."""
    before = {"id": "7", "tenant_id": "acme", "code": "r7", "row_version": "1", **row}
    fields: dict[str, Any] = {"operation": "delete", "key": (("id", before["id"]),), "before": before, "changes": {}}
    return with_row(proposal(), named=NAMED, **fields)


def added(*, key: tuple[tuple[str, str], ...] = (("tenant_id", "acme"), ("code", "r7")), **row: Any) -> Proposal:
    """Return an insert; its scope's columns are not among what it sets."""
    fields: dict[str, Any] = {"operation": "insert", "key": key, "before": {}, "changes": {"code": "r7", **row}}
    return with_row(proposal(), named=NAMED, **fields)


def renamed(code: str | None) -> Proposal:
    """Return an update of the code of a row that is there."""
    return with_row(removed(), operation="update", changes={"code": code})


@pytest.mark.parametrize(
    "other",
    [
        removed(),
        removed(id="8"),
        renamed("r8"),
        with_row(removed(code="r6"), operation="update", changes={"code": "r7"}),
    ],
    ids=("removed", "another key", "was so", "is to be so"),
)
def test_an_insert_and_a_change_of_a_row_with_its_dedup_columns_are_about_the_same_row(other: Proposal) -> None:
    assert in_common(added(), other)
    assert in_common(other, added()) == other.members


def test_an_insert_that_sets_the_key_is_about_the_row_of_that_key_as_well() -> None:
    assert in_common(added(id="7"), removed(code="other"))
    assert not in_common(added(id="8"), removed(code="other"))


@pytest.mark.parametrize(
    "other",
    [removed(code="r8"), removed(code=None), renamed("r8")],
    ids=("another value", "no value", "named as neither"),
)
def test_what_has_another_value_or_none_in_a_name_is_not_about_the_same_row(other: Proposal) -> None:
    one = added(code="r9", key=(("tenant_id", "acme"), ("code", "r9")))
    assert not in_common(one, other)
    assert not in_common(other, one)


def test_rows_without_a_value_in_a_name_do_not_share_what_is_left_of_it() -> None:
    assert not in_common(removed(code=None), removed(id="8", code=None))


def test_a_column_that_nobody_sees_names_no_row() -> None:
    member = removed().members[0]
    covered = with_row(removed(), members=(type(member)(**{**vars_of(member), "hidden": {"code": "tok_1"}}),))
    assert not in_common(added(), covered)
    assert list(targets(covered).values()) == [True]


def vars_of(member: Any) -> dict[str, Any]:
    """Return the fields of a member."""
    return {name: getattr(member, name) for name in member.__dataclass_fields__}


def test_each_member_has_one_name_that_is_the_proposals_own_and_none_stands_twice() -> None:
    assert list(targets(removed()).values()) == [True, False]
    assert list(targets(renamed("r8")).values()) == [True, False, False]
    assert list(targets(renamed("r7")).values()) == [True, False]
    first, second = removed(), removed(id="8", code="r8")
    both = with_row(first, members=(*first.members, *second.members))
    assert list(targets(both).values()) == [True, True, False, False]
    assert set(targets(both)) == {*targets(first), *targets(second)}


def test_the_names_of_a_relation_are_the_keys_and_dedups_of_all_that_write_it_and_of_no_other() -> None:
    more = POLICY.replace(
        "capabilities:\n",
        """\
  seen_tasks:
    source: shop
    relation: billing.seen_tasks
    write_to: billing.tasks
    key: [tenant_id, title]
    tenant: tenant_id
    version: row_version
    columns: {id: integer, tenant_id: text, title: text, row_version: integer}
  others:
    source: shop
    relation: billing.others
    key: [tenant_id, name]
    tenant: tenant_id
    version: row_version
    columns: {tenant_id: text, name: text, row_version: integer}
capabilities:
""",
    )
    read = read_text(more, "tasks.yaml")
    assert read.contract is not None, read.problems
    tables = read.contract.tables
    expected = (("id",), ("request_no", "tenant_id"), ("tenant_id", "title"))
    assert names_of(read.contract, tables["tasks"]) == names_of(read.contract, tables["seen_tasks"]) == expected
    assert names_of(read.contract, tables["others"]) == (("name", "tenant_id"),)
