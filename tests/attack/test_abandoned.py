"""What an application still has in hand and a person says the end of: it is given up there before that counts, whoever says otherwise."""

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
import pytest_asyncio

from synapsor.core.proposal import Proposal
from synapsor.core.statements import SignedResolution, sign
from synapsor.errors import LedgerFailure
from synapsor.flow.handing import abandon
from synapsor.flow.replay import replay
from synapsor.flow.verdict import Result
from synapsor.handler_ports import Heard, Reply
from synapsor.testing import TestClock
from synapsor.work import resolutions
from tests.attack.doubts import resolved
from tests.attack.shop import SOON, Shop, as_ledger_owner
from tests.attack.steered import turn
from tests.attack.test_forged_ledger import MALLORY
from tests.attack.test_forged_shadows import forged
from tests.attack.test_handler_answers import Speech
from tests.databases import Database
from tests.handlers.answering import Answering, accepted, heard, of_first, said, told
from tests.handlers.serving import handled_shop

pytestmark = pytest.mark.one_engine
ABANDONED = said("failed", "abandoned")


@pytest_asyncio.fixture
async def shop(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    async with handled_shop(tmp_path / "project", database, "http://127.0.0.1:9/synapsor") as found:
        yield found


async def overdue(shop: Shop, invoice: str = "INV-3001") -> str:
    """Return a waiver that the application has accepted and not done in time."""
    proposal, clock = await shop.waiver(invoice), TestClock(shop.project.clock.now())
    handlers = {"app": Answering(accepted())}
    assert await shop.attempt(handlers=handlers, clock=clock) == [("accepted", "handler_accepted")]
    clock.move(hours=2)
    assert await shop.attempt(handlers=handlers, clock=clock) == [("reconciliation_required", "handler_overdue")]
    return proposal


async def answered(shop: Shop, *answers: Speech, **options: Any) -> Answering:
    """Let the worker ask, and return what it was asked."""
    handler = Answering(*answers)
    assert await shop.work(handlers={"app": handler}, **options) == []
    return handler


async def kinds(shop: Shop, proposal: str) -> list[tuple[str, str]]:
    """Return what the chain tells of it since nobody knew its end, with the code of each."""
    events = (await shop.record(proposal)).events
    since = next(at for at, one in enumerate(events) if one["kind"] == "proposal_reconciliation_required")
    return [(one["kind"], one["facts"].get("code", "")) for one in events[since + 1 :]]


@pytest.mark.requirement("reconcile:given-up")
async def test_that_something_was_not_applied_counts_when_the_application_has_given_it_up(shop: Shop) -> None:
    proposal = await overdue(shop)
    (signed,) = await resolved(shop, proposal, "not_applied")
    record = await shop.record(proposal)
    assert (record.status.value, record.resolution) == ("reconciliation_required", None)
    assert record.said.waits is not None
    assert record.said.waits.resolution == signed
    handler = await answered(shop, ABANDONED)
    assert [(one["ask"], one["changes"][0]["members"]) for one in handler.asked] == [("abandon", [])]
    record = await shop.record(proposal)
    assert (record.status.value, record.resolution and record.resolution.resolution) == ("failed", signed)
    assert await kinds(shop, proposal) == [("resolution_waits", ""), ("proposal_failed", "handler_abandoned")]
    assert (await shop.project.verify()).ok
    assert (await answered(shop, ABANDONED)).asked == []


@pytest.mark.requirement("reconcile:given-up")
@pytest.mark.parametrize(
    "answer",
    [
        accepted(),
        heard(Heard.UNREACHED),
        heard(Heard.UNKNOWN),
        heard(Heard.DENIED),
        said("nothing"),
        told(lambda a: of_first(a, digest="sha256:" + "0" * 64), came="failed", code="abandoned"),
    ],
)
async def test_as_long_as_the_application_may_do_it_yet_that_waits_and_the_log_says_why(
    shop: Shop, answer: Speech, caplog: pytest.LogCaptureFixture
) -> None:
    proposal = await overdue(shop)
    await resolved(shop, proposal, "not_applied")
    with caplog.at_level(logging.WARNING, logger="synapsor.worker"):
        await answered(shop, answer)
    assert await kinds(shop, proposal) == [("resolution_waits", "")]
    assert [r.proposal for r in caplog.records if getattr(r, "action", "") == "resolution_waits"] == [proposal]  # type: ignore[attr-defined]  # it is given as extra
    await answered(shop, said("failed", "closed"))
    assert await shop.status(proposal) == "failed"


@pytest.mark.requirement("reconcile:given-up")
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (said("already_applied"), "handler_applied"),
        (said("conflict", "effect_stands"), "effect_stands"),
        (said("conflict", "receipts_differ"), "receipts_differ"),
    ],
)
async def test_what_the_application_has_done_is_not_said_to_be_not_applied(
    shop: Shop, answer: Speech, code: str
) -> None:
    proposal = await overdue(shop)
    await resolved(shop, proposal, "not_applied")
    assert (await answered(shop, answer)).asks == ["abandon"]
    record = await shop.record(proposal)
    assert (record.status.value, record.said.refused) == ("reconciliation_required", code)
    assert (await answered(shop, answer)).asks == []
    await resolved(shop, proposal, "applied", contrary=True)
    assert (await answered(shop, answer)).asks == ["abandon"]
    differ = code == "receipts_differ"  # some of it may be open
    assert await shop.status(proposal) == ("reconciliation_required" if differ else "applied")
    assert (await shop.project.verify()).ok


