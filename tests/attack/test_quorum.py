"""More than one person decides: each counts once, under any name and with any key, and only as long as they are trusted."""

import asyncio
import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from synapsor.core.moment import stamp
from synapsor.core.outcome import Why
from synapsor.core.proposal import Proposal, Status
from synapsor.core.quorum import counted, one_person
from synapsor.core.review import APPROVAL_LASTS
from synapsor.core.statements import Operator, SignedDecision, sign
from synapsor.errors import DecisionRefused
from synapsor.flow.decider import Named
from synapsor.flow.objection import Intent, may_ask
from synapsor.ledger.store import Ledger
from synapsor.ports import ProposalRecord
from synapsor.testing.clock import TestClock
from synapsor.work.worker import Worker
from tests.deciding import approve, reject
from tests.decisions import NOW, Person, filed, person
from tests.ledger_records import a_decision, undecided
from tests.unit.deciding import FEES, asked, fees

pytestmark = pytest.mark.requirement("approval:quorum")
LATER = NOW + dt.timedelta(hours=25)


async def says_yes(
    ledger: Ledger, proposal: Proposal, who: Person, *others: Person, now: dt.datetime = NOW
) -> ProposalRecord:
    """Let a person approve, at a moment that is the ledger's too; the project trusts the others."""
    clock = ledger._clock
    assert isinstance(clock, TestClock)
    clock.moment = now
    return await approve(
        ledger,
        proposal.id,
        digest=proposal.digest,
        signer=who.signer,
        now=now,
        operators={p.operator.name: p.operator for p in (who, *others)},
    )


def tally(record: ProposalRecord, *people: Person, now: dt.datetime = NOW) -> list[str]:
    """Return whose approvals count."""
    trusted = {p.operator.name: p.operator for p in people}
    found = counted(record.decisions, record.proposal, trusted, ledger=record.proposal.ledger, now=stamp(now))
    return sorted(signed.decision.operator for signed in found)


async def test_a_proposal_stays_in_review_until_the_quorum_is_reached_and_its_job_is_filed_with_the_last_approval() -> (
    None
):
    ledger, proposal = await filed(quorum=2)
    leo, mia = person(), person("mia")
    first = await says_yes(ledger, proposal, leo, mia)
    assert (first.status, first.job, tally(first, leo, mia)) == (Status.REVIEW_REQUIRED, None, ["leo"])
    second = await says_yes(ledger, proposal, mia, leo)
    assert (second.status, tally(second, leo, mia)) == (Status.APPROVED, ["leo", "mia"])
    assert second.job is not None
    assert second.job.lead.decision == second.decisions[-1].decision.id
    assert [event["kind"] for event in second.events][-2:] == ["approval_recorded", "proposal_approved"]
    assert (await ledger.verify()).ok


async def test_the_same_person_twice_is_refused_and_counts_once() -> None:
    ledger, proposal = await filed(quorum=2)
    leo = person()
    await says_yes(ledger, proposal, leo)
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(ledger, proposal, leo)
    assert refused.value.rule == "already_counted"
    record = await ledger.proposal(proposal.id)
    assert record is not None
    assert (record.status, len(record.decisions)) == (Status.REVIEW_REQUIRED, 1)
    assert record.events[-1]["kind"] == "decision_refused"


@pytest.mark.parametrize(
    ("name", "principals"), [("leo2", ("leo",)), ("LEO", ()), ("someone", ("le\u200bo.bots",)), ("l\u00ade\u00ado", ())]
)
async def test_another_key_of_the_same_person_is_refused(name: str, principals: tuple[str, ...]) -> None:
    ledger, proposal = await filed(quorum=2)
    leo, again = person(principals=("leo.bots",)), person(name, principals=principals)
    await says_yes(ledger, proposal, leo, again)
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(ledger, proposal, again, leo)
    assert (refused.value.rule, refused.value.exit_code) == ("same_person", 5)
    record = await ledger.proposal(proposal.id)
    assert record is not None
    with pytest.raises(DecisionRefused) as refused:
        await may_ask(
            ledger,
            record,
            Intent(
                verdict="approve",
                who=Named(operator=again.operator),
                operators={"leo": leo.operator, name: again.operator},
                now=NOW,
            ),
        )
    assert refused.value.rule == "same_person"


