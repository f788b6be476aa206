"""What a contract says of a proposal's columns, for the card: units and bounds, or why the worker would refuse it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
import yaml

from synapsor.approve.card.terms import Terms, terms_behind
from synapsor.core.outcome import Why
from synapsor.core.proposal import Proposal
from synapsor.errors import DecisionRefused
from synapsor.flow.permitted import check_applicable
from synapsor.testing import Trial, desk_for
from tests.unit.test_trial import BILLING, SCHEMA, SEED, SESSION, WAIVER


@pytest_asyncio.fixture
async def trial() -> AsyncIterator[Trial]:
    async with desk_for(BILLING, schema=SCHEMA, seed=SEED, session=SESSION) as opened:
        yield opened


async def asked(trial: Trial) -> Proposal:
    envelope = await trial.call("billing.propose_late_fee_waiver", **WAIVER)
    record = await trial.ledger.proposal(envelope["proposal"]["id"])
    assert record is not None
    return record.proposal


async def terms(trial: Trial, proposal: Proposal, **people: Any) -> Terms:
    return await terms_behind(trial.ledger, proposal, people or {trial.operator.name: trial.operator})


async def test_units_and_bounds_are_those_of_the_activated_contract(trial: Trial) -> None:
    assert await terms(trial, await asked(trial)) == Terms(
        units={"late_fee_cents": "cents"},
        bounds={"late_fee_cents": "before the change at most 10000 cents"},
        final="its contract does not say `undo: reviewed`",
    )


@pytest.mark.parametrize(
    ("bound", "rule", "words"),
    [
        ({"before": {"at_least": 1, "at_most": 10000}}, {}, "before the change from 1 to 10000 cents"),
        ({"after": {"at_least": 0, "at_most": 0}}, {}, "after the change exactly 0 cents"),
        ({"change": {"at_least": -9999}}, {}, "difference at least -9999 cents"),
        (
            {"before": {"at_least": 1}, "change": {"at_most": 0}},
            {"minimum": 0, "maximum": 99999},
            "before the change at least 1 cents; difference at most 0 cents; the column takes from 0 to 99999 cents",
        ),
    ],
)
async def test_bounds_are_said_in_plain_words(bound: dict[str, Any], rule: dict[str, Any], words: str) -> None:
    contract = yaml.safe_load(BILLING)
    contract["capabilities"]["billing.propose_late_fee_waiver"]["bounds"] = {"late_fee_cents": bound}
    contract["tables"]["invoices"]["columns"]["late_fee_cents"] |= rule
    async with desk_for(yaml.safe_dump(contract), schema=SCHEMA, seed=SEED, session=SESSION) as trial:
        assert (await terms(trial, await asked(trial))).bounds == {"late_fee_cents": words}


@pytest.mark.requirement("approval:no-tricks")
async def test_nothing_is_taken_from_a_contract_that_the_worker_would_not_believe(trial: Trial) -> None:
    proposal = await asked(trial)
    assert await terms(trial, replace(proposal, contract="sha256:" + "0" * 64)) == Terms(
        refusal=Why.CONTRACT_NOT_ACTIVE
    )
    assert await terms(trial, replace(proposal, role="anybody")) == Terms(refusal=Why.ROLE_CHANGED)
    revoked = replace(trial.operator, revoked=True)
    assert await terms(trial, proposal, **{revoked.name: revoked}) == Terms(refusal=Why.ACTIVATION_INVALID)


@pytest.mark.requirement("approval:could-be-applied")
async def test_nobody_is_asked_to_approve_what_would_never_be_applied_and_what_may_be_mended_is_a_warning(
    trial: Trial,
) -> None:
    proposal, people = await asked(trial), {trial.operator.name: trial.operator}
    again = "Ask the agent to propose it again"
    for never, fix in (
        (replace(proposal, contract="sha256:" + "0" * 64), f"{again}, or extend it under the contract as it is now"),
        (replace(proposal, role="anybody"), f"{again}."),
    ):
        with pytest.raises(DecisionRefused) as refused:
            await check_applicable(never, trial.ledger, people)
        assert (refused.value.rule, refused.value.exit_code) == ("would_not_apply", 3)
        assert refused.value.fix.startswith(fix)
    await check_applicable(proposal, trial.ledger, people)
    revoked = replace(trial.operator, revoked=True)
    await check_applicable(proposal, trial.ledger, {revoked.name: revoked})