@pytest.mark.requirement("reconcile:given-up")
async def test_that_something_was_applied_counts_when_the_application_does_it_no_more(shop: Shop) -> None:
    proposal = await overdue(shop)
    (signed,) = await resolved(shop, proposal, "applied", contrary=True)
    for answer in (accepted(), heard(Heard.UNREACHED)):
        await answered(shop, answer)
        assert await shop.status(proposal) == "reconciliation_required"
    await answered(shop, ABANDONED)
    record = await shop.record(proposal)
    assert (record.status.value, record.resolution and record.resolution.resolution) == ("applied", signed)
    assert await kinds(shop, proposal) == [("resolution_waits", ""), ("proposal_applied", "handler_abandoned")]
    assert (await shop.project.verify()).ok


@pytest.mark.requirement("reconcile:given-up")
async def test_whoever_was_told_that_the_effect_stands_may_say_all_the_same_that_it_was_not_applied(shop: Shop) -> None:
    proposal = await overdue(shop)
    for status in ("reconciliation_required", "failed"):
        await resolved(shop, proposal, "not_applied")
        await answered(shop, said("conflict", "effect_stands"))
        assert await shop.status(proposal) == status


@pytest.mark.requirement("reconcile:given-up")
async def test_a_person_may_sign_that_it_counts_at_once_and_that_nobody_was_asked_stays_on_record(shop: Shop) -> None:
    proposal = await overdue(shop)
    (signed,) = await resolved(shop, proposal, "not_applied", unasked=True)
    assert (signed.unasked, await shop.status(proposal)) == (True, "failed")
    assert (await answered(shop, ABANDONED)).asked == []


@pytest.mark.requirement("reconcile:given-up")
async def test_the_newest_that_was_said_counts_and_what_waited_before_is_over(shop: Shop) -> None:
    proposal = await overdue(shop)
    await resolved(shop, proposal, "not_applied")
    (newest,) = await resolved(shop, proposal, "not_applied", reason="I have looked again.")
    assert len((await answered(shop, ABANDONED)).asked) == 1
    record = await shop.record(proposal)
    assert record.resolution is not None
    assert record.resolution.resolution == newest


@pytest.mark.requirement("reconcile:given-up")
async def test_what_is_resolved_or_said_anew_while_the_application_is_asked_is_not_ended_by_its_answer(
    shop: Shop,
) -> None:
    proposal = await overdue(shop)
    await resolved(shop, proposal, "not_applied")
    waits = (await shop.record(proposal)).said.waits
    assert waits is not None
    await resolved(shop, proposal, "not_applied", reason="I have looked again.")
    assert not await shop.ledger.doubts.end([waits], code="handler_abandoned", counts=True)
    assert await shop.status(proposal) == "reconciliation_required"
    await resolved(shop, proposal, "applied", contrary=True, unasked=True)
    newest = (await shop.record(proposal)).resolution
    assert newest is not None
    assert not await shop.ledger.doubts.end([newest], code="handler_abandoned", counts=True)
    assert await shop.status(proposal) == "applied"


@pytest.mark.requirement("reconcile:given-up")
async def test_a_worker_that_cannot_record_what_it_was_answered_asks_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = await overdue(shop)
    await resolved(shop, proposal, "not_applied")

    async def fails(*_: object, **__: object) -> bool:
        raise LedgerFailure("The disk is full.")

    with monkeypatch.context() as broken:
        broken.setattr(shop.ledger.doubts, "end", fails)
        assert (await answered(shop, ABANDONED)).asks == ["abandon"]
    assert await shop.status(proposal) == "reconciliation_required"
    assert (await answered(shop, ABANDONED)).asks == ["abandon"]
    assert await shop.status(proposal) == "failed"


