"""Who may put a proposal in the place of another: a session within its time and roles, by a voucher who is trusted still, and no prompt."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from synapsor.core.amend import amendment_of, verify_amendment
from synapsor.core.moment import CLOCKS_APART, parse, stamp
from synapsor.core.proposal import Amended, Proposal
from synapsor.core.statements import Operator, sign
from synapsor.errors import IntegrityError
from synapsor.flow.signing import Signer
from tests.decisions import NOW, PROPOSAL_ID, person, proposal
from tests.sessions import code_voucher, known, own_session, trusted, vouched_session, voucher

pytestmark = pytest.mark.requirement("amend:by-whom")
HOUR = dt.timedelta(hours=1)


def extended(original: Proposal, by: Signer, *, at: dt.datetime = NOW, **changes: Any) -> Proposal:
    """Return an extension of a proposal as somebody could sign it, whatever they may."""
    new = replace(original, id=PROPOSAL_ID[:-1] + "2", at=stamp(at), expires_at=stamp(at + 72 * HOUR), **changes)
    amends = Amended(
        kind="extend",
        proposal=original.id,
        digest=original.digest,
        operator=by.operator.name,
        reason="More time.",
        arguments=(),
        editors=(),
        depth=1,
        signature="",
        login=by.login,
    )
    new = replace(new, amends=amends)
    return replace(new, amends=replace(amends, signature=sign(amendment_of(new), by.key)))


def refused(new: Proposal, original: Proposal, operators: dict[str, Operator], why: str) -> None:
    with pytest.raises(IntegrityError, match=why):
        verify_amendment(new, original, operators)


def test_a_session_that_is_over_extends_nothing_that_was_asked_since_however_it_dates_it() -> None:
    leo, original = person(), proposal()
    verify_amendment(extended(original, own_session(leo, original.ledger)), original, trusted(leo))
    over = own_session(leo, original.ledger, lasts=HOUR, now=NOW - 5 * HOUR)
    refused(extended(original, over, at=NOW - 4.5 * HOUR), original, trusted(leo), "moment")
    refused(extended(original, over), original, trusted(leo), "signature")


def test_an_amendment_is_of_a_moment_after_its_proposal_as_far_as_clocks_may_be_apart() -> None:
    leo, original = person(), proposal()
    own = leo.signer
    first = parse(original.at) - CLOCKS_APART
    verify_amendment(extended(original, own, at=first), original, trusted(leo))
    refused(extended(original, own, at=first - dt.timedelta(microseconds=1)), original, trusted(leo), "moment")


def test_with_the_trust_in_a_voucher_its_sessions_amendments_end() -> None:
    console, leo, original = voucher(), known(person()), proposal()
    new = extended(original, vouched_session(leo, console, original.ledger))
    verify_amendment(new, original, trusted(leo, console))
    gone = replace(console.operator, revoked=True)
    refused(new, original, trusted(leo, gone), "not trusted any more")


def test_a_session_amends_nothing_that_takes_a_role_which_its_login_does_not_carry() -> None:
    console, leo, original = voucher(), known(person("leo", "billing_lead", "boss")), proposal(role="boss")
    operators = trusted(leo, console)
    for roles, why in ((("billing_lead",), "does not carry"), (("boss",), "signature")):
        narrow = vouched_session(leo, console, original.ledger, roles=roles)
        refused(extended(original, narrow, role="billing_lead"), original, operators, why)
    full = vouched_session(leo, console, original.ledger)
    verify_amendment(extended(original, full, role="billing_lead"), original, operators)


def test_a_login_by_code_speaks_for_decisions_and_amends_nothing() -> None:
    server, leo, original = code_voucher(), known(person()), proposal(by_prompt=True)
    prompt = vouched_session(leo, server, original.ledger, method="code")
    refused(extended(original, prompt), original, trusted(leo, server), "signature")
