"""People steer the worker by what they sign: a job that was given up, a change that is canceled, a source that rests."""

import pytest

from synapsor.core.instructions import PauseState
from synapsor.core.outcome import Outcome, Why
from synapsor.core.steering import standing, state_words
from synapsor.errors import DecisionRefused, Failure, SourceFailure
from synapsor.work.pace import Pace
from synapsor.work.pauses import Pauses
from tests.attack.shop import WAIVER, Shop
from tests.attack.steered import TWICE, at, busy, given_up, person, revoke, say, turn


@pytest.mark.requirement("steer:given-up")
@pytest.mark.one_engine
async def test_a_job_that_was_tried_too_often_is_given_up_and_nobody_takes_it(shop: Shop) -> None:
    before = shop.invoice()
    proposal = await given_up(shop)
    assert (await shop.work(), await shop.status(proposal)) == ([], "approved")
    assert (shop.invoice(), shop.receipts()) == (before, 0)
    await shop.waiver("INV-3002")
    assert await shop.work() == [("applied", "")]
    parked = standing((await shop.record(proposal)).together).parked
    assert parked is not None
    assert (parked.attempts, parked.code) == (2, "busy")
    assert (await shop.ledger.verify()).ok


@pytest.mark.requirement("steer:given-up")
@pytest.mark.one_engine
async def test_before_a_job_is_given_up_its_source_is_asked_and_what_it_says_counts(shop: Shop) -> None:
    proposal = await shop.waiver()

    async def lost(point: str) -> None:
        if point == "apply.committed":
            raise RuntimeError

    assert await shop.work(reached=lost, pace=Pace(attempts=1, backoff_seconds=0)) == [("already_applied", "")]
    assert await shop.status(proposal) == "applied"


@pytest.mark.requirement("steer:requeue")
@pytest.mark.one_engine
async def test_a_job_that_is_requeued_begins_its_attempts_anew_and_is_applied(shop: Shop) -> None:
    proposal = await given_up(shop)
    await say(shop, "requeue", proposal)
    assert await shop.work(reached=busy, pace=TWICE) == [("retry", "busy"), ("parked", "busy")]
    await say(shop, "requeue", proposal)
    assert await shop.work() == [("applied", "")]
    assert (await shop.ledger.verify()).ok


@pytest.mark.requirement("steer:requeue")
@pytest.mark.one_engine
async def test_only_a_job_that_was_given_up_is_requeued_or_discarded(shop: Shop) -> None:
    proposal = await shop.waiver()
    for verb in ("requeue", "discard"):
        with pytest.raises(DecisionRefused) as refused:
            await say(shop, verb, proposal)
        assert refused.value.rule == "not_given_up"
    assert await shop.work() == [("applied", "")]


@pytest.mark.requirement("steer:requeue")
@pytest.mark.one_engine
async def test_a_requeue_by_somebody_who_is_trusted_no_more_lets_nothing_be_tried(shop: Shop) -> None:
    proposal = await given_up(shop)
    opal = person(shop)
    await say(shop, "requeue", proposal, by=opal)
    revoke(shop, "opal")
    assert await shop.work() == [("parked", "job_parked")]
    await say(shop, "requeue", proposal, by=person(shop, "otto"))
    assert await shop.work() == [("applied", "")]


@pytest.mark.requirement("steer:cancel")
async def test_what_is_canceled_is_recorded_in_its_source_and_not_applied(shop: Shop) -> None:
    before, proposal = shop.invoice(), await shop.waiver()
    await say(shop, "cancel", proposal)
    assert await shop.status(proposal) == "approved"
    assert await shop.work() == [("canceled", "canceled")]
    assert await shop.status(proposal) == "canceled"
    assert shop.invoice() == before
    assert shop.rows("SELECT outcome FROM {synapsor_receipts}") == [("canceled",)]
    assert (await shop.ledger.verify()).ok


@pytest.mark.requirement("steer:discard")
@pytest.mark.one_engine
async def test_what_is_discarded_is_canceled_in_its_source(shop: Shop) -> None:
    proposal = await given_up(shop)
    await say(shop, "discard", proposal)
    assert await shop.work() == [("canceled", "discarded")]
    assert (await shop.status(proposal), shop.receipts()) == ("canceled", 1)


@pytest.mark.requirement("steer:given-up")
@pytest.mark.one_engine
async def test_a_supervised_worker_takes_no_job_either_that_was_given_up(shop: Shop) -> None:
    proposal = (await shop.record(await given_up(shop))).proposal
    await shop.waiver("INV-3002")
    permits = frozenset({(proposal.contract, proposal.capability)})
    assert await shop.work(permits=permits) == [("applied", "")]
    assert await shop.status(proposal.id) == "approved"


