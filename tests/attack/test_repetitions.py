"""An agent that asks for the same again and again makes nobody else's work slow, and none of its calls goes unrecorded."""

import datetime as dt

import pytest

from synapsor.core.moment import stamp
from synapsor.ledger.open import open_memory_ledger
from synapsor.ledger.repetitions import EACH
from synapsor.ledger.store import Ledger
from synapsor.ports import ProposalRecord
from synapsor.testing.clock import TestClock
from tests.attack.shop import WAIVER, Shop
from tests.databases import Database
from tests.ledger_records import START, a_proposal, at, file_one, seen

pytestmark = pytest.mark.requirement("ledger:repetitions")

HOUR = 3600
SAME = {"invoice_id": "INV-3001", "reason": "Paid next day."}


@pytest.fixture
def database(sqlite_db: Database) -> Database:
    """It is about the ledger, so one engine is enough here."""
    return sqlite_db


def told(record: ProposalRecord) -> list[tuple[str, int]]:
    """Return what the proposal's events tell: kind, and of how many more."""
    return [(str(e["kind"]), int(e["facts"].get("unrecorded", 0))) for e in record.events]


async def asked_again(ledger: Ledger, request: str, seconds: float) -> ProposalRecord:
    """Ask for the same once more, at a moment; the call's own evidence is there, whatever its proposal tells."""
    audit, evidence = seen()
    again = a_proposal(ledger, evidence, request=request, at=at(seconds), expires_at=at(100 * HOUR))
    record = await ledger.file_proposal(again, evidence, audit)
    assert await ledger.evidence(evidence["id"]) == evidence
    return record


async def test_each_call_is_on_record_with_its_evidence_and_the_proposal_tells_of_some(shop: Shop) -> None:
    first = await shop.proposed(WAIVER, SAME)
    calls = [await shop.call(WAIVER, SAME) for _ in range(EACH + 5)]
    assert {call["proposal"]["id"] for call in calls} == {first["id"]}
    for call in calls:
        assert await shop.ledger.find(call["audit"]["id"]) is not None
        assert await shop.ledger.evidence(call["evidence"]["id"]) is not None
    record = await shop.record(first["id"])
    assert told(record) == [("proposal_filed", 0), *([("proposal_repeated", 0)] * EACH)]
    assert not record.differs
    assert (await shop.ledger.verify()).ok


async def test_then_one_an_hour_says_how_many_more_there_were() -> None:
    ledger = open_memory_ledger(clock=TestClock(START))
    request = (await file_one(ledger, expires_at=at(100 * HOUR))).request
    for second in range(EACH):
        await asked_again(ledger, request, second)
    for second in range(7):
        await asked_again(ledger, request, 60 + second)
    await asked_again(ledger, request, EACH - 1 + HOUR)
    for second in range(3):
        await asked_again(ledger, request, HOUR + 60 + second)
    await asked_again(ledger, request, 3 * HOUR)
    record = await asked_again(ledger, request, 5 * HOUR)
    assert told(record)[EACH + 1 :] == [("proposal_repeated", more) for more in (7, 3, 0)]


async def test_a_proposal_that_is_asked_for_all_day_tells_of_each_hour_once() -> None:
    ledger = open_memory_ledger(clock=TestClock(START))
    first = await file_one(ledger, expires_at=at(100 * HOUR))
    calls = 24 * 6
    for call in range(calls):
        record = await asked_again(ledger, first.request, 600 * call)
    repeated = [more for kind, more in told(record) if kind == "proposal_repeated"]
    assert len(repeated) <= EACH + 24
    assert calls - 6 <= sum(1 + more for more in repeated) <= calls


async def test_who_looks_by_a_clock_that_was_set_back_records_as_little() -> None:
    ledger = open_memory_ledger(clock=TestClock(START))
    first = await file_one(ledger, expires_at=stamp(START + dt.timedelta(days=4)))
    for second in range(EACH):
        await asked_again(ledger, first.request, 600 + second)
    record = await asked_again(ledger, first.request, 1)
    assert len(record.events) == EACH + 1
