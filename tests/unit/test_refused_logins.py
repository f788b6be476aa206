"""Logins that were refused are on record, by rule, without a word of a token, and never so many that they fill the ledger."""

from collections.abc import AsyncIterator

import pytest

from synapsor.approve.identity.attempts import A_MINUTE, Attempts
from synapsor.approve.identity.oidc.refusals import Rule, refused
from synapsor.ledger.store import Ledger
from synapsor.testing import TestClock, open_memory_ledger

ISSUER = "https://idp.example"


@pytest.fixture
async def ledger() -> AsyncIterator[Ledger]:
    opened = open_memory_ledger(clock=TestClock())
    yield opened
    await opened.aclose()


@pytest.mark.requirement("oidc:recorded")
async def test_a_refused_login_is_on_record_with_whom_the_provider_vouches_for(ledger: Ledger) -> None:
    attempts = Attempts(ledger=ledger, clock=TestClock(), door="console", issuer=ISSUER)
    await attempts.refused(refused(Rule.TOKEN_EXPIRED), "bearer")
    await attempts.refused(refused(Rule.PERSON_UNKNOWN, subject="eve-1"), "oidc")
    told = [(one.door, one.way, one.rule, one.issuer, one.subject) for one in await ledger.refused_logins(limit=9)]
    assert told == [
        ("console", "oidc", "person_unknown", ISSUER, "eve-1"),
        ("console", "bearer", "token_expired", "", ""),
    ]
    newest = (await ledger.refused_logins(limit=1))[0]
    found = await ledger.find(newest.id)
    assert found is not None
    assert (found["kind"], found["body"]["rule"]) == ("refused_login", "person_unknown")
    assert (await ledger.verify()).ok


@pytest.mark.requirement("oidc:recorded")
async def test_a_flood_of_refused_logins_is_counted_and_does_not_fill_the_ledger(ledger: Ledger) -> None:
    clock = TestClock()
    attempts = Attempts(ledger=ledger, clock=clock, door="approvals")
    for _ in range(A_MINUTE + 70):
        await attempts.refused(refused(Rule.SIGNATURE_WRONG), "bearer")
    assert len(await ledger.refused_logins(limit=1000)) == A_MINUTE
    clock.move(seconds=60)
    await attempts.refused(refused(Rule.SIGNATURE_WRONG), "bearer")
    newest = await ledger.refused_logins(limit=1000)
    assert (len(newest), newest[0].unrecorded) == (A_MINUTE + 1, 70)
    clock.move(hours=-2)
    await attempts.refused(refused(Rule.SIGNATURE_WRONG), "bearer")
    assert (await ledger.refused_logins(limit=1))[0].unrecorded == 0