@pytest.mark.requirement("steer:cancel", "steer:told")
@pytest.mark.one_engine
async def test_a_cancel_that_its_source_has_no_room_for_is_given_up_and_tried_again_when_it_is_requeued(
    shop: Shop,
) -> None:
    proposal = await shop.waiver()
    await say(shop, "cancel", proposal)

    async def no_room(point: str) -> None:
        if point == "apply.verdict_begun":
            raise SourceFailure(Failure.BUSY)

    assert await shop.work(reached=no_room, pace=TWICE) == [("retry", "busy"), ("parked", "busy")]
    words = "It is to be canceled, and its job was given up after 2 attempts (busy): an operator must requeue it."
    assert state_words((await shop.record(proposal)).together) == words
    await say(shop, "requeue", proposal)
    assert await shop.work() == [("canceled", "canceled")]


@pytest.mark.requirement("steer:cancel")
@pytest.mark.one_engine
async def test_a_cancel_that_comes_while_a_worker_applies_is_too_late_and_that_is_told(shop: Shop) -> None:
    proposal = await shop.waiver()
    cancel = at("apply.before_commit", lambda: say(shop, "cancel", proposal))
    assert await shop.work(reached=cancel) == [("applied", "")]
    record = await shop.record(proposal)
    assert record.status.value == "applied"
    assert state_words(record.together) == "It was to be canceled, and that came too late."


@pytest.mark.requirement("steer:cancel")
@pytest.mark.one_engine
async def test_a_cancel_finds_that_the_source_holds_the_change_and_the_change_counts(shop: Shop) -> None:
    proposal = await shop.waiver()

    async def dies(point: str) -> None:
        if point == "apply.committed":
            raise RuntimeError

    assert await shop.attempt(reached=dies) == [("retry", "internal")]
    await say(shop, "cancel", proposal)
    assert await shop.work() == [("already_applied", "")]
    assert await shop.status(proposal) == "applied"


@pytest.mark.requirement("steer:cancel")
@pytest.mark.one_engine
async def test_a_job_that_is_canceled_on_its_last_attempt_is_not_given_up_but_canceled(shop: Shop) -> None:
    proposal = await shop.waiver()

    async def cancels(point: str) -> None:
        if point == "apply.begun":
            await say(shop, "cancel", proposal)
            await busy(point)

    assert await shop.work(reached=cancels, pace=Pace(attempts=1, backoff_seconds=0)) == [
        ("retry", "busy"),
        ("canceled", "canceled"),
    ]


@pytest.mark.requirement("steer:who")
@pytest.mark.one_engine
async def test_who_may_decide_on_it_may_cancel_it_and_nobody_else_but_an_operator(shop: Shop) -> None:
    proposal = await shop.waiver()
    for name, role in (("cleo", "contract_reviewer"), ("sam", "policy_steward")):
        with pytest.raises(DecisionRefused) as refused:
            await say(shop, "cancel", proposal, by=person(shop, name, role))
        assert refused.value.rule == "role_missing"
    with pytest.raises(DecisionRefused) as refused:
        await say(shop, "cancel", proposal, by=person(shop, "support_agent_17", "billing_lead"))
    assert refused.value.rule == "own_request"
    await say(shop, "cancel", proposal, by=person(shop, "leo"))
    assert await shop.work() == [("canceled", "canceled")]


@pytest.mark.requirement("steer:who")
@pytest.mark.one_engine
async def test_who_decides_on_changes_neither_requeues_nor_discards(shop: Shop) -> None:
    proposal = await given_up(shop)
    for verb in ("requeue", "discard"):
        with pytest.raises(DecisionRefused) as refused:
            await say(shop, verb, proposal, by=person(shop, "leo"))
        assert refused.value.rule == "role_missing"
    assert await shop.work() == []


@pytest.mark.requirement("steer:cancel")
@pytest.mark.one_engine
async def test_a_cancel_by_somebody_who_is_trusted_no_more_holds_the_change(shop: Shop) -> None:
    before, proposal = shop.invoice(), await shop.waiver()
    await say(shop, "cancel", proposal)
    revoke(shop, "opal")
    assert await shop.work() == [("parked", "cancel_unproven")]
    words = state_words((await shop.record(proposal)).together)
    assert words.startswith(
        "It is to be canceled, which nobody who is trusted now has signed, and its job was given up"
    )
    assert "must cancel it again" in words
    assert (shop.invoice(), shop.receipts(), await shop.status(proposal)) == (before, 0, "approved")
    await say(shop, "discard", proposal, by=person(shop, "otto"))
    assert await shop.work() == [("canceled", "discarded")]


@pytest.mark.requirement("steer:cancel")
@pytest.mark.one_engine
async def test_what_is_in_review_or_at_its_end_is_not_canceled(shop: Shop) -> None:
    filed = await shop.proposed("billing.propose_note", {"invoice_id": "INV-3001", "note": "Called."})
    with pytest.raises(DecisionRefused, match="waits for review") as refused:
        await say(shop, "cancel", filed["id"])
    assert (refused.value.rule, "reject" in refused.value.fix) == ("nothing_to_cancel", True)
    done = await shop.waiver()
    assert await shop.work() == [("applied", "")]
    with pytest.raises(DecisionRefused) as refused:
        await say(shop, "cancel", done)
    assert refused.value.rule == "nothing_to_cancel"


