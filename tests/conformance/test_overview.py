"""What a person asks of the whole record at once, on every ledger engine: pages that neither lose nor repeat, and counts that add up."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.core.overview import Decided, Search
from synapsor.core.proposal import Status
from synapsor.ledger import overview
from synapsor.ledger.store import Ledger
from tests.conformance.test_ledger import ENGINES
from tests.ledger_records import (
    a_decision,
    a_receipt,
    an_activation,
    approve_one,
    at,
    file_one,
    seen,
    undecided,
)

pytestmark = pytest.mark.requirement("console:overview")
DAY = at()[:10]


@pytest_asyncio.fixture(params=ENGINES)
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = ENGINES[request.param].open(tmp_path)
    yield opened
    await opened.aclose()


async def all_waiting(ledger: Ledger, search: Search, limit: int) -> list[str]:
    found: list[str] = []
    after: int | None = None
    while True:
        page = await ledger.overview.waiting(search, after=after, now=at(10), limit=limit)
        found += page.ids
        after = page.next
        if after is None:
            return found


async def all_found(ledger: Ledger, search: Search, limit: int) -> list[str]:
    found: list[str] = []
    before: int | None = None
    while True:
        page = await ledger.overview.found(search, before=before, limit=limit)
        found += page.ids
        before = page.next
        if before is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
async def test_pages_of_what_waits_are_the_oldest_first_and_lose_and_repeat_nothing(ledger: Ledger, limit: int) -> None:
    filed = [(await file_one(ledger)).id for _ in range(7)]
    assert await all_waiting(ledger, Search(), limit) == filed
    assert await all_found(ledger, Search(), limit) == filed[::-1]


async def test_what_is_decided_or_lapsed_does_not_wait(ledger: Ledger) -> None:
    await approve_one(ledger)
    rejected, lapsed, waits = await file_one(ledger), await file_one(ledger, expires_at=at(5)), await file_one(ledger)
    await ledger.decide(a_decision(rejected, "reject"), job=None, counted=undecided(rejected), complete=True)
    assert await all_waiting(ledger, Search(), 5) == [waits.id]
    assert await ledger.overview.count_waiting(now=at(10)) == 1
    assert await ledger.overview.count_waiting(now=at(4)) == 2
    assert lapsed.id in await all_found(ledger, Search(status=Status.REVIEW_REQUIRED), 5)
    assert await all_found(ledger, Search(status=Status.REJECTED), 5) == [rejected.id]


async def test_a_search_narrows_by_each_of_its_words(ledger: Ledger) -> None:
    plain = await file_one(ledger)
    other = await file_one(ledger, capability="billing.propose_note", principal="agent-8", risk="high")
    text = 'He said "über 100 %_\\ / <b>" twice'
    told = await file_one(ledger, arguments={"reason": text})
    decided, _ = await approve_one(ledger)
    for search, expected in (
        (Search(capability="billing.propose_note"), [other.id]),
        (Search(principal="agent-8"), [other.id]),
        (Search(risk="high"), [other.id]),
        (Search(risk="low"), [decided.id, told.id, plain.id]),
        (Search(text='"über 100 %_\\ / <b>"'), [told.id]),
        (Search(text="HE SAID"), [told.id]),
        (Search(text=plain.id), [plain.id]),
        (Search(text="%"), [told.id]),
        (Search(text="' OR 1=1 --"), []),
        (Search(operator="vera"), [decided.id]),
        (Search(operator="nobody"), []),
        (Search(capability="billing.propose_note", risk="low"), []),
    ):
        assert await all_found(ledger, search, 2) == expected, search
        if search.operator is None:
            waits = [one for one in reversed(expected) if one != decided.id]
            assert await all_waiting(ledger, search, 2) == waits, search


async def test_a_search_that_goes_far_goes_on_where_it_stopped(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "_WITHIN", 3)
    needle = await file_one(ledger, principal="agent-9")
    for _ in range(7):
        await file_one(ledger)
    first = await ledger.overview.found(Search(principal="agent-9"), before=None, limit=5)
    assert (first.ids, first.next is None) == ((), False)
    assert await all_found(ledger, Search(principal="agent-9"), 5) == [needle.id]
    assert len(await all_found(ledger, Search(), 2)) == 8
    last = await file_one(ledger, principal="agent-9")
    waits = await ledger.overview.waiting(Search(principal="agent-9"), after=None, now=at(10), limit=5)
    assert (waits.ids, waits.next is None) == ((needle.id,), False)
    assert await all_waiting(ledger, Search(principal="agent-9"), 5) == [needle.id, last.id]
    assert len(await all_waiting(ledger, Search(), 2)) == 9


async def test_jobs_are_told_as_they_stand_the_open_ones_first(ledger: Ledger) -> None:
    (done, job), (_, held) = await approve_one(ledger), await approve_one(ledger)
    (lease,) = await ledger.lease("worker-1", now=at(90), until=at(150), sources={"shop": 1})
    await ledger.settle(lease, [a_receipt(lease, "conflict")])
    assert await ledger.lease("worker-2", now=at(90), until=at(150), sources={"shop": 1})
    _, later = await approve_one(ledger)
    told = {one.id: one for one in await ledger.overview.jobs(limit=10)}
    assert list(told) == [held.id, later.id, job.id]
    assert (told[job.id].is_open, told[job.id].code, told[job.id].proposal) == (False, "version_moved", done.id)
    assert (told[held.id].leased(at(91)), told[held.id].leased(at(150)), told[held.id].worker) == (
        True,
        False,
        "worker-2",
    )
    assert (told[later.id].leased(at(91)), told[later.id].attempt) == (False, 0)
    assert [one.id for one in await ledger.overview.jobs(limit=1)] == [held.id, later.id]


async def test_what_happened_is_told_without_reads_and_from_where_somebody_had_come(ledger: Ledger) -> None:
    start, _ = await ledger.head()
    await ledger.record_read(*seen())
    proposal = await file_one(ledger)
    middle, _ = await ledger.head()
    await ledger.decide(a_decision(proposal, "reject"), job=None, counted=undecided(proposal), complete=True)
    told = [(one.kind, one.subject) for one in await ledger.overview.changes(after=start)]
    assert told == [("proposal_filed", proposal.id), ("proposal_rejected", proposal.id)]
    assert [one.kind for one in await ledger.overview.changes(after=middle)] == ["proposal_rejected"]
    assert await ledger.overview.changes(after=(await ledger.head())[0]) == ()


async def test_days_are_counted_and_so_is_how_long_a_decision_took(ledger: Ledger) -> None:
    await approve_one(ledger)
    (lease,) = await ledger.lease("worker-1", now=at(90), until=at(150), sources={"shop": 1})
    await ledger.settle(lease, [a_receipt(lease)])
    rejected = await file_one(ledger)
    await ledger.decide(a_decision(rejected, "reject"), job=None, counted=undecided(rejected), complete=True)
    tallies = await ledger.overview.tallies(since=at())
    decided = [Decided(filed=at(), at=at(60), verdict=verdict, by_policy=False) for verdict in ("approve", "reject")]
    assert (tallies.filed, tallies.ended) == ({DAY: 2}, {DAY: {"applied": 1}})
    assert (sorted(tallies.decided, key=lambda one: one.verdict), tallies.cut) == (decided, False)
    empty: Any = await ledger.overview.tallies(since=at(3600))
    assert (empty.filed, empty.ended, empty.decided) == ({}, {}, ())


async def test_contracts_refused_attempts_and_the_signed_head_are_told(ledger: Ledger) -> None:
    body = {"contract": "billing", "tables": {}}
    await ledger.activate(an_activation(ledger, body))
    await ledger.activate(an_activation(ledger, body))
    waiting = await file_one(ledger)
    await ledger.refused_decision(waiting.id, "vera", "own_request", at(5))
    assert await ledger.overview.contracts(limit=5) == {"billing": 2}
    (refused,) = await ledger.overview.refused(limit=5)
    assert (refused.proposal, refused.operator, refused.rule) == (waiting.id, "vera", "own_request")
    assert await ledger.overview.capabilities_waiting(now=at(10), limit=5) == {waiting.capability: 1}
    await ledger.checkpoint()
    signed = await ledger.overview.signed()
    assert signed is not None
    assert signed[0] == (await ledger.head())[0]
