"""Approval by policy: only what was reviewed, only so much a day, only by the worker's own key, and never after a stop."""

import asyncio
import datetime as dt
import re
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synapsor.approve.card.card import card_of
from synapsor.approve.terminal.card import render
from synapsor.contract.approval import PerDay
from synapsor.contract.digest import canonical_body, contract_digest
from synapsor.contract.load import read_text
from synapsor.core.moment import stamp
from synapsor.core.outcome import Why
from synapsor.core.policy import Deferral, PolicyUse, deferral_words, held_of, outside, tripped
from synapsor.core.proposal import Proposal, Status
from synapsor.core.review import policy_digest, verify_approval, verify_policy_approval
from synapsor.core.statements import SignedDecision, sign
from synapsor.core.trust import ProgramKey
from synapsor.errors import DecisionRefused, IntegrityError, LedgerFailure
from synapsor.flow.activate import activate
from synapsor.flow.automatic import approve_by_policy, running
from synapsor.flow.permitted import permitted
from synapsor.flow.signing import Signer
from synapsor.flow.throw import switch, throw
from synapsor.ledger.store import Ledger
from synapsor.ports import ProposalRecord
from synapsor.testing import Trial
from tests.decisions import with_row
from tests.ledger_records import a_decision, a_job, a_use, file_one
from tests.unit.deciding import FEES, asked, fees


async def applied(trial: Trial) -> list[tuple[str, str]]:
    """Let the worker approve by policy and apply; return outcome and code of each job."""
    return [(r["outcome"], r["code"]) for r in await trial.apply(automatic=True)]


async def deferred(trial: Trial, envelope: dict[str, Any]) -> dict[str, Any] | None:
    """Return why a policy left a proposal to a person."""
    record = await trial.ledger.proposal(envelope["proposal"]["id"])
    assert record is not None
    told = [event["facts"] for event in record.events if event["kind"] == "policy_deferred"]
    assert len(told) <= 1
    return dict(told[0]) if told else None


async def stop(trial: Trial, state: Any = "stopped") -> None:
    signer, now = signer_of(trial), trial.clock.now()
    await throw(trial.ledger, switch(state), signer=signer, operators=trial.operators, now=now, reason="too many")


def signer_of(trial: Trial) -> Signer:
    """Return the person who may do everything, with their key."""
    return Signer(operator=trial.operator, key=trial.key)


def fee(trial: Trial, invoice: str = "INV-3001") -> int:
    return int(trial.database.rows(f"SELECT late_fee_cents FROM invoices WHERE id = '{invoice}'")[0][0])


async def filed(trial: Trial, cents: int = 5400) -> Proposal:
    record = await trial.ledger.proposal((await asked(trial, cents))["proposal"]["id"])
    assert record is not None
    return record.proposal


@pytest.mark.requirement("policy:inside")
async def test_a_small_change_is_approved_by_policy_and_applied() -> None:
    async with fees() as trial:
        envelope = await asked(trial, 5400)
        assert await applied(trial) == [("applied", "")]
        record = await trial.ledger.proposal(envelope["proposal"]["id"])
        assert record is not None
        (signed,) = record.decisions
        assert (signed.decision.operator, signed.decision.role) == ("policy", "policy_signer")
        assert signed.decision.policy == policy_digest(contract_digest(trial.contract), "small_fees")
        assert fee(trial) == 5400
        assert (await trial.ledger.verify()).ok


@pytest.mark.requirement("policy:off-by-default")
async def test_without_the_projects_word_nothing_is_approved_by_policy() -> None:
    async with fees() as trial:
        envelope = await asked(trial, 5400)
        assert await trial.apply() == []
        assert await deferred(trial, envelope) is None


@pytest.mark.requirement("policy:off-by-default")
async def test_what_a_policy_approved_is_not_applied_where_automatic_approval_is_off() -> None:
    async with fees() as trial:
        proposal = await filed(trial)
        assert await by_policy(trial, proposal) == ()
        assert [(r["outcome"], r["code"]) for r in await trial.apply()] == [("failed", Why.POLICY_OFF.value)]
        assert fee(trial) == 5500


