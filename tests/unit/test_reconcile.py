"""What the rows of a proposal look like whose end nobody knows: a pure comparison, with what was proposed and with what was before."""

from dataclasses import replace
from typing import Any

import pytest

from synapsor.contract.mapping import Table
from synapsor.core.proposal import Member, Proposal
from synapsor.core.reconcile import Differs, Found, Match, found_body, found_row, speaks_against, whole_of
from synapsor.core.untold import Untold
from synapsor.values import Token

pytestmark = pytest.mark.requirement("reconcile:classified")

TABLE = Table.model_validate(
    {
        "source": "shop",
        "relation": "billing.invoices",
        "key": "id",
        "tenant": "tenant_id",
        "version": "row_version",
        "only": {"state": "open"},
        "columns": {"id": "text", "tenant_id": "text", "state": "text", "fee": "integer", "row_version": "integer"},
    }
)
BEFORE: dict[str, Token] = {
    "id": "i1",
    "tenant_id": "acme",
    "state": "open",
    "fee": "5",
    "seen_at": "1",
    "row_version": "7",
}
AFTER: dict[str, Token] = {**BEFORE, "fee": "0", "seen_at": "2", "row_version": "8"}
COLUMNS = tuple((name, "text") for name in BEFORE)


def proposal(operation: str, **changed: Any) -> Proposal:
    """Return a proposal about one row, as far as it is compared."""
    given: dict[str, Any] = {
        "id": "wrp_1", "branch": "rb_1", "at": "2026-11-29T00:00:00.000000Z", "expires_at": "2026-11-30T00:00:00.000000Z",
        "nonce": "n", "ledger": "led_1", "capability": "billing.fee", "contract": "sha256:c", "tenant": "acme", "principal": "agent",
        "client": "stdio", "source": "shop", "relation": "billing.invoices", "tenant_column": "tenant_id", "principal_column": None,
        "operation": operation, "members": (), "columns": COLUMNS, "guards": ("row_version",), "advances": "row_version",
        "moves": ("seen_at",), "arguments": {}, "evidence": "ev_1", "evidence_digest": "sha256:e", "request": "sha256:r", "role": "lead",
    }  # fmt: skip
    return Proposal(**{**given, **changed})


UPDATE = Member(key=(("id", "i1"),), before=BEFORE, changes={"fee": "0"})
INSERT = Member(key=(("id", "i1"), ("tenant_id", "acme")), before={}, changes={"state": "open", "fee": "0"})
DELETE = Member(key=(("id", "i1"),), before=BEFORE, changes={})

_ROWS: list[tuple[str, Member, dict[str, Token] | None, Match]] = [
    ("update", UPDATE, AFTER, Match.MATCHES_PROPOSED),
    ("update", UPDATE, BEFORE, Match.MATCHES_BEFORE),
    ("update", UPDATE, None, Match.ABSENT),
    ("update", UPDATE, {**AFTER, "fee": "1"}, Match.DRIFTED),
    ("update", UPDATE, {**AFTER, "row_version": "7"}, Match.DRIFTED),  # changed, and its version did not move
    ("update", UPDATE, {**AFTER, "row_version": "12"}, Match.MATCHES_PROPOSED),
    ("update", UPDATE, {**AFTER, "seen_at": "9"}, Match.MATCHES_PROPOSED),  # the database moves it with every update
    ("update", UPDATE, {**BEFORE, "seen_at": "9"}, Match.DRIFTED),
    ("update", UPDATE, {**BEFORE, "row_version": "8"}, Match.DRIFTED),
    ("update", UPDATE, {**AFTER, "state": "held"}, Match.DRIFTED),
    ("update", UPDATE, {**AFTER, "tenant_id": "globex"}, Match.DRIFTED),
    ("insert", INSERT, None, Match.MATCHES_BEFORE),
    ("insert", INSERT, AFTER, Match.MATCHES_PROPOSED),
    ("insert", INSERT, {**AFTER, "fee": "1"}, Match.DRIFTED),
    ("insert", INSERT, {**AFTER, "tenant_id": "globex"}, Match.DRIFTED),
    ("delete", DELETE, None, Match.MATCHES_PROPOSED),
    ("delete", DELETE, BEFORE, Match.MATCHES_BEFORE),
    ("delete", DELETE, AFTER, Match.DRIFTED),
]