@pytest.mark.requirement("steer:pause")
@pytest.mark.one_engine
@pytest.mark.parametrize("source", ["shop", ""])
async def test_of_a_source_that_rests_no_job_is_taken_and_it_goes_on_by_itself(shop: Shop, source: str) -> None:
    proposal = await shop.waiver()
    await turn(shop, "paused", source=source)
    assert (await shop.work(), await shop.status(proposal)) == ([], "approved")
    await turn(shop, "running", source=source)
    assert await shop.work() == [("applied", "")]
    assert (await shop.ledger.verify()).ok


@pytest.mark.requirement("steer:pause")
@pytest.mark.one_engine
async def test_another_source_that_rests_holds_nothing(shop: Shop) -> None:
    await shop.waiver()
    await turn(shop, "paused", source="elsewhere")
    assert await shop.work() == [("applied", "")]


@pytest.mark.requirement("steer:pause")
@pytest.mark.one_engine
async def test_what_a_worker_has_in_hand_is_finished_when_its_source_is_paused(shop: Shop) -> None:
    first, second = await shop.waiver(), await shop.waiver("INV-3002")
    pause = at("apply.begun", lambda: turn(shop, "paused"))
    assert await shop.work(reached=pause) == [("applied", "")]
    assert [await shop.status(one) for one in (first, second)] == ["applied", "approved"]


@pytest.mark.requirement("steer:pause")
@pytest.mark.one_engine
async def test_a_pause_that_comes_after_it_was_judged_keeps_the_job_from_being_leased(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = await shop.waiver()
    lease = shop.ledger.lease

    async def later(*given: object, **named: object) -> object:
        monkeypatch.setattr(shop.ledger, "lease", lease)
        await turn(shop, "paused")
        return await lease(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(shop.ledger, "lease", later)
    assert (await shop.work(), await shop.status(proposal)) == ([], "approved")


@pytest.mark.requirement("steer:pause")
@pytest.mark.one_engine
async def test_the_end_of_a_pause_counts_while_whoever_signed_it_is_trusted(shop: Shop) -> None:
    await shop.waiver()
    await turn(shop, "paused")
    await turn(shop, "running")
    revoke(shop, "opal")
    assert await shop.work() == []
    await turn(shop, "running", by=person(shop, "otto"))
    assert await shop.work() == [("applied", "")]


@pytest.mark.requirement("steer:who")
@pytest.mark.one_engine
async def test_nobody_without_the_role_pauses_or_resumes(shop: Shop) -> None:
    for state in ("paused", "running"):
        with pytest.raises(DecisionRefused) as refused:
            await turn(shop, state, by=person(shop, "leo"))
        assert refused.value.rule == "role_missing"


@pytest.mark.requirement("steer:told")
@pytest.mark.one_engine
async def test_an_agent_is_told_what_keeps_an_approved_change_and_that_a_person_called_it_off(shop: Shop) -> None:
    proposal = await given_up(shop)
    told = await shop.call("synapsor.wait_for_decision", {"proposal_id": proposal})
    words = "Its job was given up after 2 attempts (busy): an operator must requeue or discard it."
    assert told["summary"] == f"The proposal is approved. {words}"
    view = told["proposal"]
    assert (view["allowed_next"], view["next_poll_s"]) == (["tell_user", "wait"], 60)
    again = await shop.call(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid next day."})
    assert again["summary"].endswith(f"is approved; nothing new was filed. {words}")
    await say(shop, "discard", proposal, reason="CANARY-reason")
    assert await shop.work() == [("canceled", "discarded")]
    told = await shop.call("synapsor.wait_for_decision", {"proposal_id": proposal})
    view = told["proposal"]
    assert (view["status"], view["outcome"], view["allowed_next"]) == ("canceled", "discarded", ["tell_user"])
    assert told["summary"] == "The proposal is canceled."
    assert "CANARY" not in str(told)
    assert "opal" not in str(told)


@pytest.mark.requirement("steer:told")
@pytest.mark.one_engine
async def test_a_worker_says_once_that_a_source_rests_and_once_that_it_goes_on(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    pauses = Pauses(bench=(await shop.worker()).bench)
    each: tuple[tuple[PauseState, tuple[str, ...]], ...] = (("paused", ()), ("running", ("shop",)))
    for state, going in each:
        await turn(shop, state)
        for _ in range(3):
            assert (await pauses.going(shop.project.deciders())).sources == going
    said = [getattr(record, "action", "") for record in caplog.records]
    assert (said.count("source_paused"), said.count("source_resumed")) == (1, 1)


def test_a_canceled_outcome_leads_to_a_canceled_proposal() -> None:
    assert Outcome.CANCELED.status is not None
    assert Outcome.CANCELED.status.value == Why.CANCELED.value == "canceled"