async def by_policy(trial: Trial, proposal: Proposal, signer: ProgramKey | None = None) -> Any:
    return await approve_by_policy(
        trial.ledger,
        proposal.id,
        signer=signer or trial.policy_signer(),
        operators=trial.operators,
        now=trial.clock.now(),
    )


@pytest.mark.requirement("policy:inside")
@pytest.mark.parametrize(
    ("cents", "why", "invoice", "reason"),
    [
        (6501, "goodwill", "INV-3001", ("outside", "late_fee_cents")),
        (4499, "goodwill", "INV-3001", ("outside", "late_fee_cents")),
        (6500, "dispute", "INV-3001", ("reason_code", "")),
        (0, "goodwill", "INV-3001", ("high_risk", "")),
        (1, "goodwill", "INV-3004", ("outside", "status")),
    ],
)
async def test_what_is_outside_waits_for_a_person_with_the_reason(
    cents: int, why: str, invoice: str, reason: tuple[str, str]
) -> None:
    async with fees() as trial:
        envelope = await asked(trial, cents, why, invoice)
        assert await applied(trial) == []
        told = await deferred(trial, envelope)
        assert told is not None
        assert (told["policy"], told["why"], told["what"]) == ("small_fees", *reason)
        assert await applied(trial) == []  # and is not looked at again
        assert await deferred(trial, envelope) == told


@pytest.mark.requirement("policy:inside")
async def test_more_than_one_person_is_for_people() -> None:
    async with fees(FEES.replace("quorum: 1,", "quorum: 2,")) as trial:
        envelope = await asked(trial, 5400)
        assert await applied(trial) == []
        told = await deferred(trial, envelope)
        assert told is not None
        assert (told["why"], told["what"]) == ("quorum", "2")


@pytest.mark.requirement("policy:limits")
async def test_what_trips_the_count_of_the_day_waits_for_a_person_and_the_next_day_begins_anew() -> None:
    async with fees() as trial:
        for invoice in ("INV-3001", "INV-3002", "INV-3005", "INV-3009", "INV-3010"):
            await asked(trial, fee(trial, invoice) - 1, invoice=invoice)
        assert [o for o, _ in await applied(trial)] == ["applied"] * 5
        sixth = await asked(trial, 9899, invoice="INV-3013")
        assert await applied(trial) == []
        told = await deferred(trial, sixth)
        assert told is not None
        limit = {n: told[n] for n in ("why", "what", "observed", "proposed", "limit", "of")}
        assert limit == {
            "why": "limit",
            "what": "count",
            "observed": "5",
            "proposed": "1",
            "limit": "5",
            "of": "policy",
        }
        assert "5 + 1, of at most 5" in deferral_words(told)
        trial.clock.move(days=1)
        await asked(trial, 9898, invoice="INV-3013")
        assert await applied(trial) == [("applied", "")]


@pytest.mark.requirement("policy:limits")
async def test_a_total_counts_every_difference_and_says_when_it_is_nearly_used_up() -> None:
    async with fees() as trial:
        first, second, third = (
            await asked(trial, 4600),
            await asked(trial, 3200, invoice="INV-3002"),
            await asked(trial, 3800, invoice="INV-3005"),
        )
        assert [o for o, _ in await applied(trial)] == ["applied", "applied"]
        told = await deferred(trial, third)
        assert told is not None
        assert (told["what"], told["observed"], told["proposed"]) == ("late_fee_cents", "1600", "500")
        kinds = [await kind_of_use(trial, envelope) for envelope in (first, second)]
        assert kinds == ["policy_used", "policy_near_limit"]


async def kind_of_use(trial: Trial, envelope: dict[str, Any]) -> str:
    record = await trial.ledger.proposal(envelope["proposal"]["id"])
    assert record is not None
    return str(next(e["kind"] for e in record.events if "policy_use" in e["records"]))