def test_what_the_database_moves_and_has_not_moved_differs_in_nothing() -> None:
    told = found_row(proposal("update"), UPDATE, TABLE, {**BEFORE, "fee": "3", "row_version": "8"})
    assert [one.column for one in told.differs] == ["fee", "row_version"]


@pytest.mark.parametrize(("operation", "member", "row", "match"), _ROWS)
def test_a_row_is_as_proposed_as_before_gone_or_something_else(
    operation: str, member: Member, row: dict[str, Token] | None, match: Match
) -> None:
    assert found_row(proposal(operation, members=(member,)), member, TABLE, row).match is match


def test_an_added_row_that_the_mapping_does_not_hold_is_not_what_was_proposed() -> None:
    member = replace(INSERT, changes={"state": "closed", "fee": "0"})
    row: dict[str, Token] = {**AFTER, "state": "closed"}
    assert found_row(proposal("insert", members=(member,)), member, TABLE, row).match is Match.DRIFTED


def test_of_a_drifted_row_the_columns_are_told_that_differ_and_of_a_hidden_one_its_name_alone() -> None:
    member = replace(UPDATE, hidden={"state": "…"})
    row: dict[str, Token] = {**AFTER, "state": "CANARY", "fee": "1"}
    found = found_row(proposal("update", members=(member,)), member, TABLE, row)
    assert found.differs == (
        Differs(column="state", hidden=True),
        Differs(column="fee", before="5", proposed="0", now="1"),
        Differs(column="seen_at", before="1", proposed=None, now="2"),
        Differs(column="row_version", before="7", proposed=None, now="8"),
    )
    told = Found(proposal="wrp_1", digest="sha256:d", at="now", rows=(found,), seen="sha256:s", evidence="ev_2")
    assert "CANARY" not in str(found_body(told))


def test_a_row_that_is_set_to_what_it_held_speaks_for_nothing() -> None:
    same = replace(UPDATE, changes={"fee": "5"})
    either = found_row(proposal("update", members=(same,)), same, TABLE, BEFORE)
    assert (either.match, either.either) == (Match.MATCHES_PROPOSED, True)
    before = found_row(proposal("update", members=(UPDATE,)), UPDATE, TABLE, BEFORE)
    told = Found(proposal="wrp_1", digest="sha256:d", at="now", rows=(either, before))
    assert (told.whole, replace(told, rows=(either,)).whole) == ("matches_before", "matches_proposed")


def _found(*matches: Match, untold: Untold | None = None) -> Found:
    rows = tuple(replace(found_row(proposal("delete"), DELETE, TABLE, None), match=match) for match in matches)
    return Found(proposal="wrp_1", digest="sha256:d", at="now", rows=rows, untold=untold)


def test_rows_that_stand_alike_have_one_word_and_all_others_are_mixed() -> None:
    proposed, before = Match.MATCHES_PROPOSED, Match.MATCHES_BEFORE
    assert _found(proposed, proposed).whole == "matches_proposed"
    assert _found(proposed, before).whole == "mixed"
    assert whole_of([_found(before), _found(before)]) == "matches_before"
    assert whole_of([_found(before), _found(proposed)]) == "mixed"
    assert whole_of([_found(before), _found(untold=Untold.BUSY)]) == "untold"


def test_what_speaks_against_a_verdict_is_the_contrary_and_that_nobody_looked() -> None:
    words = ["matches_proposed", "matches_before", "absent", "drifted", "mixed", "untold"]
    assert [word for word in words if speaks_against(word, "applied")] == ["matches_before", "untold"]
    assert [word for word in words if speaks_against(word, "not_applied")] == ["matches_proposed", "untold"]
