"""Approval under attack: a decision is one trusted person's key on one digest that was shown, in time, once; everything else is refused and recorded."""

import base64
import datetime as dt
import unicodedata
from dataclasses import replace

import pytest

from synapsor.core.moment import stamp
from synapsor.core.plain import hidden
from synapsor.core.proposal import Proposal, Status
from synapsor.core.review import same_person, verify_approval
from synapsor.core.statements import Operator, SignedDecision, sign
from synapsor.errors import DecisionRefused, IntegrityError, UsageError
from synapsor.ledger.store import Ledger
from synapsor.ports import ProposalRecord
from tests.deciding import approve, reject
from tests.decisions import NOW, ROW, Person, audit_of, evidence_of, filed, person, proposal, with_row
from tests.ledger_records import undecided


async def leo_says_yes(
    ledger: Ledger, asked: Proposal, who: Person, *, now: dt.datetime = NOW, digest: str = ""
) -> ProposalRecord:
    return await approve(ledger, asked.id, digest=digest or asked.digest, signer=who.signer, now=now)


async def refused(ledger: Ledger, asked: Proposal, who: Person, *, now: dt.datetime = NOW) -> DecisionRefused:
    """Return how an approval was refused, having seen that nothing moved and that the attempt is on record."""
    with pytest.raises(DecisionRefused) as error:
        await leo_says_yes(ledger, asked, who, now=now)
    record = await ledger.proposal(asked.id)
    assert record is not None
    assert (record.status, record.decisions, record.job) == (Status.REVIEW_REQUIRED, (), None)
    assert await attempts(ledger, record) == [error.value.rule]
    return error.value


async def attempts(ledger: Ledger, record: ProposalRecord) -> list[str]:
    """Return the rules of the refused attempts on record."""
    rules = []
    for event in record.events:
        if "refused_decision" in event["records"]:
            found = await ledger.find(event["records"]["refused_decision"][0])
            assert found is not None
            rules.append(found["body"]["rule"])
    return rules


@pytest.mark.requirement("approval:one-digest")
async def test_an_approval_signs_one_digest_once_and_files_the_job_that_follows_from_it() -> None:
    ledger, asked = await filed()
    leo = person()
    record = await leo_says_yes(ledger, asked, leo)
    (signed,) = record.decisions
    assert record.status is Status.APPROVED
    assert record.job is not None
    assert (record.job.lead.digest, record.job.lead.decision, record.job.source) == (
        asked.digest,
        signed.decision.id,
        "shop",
    )
    assert (signed.decision.digest, signed.decision.ledger) == (asked.digest, ledger.id)
    assert signed.decision.expires_at == stamp(NOW + dt.timedelta(hours=24))
    verify_approval(signed, asked, {"leo": leo.operator}, ledger=ledger.id, now=stamp(NOW))


@pytest.mark.requirement("approval:another-person")
@pytest.mark.parametrize(
    "principal",
    [
        "leo",
        "LEO",
        "Leo",
        " leo",
        "leo ",
        "l\u200beo",
        "ｌｅｏ",
        "le\u00ado",
        "l e o",
        "leo\u202e",
        "leo.bots",
        "LEO.Bots",
    ],
)
async def test_nobody_decides_on_their_own_request_under_any_alias_of_their_name(principal: str) -> None:
    ledger, asked = await filed(principal=principal)
    error = await refused(ledger, asked, person(principals=("leo.bots",)))
    assert (error.rule, error.exit_code) == ("own_request", 5)


UNSEEN = [c for c in map(chr, range(0x110000)) if hidden(c) and unicodedata.category(c) not in {"Cn", "Co", "Cs"}]


@pytest.mark.requirement("approval:another-person")
def test_no_character_that_is_not_seen_makes_another_person_of_a_name() -> None:
    assert {"\ufe0f", "\u034f", "\u115f", "\u3164", "\uffa0", "\u2800", "\u17b4", "\u180b", "\U000e0100"} <= set(UNSEEN)
    for unseen in [*UNSEEN, " ", "\ud800", "\ue000"]:
        for alias in (unseen + "Ren\u00e9e", "Rene" + unseen + "\u0301e", "r" + unseen + "en\u00e9e"):
            assert same_person("Ren\u00e9e", alias), (hex(ord(unseen)), alias)
    assert not same_person("Ren\u00e9e", "Renee")


@pytest.mark.requirement("approval:in-time")
@pytest.mark.parametrize(
    "late", [dt.timedelta(hours=72), dt.timedelta(hours=72, microseconds=1), dt.timedelta(days=999)]
)
async def test_an_expired_proposal_is_not_approved_from_its_last_instant_on(late: dt.timedelta) -> None:
    ledger, asked = await filed()
    error = await refused(ledger, asked, person(), now=NOW + late)
    assert (error.rule, error.exit_code) == ("expired", 3)


@pytest.mark.requirement("approval:in-time")
async def test_an_approval_never_outlives_its_proposal() -> None:
    ledger, asked = await filed(expires_at=stamp(NOW + dt.timedelta(minutes=5)))
    record = await leo_says_yes(ledger, asked, person())
    assert record.decisions[0].decision.expires_at == asked.expires_at


