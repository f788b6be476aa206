"""Instructions that a person signs with a program of their own, which asks none of the questions that ours does: the ledger and the worker ask them."""

from dataclasses import replace

import pytest

from synapsor.core.instructions import JobVerb
from synapsor.core.statements import SignedInstruction, sign
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.flow.signing import Signer
from synapsor.refusals import Rule
from tests.attack.shop import Shop
from tests.attack.steered import TWICE, given_up, person, say

pytestmark = pytest.mark.one_engine


def leo(shop: Shop) -> Signer:
    return Signer(operator=shop.files.operators["leo"], key=shop.files.keys["leo"])


@pytest.mark.requirement("steer:who")
@pytest.mark.parametrize(("verb", "came"), [("requeue", "job_parked"), ("discard", "cancel_unproven")])
async def test_a_requeue_or_discard_in_the_role_of_who_may_decide_counts_for_nobody(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, verb: JobVerb, came: str
) -> None:
    proposal = await given_up(shop)
    monkeypatch.setattr("synapsor.flow.steering.role_for", lambda *_: "billing_lead")
    await say(shop, verb, proposal, by=leo(shop))
    assert await shop.work(pace=TWICE) == [("parked", came)]
    assert await shop.status(proposal) == "approved"


@pytest.mark.requirement("steer:requeue")
@pytest.mark.parametrize("verb", ["requeue", "discard"])
async def test_the_ledger_itself_takes_no_requeue_of_what_was_not_given_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, verb: JobVerb
) -> None:
    proposal = await shop.waiver()
    monkeypatch.setattr("synapsor.flow.steering._check_open", lambda *_: None)
    with pytest.raises(DecisionRefused) as refused:
        await say(shop, verb, proposal)
    assert refused.value.rule is Rule.NOT_GIVEN_UP
    assert await shop.work() == [("applied", "")]


@pytest.mark.requirement("steer:cancel")
@pytest.mark.parametrize(
    "other",
    [
        {"ledger": "led_other"},
        {"parts": ()},
        {"proposal": "wrp_other"},
    ],
)
async def test_the_ledger_takes_no_cancel_that_is_about_anything_else_than_the_job(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, other: dict[str, object]
) -> None:
    proposal = await shop.waiver()
    opal = person(shop)
    true = shop.ledger.steering.instruct

    async def about_another(signed: SignedInstruction) -> object:
        told = replace(signed.instruction, **other)  # type: ignore[arg-type]
        return await true(SignedInstruction(instruction=told, signature=sign(told, opal.key)))

    monkeypatch.setattr(shop.ledger.steering, "instruct", about_another)
    with pytest.raises(IntegrityError):
        await say(shop, "cancel", proposal, by=opal)
    assert await shop.work() == [("applied", "")]


@pytest.mark.requirement("steer:cancel")
async def test_the_ledger_takes_no_cancel_of_another_moment(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = await shop.waiver()
    monkeypatch.setattr("synapsor.ledger.chain.Book.is_now", lambda *_: False)
    with pytest.raises(DecisionRefused) as refused:
        await say(shop, "cancel", proposal)
    assert refused.value.rule is Rule.CLOCK_MOVED
