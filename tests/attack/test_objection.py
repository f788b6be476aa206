"""The one judge: whoever is only named is told what deciding refuses them, and nobody is told anything that deciding does not hold to."""

from dataclasses import replace

import pytest

from synapsor.approve.companion.desk import ApprovalDesk
from synapsor.core.proposal import Proposal
from synapsor.core.statements import Operator, Verdict
from synapsor.core.trust import ProgramKey
from synapsor.errors import DecisionRefused
from synapsor.flow.decider import Decider, Named, Unknown
from synapsor.flow.objection import Intent, may_ask, objection, recorded_objection
from synapsor.flow.signing import Signer
from synapsor.ledger.store import Ledger
from synapsor.testing.clock import TestClock
from tests.deciding import approve, reject
from tests.decisions import NOW, Person, filed, person
from tests.sessions import code_voucher, known

LEO, MIA, KIM = person("leo", principals=("leo.bots",)), person("mia"), person("kim", "intern")
PEOPLE = {each.operator.name: each.operator for each in (LEO, MIA, KIM)}


async def objected(
    ledger: Ledger,
    asked: Proposal,
    who: Decider,
    verdict: Verdict = "approve",
    *,
    people: dict[str, Operator] | None = None,
) -> str | None:
    """Return by which rule there is an objection, the same by the record alone unless it is of what the proposal rests on."""
    record = await ledger.proposal(asked.id)
    assert record is not None
    intent = Intent(verdict=verdict, who=who, operators=people or PEOPLE, now=NOW)
    found, short = await objection(ledger, record, intent), recorded_objection(record, intent, ledger=ledger.id)
    rule = found.rule if found is not None else None
    assert (short.rule if short is not None else None) == (None if rule == "would_not_apply" else rule)
    return rule


async def decided(ledger: Ledger, asked: Proposal, who: Person, verdict: Verdict) -> str | None:
    """Return by which rule a person is refused who decides with their key, or None."""
    signer = who.signer
    common = {"digest": asked.digest, "signer": signer, "now": NOW, "operators": PEOPLE}
    try:
        if verdict == "approve":
            await approve(ledger, asked.id, mode="writeback", **common)  # type: ignore[arg-type]
        else:
            await reject(ledger, asked.id, reason="No.", **common)  # type: ignore[arg-type]
    except DecisionRefused as refused:
        return refused.rule
    return None


CASES: dict[str, tuple[dict[str, object], Person, Verdict, str | None]] = {
    "nothing": ({}, MIA, "approve", None),
    "another role": ({}, KIM, "approve", "role_missing"),
    "their own request": ({"principal": "leo.bots"}, LEO, "reject", "own_request"),
    "they have approved it": ({"quorum": 2}, LEO, "approve", "already_counted"),
    "whoever has approved may reject": ({"quorum": 2}, LEO, "reject", None),
    "it takes a code that they have not": ({"step_up": True}, MIA, "approve", "no_codes"),
    "a rejection takes none": ({"step_up": True}, MIA, "reject", None),
    "it is past": ({"expires_at": "2026-11-23T12:00:00.000000Z"}, MIA, "reject", "expired"),
    "the worker would not apply it": ({"contract": "sha256:" + "0" * 64}, MIA, "approve", "would_not_apply"),
    "what is not applied may be rejected": ({"contract": "sha256:" + "0" * 64}, MIA, "reject", None),
}


@pytest.mark.requirement("approval:one-judge")
@pytest.mark.parametrize("case", CASES)
async def test_who_is_named_is_told_before_what_they_are_refused_with_their_key(case: str) -> None:
    changes, who, verdict, rule = CASES[case]
    ledger, asked = await filed(**changes)
    if "approved" in case:
        assert await decided(ledger, asked, LEO, "approve") is None
    assert await objected(ledger, asked, Named(operator=who.operator), verdict) == rule
    assert await objected(ledger, asked, who.signer, verdict) == rule
    assert await decided(ledger, asked, who, verdict) == rule


@pytest.mark.requirement("approval:one-judge")
async def test_whoever_is_not_trusted_any_more_and_whoever_has_another_key_is_told_nothing_else() -> None:
    ledger, asked = await filed(principal="leo")
    gone = {**PEOPLE, "leo": replace(LEO.operator, revoked=True)}
    assert await objected(ledger, asked, Named(operator=LEO.operator), people=gone) == "operator_revoked"
    assert await objected(ledger, asked, Signer(operator=LEO.operator, key=MIA.key), people=gone) == "wrong_key"


@pytest.mark.requirement("approval:one-judge")
async def test_of_whom_nobody_knows_only_the_proposal_is_judged_and_the_refusal_is_recorded_as_nobodys() -> None:
    ledger, asked = await filed(role="nobody_has_it")
    assert await objected(ledger, asked, Unknown()) is None
    ledger, asked = await filed(contract="sha256:" + "0" * 64)
    record = await ledger.proposal(asked.id)
    assert record is not None
    with pytest.raises(DecisionRefused) as refused:
        await may_ask(ledger, record, Intent(verdict="approve", who=Unknown(), operators=PEOPLE, now=NOW))
    assert refused.value.rule == "would_not_apply"
    record = await ledger.proposal(asked.id)
    assert record is not None
    attempt = await ledger.find(record.events[-1]["records"]["refused_decision"][0])
    assert attempt is not None
    assert (attempt["body"]["operator"], attempt["body"]["rule"]) == ("?", "would_not_apply")


@pytest.mark.requirement("approval:one-judge")
async def test_through_a_prompt_there_is_a_code_for_either_verdict_and_a_contract_that_allows_it() -> None:
    ledger, asked = await filed()
    prompt = Named(operator=MIA.operator, by_prompt=True)
    assert [await objected(ledger, asked, prompt, verdict) for verdict in ("approve", "reject")] == [
        "not_by_prompt"
    ] * 2
    ledger, asked = await filed(by_prompt=True)
    assert [await objected(ledger, asked, prompt, verdict) for verdict in ("approve", "reject")] == ["no_codes"] * 2
    people = {**PEOPLE, "mia": known(MIA)}
    assert [await objected(ledger, asked, prompt, verdict, people=people) for verdict in ("approve", "reject")] == [
        None
    ] * 2


@pytest.mark.requirement("approval:one-judge")
async def test_who_has_approved_already_is_told_so_in_a_prompt_and_may_still_reject_there() -> None:
    ledger, asked = await filed(quorum=2, by_prompt=True)
    assert await decided(ledger, asked, LEO, "approve") is None
    vouches = code_voucher("desk")
    people = {**PEOPLE, "leo": known(LEO), "desk": vouches.operator}
    desk = ApprovalDesk(
        ledger=ledger,
        operators=lambda: people,
        modes={"shop": "writeback"},
        voucher=ProgramKey(operator=vouches.operator, key=vouches.key),
        clock=TestClock(NOW),
    )
    against = (await desk.past("leo", asked.id)).against
    assert against is not None
    assert (against.refused.rule, against.rejects) == ("already_counted", True)