@pytest.mark.requirement("approval:in-time")
async def test_an_expired_approval_counts_no_more() -> None:
    ledger, asked = await filed()
    leo = person()
    (signed,) = (await leo_says_yes(ledger, asked, leo)).decisions
    after = stamp(NOW + dt.timedelta(hours=24))
    with pytest.raises(DecisionRefused) as error:
        verify_approval(signed, asked, {"leo": leo.operator}, ledger=ledger.id, now=after)
    assert error.value.rule == "expired"


@pytest.mark.requirement("approval:one-digest")
async def test_a_proposal_that_is_not_the_one_shown_is_not_approved() -> None:
    ledger, asked = await filed()
    shown = with_row(asked, changes={"late_fee_cents": "5499", "waiver_reason": "Paid next day."})
    leo = person()
    with pytest.raises(DecisionRefused) as error:
        await leo_says_yes(ledger, asked, leo, digest=shown.digest)
    assert (error.value.rule, error.value.exit_code) == ("not_what_was_shown", 5)
    record = await ledger.proposal(asked.id)
    assert record is not None
    assert record.status is Status.REVIEW_REQUIRED
    assert await attempts(ledger, record) == ["not_what_was_shown"]


@pytest.mark.requirement("approval:one-digest")
@pytest.mark.parametrize(
    "change",
    [
        {"changes": {"late_fee_cents": "1"}},
        {"before": {"id": "INV-3002"}},
        {"key": (("id", "INV-3002"),)},
        {"tenant": "globex"},
        {"guards": ()},
        {"advances": None},
        {"relation": "billing.customers"},
        {"source": "other"},
        {"role": "intern"},
        {"expires_at": "2099-01-01T00:00:00.000000Z"},
        {"principal": "somebody"},
        {"evidence_digest": "sha256:" + "0" * 64},
        {"contract": "sha256:" + "0" * 64},
        {"nonce": "m" * 32},
        {"arguments": {}},
        {"ledger": "led_other"},
    ],
)
async def test_an_approval_of_one_proposal_is_none_of_a_proposal_that_differs_in_anything(
    change: dict[str, object],
) -> None:
    ledger, asked = await filed()
    leo = person("leo", "billing_lead", "intern")
    (signed,) = (await leo_says_yes(ledger, asked, leo)).decisions
    changed = with_row(asked, **change)
    with pytest.raises(IntegrityError):
        verify_approval(signed, changed, {"leo": leo.operator}, ledger=ledger.id, now=stamp(NOW))


@pytest.mark.requirement("approval:trusted-key")
async def test_a_revoked_operator_decides_nothing_and_what_they_signed_counts_no_more() -> None:
    ledger, asked = await filed()
    leo = person()
    gone = Person(operator=replace(leo.operator, revoked=True), key=leo.key)
    assert (await refused(ledger, asked, gone)).rule == "operator_revoked"
    (signed,) = (await leo_says_yes(ledger, asked, leo)).decisions
    with pytest.raises(DecisionRefused) as error:
        verify_approval(signed, asked, {"leo": gone.operator}, ledger=ledger.id, now=stamp(NOW))
    assert error.value.rule == "operator_revoked"


@pytest.mark.requirement("approval:trusted-key")
@pytest.mark.parametrize("roles", [("contract_reviewer",), ("billing_leads",), ("Billing_lead",), ("billing_lead ",)])
async def test_another_role_is_not_the_role(roles: tuple[str, ...]) -> None:
    ledger, asked = await filed()
    error = await refused(ledger, asked, person("leo", *roles))
    assert (error.rule, error.exit_code) == ("role_missing", 5)


@pytest.mark.requirement("approval:trusted-key")
async def test_somebody_elses_key_signs_nothing_in_an_operators_name() -> None:
    ledger, asked = await filed()
    error = await refused(ledger, asked, Person(operator=person("leo").operator, key=person("mallory").key))
    assert (error.rule, error.exit_code) == ("wrong_key", 5)


@pytest.mark.requirement("approval:trusted-key")
async def test_an_attempt_with_a_wrong_key_learns_nothing_else_of_the_proposal() -> None:
    ledger, asked = await filed(principal="leo")
    wrong = Person(operator=replace(person("leo", "intern").operator, revoked=True), key=person().key)
    assert (await refused(ledger, asked, wrong, now=NOW + dt.timedelta(days=9))).rule == "wrong_key"


@pytest.mark.requirement("approval:once")
async def test_a_decided_proposal_is_not_decided_again() -> None:
    ledger, asked = await filed()
    leo, lea = person("leo"), person("lea")
    first = await leo_says_yes(ledger, asked, leo)
    for who in (leo, lea):
        with pytest.raises(DecisionRefused) as error:
            await leo_says_yes(ledger, asked, who)
        assert (error.value.rule, error.value.exit_code) == ("already_decided", 3)
        with pytest.raises(DecisionRefused):
            await reject(ledger, asked.id, digest=asked.digest, signer=who.signer, now=NOW, reason="No.")
    record = await ledger.proposal(asked.id)
    assert record is not None
    assert (record.status, record.decisions, record.job) == (first.status, first.decisions, first.job)


