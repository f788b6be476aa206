"""Which open proposals are alike, how their numbers lie, and which stand out: by fixed rules, from the proposals alone."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from synapsor.core.alike import Cluster, Odd, clusters
from synapsor.core.exchange import Exchange
from synapsor.core.kept import ProposalRecord
from synapsor.core.moment import stamp
from synapsor.core.proposal import Amended, Proposal, Status, Undone
from synapsor.core.statements import Inquiry, SignedInquiry
from tests.decisions import NOW, ROW, proposal

pytestmark = pytest.mark.requirement("batch:alike")

AT = stamp(NOW)


def waiver(number: int, cents: str | None = "0", before: str | None = "5500", **changes: Any) -> ProposalRecord:
    """Return an open waiver of its own invoice."""
    status = changes.pop("status", Status.REVIEW_REQUIRED)
    row = {**ROW, "id": f"INV-{number}", "late_fee_cents": before, **changes.pop("row", {})}
    given = {"changes": {"late_fee_cents": cents, "waiver_reason": f"Reason {number}."}, **changes}
    told = proposal(id=f"wrp_{number:020}", key=(("id", f"INV-{number}"),), before=row, **given)
    return ProposalRecord(proposal=told, status=status)


def one(*records: ProposalRecord) -> Cluster:
    (found,) = clusters(records, now=AT)
    return found


def odd(*records: ProposalRecord) -> set[tuple[int, str, str | None, str | None]]:
    """Return who stands out and why."""
    return {(int(o.proposal[4:]), o.why, o.column, o.of) for o in one(*records).odd}


def test_what_is_alike_is_one_cluster_whose_name_stays_while_others_come_and_go() -> None:
    first = one(waiver(1), waiver(2), waiver(3))
    assert first.id == one(waiver(2), waiver(9)).id
    assert [r.proposal.id[-1] for r in first.records] == ["1", "2", "3"]
    told = (first.capability, first.operation, first.columns, first.risk, first.role, first.quorum)
    assert told == (
        "billing.propose_late_fee_waiver",
        "update",
        ("late_fee_cents", "waiver_reason"),
        "low",
        "billing_lead",
        1,
    )


@pytest.mark.parametrize(
    "other",
    [
        {"capability": "billing.other"},
        {"contract": "sha256:" + "d" * 64},
        {"source": "other"},
        {"relation": "billing.others"},
        {"changes": {"late_fee_cents": "0"}},
        {"risk": "high"},
        {"role": "boss"},
        {"quorum": 2},
    ],
)  # fmt: skip
def test_what_differs_in_what_it_takes_to_decide_is_not_alike(other: dict[str, Any]) -> None:
    found = clusters([waiver(1), waiver(2), waiver(3, **other)], now=AT)
    assert [len(c.records) for c in found] == [2]
    both = clusters([waiver(1), waiver(2), waiver(3, **other), waiver(4, **other), waiver(5, **other)], now=AT)
    assert [len(c.records) for c in both] == [3, 2]
    assert len({c.id for c in both}) == 2


def _hiding(record: ProposalRecord, *names: str) -> ProposalRecord:
    (member,) = record.proposal.members
    return replace(
        record, proposal=replace(record.proposal, members=(replace(member, hidden=dict.fromkeys(names, "…1")),))
    )


_AMENDED = Amended(
    kind="edit",
    proposal="wrp_x",
    digest="d",
    operator="mia",
    reason="r",
    arguments=("a",),
    editors=("mia",),
    depth=1,
    signature="s",
)
_UNDONE = Undone(proposal="wrp_x", digest="d", principal="p", depth=1, reason="r", signature="s")


@pytest.mark.parametrize(
    "record",
    [
        waiver(3, status=Status.APPROVED),
        waiver(3, expires_at=AT),
        waiver(3, step_up=True),
        waiver(3, group_id="grp_1", group_of=("a", "b")),
        waiver(3, undoes=_UNDONE),
        waiver(3, amends=_AMENDED),
        replace(waiver(3), proposal=replace(waiver(3).proposal, members=waiver(3).proposal.members * 2)),
        _hiding(waiver(3), "late_fee_cents"),
    ],
)  # fmt: skip
def test_what_is_for_its_own_card_is_in_no_cluster(record: ProposalRecord) -> None:
    assert [r.proposal.id[-1] for r in one(waiver(1), waiver(2), record).records] == ["1", "2"]


def test_what_only_has_more_time_and_what_hides_a_column_that_it_leaves_alone_are_alike() -> None:
    extended = replace(_AMENDED, kind="extend", arguments=(), editors=())
    assert len(one(waiver(1), waiver(2, amends=extended), _hiding(waiver(3), "row_version")).records) == 3


def test_numbers_are_told_by_their_least_median_most_and_sum_exactly() -> None:
    found = one(waiver(1, "10", "30"), waiver(2, "20", "30"), waiver(3, "40", None), waiver(4, None, "7"))
    told: dict[Any, Any] = {(s.column, s.of): (s.count, s.least, s.median, s.most, s.total) for s in found.spreads}
    numbers = {
        ("late_fee_cents", "after"): (3, 10, 20, 40, 70),
        ("late_fee_cents", "change"): (2, -20, -15, -10, -30),
    }
    assert told == {key: tuple(map(Decimal, row)) for key, row in numbers.items()}


def test_of_rows_that_are_to_be_removed_what_they_hold_is_told_and_no_key_and_nothing_hidden() -> None:
    gone = [
        _hiding(waiver(n, operation="delete", changes={}, before=str(n), row={"row_version": str(n)}), "row_version")
        for n in (1, 2)
    ]
    (spread,) = one(*gone).spreads
    assert (spread.column, spread.of, spread.total) == ("late_fee_cents", "before", Decimal(3))


@pytest.mark.parametrize(("far", "stands"), [("12", False), ("15", False), ("16", True), ("4", True), ("-900", True)])
def test_a_number_stands_out_by_its_modified_z_score_over_three_and_a_half(far: str, *, stands: bool) -> None:
    """Median 10, median distance 1: 3.5 / 0.6745 is a little more than 5 away."""
    usual = [waiver(n, cents, None) for n, cents in enumerate(("9", "11", "9", "11", "10", "9", "11"), 1)]
    assert (odd(*usual, waiver(8, far, None)) == {(8, "number", "late_fee_cents", "after")}) is stands


def test_where_most_have_one_number_another_stands_out_from_five_on() -> None:
    usual = [waiver(n) for n in (1, 2, 3, 4)]
    other = waiver(5, "1")
    assert odd(*usual, other) == {(5, "number", "late_fee_cents", of) for of in ("after", "change")}
    assert odd(*usual[:3], other) == set()
    assert odd(*usual, waiver(6)) == set()
    assert odd(*usual, other, waiver(6, "1")) == set()


def test_a_number_that_cannot_be_told_stands_nowhere() -> None:
    usual = [waiver(n) for n in (1, 2, 3, 4, 5)]
    assert odd(*usual, waiver(6, "NaN"), waiver(7, "x"), waiver(8, None)) == set()


def test_a_rare_text_stands_out_where_there_is_a_usual_one_and_free_texts_do_not() -> None:
    def said(number: int, text: str) -> ProposalRecord:
        return waiver(number, changes={"late_fee_cents": "0", "waiver_reason": text})

    assert odd(*(said(n, "Paid.") for n in (1, 2, 3, 4)), said(5, "Free money.")) == {
        (5, "rare", "waiver_reason", "after")
    }
    assert odd(*(said(n, f"Words {n}.") for n in range(1, 7))) == set()
    assert odd(*(said(n, "Paid.") for n in (1, 2, 3)), said(4, "Free money.")) == set()
    twenty = [said(n, "Paid.") for n in range(1, 40)]
    assert odd(*twenty, said(40, "x"), said(41, "x")) == {(n, "rare", "waiver_reason", "after") for n in (40, 41)}
    assert odd(*twenty, *(said(n, "x") for n in (40, 41, 42))) == set()


def test_what_a_row_holds_before_stands_out_as_well() -> None:
    usual = [waiver(n, row={"waiver_reason": "none"}) for n in (1, 2, 3, 4)]
    other = waiver(5, row={"waiver_reason": "Waived once already."})
    assert (5, "rare", "waiver_reason", "before") in odd(*usual, other)


@pytest.mark.parametrize(
    ("field", "why"), [("tenant", "tenant"), ("principal", "requester"), ("client", "client"), ("reason_code", "reason_code")]
)  # fmt: skip
def test_who_asks_otherwise_than_most_stands_out(field: str, why: str) -> None:
    usual = [waiver(n) for n in (1, 2, 3, 4)]
    assert odd(*usual, waiver(5, **{field: "another"})) == {(5, why, None, None)}


def test_a_row_that_was_read_long_before_the_others_stands_out() -> None:
    def at(number: int, **ago: float) -> ProposalRecord:
        return waiver(number, at=stamp(NOW - dt.timedelta(**ago)))

    usual = [at(n, minutes=n) for n in (1, 2, 3, 4)]
    assert odd(*usual, at(5, hours=3)) == {(5, "older", None, None)}
    assert odd(*usual, at(5, minutes=50)) == set()
    assert odd(*(at(n, hours=3, minutes=n) for n in (1, 2, 3, 4)), at(5, minutes=1)) == set()


def test_an_open_question_stands_out_however_few_there_are() -> None:
    question = Inquiry(
        id="que_1", ledger="l", proposal="p", digest="d", operator="leo", role="billing_lead", text="Why?", at=AT
    )
    asked = Exchange(asked=SignedInquiry(question=question, signature="s"))
    assert odd(waiver(1), replace(waiver(2), exchanges=(asked,))) == {(2, "question", None, None)}


def test_the_same_proposals_are_told_alike_in_any_order() -> None:
    records = [waiver(1, "3"), waiver(2, "900"), waiver(3, "4"), waiver(4, "5"), waiver(5, "6")]
    assert one(*records) == one(*reversed(records))
    assert one(*records).odd[0] == Odd(
        proposal=records[1].proposal.id, why="number", column="late_fee_cents", of="after"
    )


def test_without_proposals_there_is_no_cluster() -> None:
    assert clusters([], now=AT) == clusters([waiver(1)], now=AT) == ()
    assert isinstance(waiver(1).proposal, Proposal)