@pytest.mark.requirement("policy:limits")
async def test_one_row_is_counted_by_itself() -> None:
    async with fees() as trial:
        for cents in (5400, 5300):
            await asked(trial, cents)
            assert await applied(trial) == [("applied", "")]
        third = await asked(trial, 5200)
        assert await applied(trial) == []
        told = await deferred(trial, third)
        assert told is not None
        assert (told["what"], told["of"], told["observed"]) == ("count", "object", "2")
        await asked(trial, 2400, invoice="INV-3002")
        assert await applied(trial) == [("applied", "")]


@pytest.mark.requirement("policy:limits")
async def test_a_new_version_of_the_contract_does_not_begin_a_new_day() -> None:
    async with fees() as trial:
        for cents in (5400, 5300):
            await asked(trial, cents)
            await applied(trial)
        uses = await trial.ledger.policies.uses("billing.small_fees", day=stamp(trial.clock.now())[:10])
        assert [use.totals for use in uses] == [{"late_fee_cents": "100"}, {"late_fee_cents": "100"}]
        assert {use.policy for use in uses} == {"billing.small_fees"}


@pytest.mark.requirement("policy:limits")
async def test_workers_that_approve_at_once_never_go_over_a_limit() -> None:
    async with fees() as trial:
        proposals = []
        for invoice in ("INV-3001", "INV-3002", "INV-3005", "INV-3009", "INV-3010", "INV-3013"):
            answer = await asked(trial, fee(trial, invoice) - 1, invoice=invoice)
            record = await trial.ledger.proposal(answer["proposal"]["id"])
            assert record is not None
            proposals.append(record.proposal)
        await asyncio.gather(*(by_policy(trial, p) for p in proposals for _ in range(3)))
        uses = await trial.ledger.policies.uses("billing.small_fees", day=stamp(trial.clock.now())[:10])
        assert len(uses) == 5


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(-500, 500)), max_size=12),
    st.integers(1, 6),
    st.integers(0, 900),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_sequence_of_uses_goes_over_a_limit(uses: list[tuple[str, int]], count: int, total: int) -> None:
    limit = PerDay(count=count, total={"fee": total}, of="tenant")
    base = a_use_of("a", 0)
    held: list[Any] = []
    for tenant, amount in uses:
        use = a_use_of(tenant, amount)
        before = [one for one in held if one.counted("tenant") == use.counted("tenant")]
        broken, near = tripped(limit, use, held_of(before))
        if broken is None:
            held.append(use)
            assert all(float(one.observed) <= float(one.limit) for one in near)
    assert base.counted("policy") == ""
    for tenant in "ab":
        mine = [use for use in held if use.tenant == tenant]
        assert len(mine) <= count
        assert sum(int(use.totals["fee"]) for use in mine) <= total


def test_a_limit_that_one_approval_fills_is_not_told_as_nearly_used_up() -> None:
    use = a_use_of("a", 0)
    assert tripped(PerDay(count=1, of="object"), use, held_of([])) == (None, [])
    assert [near.what for near in tripped(PerDay(count=2), use, held_of([use]))[1]] == ["count"]


def a_use_of(tenant: str, amount: int) -> Any:
    return PolicyUse(
        id="use_1",
        at="2026-01-01T00:00:00.000000Z",
        day="2026-01-01",
        policy="billing.small",
        proposal="wrp_1",
        decision="dec_1",
        tenant=tenant,
        principal="p",
        object="o",
        totals={"fee": str(abs(amount))},
    )


# The switch.


@pytest.mark.requirement("policy:stop")
async def test_a_stop_counts_at_once_and_a_start_ends_it() -> None:
    async with fees() as trial:
        await stop(trial)
        await asked(trial, 5400)
        assert await applied(trial) == []
        assert await running(trial.ledger, trial.operators) == (False, (await switch_of(trial)))
        await stop(trial, "running")
        assert await applied(trial) == [("applied", "")]


async def switch_of(trial: Trial) -> str:
    newest = await trial.ledger.policies.switch()
    assert newest is not None
    return str(newest.switch.id)