@pytest.mark.requirement("reconcile:given-up", "reconcile:who")
@pytest.mark.parametrize("how", ["revoked", "own", "forged"])
async def test_the_application_is_not_asked_on_the_word_of_somebody_whom_nobody_trusts(
    shop: Shop, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal, trusted = await overdue(shop), shop.files.operators
    if how == "forged":
        real = shop.ledger.doubts.resolve

        async def forged(signed: list[SignedResolution]) -> None:
            await real([replace(one, signature=sign(one.resolution, MALLORY)) for one in signed])

        monkeypatch.setattr(shop.ledger.doubts, "resolve", forged)
    elif how == "revoked":
        trusted = {**trusted, "leo": replace(trusted["leo"], revoked=True)}
    else:
        trusted = {**trusted, "leo": replace(trusted["leo"], principals=("support_agent_17",))}
    await resolved(shop, proposal, "not_applied")
    assert (await answered(shop, ABANDONED, operators=lambda: trusted)).asked == []
    assert await shop.status(proposal) == "reconciliation_required"


@pytest.mark.requirement("reconcile:given-up")
async def test_nobody_asks_while_the_source_is_paused_or_the_executor_is_not_known(shop: Shop) -> None:
    proposal = await overdue(shop)
    await resolved(shop, proposal, "not_applied")
    await turn(shop, "paused")
    assert (await answered(shop, ABANDONED)).asked == []
    await turn(shop, "running")
    assert await shop.work(handlers={"other": Answering(ABANDONED)}) == []
    report = await replay(shop.ledger, proposal, shop.files.operators)
    assert (report.differences, [one.name for one in report.steps][-1]) == ((), "waits")
    assert await shop.status(proposal) == "reconciliation_required"
    assert (await answered(shop, ABANDONED)).asks == ["abandon"]
    assert await shop.status(proposal) == "failed"


@dataclass
class Broken:
    """An application that cannot be asked at all, whatever is asked."""

    name: str = "app"
    accepted_seconds: float = 3600.0
    asked: int = 0

    async def ask(self, body: bytes, *, key: str) -> Reply:
        """Break."""
        del body, key
        self.asked += 1
        raise ValueError("CANARY")


@pytest.mark.requirement("reconcile:asked")
async def test_what_breaks_while_it_is_asked_is_asked_ever_less_often_and_keeps_no_other_waiting(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = await overdue(shop), await overdue(shop, "INV-3002")
    for proposal in (first, second):
        await resolved(shop, proposal, "not_applied")
    passed, broken = 0.0, Broken()

    async def some(handler: Answering, job: str, proposals: Sequence[Proposal]) -> Result:
        return await abandon(broken if proposals[0].id == first else handler, job, proposals)

    monkeypatch.setattr(resolutions, "abandon", some)
    pace = replace(SOON, backoff_seconds=30.0)
    worker = await shop.worker(handlers={"app": Answering(ABANDONED)}, pace=pace, elapsed=lambda: passed)
    with caplog.at_level(logging.WARNING, logger="synapsor.worker"):
        await worker.run(drain=True)
        await worker.run(drain=True)
    assert [await shop.status(one) for one in (first, second)] == ["reconciliation_required", "failed"]
    assert broken.asked == 1
    assert "CANARY" not in caplog.text
    passed += 60
    await worker.run(drain=True)
    assert broken.asked == 2


@pytest.mark.requirement("reconcile:asked")
async def test_a_worker_that_is_told_to_stop_asks_about_nothing_more(shop: Shop) -> None:
    for invoice in ("INV-3001", "INV-3002"):
        await resolved(shop, await overdue(shop, invoice), "not_applied")
    stop = anyio.Event()

    class Slow(Answering):
        async def ask(self, body: bytes, *, key: str) -> Reply:
            stop.set()
            return await super().ask(body, key=key)

    handler = Slow(ABANDONED)
    worker = await shop.worker(handlers={"app": handler})
    with anyio.fail_after(60):
        await worker.run(stop=stop)
    assert handler.asks == ["abandon"]


@pytest.mark.requirement("reconcile:asked", "steer:pause")
async def test_nothing_more_is_asked_of_a_source_that_is_paused_while_another_one_is(shop: Shop) -> None:
    for invoice in ("INV-3001", "INV-3002"):
        await resolved(shop, await overdue(shop, invoice), "not_applied")

    class Pausing(Answering):
        async def ask(self, body: bytes, *, key: str) -> Reply:
            await turn(shop, "paused")
            return await super().ask(body, key=key)

    handler = Pausing(ABANDONED)
    assert await shop.work(handlers={"app": handler}) == []
    assert handler.asks == ["abandon"]


@pytest.mark.requirement("reconcile:forged", "reconcile:asked")
async def test_nothing_waits_by_a_resolution_that_no_event_tells_of(shop: Shop) -> None:
    proposal = await overdue(shop)
    with as_ledger_owner(shop) as raw:
        forged(raw, "resolution", 2**62, proposal, operator="leo", verdict="not_applied")
    assert await shop.ledger.doubts.waiting(("shop",)) == ()
    await resolved(shop, proposal, "not_applied")
    assert await shop.ledger.doubts.waiting(("shop",)) == (proposal,)
    assert (await answered(shop, ABANDONED)).asks == ["abandon"]
    assert await shop.status(proposal) == "failed"