async def test_a_revoked_key_counts_no_more_and_another_persons_approval_is_needed() -> None:
    ledger, proposal = await filed(quorum=2)
    leo, mia, kim = person(), person("mia"), person("kim")
    await says_yes(ledger, proposal, leo, mia, kim)
    gone = replace(leo, operator=replace(leo.operator, revoked=True))
    second = await says_yes(ledger, proposal, mia, gone, kim)
    assert (second.status, second.job, tally(second, gone, mia)) == (Status.REVIEW_REQUIRED, None, ["mia"])
    third = await says_yes(ledger, proposal, kim, gone, mia)
    assert (third.status, tally(third, gone, mia, kim)) == (Status.APPROVED, ["kim", "mia"])


async def test_nobody_counts_who_is_not_trusted_here() -> None:
    ledger, proposal = await filed(quorum=2)
    stranger, mia = person("stranger"), person("mia")
    await says_yes(ledger, proposal, stranger)
    record = await says_yes(ledger, proposal, mia)
    assert (record.status, record.job) == (Status.REVIEW_REQUIRED, None)


async def test_an_approval_that_has_expired_counts_no_more_and_may_be_given_again() -> None:
    ledger, proposal = await filed(quorum=2)
    leo, mia = person(), person("mia")
    await says_yes(ledger, proposal, leo, mia)
    second = await says_yes(ledger, proposal, mia, leo, now=LATER)
    assert (second.status, tally(second, leo, mia, now=LATER)) == (Status.REVIEW_REQUIRED, ["mia"])
    third = await says_yes(ledger, proposal, leo, mia, now=LATER)
    assert (third.status, tally(third, leo, mia, now=LATER)) == (Status.APPROVED, ["leo", "mia"])


@pytest.mark.requirement("approval:reject-is-final")
async def test_one_rejection_is_final_whatever_was_approved_before() -> None:
    ledger, proposal = await filed(quorum=3)
    leo, mia, kim = person(), person("mia"), person("kim")
    await says_yes(ledger, proposal, leo, mia, kim)
    record = await reject(ledger, proposal.id, digest=proposal.digest, signer=mia.signer, now=NOW, reason="No.")
    assert (record.status, record.job) == (Status.REJECTED, None)
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(ledger, proposal, kim, leo, mia)
    assert refused.value.rule == "already_decided"


async def test_who_approved_may_still_reject() -> None:
    ledger, proposal = await filed(quorum=2)
    leo = person()
    await says_yes(ledger, proposal, leo)
    record = await reject(
        ledger, proposal.id, digest=proposal.digest, signer=leo.signer, now=NOW, reason="I was wrong."
    )
    assert record.status is Status.REJECTED


def signed(proposal: Proposal, who: Person) -> SignedDecision:
    """Return an approval as another process may have made it."""
    decision = a_decision(
        proposal, operator=who.operator.name, at=stamp(NOW), expires_at=stamp(NOW + APPROVAL_LASTS)
    ).decision
    return SignedDecision(decision=decision, signature=sign(decision, who.key))


async def test_two_keys_of_one_person_that_are_both_on_record_count_once() -> None:
    ledger, proposal = await filed(quorum=2)
    leo, again = person(principals=("leo.bots",)), person("leonie", principals=("leo.bots",))
    first, second = signed(proposal, leo), signed(proposal, again)
    await ledger.decide(first, job=None, counted=undecided(proposal), complete=False)
    record = await ledger.decide(second, job=None, counted={proposal.id: (first.decision.id,)}, complete=False)
    assert len(record.decisions) == 2
    assert len(tally(record, leo, again)) == 1


async def test_two_names_with_one_key_count_once() -> None:
    """A project refuses such entries when it reads them; who counts does not rest on that."""
    ledger, proposal = await filed(quorum=2)
    leo, mia = person(), person("mia")
    double = Person(operator=replace(mia.operator, key=leo.operator.key), key=leo.key)
    first, second = signed(proposal, leo), signed(proposal, double)
    await ledger.decide(first, job=None, counted=undecided(proposal), complete=False)
    record = await ledger.decide(second, job=None, counted={proposal.id: (first.decision.id,)}, complete=False)
    assert len(tally(record, leo, double)) == 1
    logins = [replace(who.operator, key=None) for who in (leo, mia)]
    assert not one_person(*logins), "no key is no key in common"


