"""One-time codes under attack: given by the person, for one decision, counted before it is looked at, and verified again by the worker."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from synapsor.core.moment import stamp
from synapsor.core.onetime import code_of, meant, proof_of, step_at
from synapsor.core.proposal import Proposal, Status
from synapsor.core.records import to_body
from synapsor.core.review import verify_approval
from synapsor.core.statements import CodeMethod, Operator, SignedDecision, StepUp, sign
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.flow.onetime import TRIES_A_DAY
from synapsor.flow.signing import Signer
from synapsor.ledger.kinds import DECISION
from synapsor.ledger.store import Ledger
from synapsor.ports import ProposalRecord
from synapsor.refusals import Rule
from tests.deciding import approve, reject
from tests.decisions import NOW, PROPOSAL_ID, Person, audit_of, evidence_of, filed, person, proposal
from tests.ledger_records import a_decision
from tests.sessions import SECRET, code_voucher, known, trusted, vouched_session

pytestmark = pytest.mark.requirement("approval:one-time-code")


def code(method: CodeMethod, digest: str = "", *, at: dt.datetime = NOW) -> str:
    return code_of(method, SECRET, meant("approve", digest), step_at(method, stamp(at)))


def proven(method: CodeMethod, digest: str, *, at: dt.datetime = NOW) -> StepUp:
    """Return what is recorded of the right code for a digest."""
    step = step_at(method, stamp(at))
    return StepUp(method=method, step=step, proof=proof_of(method, SECRET, meant("approve", digest), step))


async def another(ledger: Ledger, **changes: Any) -> Proposal:
    """Return a second proposal in review, which takes a code of an authenticator."""
    evidence = {**evidence_of({}), "id": "ev_" + "0" * 19 + "2", "call": "aud_" + "0" * 19 + "2"}
    names = {"id": PROPOSAL_ID[:-1] + "2", "branch": "rb_" + "0" * 19 + "2", "request": "sha256:" + "s" * 64}
    other = proposal(ledger.id, **{"step_up": True, **names, **changes})
    await ledger.file_proposal(other, evidence, audit_of(evidence))
    return other


def with_code(who: Person, given: str) -> Signer:
    return Signer(operator=replace(who.operator, code_secret=SECRET), key=who.key, code=given)


async def says_yes(
    ledger: Ledger,
    asked: Proposal,
    signer: Signer,
    *others: Person | Operator,
    now: dt.datetime = NOW,
) -> ProposalRecord:
    operators = trusted(*others, signer.operator)
    return await approve(
        ledger, asked.id, digest=asked.digest, signer=signer, now=now, mode="writeback", operators=operators
    )


async def refusal(ledger: Ledger, asked: Proposal, signer: Signer, *others: Person | Operator) -> str:
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(ledger, asked, signer, *others)
    return refused.value.rule


async def test_an_approval_that_takes_a_code_keeps_it_and_the_worker_finds_it_right() -> None:
    ledger, asked = await filed(step_up=True)
    leo = person()
    record = await says_yes(ledger, asked, with_code(leo, code("totp")))
    (signed,) = record.decisions
    assert record.status is Status.APPROVED
    assert signed.decision.step_up == proven("totp", asked.digest)
    assert code("totp") not in repr(signed.decision)
    entry = replace(leo.operator, code_secret=SECRET)
    verify_approval(signed, asked, trusted(entry), ledger=ledger.id, now=stamp(NOW))
    for unknown in (leo.operator, replace(entry, code_secret=SECRET[::-1])):
        with pytest.raises(IntegrityError):
            verify_approval(signed, asked, trusted(unknown), ledger=ledger.id, now=stamp(NOW))


async def test_without_the_right_code_nothing_is_approved_and_every_try_is_on_record() -> None:
    ledger, asked = await filed(step_up=True)
    leo = person()
    late = code("totp", at=NOW - dt.timedelta(minutes=2))
    assert await refusal(ledger, asked, with_code(leo, "")) == "code_missing"
    assert await refusal(ledger, asked, with_code(leo, "000000")) == "wrong_code"
    assert await refusal(ledger, asked, with_code(leo, late)) == "wrong_code"
    assert await refusal(ledger, asked, Signer(operator=leo.operator, key=leo.key, code="1")) == "no_codes"
    record = await ledger.proposal(asked.id)
    assert record is not None
    assert record.status is Status.REVIEW_REQUIRED
    tried = [event for event in record.events if event["kind"] == "decision_refused"]
    assert len(tried) == 4


async def test_whoever_guesses_comes_to_an_end_and_then_the_right_code_does_not_help() -> None:
    ledger, asked = await filed(step_up=True)
    leo = person()
    for _ in range(TRIES_A_DAY):
        assert await refusal(ledger, asked, with_code(leo, "000000")) == "wrong_code"
    assert await refusal(ledger, asked, with_code(leo, code("totp"))) == "too_many_codes"


async def test_made_up_codes_for_prompts_keep_nobody_from_deciding_where_the_client_is_not() -> None:
    ledger, asked = await filed(by_prompt=True)
    server, leo = code_voucher(), person()
    made_up = vouched_session(known(leo), server, ledger.id, method="code", code="00000000")
    for _ in range(TRIES_A_DAY):
        assert await refusal(ledger, asked, made_up, server) == "wrong_code"
    assert await refusal(ledger, asked, made_up, server) == "too_many_codes"
    high = await another(ledger)
    record = await says_yes(ledger, high, with_code(leo, code("totp")))
    assert record.status is Status.APPROVED


async def test_a_code_is_good_for_one_decision() -> None:
    ledger, asked = await filed(step_up=True)
    leo = person()
    other = await another(ledger)
    await says_yes(ledger, asked, with_code(leo, code("totp")))
    assert await refusal(ledger, other, with_code(leo, code("totp"))) == "code_used"
    later = NOW + dt.timedelta(seconds=30)
    record = await says_yes(ledger, other, with_code(leo, code("totp", at=later)), now=later)
    assert record.status is Status.APPROVED


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("UPDATE decision SET step_up = NULL", "code_used"),
        ("UPDATE decision SET operator = 'somebody'", "code_used"),
        ("UPDATE decision SET id = 'dec_x'", "records_differ"),
        ("UPDATE decision SET body = replace(body, '\"step\":', '\"step\":1')", "records_differ"),
        ("DELETE FROM decision", "records_differ"),
    ],
)
async def test_a_code_is_good_for_one_decision_though_the_row_that_tells_of_it_is_altered(
    change: str, rule: str
) -> None:
    ledger, asked = await filed(step_up=True)
    leo, other = person(), await another(ledger)
    await says_yes(ledger, asked, with_code(leo, code("totp")))
    raw: Any = ledger._connection._writer  # type: ignore[attr-defined]  # as whoever owns its file has one
    raw.execute("PRAGMA foreign_keys = OFF")
    guards = raw.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for guard in guards:
        raw.execute(f"DROP TRIGGER {guard['name']}")
    raw.execute(change)
    for guard in guards:
        raw.execute(guard["sql"])
    assert await refusal(ledger, other, with_code(leo, code("totp"))) == rule


async def test_a_code_is_one_try_though_somebody_decides_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, asked = await filed(step_up=True)
    real, meanwhile = ledger.decide, [DecisionRefused(Rule.DECIDED_MEANWHILE, "Somebody else decided.", fix="")]

    async def decide(*given: Any, **more: Any) -> ProposalRecord:
        if meanwhile:
            raise meanwhile.pop()
        return await real(*given, **more)

    monkeypatch.setattr(ledger, "decide", decide)
    spend, tries = ledger.spend, list[object]()

    async def counted(spending: Any) -> bool:
        tries.append(spending)
        return await spend(spending)

    monkeypatch.setattr(ledger, "spend", counted)
    record = await says_yes(ledger, asked, with_code(person(), code("totp")))
    assert (record.status, len(tries)) == (Status.APPROVED, 1)


async def test_what_is_remembered_of_decisions_is_forgotten_when_no_code_of_theirs_is_one_of_now() -> None:
    ledger, asked = await filed(step_up=True)
    leo, other = person(), await another(ledger)
    await says_yes(ledger, asked, with_code(leo, code("totp")))
    await ledger.follow()
    assert len(ledger._trust.proven.decided) == 1
    clock: Any = ledger._signer._clock
    clock.move(minutes=16)
    later = NOW + dt.timedelta(minutes=16)
    await says_yes(ledger, other, with_code(leo, code("totp", at=later)), now=later)
    await ledger.follow()
    ((at, _),) = ledger._trust.proven.decided.values()
    assert at == stamp(later)


async def bound(
    ledger: Ledger, asked: Proposal, leo: Person, server: Person, *, at: dt.datetime = NOW
) -> ProposalRecord:
    """Let leo approve through a prompt, with a code for this very proposal."""
    signer = vouched_session(known(leo), server, ledger.id, method="code", code=code("bound", asked.digest, at=at))
    return await says_yes(ledger, asked, signer, server, now=at)


@pytest.mark.requirement("companion:codes-apart")
async def test_two_codes_of_one_minute_that_are_bound_to_two_proposals_decide_both() -> None:
    ledger, asked = await filed(by_prompt=True)
    server, leo = code_voucher(), person()
    other = await another(ledger, step_up=False, by_prompt=True)
    for each in (asked, other):
        record = await bound(ledger, each, leo, server)
        assert (record.status, len(record.decisions)) == (Status.APPROVED, 1)


@pytest.mark.requirement("companion:codes-apart")
def test_a_bound_code_is_used_up_for_its_own_verdict_on_its_own_digest_alone() -> None:
    asked = proposal("led_1")

    def column(**changes: Any) -> str:
        signed = a_decision(asked, **{"step_up": proven("bound", asked.digest), **changes})
        return str(DECISION.columns(to_body(signed))["step_up"])

    first = column()
    assert column() == first
    later = proven("bound", asked.digest, at=NOW + dt.timedelta(minutes=1))
    others = {column(verdict="reject"), column(digest="sha256:" + "1" * 64), column(step_up=later)}
    assert len(others | {first}) == 4
    totp = proven("totp", asked.digest)
    assert column(step_up=totp) == column(step_up=totp, digest="sha256:" + "1" * 64) == f"totp:{totp.step}"


@pytest.mark.parametrize("code_itself", [False, True], ids=["what is recorded of it", "the code itself"])
async def test_what_a_record_or_an_onlooker_has_of_a_code_approves_nothing_else_though_the_key_is_stolen(
    code_itself: bool,
) -> None:
    ledger, asked = await filed(step_up=True)
    leo = person()
    (signed,) = (await says_yes(ledger, asked, with_code(leo, code("totp")))).decisions
    seen = signed.decision.step_up
    assert seen is not None
    step_up = replace(seen, proof=code("totp")) if code_itself else seen
    other = replace(asked, id=PROPOSAL_ID[:-1] + "2")
    decision = replace(signed.decision, proposal=other.id, digest=other.digest, step_up=step_up)
    forged = SignedDecision(decision=decision, signature=sign(decision, leo.key))
    with pytest.raises(IntegrityError, match="does not hold"):
        verify_approval(forged, other, trusted(known(leo)), ledger=ledger.id, now=stamp(NOW))


async def test_the_worker_takes_no_approval_that_lacks_its_code_though_the_persons_key_signed_it() -> None:
    ledger, asked = await filed()
    leo = person()
    record = await says_yes(ledger, asked, leo.signer)
    (signed,) = record.decisions
    needy = replace(asked, step_up=True)
    bound = StepUp(method="bound", step=1, proof="12345678")
    for given in (None, bound):
        decision = replace(signed.decision, digest=needy.digest, step_up=given)
        made = SignedDecision(decision=decision, signature=sign(decision, leo.key))
        with pytest.raises(IntegrityError):
            verify_approval(made, needy, trusted(known(leo)), ledger=ledger.id, now=stamp(NOW))


async def test_through_a_prompt_a_code_that_is_bound_to_the_proposal_decides_where_the_contract_allows_it() -> None:
    ledger, asked = await filed(by_prompt=True)
    server, leo = code_voucher(), known(person())
    session = vouched_session(leo, server, ledger.id, method="code", code=code("bound", asked.digest))
    record = await says_yes(ledger, asked, session, server)
    (signed,) = record.decisions
    assert record.status is Status.APPROVED
    verify_approval(signed, asked, trusted(leo, server), ledger=ledger.id, now=stamp(NOW))
    capped = replace(asked, by_prompt=False)
    step_up = proven("bound", capped.digest)
    decision = replace(signed.decision, digest=capped.digest, step_up=step_up)
    forged = replace(signed, decision=decision, signature=sign(decision, session.key))
    with pytest.raises(IntegrityError):
        verify_approval(forged, capped, trusted(leo, server), ledger=ledger.id, now=stamp(NOW))


@pytest.mark.requirement("approval:by-prompt")
async def test_through_a_prompt_nothing_is_decided_without_the_bound_code_or_beyond_the_cap() -> None:
    ledger, asked = await filed(by_prompt=True)
    server, leo = code_voucher(), known(person())
    for given, rule in (
        ("", "code_missing"),
        (code("totp"), "wrong_code"),
        (code("bound", "sha256:" + "0" * 64), "wrong_code"),
    ):
        session = vouched_session(leo, server, ledger.id, method="code", code=given)
        assert await refusal(ledger, asked, session, server) == rule
        with pytest.raises(DecisionRefused) as refused:
            await reject(
                ledger,
                asked.id,
                digest=asked.digest,
                signer=session,
                now=NOW,
                reason="No.",
                operators=trusted(leo, server),
            )
        assert refused.value.rule == rule
    capped_ledger, capped = await filed()
    session = vouched_session(leo, server, capped_ledger.id, method="code", code=code("bound", capped.digest))
    assert await refusal(capped_ledger, capped, session, server) == "not_by_prompt"


@pytest.mark.requirement("approval:by-prompt")
async def test_a_login_by_code_without_the_code_in_the_decision_is_no_approval() -> None:
    ledger, asked = await filed(by_prompt=True)
    server, leo = code_voucher(), known(person())
    session = vouched_session(leo, server, ledger.id, method="code", code=code("bound", asked.digest))
    (signed,) = (await says_yes(ledger, asked, session, server)).decisions
    for step_up in (None, proven("totp", asked.digest)):
        decision = replace(signed.decision, step_up=step_up)
        forged = replace(signed, decision=decision, signature=sign(decision, session.key))
        with pytest.raises(IntegrityError):
            verify_approval(forged, asked, trusted(leo, server), ledger=ledger.id, now=stamp(NOW))
