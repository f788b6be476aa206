"""Risk and what it asks for: computed from the proposal alone, in exact numbers, and again by whoever approves and applies."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from synapsor.approve.card.terms import terms_behind
from synapsor.approve.terminal.card import render
from synapsor.contract.approval import Case, Span
from synapsor.core.authority import table_for
from synapsor.core.deciding import need_of
from synapsor.core.measure import Images, difference, holds, images, moved, together
from synapsor.core.moment import parse
from synapsor.core.outcome import Why
from synapsor.core.proposal import Proposal
from synapsor.testing import Trial
from tests.cards import card
from tests.unit.deciding import FEES, asked, fees


async def filed(trial: Trial, cents: int, why: str = "goodwill", invoice: str = "INV-3001") -> Proposal:
    record = await trial.ledger.proposal((await asked(trial, cents, why, invoice))["proposal"]["id"])
    assert record is not None
    return record.proposal


@pytest.mark.requirement("approval:risk")
@pytest.mark.parametrize(
    ("cents", "why", "need"),
    [
        (5499, "goodwill", ("low", "lead", 1, 72)),
        (501, "goodwill", ("low", "lead", 1, 72)),
        (500, "goodwill", ("high", "boss", 2, 24)),
        (0, "dispute", ("high", "boss", 2, 24)),
        (5499, "dispute", ("medium", "lead", 1, 72)),
    ],
)
async def test_risk_decides_who_how_many_and_how_long(cents: int, why: str, need: tuple[str, str, int, int]) -> None:
    async with fees() as trial:
        proposal = await filed(trial, cents, why)
        waits = parse(proposal.expires_at) - parse(proposal.at)
        assert waits == dt.timedelta(hours=need[3])
        assert (proposal.risk, proposal.role, proposal.quorum) == need[:3]
        assert proposal.reason_code == why


@pytest.mark.requirement("approval:risk")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"risk": "low"}, Why.NEED_CHANGED),
        ({"quorum": 1}, Why.NEED_CHANGED),
        ({"role": "lead"}, Why.ROLE_CHANGED),
        ({"policy": None}, Why.NEED_CHANGED),
        ({"reason_code": None}, Why.NEED_CHANGED),
        ({"reason_code": "mistake"}, Why.NEED_CHANGED),
        ({"expires_at": "2026-01-03T00:00:00.000001Z"}, Why.NEED_CHANGED),
        ({"workflow": "another"}, Why.WORKFLOW_CHANGED),
        ({"rests_on": (("billing.inspect", "ev_1", "sha256:1"),)}, Why.WORKFLOW_CHANGED),
    ],
)
async def test_what_a_proposal_says_of_its_own_need_is_never_believed(change: dict[str, Any], why: Why) -> None:
    async with fees() as trial:
        proposal = await filed(trial, 0)
        assert not isinstance(table_for(proposal, trial.contract), Why)
        forged = replace(proposal, **change)
        assert table_for(forged, trial.contract) is why
        assert (await terms_behind(trial.ledger, forged, trial.operators)).refusal is why


@pytest.mark.requirement("approval:reason-code")
async def test_a_reason_code_is_one_of_the_list_and_part_of_what_is_signed() -> None:
    async with fees() as trial:
        answer = await trial.call("billing.propose_fee", invoice_id="INV-3001", cents=1, why="because")
        assert answer["error"]["code"] == "invalid_arguments"
        proposal = await filed(trial, 5499)
        assert replace(proposal, reason_code="mistake").digest != proposal.digest


async def test_the_card_tells_reason_risk_quorum_and_policy() -> None:
    async with fees() as trial:
        envelope = await asked(trial, 0)
        await trial.approve(envelope, by="ann")
        record = await trial.ledger.proposal(envelope["proposal"]["id"])
        assert record is not None
        evidence = await trial.ledger.evidence(record.proposal.evidence)
        shown = card(
            record,
            evidence=evidence,
            terms=await terms_behind(trial.ledger, record.proposal, trial.operators),
            now=trial.clock.now(),
            operators=trial.operators,
        )
        text = render(shown)
        for line in (
            "reason code        goodwill",
            "risk               high",
            "2 different people with the role boss, none of them agent",
            "1/2: ann",
            "small_fees",
        ):
            assert line in text
        assert not shown.warnings


# Conditions, in exact numbers.

LIMIT = Span(at_least=0, at_most=100)


@pytest.mark.parametrize(
    ("case", "before", "after", "told"),
    [
        (Case(before=LIMIT), "100", "200", True),
        (Case(before=LIMIT), "100.000000000000000000000000000001", "0", False),
        (Case(after=LIMIT), "1000", "100", True),
        (Case(after=LIMIT), "1000", "-0.01", False),
        (Case(change=LIMIT), "10", "110", True),
        (Case(change=LIMIT), "10", "9", False),
        (Case(change=LIMIT), "9" * 40, "9" * 39 + "8", False),
        (Case(before=LIMIT, after=LIMIT), "100", "101", False),
        (Case(before=LIMIT), None, "1", None),
        (Case(change=LIMIT), None, "1", None),
        (Case(before=LIMIT), "NaN", "1", None),
        (Case(after=LIMIT), "1", "Infinity", None),
        (Case(before=Span(one_of=("open",))), "open", "paid", True),
        (Case(before=Span(one_of=("open",))), "Open", "paid", False),
        (Case(after=Span(one_of=("open",))), "open", None, None),
        (Case(before=LIMIT, after=Span(at_least=5)), None, "4", False),
        (Case(before=LIMIT), "no number", "1", None),
    ],
)
def test_a_condition_holds_does_not_or_cannot_be_told(
    case: Case, before: str | None, after: str | None, told: bool | None
) -> None:
    assert holds(case, "fee", {"fee": (before, after)}) is told


def test_a_column_that_is_not_there_cannot_be_told() -> None:
    assert holds(Case(before=LIMIT), "fee", {}) is None
    assert moved("fee", ({},)) is None


def test_all_together_is_false_before_it_cannot_be_told() -> None:
    assert together([]) is True
    assert together([True, None]) is None
    assert together([None, False]) is False


@pytest.mark.requirement("approval:risk")
@pytest.mark.parametrize("before", [None, "NaN", "1" + "0" * 500])
async def test_what_cannot_be_told_counts_as_risky(before: str | None) -> None:
    async with fees() as trial:
        capability: Any = trial.contract.capabilities["billing.propose_fee"]
        rows: tuple[Images, ...] = ({"late_fee_cents": (before, "0." + "1" * 500)},)
        assert need_of(capability, rows, "goodwill").risk == "high"


@pytest.mark.requirement("approval:risk")
async def test_a_set_is_as_risky_as_its_riskiest_row() -> None:
    async with fees() as trial:
        capability: Any = trial.contract.capabilities["billing.propose_fee"]
        small, large = {"late_fee_cents": ("10", "9")}, {"late_fee_cents": ("9000", "0")}
        assert need_of(capability, (small, small), "goodwill").risk == "low"
        assert need_of(capability, (small, large, small), "goodwill").risk == "high"


def test_a_difference_is_exact_or_is_none() -> None:
    assert difference("0.1", "0.3") == "0.2"
    assert difference("1" + "0" * 500, "0.5") is None
    assert difference(None, "1") is None


def test_a_total_is_the_sum_of_every_difference_whatever_its_sign() -> None:
    rows = (images({"fee": "10"}, {"fee": "4"}), images({"fee": None}, {"fee": "5.5"}), images({"fee": "1"}, {}))
    assert str(moved("fee", rows)) == "11.5"
    assert moved("fee", ({"fee": ("NaN", "1")},)) is None


async def test_without_risk_and_reason_a_proposal_is_of_low_risk() -> None:
    start = FEES.index("    risk:")
    text = FEES[:start] + FEES[FEES.index("    approval:") :].replace(
        ", high: {role: boss, quorum: 2, expires_hours: 24}", ""
    )
    async with fees(text) as trial:
        assert (await filed(trial, 0)).risk == "low"