async def test_the_ledger_itself_takes_no_second_approval_of_one_operator_and_none_that_others_were_not_counted_for() -> (
    None
):
    ledger, proposal = await filed(quorum=2)
    leo, mia = person(), person("mia")
    first = signed(proposal, leo)
    await ledger.decide(first, job=None, counted=undecided(proposal), complete=False)
    for who, seen, rule in ((leo, (first.decision.id,), "already_counted"), (mia, (), "decided_meanwhile")):
        with pytest.raises(DecisionRefused) as refused:
            await ledger.decide(signed(proposal, who), job=None, counted={proposal.id: seen}, complete=False)
        assert refused.value.rule == rule


@pytest.mark.parametrize("quorum", [2, 5, 10])
async def test_people_who_approve_at_the_same_moment_are_all_counted_and_file_one_job(quorum: int) -> None:
    ledger, proposal = await filed(quorum=quorum)
    people = [person(f"p{n}") for n in range(quorum)]
    await asyncio.gather(*(says_yes(ledger, proposal, who, *people) for who in people))
    record = await ledger.proposal(proposal.id)
    assert record is not None
    assert (record.status, len(record.decisions)) == (Status.APPROVED, quorum)
    assert record.job is not None
    assert tally(record, *people) == sorted(p.operator.name for p in people)


async def test_a_policys_key_is_no_person() -> None:
    ledger, proposal = await filed(quorum=2)
    robot, mia = person("robot", "billing_lead", "policy_signer"), person("mia")
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(ledger, proposal, robot, mia)
    assert refused.value.rule == "no_person"


async def test_the_worker_verifies_every_approval_of_the_quorum_again() -> None:
    async with fees() as trial:
        envelope = await asked(trial, 0)
        assert envelope["proposal"]["needs"] == {"role": "boss", "people": 2}
        assert (await trial.approve(envelope, by="ann")).status is Status.REVIEW_REQUIRED
        assert (await trial.approve(envelope, by="bob")).status is Status.APPROVED
        ann: Operator = trial.operators["ann"]
        trial.operators["ann"] = replace(ann, revoked=True)
        assert [(r["outcome"], r["code"]) for r in await trial.apply()] == [("failed", Why.QUORUM_MISSING.value)]
        assert trial.database.rows("SELECT late_fee_cents FROM invoices WHERE id = 'INV-3001'") == [(5500,)]


async def test_a_change_that_two_people_approved_is_applied() -> None:
    async with fees() as trial:
        envelope = await asked(trial, 0)
        await trial.approve(envelope, by="ann")
        await trial.approve(envelope, by="bob")
        assert [r["outcome"] for r in await trial.apply()] == ["applied"]


async def test_an_approval_of_the_quorum_that_lapses_before_the_commit_ends_it_whoever_approved_last() -> None:
    async with fees(FEES.replace("expires_hours: 24", "expires_hours: 48")) as trial:
        envelope = await asked(trial, 0)
        await trial.approve(envelope, by="ann")
        trial.clock.move(hours=23)
        await trial.approve(envelope, by="bob")

        async def lapses(point: str) -> None:
            if point == "apply.row_checked":
                trial.clock.move(hours=1)

        reports: list[Mapping[str, Any]] = []
        bench = replace(trial.bench(), reached=lapses)
        await Worker(name="trial", bench=bench, report=reports.append).run(drain=True)
        assert [(r["outcome"], r["code"]) for r in reports] == [("failed", Why.APPROVAL_EXPIRED.value)]
        assert trial.database.rows("SELECT late_fee_cents FROM invoices WHERE id = 'INV-3001'") == [(5500,)]


async def test_the_shortest_approval_of_the_quorum_ends_it() -> None:
    async with fees(FEES.replace("expires_hours: 24", "expires_hours: 48")) as trial:
        envelope = await asked(trial, 0)
        await trial.approve(envelope, by="ann")
        trial.clock.move(hours=23)
        await trial.approve(envelope, by="bob")
        trial.clock.move(hours=1)
        assert [(r["outcome"], r["code"]) for r in await trial.apply()] == [("failed", Why.QUORUM_MISSING.value)]