@pytest.mark.requirement("approval:once")
async def test_a_signed_approval_that_is_sent_to_the_ledger_again_changes_nothing() -> None:
    ledger, asked = await filed()
    record = await leo_says_yes(ledger, asked, person())
    with pytest.raises(DecisionRefused):
        await ledger.decide(record.decisions[0], job=record.job, counted=undecided(asked), complete=True)
    again = await ledger.proposal(asked.id)
    assert again is not None
    assert again.decisions == record.decisions


@pytest.mark.requirement("approval:trusted-key")
@pytest.mark.parametrize(
    "field",
    ["verdict", "operator", "role", "expires_at", "ledger", "digest", "proposal", "at", "nonce", "reason", "id"],
)
async def test_a_signature_covers_every_field_of_a_decision(field: str) -> None:
    ledger, asked = await filed()
    leo, lea = person("leo"), person("lea")
    (signed,) = (await leo_says_yes(ledger, asked, leo)).decisions
    new = {"verdict": "reject", "operator": "lea", "expires_at": "2099-01-01T00:00:00.000000Z"}.get(
        field, "something else"
    )
    forged = SignedDecision(decision=replace(signed.decision, **{field: new}), signature=signed.signature)  # type: ignore[arg-type]  # each field is a text
    with pytest.raises(IntegrityError):
        verify_approval(forged, asked, {"leo": leo.operator, "lea": lea.operator}, ledger=ledger.id, now=stamp(NOW))


@pytest.mark.requirement("approval:trusted-key")
@pytest.mark.parametrize("signature", ["", "AAAA", "not base64!", base64.b64encode(b"\0" * 64).decode()])
async def test_what_is_no_signature_proves_nothing(signature: str) -> None:
    ledger, asked = await filed()
    leo = person()
    (signed,) = (await leo_says_yes(ledger, asked, leo)).decisions
    with pytest.raises(IntegrityError):
        verify_approval(
            replace(signed, signature=signature), asked, {"leo": leo.operator}, ledger=ledger.id, now=stamp(NOW)
        )


@pytest.mark.requirement("approval:trusted-key")
async def test_a_signature_in_another_spelling_of_base64_proves_nothing() -> None:
    ledger, asked = await filed()
    leo = person()
    (signed,) = (await leo_says_yes(ledger, asked, leo)).decisions
    # 64 bytes end in one digit of which only two bits count: the next letter decodes alike.
    alike = signed.signature[:-3] + chr(ord(signed.signature[-3]) + 1) + "=="
    assert base64.b64decode(alike, validate=True) == base64.b64decode(signed.signature)
    with pytest.raises(IntegrityError):
        verify_approval(
            replace(signed, signature=alike), asked, {"leo": leo.operator}, ledger=ledger.id, now=stamp(NOW)
        )


@pytest.mark.requirement("approval:trusted-key")
async def test_a_rejection_or_an_activation_cannot_stand_for_an_approval() -> None:
    ledger, asked = await filed()
    leo = person()
    record = await reject(ledger, asked.id, digest=asked.digest, signer=leo.signer, now=NOW, reason="No.")
    (signed,) = record.decisions
    assert (record.status, record.job) == (Status.REJECTED, None)
    with pytest.raises(IntegrityError, match="is not an approval"):
        verify_approval(signed, asked, {"leo": leo.operator}, ledger=ledger.id, now=stamp(NOW))
    nobody = Operator(name="leo", key=person().operator.key, roles=("billing_lead",))
    yes = replace(signed.decision, verdict="approve")
    with pytest.raises(IntegrityError):
        verify_approval(
            SignedDecision(decision=yes, signature=sign(yes, leo.key)),
            asked,
            {"leo": nobody},
            ledger=ledger.id,
            now=stamp(NOW),
        )


async def test_an_approval_in_a_ledger_that_the_proposal_does_not_belong_to_is_refused() -> None:
    ledger, _ = await filed()
    stray = proposal(
        "led_other", id="wrp_" + "0" * 19 + "2", branch="rb_" + "0" * 19 + "2", request="sha256:" + "s" * 64
    )
    evidence = {**evidence_of(ROW), "id": "ev_" + "0" * 19 + "2", "call": "aud_" + "0" * 19 + "2"}
    await ledger.file_proposal(stray, evidence, audit_of(evidence))
    leo = person()
    with pytest.raises(DecisionRefused) as error:
        await leo_says_yes(ledger, stray, leo)
    assert (error.value.rule, error.value.exit_code) == ("not_what_was_shown", 5)


async def test_a_proposal_that_is_not_there_cannot_be_decided() -> None:
    ledger, asked = await filed()
    with pytest.raises(UsageError):
        await leo_says_yes(ledger, replace(asked, id="wrp_" + "f" * 20), person())