@pytest.mark.requirement("policy:stop")
async def test_what_a_policy_approved_before_the_stop_is_not_applied_after_it() -> None:
    async with fees() as trial:
        assert await by_policy(trial, await filed(trial)) == ()
        await stop(trial)
        assert await applied(trial) == [("failed", Why.POLICY_OFF.value)]
        assert fee(trial) == 5500


@pytest.mark.requirement("policy:stop")
async def test_a_stop_that_comes_between_the_look_and_the_record_prevents_the_approval() -> None:
    async with fees() as trial:
        proposal = await filed(trial)
        signer = trial.policy_signer()
        decision = signed_by_policy(proposal, signer)
        use = a_use(proposal, decision)
        await stop(trial)
        with pytest.raises(DecisionRefused):
            await trial.ledger.policies.approve(
                decision, job=a_job(proposal, decision), use=use, limits=(), switch=None
            )


@pytest.mark.requirement("policy:stop")
async def test_a_switch_that_nobody_trusted_made_stops_too() -> None:
    async with fees() as trial:
        await stop(trial, "running")
        trial.operators["person"] = replace(trial.operator, revoked=True)
        assert (await running(trial.ledger, trial.operators))[0] is False


@pytest.mark.requirement("policy:stop", "approval:policy-told")
async def test_a_card_says_that_no_policy_is_asked_while_automatic_approval_is_stopped() -> None:
    async with fees() as trial:
        record = await trial.ledger.proposal((await filed(trial)).id)
        assert record is not None

        async def told() -> list[str]:
            card = await card_of(trial.ledger, record, operators=trial.operators, now=trial.clock.now())
            return re.findall(r"has not been asked: (.*)", render(card, width=200))

        assert await told() == ["a worker asks it, where the project allows that"]
        await stop(trial)
        assert await told() == ["automatic approval is stopped"]
        await stop(trial, "running")
        assert await told() == ["a worker asks it, where the project allows that"]


@pytest.mark.requirement("policy:stop")
async def test_only_a_steward_throws_the_switch() -> None:
    async with fees() as trial:
        now, operators = trial.clock.now(), trial.operators
        other = replace(signer_of(trial), operator=replace(trial.operator, roles=("boss", "policy_signer")))
        with pytest.raises(DecisionRefused) as refused:
            await throw(trial.ledger, switch("running"), signer=other, operators=operators, now=now, reason="")
        assert refused.value.rule == "role_missing"
        other = replace(signer_of(trial), key=Ed25519PrivateKey.generate())
        with pytest.raises(DecisionRefused) as refused:
            await throw(trial.ledger, switch("running"), signer=other, operators=operators, now=now, reason="")
        assert refused.value.rule == "wrong_key"
        assert await trial.ledger.policies.switch() is None


# The key and what it is bound to.


def signed_by_policy(proposal: Proposal, signer: ProgramKey, **changes: Any) -> SignedDecision:
    fields = {
        "operator": signer.operator.name,
        "role": "policy_signer",
        "at": proposal.at,
        "expires_at": proposal.expires_at,
        "policy": policy_digest(proposal.contract, proposal.policy or ""),
    }
    decision = a_decision(proposal, **{**fields, **changes}).decision
    return SignedDecision(decision=decision, signature=sign(decision, signer.key))


@pytest.mark.requirement("policy:bound")
@pytest.mark.parametrize(
    "change",
    [
        {"policy": policy_digest("sha256:" + "0" * 64, "small_fees")},
        {"policy": None},
        {"policy": "small_fees"},
        {"role": "lead"},
        {"operator": "person"},
        {"digest": "sha256:" + "0" * 64},
        {"ledger": "led_other"},
        {"verdict": "reject"},
    ],
)
async def test_a_policys_approval_is_bound_to_all_that_it_says(change: dict[str, Any]) -> None:
    async with fees() as trial:
        proposal = await filed(trial)
        signer, now = trial.policy_signer(), stamp(trial.clock.now())
        good = signed_by_policy(proposal, signer)
        verify_policy_approval(good, proposal, trial.operators, ledger=trial.ledger.id, now=now)
        bad = signed_by_policy(proposal, signer, **change)
        with pytest.raises(IntegrityError):
            verify_policy_approval(bad, proposal, trial.operators, ledger=trial.ledger.id, now=now)


