"""Logins under attack: a session speaks for one person, for a while, in one ledger, with no more roles than the person has."""

import datetime as dt
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from synapsor.core.login import VOUCHER_OF
from synapsor.core.moment import CLOCKS_APART, parse, stamp
from synapsor.core.onetime import code_of, meant, recognised, step_at
from synapsor.core.proposal import Proposal, Status
from synapsor.core.review import APPROVAL_LASTS, verify_approval
from synapsor.core.statements import Identity, Login, LoginMethod, Operator, SignedDecision, SignedLogin, sign
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.flow.signing import Signer, signed_decision
from synapsor.ledger.store import Ledger
from synapsor.ports import ProposalRecord
from tests.deciding import approve, reject
from tests.decisions import NOW, Person, filed, person, proposal
from tests.sessions import HOURS, ISSUER, SECRET, known, own_session, trusted, vouched_session, voucher

pytestmark = pytest.mark.requirement("approval:login")


async def says_yes(
    ledger: Ledger, asked: Proposal, signer: Signer, operators: dict[str, Operator], *, now: dt.datetime = NOW
) -> ProposalRecord:
    return await approve(
        ledger, asked.id, digest=asked.digest, signer=signer, now=now, mode="writeback", operators=operators
    )


async def decided_by(signer: Signer, ledger: Ledger, asked: Proposal, operators: dict[str, Operator]) -> SignedDecision:
    record = await says_yes(ledger, asked, signer, operators)
    assert record.status is Status.APPROVED
    (signed,) = record.decisions
    return signed


def counts(signed: SignedDecision, asked: Proposal, operators: dict[str, Operator]) -> None:
    verify_approval(signed, asked, operators, ledger=asked.ledger, now=stamp(NOW))


def bound_code(digest: str) -> str:
    return code_of("bound", SECRET, meant("approve", digest), step_at("bound", stamp(NOW)))


async def test_a_session_that_a_persons_own_key_speaks_for_approves_as_that_person() -> None:
    ledger, asked = await filed()
    leo = person()
    signed = await decided_by(own_session(leo, ledger.id), ledger, asked, trusted(leo))
    assert (signed.decision.operator, signed.login is not None) == ("leo", True)
    counts(signed, asked, trusted(leo))


async def test_a_session_that_a_console_vouches_for_approves_as_the_person_whose_identity_it_saw() -> None:
    ledger, asked = await filed()
    console, leo = voucher(), known(person())
    signed = await decided_by(vouched_session(leo, console, ledger.id), ledger, asked, trusted(leo, console))
    counts(signed, asked, trusted(leo, console))


async def test_nobody_signs_a_login_with_a_key_that_is_not_their_own() -> None:
    leo, mia, console = person(), person("mia"), voucher()
    with pytest.raises(DecisionRefused) as refused:
        own_session(replace(leo, key=mia.key), "led_1")
    assert refused.value.rule == "wrong_key"
    with pytest.raises(DecisionRefused) as refused:
        vouched_session(known(leo), replace(console, key=mia.key), "led_1")
    assert refused.value.rule == "wrong_key"


