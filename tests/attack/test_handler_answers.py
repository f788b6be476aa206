"""What the worker makes of what a handler says: only a whole answer about exactly what was approved counts, and nothing is guessed."""

import datetime as dt
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import pytest_asyncio

from synapsor.core.moment import parse, stamp
from synapsor.core.writeback import receipt_key
from synapsor.flow.apply import InHand
from synapsor.flow.handing import ByHandler
from synapsor.handler.wire import CODES
from synapsor.handler_ports import Heard, Reply
from synapsor.work.authority import authorise
from synapsor.work.pace import Pace
from tests.attack.shop import Shop
from tests.attack.steered import say
from tests.databases import Database
from tests.handlers.answering import Answering, heard, of_first, raw, said, told, without
from tests.handlers.serving import handled_shop

pytestmark = pytest.mark.one_engine
APPLIED = said("applied")
Speech: TypeAlias = Callable[[bytes], Reply]
Change: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


@pytest_asyncio.fixture
async def shop(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    async with handled_shop(tmp_path / "project", database, "http://127.0.0.1:9/synapsor") as found:
        yield found


async def authorised(shop: Shop) -> InHand:
    """Return what is to be handed over; the job is due again at once."""
    await shop.waiver()
    worker = await shop.worker()
    now = shop.project.clock.now()
    (lease,) = await shop.ledger.lease("here", now=stamp(now), until=stamp(now), sources={"shop": 1})
    return await authorise(lease, worker.bench, shop.project.deciders())


async def attempt(shop: Shop, handler: Answering, **options: object) -> list[tuple[str, str]]:
    return await shop.attempt(handlers={"app": handler}, **options)


@pytest.mark.requirement("executor:document")
async def test_a_handler_is_told_keys_guards_and_changes_and_no_other_value_of_a_row(shop: Shop) -> None:
    proposal = (await shop.record(await shop.waiver())).proposal
    handler = Answering(APPLIED)
    assert await attempt(shop, handler) == [("applied", "")]
    (change,) = handler.asked[0]["changes"]
    assert change == {
        "key": receipt_key(shop.ledger.id, proposal.id).hex(),
        "proposal": proposal.id,
        "digest": proposal.digest,
        "capability": "billing.propose_late_fee_waiver",
        "operation": "update",
        "relation": "billing.invoices",
        "tenant": "acme",
        "principal": "support_agent_17",
        "scope": {"tenant_id": "acme"},
        "columns": dict(proposal.columns),
        "expires_at": change["expires_at"],
        "members": [
            {
                "key": {"id": "INV-3001"},
                "guards": {name: proposal.members[0].before[name] for name in (*proposal.guards, "updated_at")},
                "changes": {"late_fee_cents": "0", "waiver_reason": "Paid next day."},
            }
        ],
    }
    assert parse(change["expires_at"]) <= parse(proposal.expires_at)
    assert handler.keys == [change["key"]]
    assert handler.asked[0]["job"].startswith("job_")


LIES: list[Change] = [
    lambda a: of_first(a, key="0" * 64),
    lambda a: of_first(a, digest="sha256:" + "0" * 64),
    lambda a: a | {"changes": []},
    lambda a: a | {"changes": a["changes"] * 2},
    lambda a: of_first(a, rows=[]),
    lambda a: of_first(a, rows=a["changes"][0]["rows"] * 2),
    lambda a: of_first(a, rows=[{"key": {"id": "INV-3002"}, "changes": a["changes"][0]["rows"][0]["changes"]}]),
    lambda a: of_first(a, rows=[{"key": {"id": "INV-3001"}, "changes": {"late_fee_cents": "0"}}]),
    lambda a: of_first(
        a, rows=[{"key": {"id": "INV-3001"}, "changes": {"late_fee_cents": "1", "waiver_reason": "Paid next day."}}]
    ),
    lambda a: of_first(
        a,
        rows=[
            {
                "key": {"id": "INV-3001"},
                "changes": {"late_fee_cents": "0", "waiver_reason": "Paid next day.", "status": "paid"},
            }
        ],
    ),
]


@pytest.mark.requirement("executor:exact")
async def test_what_is_said_to_be_applied_and_is_not_exactly_that_is_for_a_person(shop: Shop) -> None:
    job = await authorised(shop)
    for came in ("applied", "already_applied"):
        for number, lie in enumerate(LIES):
            result = await ByHandler(Answering(told(lie, came=came))).apply(job)
            assert (result.outcome, result.code) == ("reconciliation_required", "handler_differs"), (came, number)


NO_ANSWERS: list[Speech] = [
    heard(Heard.UNKNOWN),
    raw(b""),
    raw(b"<html>OK</html>"),
    raw(b"true"),
    raw(b"[" * 100_000),
    raw(b'{"outcome": "applied"}'),
    raw(b'{"detail": [{"loc": ["body"], "msg": "field required"}]}', 422),
    raw(b'{"synapsor-handler": 2, "outcome": "applied", "changes": []}'),
    raw(b'{"synapsor-handler": 1, "outcome": "failed", "outcome": "applied", "changes": []}'),
    told(lambda a: a, status=201),
    told(lambda a: a, status=409),
    told(lambda a: a, came="conflict", code="row_gone", status=200),
    told(lambda a: a | {"synapsor-handler": True}),
    told(lambda a: a | {"outcome": "done"}),
    told(lambda a: a | {"code": "row_gone"}),
    told(lambda a: without(a, ["changes"])),
    told(lambda a: a | {"detail": 5}),
    told(lambda a: of_first(a, rows={})),
    told(lambda a: of_first(a, rows=[{"key": {"id": "INV-3001"}}])),
    said("conflict", "because_i_say_so"),
    said("conflict"),
    said("failed", "row_gone"),
    said("nothing"),
]


@pytest.mark.requirement("executor:unknown")
async def test_what_is_no_answer_is_unknown_and_proves_nothing(shop: Shop) -> None:
    job = await authorised(shop)
    for number, answer in enumerate(NO_ANSWERS):
        result = await ByHandler(Answering(answer)).apply(job)
        assert (result.outcome, result.code) == ("retry", "handler_unknown"), number


@pytest.mark.requirement("executor:unknown")
async def test_what_is_unknown_is_asked_again_under_the_same_key(shop: Shop) -> None:
    proposal = await shop.waiver()
    handler = Answering(heard(Heard.UNKNOWN), said("already_applied"))
    assert await attempt(shop, handler) == [("retry", "handler_unknown")]
    assert await shop.status(proposal) == "approved"
    assert await attempt(shop, handler) == [("already_applied", "")]
    assert handler.asks == ["apply", "apply"]
    assert len(set(handler.keys)) == 1
    assert handler.asked[0]["changes"] == handler.asked[1]["changes"]


@pytest.mark.requirement("executor:unknown")
async def test_a_handler_that_does_not_take_a_job_is_asked_again(shop: Shop) -> None:
    await shop.waiver()
    handler = Answering(heard(Heard.UNREACHED), heard(Heard.DENIED), heard(Heard.BUSY), APPLIED)
    assert [await attempt(shop, handler) for _ in range(4)] == [
        [("retry", "handler_unreached")],
        [("retry", "handler_denied")],
        [("retry", "handler_busy")],
        [("applied", "")],
    ]


@pytest.mark.requirement("executor:waits")
async def test_a_handler_that_wants_to_be_left_alone_is_left_alone(shop: Shop) -> None:
    await shop.waiver()
    handler = Answering(heard(Heard.BUSY, wait=600.0), APPLIED)
    assert await attempt(shop, handler) == [("retry", "handler_busy")]
    assert await attempt(shop, handler) == []
    assert handler.asks == ["apply"]


VERDICTS = [
    ("conflict", "row_gone", "conflict", "row_gone"),
    ("conflict", "version_moved", "conflict", "version_moved"),
    ("conflict", "insert_duplicate", "conflict", "insert_duplicate"),
    ("conflict", "receipt_of_another_digest", "reconciliation_required", "receipt_of_another_digest"),
    ("conflict", "receipts_differ", "reconciliation_required", "receipts_differ"),
    ("conflict", "effect_stands", "reconciliation_required", "effect_stands"),
    ("failed", "refused", "failed", "handler_refused"),
    ("failed", "unsupported", "failed", "handler_unsupported"),
    ("failed", "expired", "failed", "approval_expired"),
    ("failed", "constraint", "failed", "constraint"),
    ("failed", "value", "failed", "value"),
    ("failed", "after_image", "failed", "after_image"),
    ("failed", "closed", "failed", "recorded_before"),
    ("failed", "abandoned", "failed", "handler_abandoned"),
]


@pytest.mark.requirement("executor:verdict")
async def test_a_verdict_of_the_handler_is_that_of_the_proposal(shop: Shop) -> None:
    job = await authorised(shop)
    assert {(came, code) for came, code, _, _ in VERDICTS} == {
        (c, code) for c, codes in CODES.items() for code in codes
    }
    for came, code, outcome, why in VERDICTS:
        result = await ByHandler(Answering(said(came, code))).apply(job)
        assert (result.outcome, result.code) == (outcome, why)
    proposal = job.claim.proposals[0].id
    assert await attempt(shop, Answering(said("conflict", "row_gone"))) == [("conflict", "row_gone")]
    assert await shop.status(proposal) == "conflict"


@pytest.mark.requirement("executor:exact")
async def test_a_refusal_that_is_about_something_else_is_for_a_person(shop: Shop) -> None:
    await shop.waiver()
    other = told(lambda a: of_first(a, key="0" * 64), came="conflict", code="row_gone")
    assert await attempt(shop, Answering(other)) == [("reconciliation_required", "handler_differs")]


@pytest.mark.requirement("executor:closed")
@pytest.mark.parametrize("look", [said("nothing"), heard(Heard.UNKNOWN)])
async def test_a_job_that_was_tried_too_often_is_given_up_and_closed_when_it_is_discarded(
    shop: Shop, look: Speech
) -> None:
    proposal = await shop.waiver()
    handler = Answering(heard(Heard.UNKNOWN), look, said("failed", "closed"))
    assert await attempt(shop, handler, pace=Pace(attempts=1)) == [("parked", "handler_unknown")]
    await say(shop, "discard", proposal)
    assert await attempt(shop, handler) == [("canceled", "discarded")]
    assert handler.asks == ["apply", "look", "close"]
    assert await shop.status(proposal) == "canceled"


@pytest.mark.requirement("executor:closed")
async def test_a_job_whose_change_got_through_after_all_is_applied_when_it_is_to_be_given_up_or_discarded(
    shop: Shop,
) -> None:
    proposal = await shop.waiver()
    handler = Answering(heard(Heard.UNKNOWN), said("already_applied"))
    assert await attempt(shop, handler, pace=Pace(attempts=1)) == [("already_applied", "")]
    assert await shop.status(proposal) == "applied"
    other = await shop.waiver("INV-3002")
    handler = Answering(heard(Heard.UNKNOWN), heard(Heard.UNKNOWN), said("already_applied"))
    assert await attempt(shop, handler, pace=Pace(attempts=1)) == [("parked", "handler_unknown")]
    await say(shop, "discard", other)
    assert await attempt(shop, handler) == [("already_applied", "")]


@pytest.mark.requirement("executor:closed")
async def test_a_job_that_cannot_be_closed_is_not_said_to_be_canceled(shop: Shop) -> None:
    proposal = await shop.waiver()
    handler = Answering(heard(Heard.UNREACHED))
    await say(shop, "cancel", proposal)
    assert await attempt(shop, handler) == [("retry", "handler_unreached")]
    assert handler.asks == ["close"]
    assert await shop.status(proposal) == "approved"


@pytest.mark.requirement("executor:closed")
async def test_what_has_lapsed_meanwhile_is_closed_and_never_handed_over(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.waiver()
    real = shop.project.clock.now
    monkeypatch.setattr("synapsor.work.authority.Workbench.now", lambda _: (real() + dt.timedelta(days=9)).isoformat())
    monkeypatch.setattr("synapsor.work.authority._people", lambda signed, *_: (signed,))
    handler = Answering(said("failed", "closed"))
    assert await attempt(shop, handler) == [("failed", "approval_expired")]
    assert handler.asks == ["close"]


@pytest.mark.requirement("executor:authority")
@pytest.mark.parametrize(
    ("answer", "came"),
    [
        (said("nothing"), ("failed", "approval_operator_revoked")),
        (said("already_applied"), ("already_applied", "")),
        (heard(Heard.UNKNOWN), ("retry", "handler_unknown")),
    ],
)
async def test_a_job_that_is_not_authorised_is_not_handed_over_but_the_handler_is_asked_what_it_knows(
    shop: Shop, answer: Callable[[bytes], Reply], came: tuple[str, str]
) -> None:
    await shop.waiver()
    trusted = shop.project.deciders()
    revoked = {**trusted, "leo": replace(trusted["leo"], revoked=True)}
    handler = Answering(answer)
    assert await attempt(shop, handler, operators=lambda: revoked) == [came]
    assert handler.asks == ["look"]


@pytest.mark.requirement("executor:authority")
async def test_at_a_later_attempt_a_job_that_is_not_authorised_is_closed(shop: Shop) -> None:
    await shop.waiver()
    trusted = shop.project.deciders()
    revoked = {**trusted, "leo": replace(trusted["leo"], revoked=True)}
    handler = Answering(heard(Heard.UNKNOWN), said("failed", "closed"))
    assert await attempt(shop, handler) == [("retry", "handler_unknown")]
    assert await attempt(shop, handler, operators=lambda: revoked) == [("failed", "approval_operator_revoked")]
    assert handler.asks == ["apply", "close"]


@pytest.mark.requirement("executor:named")
async def test_a_worker_without_the_executor_hands_the_job_to_nobody_and_applies_nothing(shop: Shop) -> None:
    proposal = await shop.waiver()
    before = shop.invoice()
    assert await shop.attempt(handlers={}) == [("retry", "executor_missing")]
    assert (await shop.status(proposal), shop.invoice(), shop.receipts()) == ("approved", before, 0)


@pytest.mark.requirement("executor:words")
async def test_an_applications_own_words_reach_the_log_alone_short_and_on_one_line(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    proposal = await shop.waiver()
    words = "no \u202e such\nthing " + "x" * 1000
    with caplog.at_level(logging.WARNING):
        await attempt(shop, Answering(said("failed", "refused", words)))
    (logged,) = [r.getMessage() for r in caplog.records if getattr(r, "action", "") == "handler_said"]
    assert logged.startswith("executor app says: no \\u202e such?thing xxx")
    assert len(logged) < 250
    told_agent = await shop.call("billing.inspect_invoice", {"invoice_id": "INV-3001"})
    assert "thing" not in str(told_agent)
    assert "thing" not in str(await shop.record(proposal))
