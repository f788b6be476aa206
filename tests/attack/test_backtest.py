"""Past proposals decided again: the same policy decides as the worker did, another one is told apart, and nothing is recorded or left out."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synapsor.contract.digest import contract_digest
from synapsor.contract.load import LoadedContract, read_text
from synapsor.core.backtest import Report
from synapsor.core.past import Past
from synapsor.core.redecide import Candidate, Fate
from synapsor.flow.backtest import backtest
from synapsor.testing import Trial
from tests.unit.deciding import FEES, asked, fees

INVOICES = ("INV-3001", "INV-3002", "INV-3005", "INV-3009", "INV-3010")


def candidate(text: str) -> LoadedContract:
    reading = read_text(text, "candidate")
    assert reading.problems == ()
    assert reading.contract is not None
    return LoadedContract(contract=reading.contract, digest=contract_digest(reading.contract), path=__file__)  # type: ignore[arg-type]  # not looked at


async def decided_again(trial: Trial, text: str = FEES, **options: Any) -> Report:
    now = trial.clock.now() + dt.timedelta(seconds=1)
    return await backtest(trial.ledger, [candidate(text)], since=now - dt.timedelta(days=90), until=now, **options)


async def past_of(trial: Trial) -> tuple[Past, ...]:
    found, more = await trial.ledger.past(after=None, since="2000", until="3000", limit=10_000, wanted=lambda *_: True)
    assert more is None
    return found


async def took(trial: Trial, past: Past) -> Fate:
    """Return what the worker made of a proposal, as the ledger has it."""
    if any(decision.policy for decision in past.decisions):
        return Fate(would="policy", policy="billing.small_fees")
    record = await trial.ledger.proposal(past.id)
    assert record is not None
    (facts,) = [event["facts"] for event in record.events if event["kind"] == "policy_deferred"]
    return Fate(would="person", policy="billing.small_fees", why=facts["why"], what=facts["what"], of=facts["of"] or "")


ASKED = st.tuples(
    st.sampled_from(INVOICES),
    st.sampled_from((-6000, -900, -300, -1, 1, 400, 1001)),
    st.sampled_from(("goodwill", "mistake", "dispute")),
)
DAYS = st.lists(st.lists(ASKED, max_size=8), min_size=1, max_size=4)


@given(DAYS, st.integers(1, 4))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@pytest.mark.requirement("policy:backtest-true")
async def test_the_same_policy_decides_of_the_past_as_the_worker_did(
    days: list[list[tuple[str, int, str]]], every: int
) -> None:
    async with fees() as trial:
        for day in days:
            for number, (invoice, change, why) in enumerate(day, start=1):
                ((cents,),) = trial.database.rows(f"SELECT late_fee_cents FROM invoices WHERE id = '{invoice}'")
                answer = await trial.call(
                    "billing.propose_fee", invoice_id=invoice, cents=max(0, int(cents) + change), why=why
                )
                assert answer["ok"] or answer["error"]["code"] == "nothing_to_change"
                if number % every == 0:
                    await trial.apply(automatic=True)
            await trial.apply(automatic=True)
            trial.clock.move(days=1)
        again = Candidate([trial.contract])
        for past in await past_of(trial):
            assert again.redecide(past) == await took(trial, past), past.proposal
        report = await decided_again(trial)
        assert (report.red.count, report.unseen.count, report.stricter.count, report.unknown) == (0, 0, 0, 0)
        assert report.reviews_before == report.reviews_after