@pytest.mark.requirement("policy:bound")
async def test_a_policys_approval_is_no_persons_and_a_persons_is_no_policys() -> None:
    async with fees() as trial:
        proposal = await filed(trial)
        now = stamp(trial.clock.now())
        by_key = signed_by_policy(proposal, trial.policy_signer())
        with pytest.raises(IntegrityError):
            verify_approval(by_key, proposal, trial.operators, ledger=trial.ledger.id, now=now)
        person = ProgramKey(operator=trial.operator, key=trial.key)
        in_role = signed_by_policy(proposal, person, role=proposal.role)
        with pytest.raises(IntegrityError, match="no person's"):
            verify_approval(in_role, proposal, trial.operators, ledger=trial.ledger.id, now=now)
        by_person = signed_by_policy(proposal, person)
        with pytest.raises(DecisionRefused):
            verify_policy_approval(by_person, proposal, trial.operators, ledger=trial.ledger.id, now=now)


@pytest.mark.requirement("policy:inside")
async def test_the_ledger_itself_lets_no_policy_stand_for_two_people() -> None:
    async with fees() as trial:
        with pytest.raises(LedgerFailure):
            await force(trial, await filed(trial, 0), trial.policy_signer())


async def force(trial: Trial, proposal: Proposal, signer: ProgramKey) -> None:
    """Record an approval by policy as a worker would that looks at nothing."""
    signed = signed_by_policy(proposal, signer)
    await trial.ledger.policies.approve(
        signed, job=a_job(proposal, signed), use=a_use(proposal, signed), limits=(), switch=None
    )


@pytest.mark.requirement("policy:bound")
async def test_the_worker_computes_again_that_a_proposal_is_inside_of_its_policy() -> None:
    async with fees() as trial:
        await force(trial, await filed(trial, 4000), trial.policy_signer())
        assert await applied(trial) == [("failed", Why.POLICY_CHANGED.value)]
        assert fee(trial) == 5500


@pytest.mark.requirement("policy:bound")
async def test_a_key_that_is_revoked_after_it_signed_applies_nothing() -> None:
    async with fees() as trial:
        signer = trial.policy_signer()
        assert await by_policy(trial, await filed(trial)) == ()
        trial.operators["policy"] = replace(signer.operator, revoked=True)
        assert await applied(trial) == [("failed", "approval_operator_revoked")]


@pytest.mark.requirement("policy:bound")
async def test_a_key_that_is_not_trusted_for_policies_approves_nothing() -> None:
    async with fees() as trial:
        proposal = await filed(trial)
        for roles, revoked in ((("boss",), False), (("policy_signer",), True)):
            signer = trial.policy_signer()
            trial.operators["policy"] = replace(signer.operator, roles=roles, revoked=revoked)
            assert await by_policy(trial, proposal, signer) is None
        other = ProgramKey(operator=trial.policy_signer().operator, key=Ed25519PrivateKey.generate())
        trial.operators["policy"] = replace(other.operator, roles=("policy_signer",), revoked=False)
        assert await by_policy(trial, proposal, other) is None
        record = await trial.ledger.proposal(proposal.id)
        assert record is not None
        assert (record.status, record.decisions) == (Status.REVIEW_REQUIRED, ())
        assert (await trial.apply(), fee(trial)) == ([], 5500)


@pytest.mark.requirement("policy:bound")
async def test_another_contract_activated_meanwhile_ends_what_its_policy_approved() -> None:
    async with fees() as trial:
        assert await by_policy(trial, await filed(trial)) == ()
        text = FEES.replace("count: 5", "count: 6")
        contract = read_text(text, "contract").contract
        assert contract is not None
        await activate(
            trial.ledger,
            contract="billing",
            digest=contract_digest(contract),
            body=canonical_body(contract),
            sources={},
            metadata={},
            signer=signer_of(trial),
            operators=trial.operators,
            now=trial.clock.now(),
        )
        assert await applied(trial) == [("failed", Why.CONTRACT_NOT_ACTIVE.value)]