Forge = Callable[[Login], Login]
FORGED: dict[str, Forge] = {
    "another operator": lambda told: replace(told, operator="mia"),
    "another ledger": lambda told: replace(told, ledger="led_other"),
    "another key": lambda told: replace(told, key="A" * 43 + "="),
    "another role": lambda told: replace(told, roles=("billing_lead", "boss")),
    "a longer time": lambda told: replace(told, expires_at=stamp(NOW + dt.timedelta(hours=11))),
    "another method": lambda told: replace(told, method="oidc"),
    "a voucher": lambda told: replace(told, voucher="leo"),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_what_a_login_says_cannot_be_changed(forge: Forge) -> None:
    ledger, asked = await filed()
    leo, mia = person(), person("mia")
    operators = trusted(leo, mia)
    signed = await decided_by(own_session(leo, ledger.id), ledger, asked, operators)
    assert signed.login is not None
    forged = replace(signed, login=replace(signed.login, login=forge(signed.login.login)))
    with pytest.raises(IntegrityError):
        counts(forged, asked, operators)


async def test_a_session_without_its_login_is_nobody() -> None:
    ledger, asked = await filed()
    leo = person()
    signed = await decided_by(own_session(leo, ledger.id), ledger, asked, trusted(leo))
    with pytest.raises(IntegrityError):
        counts(replace(signed, login=None), asked, trusted(leo))


async def test_a_login_of_one_session_does_not_speak_for_another() -> None:
    ledger, asked = await filed()
    leo = person()
    one, other = own_session(leo, ledger.id), own_session(leo, ledger.id)
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(ledger, asked, replace(one, login=other.login), trusted(leo))
    assert refused.value.rule == "login_invalid"
    signed = await decided_by(one, ledger, asked, trusted(leo))
    with pytest.raises(IntegrityError):
        counts(replace(signed, login=other.login), asked, trusted(leo))


async def test_a_login_for_another_ledger_speaks_for_nobody_in_this_one() -> None:
    ledger, asked = await filed()
    leo = person()
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(ledger, asked, own_session(leo, "led_other"), trusted(leo))
    assert refused.value.rule == "login_invalid"


async def test_a_session_of_one_person_does_not_sign_in_the_name_of_another() -> None:
    ledger, asked = await filed()
    leo, mia = person(), person("mia")
    signed = await decided_by(own_session(leo, ledger.id), ledger, asked, trusted(leo, mia))
    session = own_session(mia, ledger.id)
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(ledger, asked, replace(session, operator=leo.operator), trusted(leo, mia))
    assert refused.value.rule == "login_invalid"
    forged = SignedDecision(decision=signed.decision, signature=sign(signed.decision, session.key), login=session.login)
    with pytest.raises(IntegrityError):
        counts(forged, asked, trusted(leo, mia))


async def test_a_login_that_is_over_decides_nothing_though_its_signature_holds() -> None:
    ledger, asked = await filed()
    leo = person()
    session = own_session(leo, ledger.id, lasts=dt.timedelta(hours=1))
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(ledger, asked, session, trusted(leo), now=NOW + dt.timedelta(hours=1))
    assert refused.value.rule == "login_expired"


@pytest.mark.requirement("login:clocks-apart")
async def test_a_login_from_a_machine_whose_clock_is_a_little_ahead_counts_from_now_on_and_for_no_longer() -> None:
    ledger, asked = await filed()
    leo = person()
    ahead = own_session(leo, ledger.id, now=NOW + CLOCKS_APART, lasts=dt.timedelta(hours=1))
    record = await says_yes(ledger, asked, ahead, trusted(leo))
    assert record.status is Status.APPROVED
    counts(record.decisions[0], asked, trusted(leo))
    with pytest.raises(DecisionRefused) as over:
        ahead.check(trusted(leo), ledger=ledger.id, now=NOW + CLOCKS_APART + dt.timedelta(hours=1))
    assert over.value.rule == "login_expired"


@pytest.mark.requirement("login:clocks-apart")
async def test_a_login_of_a_moment_that_no_clock_can_have_reached_is_refused_as_one_to_come() -> None:
    ledger, asked = await filed()
    leo = person()
    ahead = own_session(leo, ledger.id, now=NOW + CLOCKS_APART + dt.timedelta(microseconds=1))
    with pytest.raises(DecisionRefused) as to_come:
        await says_yes(ledger, asked, ahead, trusted(leo))
    assert to_come.value.rule == "login_to_come"
    assert "clocks" in str(to_come.value.fix)


async def test_a_decision_of_long_before_or_after_its_login_does_not_count() -> None:
    ledger, asked = await filed()
    leo = person()
    session = own_session(leo, ledger.id)
    signed = await decided_by(session, ledger, asked, trusted(leo))
    for at in (NOW - CLOCKS_APART - dt.timedelta(microseconds=1), NOW + HOURS):
        decision = replace(signed.decision, at=stamp(at))
        backdated = replace(signed, decision=decision, signature=sign(decision, session.key))
        with pytest.raises(IntegrityError):
            counts(backdated, asked, trusted(leo))


@pytest.mark.requirement("approval:of-now")
async def test_a_session_that_is_over_decides_on_nothing_that_was_asked_since_however_it_dates_its_decision() -> None:
    leo, asked = person(), proposal()
    over = own_session(leo, asked.ledger, lasts=dt.timedelta(hours=1), now=NOW - dt.timedelta(hours=3))
    with pytest.raises(DecisionRefused) as refused:
        over.check(trusted(leo), ledger=asked.ledger, now=NOW)
    assert refused.value.rule == "login_expired"
    then = NOW - dt.timedelta(hours=2, minutes=30)
    backdated = signed_decision("approve", asked, signer=over, now=then, operators=trusted(leo))
    with pytest.raises(IntegrityError, match="moment"):
        counts(backdated, asked, trusted(leo))


@pytest.mark.requirement("approval:of-now")
async def test_no_decision_of_a_time_to_come_counts_but_for_clocks_that_are_a_little_apart() -> None:
    leo, asked = person(), proposal()
    session = own_session(leo, asked.ledger)
    counts(
        signed_decision("approve", asked, signer=session, operators=trusted(leo), now=NOW + CLOCKS_APART),
        asked,
        trusted(leo),
    )
    early = signed_decision(
        "approve",
        asked,
        signer=session,
        operators=trusted(leo),
        now=NOW + CLOCKS_APART + dt.timedelta(seconds=1),
    )
    with pytest.raises(DecisionRefused) as refused:
        counts(early, asked, trusted(leo))
    assert refused.value.rule == "to_come"


@pytest.mark.requirement("approval:of-now")
async def test_a_session_that_was_over_when_it_was_asked_is_not_helped_by_clocks_that_may_be_apart() -> None:
    leo, asked = person(), proposal()
    then = parse(asked.at) - dt.timedelta(minutes=1)
    for lasts, over in ((dt.timedelta(minutes=1), True), (dt.timedelta(minutes=1, microseconds=1), False)):
        session = own_session(leo, asked.ledger, lasts=lasts, now=then)
        backdated = signed_decision("approve", asked, signer=session, now=then, operators=trusted(leo))
        with pytest.raises(IntegrityError, match="moment") if over else nullcontext():
            counts(backdated, asked, trusted(leo))


LONG: dict[str, dict[str, Any]] = {
    "a longer life": {"expires_at": stamp(NOW + APPROVAL_LASTS + dt.timedelta(seconds=1))},
    "no life at all": {"expires_at": stamp(NOW)},
    "a life that is no moment": {"expires_at": "for ever"},
    "a moment of another zone": {
        "at": stamp(NOW)[:-1] + "-12:00",
        "expires_at": stamp(NOW + APPROVAL_LASTS + dt.timedelta(hours=12)),
    },
}


@pytest.mark.requirement("approval:of-now")
@pytest.mark.parametrize("changed", LONG.values(), ids=LONG)
async def test_no_decision_gives_itself_a_longer_life_than_any_has(changed: dict[str, Any]) -> None:
    leo, asked = person(), proposal()
    made = signed_decision(
        "approve",
        asked,
        signer=leo.signer,
        operators={leo.operator.name: leo.operator},
        now=NOW,
    )
    counts(made, asked, trusted(leo))
    decision = replace(made.decision, **changed)
    with pytest.raises(IntegrityError):
        counts(replace(made, decision=decision, signature=sign(decision, leo.key)), asked, trusted(leo))


@pytest.mark.requirement("approval:of-now")
async def test_no_decision_outlives_its_proposal() -> None:
    leo, asked = person(), proposal(expires_at=stamp(NOW + dt.timedelta(hours=2)))
    made = signed_decision(
        "approve",
        asked,
        signer=leo.signer,
        operators={leo.operator.name: leo.operator},
        now=NOW,
    )
    decision = replace(made.decision, expires_at=stamp(NOW + dt.timedelta(hours=3)))
    with pytest.raises(IntegrityError, match="longer"):
        counts(replace(made, decision=decision, signature=sign(decision, leo.key)), asked, trusted(leo))


@pytest.mark.parametrize("field", ["at", "expires_at"])
async def test_a_login_whose_times_are_none_is_none(field: str) -> None:
    leo, asked = person(), proposal()
    session = own_session(leo, asked.ledger)
    made = signed_decision(
        "approve", asked, signer=session, operators={session.operator.name: session.operator}, now=NOW
    )
    assert session.login is not None
    login = replace(session.login.login, **{field: "2026-11-23"})  # type: ignore[arg-type]  # each field is a text
    forged = replace(made, login=SignedLogin(login=login, signature=sign(login, leo.key)))
    with pytest.raises(IntegrityError):
        counts(forged, asked, trusted(leo))


async def test_no_login_lasts_longer_than_any_may_whoever_signed_it() -> None:
    ledger, asked = await filed()
    leo = person()
    session = own_session(leo, ledger.id, lasts=dt.timedelta(hours=12, seconds=1))
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(ledger, asked, session, trusted(leo))
    assert refused.value.rule == "login_invalid"


@pytest.mark.parametrize("voucher_", ["leo", "mia", "console", "nobody"])
async def test_a_login_by_ones_own_key_that_names_a_voucher_as_well_is_none(voucher_: str) -> None:
    ledger, asked = await filed()
    console, leo, mia = voucher(), person(), person("mia")
    operators = trusted(leo, mia, console)
    session = own_session(leo, ledger.id)
    assert session.login is not None
    login = replace(session.login.login, voucher=voucher_)
    forged = replace(session, login=SignedLogin(login=login, signature=sign(login, leo.key)))
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(ledger, asked, forged, operators)
    assert refused.value.rule == "login_invalid"
    signed = replace(await decided_by(session, ledger, asked, operators), login=forged.login)
    with pytest.raises(IntegrityError):
        counts(signed, asked, operators)


async def test_a_revoked_person_or_voucher_ends_every_session_at_once() -> None:
    ledger, asked = await filed()
    console, leo = voucher(), known(person())
    session = vouched_session(leo, console, ledger.id)
    signed = await decided_by(session, ledger, asked, trusted(leo, console))
    gone = replace(console.operator, revoked=True)
    for operators in (trusted(leo, gone), trusted(replace(leo, revoked=True), console), trusted(leo)):
        with pytest.raises(IntegrityError):
            counts(signed, asked, operators)
    other, again = await filed()
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(other, again, vouched_session(leo, console, other.id), trusted(leo, gone))
    assert refused.value.rule == "login_invalid"


async def test_only_a_key_that_is_trusted_to_vouch_vouches_and_it_decides_nothing_itself() -> None:
    ledger, asked = await filed()
    leo, mia, console = known(person()), person("mia"), voucher()
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(ledger, asked, vouched_session(leo, mia, ledger.id), trusted(leo, mia))
    assert refused.value.rule == "login_invalid"
    with pytest.raises(DecisionRefused) as itself:
        await says_yes(ledger, asked, console.signer, trusted(console))
    assert itself.value.rule == "role_missing"
    pretends = own_session(console, ledger.id)
    with pytest.raises(DecisionRefused) as own:
        await says_yes(ledger, asked, pretends, trusted(console))
    assert own.value.rule == "login_invalid"


@pytest.mark.requirement("approval:by-prompt")
@pytest.mark.parametrize(
    ("method", "role"), [("oidc", "code_voucher"), ("code", "login_voucher"), ("oidc", "policy_signer")]
)
async def test_a_voucher_is_believed_about_its_own_method_and_about_no_other(method: LoginMethod, role: str) -> None:
    ledger, asked = await filed(by_prompt=True)
    leo, other = known(person()), person("other", role)
    operators = trusted(leo, other)
    session = vouched_session(leo, other, ledger.id, method=method, code=bound_code(asked.digest))
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(ledger, asked, session, operators)
    assert refused.value.rule == "login_invalid"
    genuine = vouched_session(
        leo,
        Person(operator=replace(other.operator, roles=(VOUCHER_OF[method],)), key=other.key),
        ledger.id,
        method=method,
    )
    believed = {**operators, "other": replace(other.operator, roles=(VOUCHER_OF[method],))}
    made = signed_decision(
        "approve",
        asked,
        signer=genuine,
        now=NOW,
        operators=believed,
        step_up=recognised("bound", bound_code(asked.digest), SECRET, meant("approve", asked.digest), stamp(NOW)),
    )
    counts(made, asked, believed)
    with pytest.raises(IntegrityError):
        counts(made, asked, operators)


async def test_another_identity_than_the_operators_is_somebody_else() -> None:
    ledger, asked = await filed()
    console, leo = voucher(), known(person())
    signed = await decided_by(vouched_session(leo, console, ledger.id), ledger, asked, trusted(leo, console))
    moved = replace(leo, login=Identity(issuer=ISSUER, subject="another"))
    for now in (moved, replace(leo, login=None)):
        with pytest.raises(IntegrityError):
            counts(signed, asked, trusted(now, console))


async def test_a_session_carries_no_role_that_its_login_does_not_name() -> None:
    ledger, asked = await filed()
    console, leo = voucher(), known(person("leo", "billing_lead", "boss"))
    session = vouched_session(leo, console, ledger.id, roles=("boss",))
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(ledger, asked, session, trusted(leo, console))
    assert refused.value.rule == "role_missing"
    full = vouched_session(leo, console, ledger.id)
    signed = await decided_by(full, ledger, asked, trusted(leo, console))
    narrow = vouched_session(leo, console, ledger.id, roles=("boss",))
    swapped = SignedDecision(decision=signed.decision, signature=sign(signed.decision, narrow.key), login=narrow.login)
    with pytest.raises(IntegrityError):
        counts(swapped, asked, trusted(leo, console))


async def test_a_session_of_another_role_signs_in_that_role_and_approves_nothing_that_takes_the_first() -> None:
    """The person has both; the decision is true to its login in all, but it is about a proposal of the role that the login lacks."""
    console, leo, asked = voucher(), known(person("leo", "billing_lead", "boss")), proposal()
    operators = trusted(leo, console)
    narrow = vouched_session(leo, console, asked.ledger, roles=("boss",))
    made = signed_decision("approve", replace(asked, role="boss"), signer=narrow, now=NOW, operators=operators)
    decision = replace(made.decision, digest=asked.digest)
    forged = replace(made, decision=decision, signature=sign(decision, narrow.key))
    with pytest.raises(IntegrityError, match="another role"):
        counts(forged, asked, operators)


async def test_nobody_decides_on_a_request_of_their_own_by_another_of_their_names() -> None:
    ledger, asked = await filed(principal="LEO-1")
    console, leo = voucher(), known(person())
    with pytest.raises(DecisionRefused) as refused:
        await says_yes(ledger, asked, vouched_session(leo, console, ledger.id), trusted(leo, console))
    assert refused.value.rule == "own_request"


async def test_a_session_rejects_with_a_reason_and_a_word_for_it() -> None:
    ledger, asked = await filed()
    leo = person()
    record = await reject(
        ledger,
        asked.id,
        digest=asked.digest,
        signer=own_session(leo, ledger.id),
        now=NOW,
        reason="Not this month.",
        preset="not_needed",
        operators=trusted(leo),
    )
    (signed,) = record.decisions
    assert (record.status, signed.decision.code) == (Status.REJECTED, "not_needed")


async def test_a_login_is_a_statement_of_its_own_kind() -> None:
    ledger, _ = await filed()
    leo = person()
    session = own_session(leo, ledger.id)
    assert isinstance(session.login, SignedLogin)
    assert sign(session.login.login, leo.key) == session.login.signature
    other: Person = person("leo")
    assert sign(session.login.login, other.key) != session.login.signature
