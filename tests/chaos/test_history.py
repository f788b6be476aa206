"""The history checker finds what it is there to find; one that never complains would prove nothing."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from synapsor.core.moment import stamp
from synapsor.core.proposal import Status
from synapsor.core.statements import Decision, SignedDecision, sign
from synapsor.core.writeback import receipt_key
from synapsor.ports import ProposalRecord
from tests.chaos.history import Asked, Effect, History, Left, violations
from tests.chaos.recorder import canaries
from tests.decisions import NOW, person, proposal

LEO = person()
OPERATORS = {"leo": LEO.operator}
SET, ADDED, GONE = "wrp_" + "1" * 20, "wrp_" + "2" * 20, "wrp_" + "3" * 20
ASKED = {
    SET: Asked("mark 1", "update", frozenset({"a", "b"})),
    ADDED: Asked("mark 2", "insert", frozenset({"c"})),
    GONE: Asked("mark 3", "delete", frozenset({"a", "b"})),
}
TRUE = (
    ("update", "a", "acme", None, "mark 1"),
    ("insert", "c", "acme", None, "mark 2"),
    ("update", "b", "acme", None, "mark 1"),
    ("delete", "a", "acme", "mark 1", None),
    ("delete", "b", "acme", "mark 1", None),
)


def _record(proposal_id: str, status: Status) -> ProposalRecord:
    asked = proposal(id=proposal_id)
    decision = Decision(
        id="dec_" + "0" * 20,
        ledger=asked.ledger,
        proposal=asked.id,
        digest=asked.digest,
        verdict="approve",
        operator="leo",
        role="billing_lead",
        at=asked.at,
        expires_at=stamp(NOW + dt.timedelta(hours=24)),
        reason="",
        nonce="n" * 32,
    )
    signed = SignedDecision(decision=decision, signature=sign(decision, LEO.key))
    return ProposalRecord(proposal=asked, status=status, decisions=(signed,))


def _left(proposal_id: str, outcome: str = "applied") -> Left:
    told = proposal(id=proposal_id)
    raw = bytes.fromhex(told.digest.removeprefix("sha256:"))
    return Left(receipt_key(told.ledger, told.id), raw, told.id, told.tenant or "", outcome)


Seen = tuple[str, str, str, str | None, str | None]


def _history(*seen: Seen, statuses: Mapping[str, Status] = {}, at: str = stamp(NOW)) -> History:
    """Return a history with the receipts that go with what the ledger says."""
    stand = {handle: statuses.get(handle, Status.APPLIED) for handle in ASKED}
    told = {Status.APPLIED: "applied", Status.CONFLICT: "conflict"}
    return History(
        effects=[Effect(n, *effect, at) for n, effect in enumerate(seen)],
        receipts=[_left(handle, told[status]) for handle, status in stand.items() if status in told],
        records=[_record(handle, status) for handle, status in stand.items()],
        operators=OPERATORS,
        asked=ASKED,
    )


def _judged(*seen: Seen, statuses: Mapping[str, Status] = {}) -> list[str]:
    return violations(_history(*seen, statuses=statuses))


def test_a_true_history_is_one_without_violations() -> None:
    assert _judged(*TRUE) == []
    assert _judged(*TRUE[:3], statuses={GONE: Status.CONFLICT}) == []


@pytest.mark.parametrize("left_out", range(len(TRUE)))
def test_a_change_that_is_not_whole_is_found(left_out: int) -> None:
    assert any("reported applied" in v for v in _judged(*TRUE[:left_out], *TRUE[left_out + 1 :]))


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (("update", "b", "acme", "mark 1", "mark 1"), "double effect"),
        (("insert", "c", "acme", None, "mark 2"), "double effect"),
        (("delete", "c", "acme", "mark 2", None), "nobody's request"),
        (("update", "c", "acme", "mark 2", None), "nobody's request"),
        (("update", "c", "acme", "mark 2", "mark 1"), "reported applied to"),
        (("update", "c", "globex", "mark 2", "mark 1"), "another tenant"),
        (("update", "c", "acme", "mark 2", "mark 2"), "did update where it was to insert"),
        (("update", "c", "acme", None, "mark 1"), "lost update"),
    ],
)
def test_an_effect_too_many_is_found(more: Seen, word: str) -> None:
    assert any(word in v for v in _judged(*TRUE[:3], more, *TRUE[3:]))


@pytest.mark.parametrize("handle", ASKED)
def test_an_effect_of_what_was_reported_as_not_applied_is_found(handle: str) -> None:
    assert any("has effects" in v for v in _judged(*TRUE, statuses={handle: Status.CONFLICT}))
    assert any("never settled" in v for v in _judged(*TRUE, statuses={handle: Status.APPROVED}))


def test_an_effect_after_a_removal_is_found() -> None:
    assert any("which was gone" in v for v in _judged(*TRUE[:3], TRUE[3], TRUE[4], TRUE[2]))


def test_an_effect_without_a_signature_that_counts_is_found() -> None:
    stranger = person().operator
    found = violations(replace(_history(*TRUE), operators={"leo": stranger}))
    assert sum("no valid approval" in v for v in found) == len(ASKED)


def test_an_approval_of_another_digest_than_the_one_that_is_computed_again_is_found() -> None:
    true = _history(*TRUE)
    first, *others = true.records
    altered = replace(first, proposal=replace(first.proposal, nonce="m" * 32))
    found = violations(replace(true, records=[altered, *others]))
    assert [v for v in found if "no valid approval" in v] == [f"{SET} has an effect and no valid approval"]
    assert [v for v in found if "another key" in v] == [f"{SET} has a receipt of another key, digest or tenant"]


@pytest.mark.parametrize("hours", [-1, 24, 100])
def test_an_effect_before_its_approval_or_after_the_end_of_it_is_found(hours: int) -> None:
    found = violations(_history(*TRUE, at=stamp(NOW + dt.timedelta(hours=hours))))
    assert sum("when no approval counted" in v for v in found) == len(TRUE)


def test_receipts_that_are_missing_doubled_or_of_something_else_are_found() -> None:
    true = _history(*TRUE)
    first, *others = true.receipts

    def judged(*receipts: Left) -> list[str]:
        return violations(replace(true, receipts=receipts))

    assert judged(*others) == [f"{SET} has an effect and no receipt of it"]
    assert judged(first, *true.receipts) == [f"{SET} has 2 receipts"]
    assert judged(replace(first, outcome="conflict"), *others) == [f"{SET} has an effect and no receipt of it"]
    for other in ({"key": b"k" * 32}, {"digest": b"d" * 32}, {"tenant": "globex"}):
        assert judged(replace(first, **other), *others) == [f"{SET} has a receipt of another key, digest or tenant"]
    stray = replace(first, proposal="wrp_" + "9" * 20)
    assert judged(stray, *true.receipts) == [f"receipt of nobody's proposal {stray.proposal}"]


def test_a_receipt_of_what_never_happened_is_found() -> None:
    without = _history(*TRUE[:3], statuses={GONE: Status.CONFLICT})
    told = [*without.receipts[:2], _left(GONE)]
    found = violations(replace(without, receipts=told))
    assert f"{GONE} has a receipt and no effect" in found
    assert f"{GONE} is reported conflict and its receipts say ['applied']" in found


def test_a_ledger_that_does_not_hold_and_a_canary_are_found() -> None:
    true = _history(*TRUE)
    assert violations(replace(true, verified=(7, "forged"))) == ["the ledger does not hold: (7, 'forged')"]
    assert violations(replace(true, canaries=["ledger.db"])) == ["a canary is in ledger.db"]


def test_a_proposal_of_which_nobody_was_told_and_a_second_one_of_a_request_are_found() -> None:
    true = _history(*TRUE)
    assert violations(replace(true, strangers=["wrp_x"])) == ["nobody who asked was told of wrp_x"]
    other = "wrp_" + "4" * 20
    again = replace(true, asked={**ASKED, other: ASKED[SET]})
    for status, found in (
        (Status.REVIEW_REQUIRED, ["2 proposals of one request stand: mark 1"]),
        (Status.SUPERSEDED, []),
    ):
        assert violations(replace(again, records=[_record(other, status), *true.records])) == found


def test_a_canary_in_any_file_of_a_project_is_found(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log").write_bytes(b"nothing CANARY-token more")
    (tmp_path / "clean").write_bytes(b"nothing")
    assert canaries(tmp_path) == ["log"]