@pytest.mark.requirement("evidence:digest-checked")
async def test_a_policy_approves_nothing_whose_evidence_is_not_what_it_was_made_from() -> None:
    async with fees() as trial:
        proposal = await filed(trial)

        class Blind(Ledger):
            async def evidence(self, _: str) -> None:
                return None

        trial.ledger.__class__ = Blind
        left = await by_policy(trial, proposal)
        assert left is not None
        assert left.why == "evidence"


@pytest.mark.requirement("undo:people-decide", "policy:inside")
async def test_no_policy_approves_an_undo_not_even_one_that_names_it() -> None:
    async with fees(FEES.replace("    worker: supervised\n", "    undo: reviewed\n")) as trial:
        change = await asked(trial, 5400)
        assert await applied(trial) == [("applied", "")]
        handle = (await trial.undo(change, reason="It was the wrong fee."))["proposal"]["id"]
        assert await applied(trial) == []
        record = await trial.ledger.proposal(handle)
        assert record is not None
        assert record.proposal.policy is None
        assert await by_policy(trial, record.proposal) == Deferral(policy="", why="no_policy")
        forged = replace(record, proposal=replace(record.proposal, policy="small_fees"))

        class Forged(Ledger):
            async def proposal(self, proposal_id: str) -> ProposalRecord | None:
                return forged if proposal_id == handle else await super().proposal(proposal_id)

        trial.ledger.__class__ = Forged
        left = await by_policy(trial, forged.proposal)
        assert left == Deferral(policy="small_fees", why=Why.NEED_CHANGED.value)
        assert await permitted(forged.proposal, trial.ledger, trial.operators) is Why.NEED_CHANGED
        assert fee(trial) == 5400


@pytest.mark.requirement("policy:bound")
async def test_a_use_is_of_its_own_decision() -> None:
    async with fees() as trial:
        proposal, other = await filed(trial), await file_one(trial.ledger, policy="small_fees")
        signed = signed_by_policy(proposal, trial.policy_signer())
        for use in (a_use(other, signed), replace(a_use(proposal, signed), decision="dec_other")):
            with pytest.raises(IntegrityError):
                await trial.ledger.policies.approve(
                    signed, job=a_job(proposal, signed), use=use, limits=(), switch=None
                )
        plain = a_decision(proposal)
        with pytest.raises(IntegrityError):
            await trial.ledger.policies.approve(
                plain, job=a_job(proposal, plain), use=a_use(proposal, plain), limits=(), switch=None
            )


@pytest.mark.requirement("policy:inside")
async def test_a_total_that_cannot_be_told_is_for_a_person() -> None:
    async with fees() as trial:
        proposal = await filed(trial)
        odd = with_row(proposal, before={**proposal.members[0].before, "late_fee_cents": "NaN"})
        told = outside(odd, trial.contract)
        assert told is not None
        assert told.why in {"outside", "high_risk"}


@pytest.mark.requirement("policy:inside")
async def test_what_cannot_be_told_is_outside_of_a_policy() -> None:
    async with fees() as trial:
        proposal = await filed(trial)
        assert outside(proposal, trial.contract) is None
        told = outside(with_row(proposal, before={**proposal.members[0].before, "status": None}), trial.contract)
        assert told is not None
        assert (told.why, told.what) == ("outside", "status")


def test_every_reason_to_leave_it_to_a_person_has_words() -> None:
    words = {
        why: deferral_words({"why": why, "what": "x", "of": None})
        for why in ("no_policy", "settled_by_hand", "high_risk", "quorum", "reason_code", "outside", "total_unknown")
    }
    assert len(set(words.values())) == len(words)
    assert "contract_not_active" in deferral_words({"why": "contract_not_active", "what": "", "of": None})


def test_the_day_is_that_of_utc() -> None:
    late = dt.datetime(2026, 1, 1, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-5)))
    assert stamp(late)[:10] == "2026-01-02"
