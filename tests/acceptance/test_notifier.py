"""The notifier against real receivers: what happens to proposals arrives, signed, and nothing of it is lost."""

import base64
import datetime as dt
import hashlib
import hmac
import re
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
import pytest_asyncio

from synapsor.contract.approval import PerDay
from synapsor.core.attempts import RefusedLogin
from synapsor.core.moment import stamp
from synapsor.core.policy import Deferral
from synapsor.core.review import policy_digest
from synapsor.core.writeback import Closed
from synapsor.errors import ConfigError, IntegrityError, UsageError
from synapsor.ledger.open import open_ledger
from synapsor.testing.clock import TestClock
from tests.ledger_records import (
    a_decision,
    a_pause,
    a_receipt,
    a_switch,
    a_use,
    approve_one,
    at,
    handle,
    seen,
    undecided,
)
from tests.notifying import KEY, ROOT, SECRET, Receiver, Telling, receiver, telling

ALL = "routes:\n  - to: [desk]\n    events: [{}]\n"
EVERYTHING = (
    "filed, deferred, waiting, question_asked, question_answered, partly_approved, approved, rejected, applied, conflict, failed, expired, canceled, superseded, "
    "reconciliation_required, resolution_refused, writeback_dead, set_aside, policy_near_limit, policies_stopped, policies_running, worker_paused, worker_resumed, "
    "attempts_refused"
)


@pytest_asyncio.fixture
async def project(tmp_path: Path) -> AsyncIterator[Telling]:
    async with telling(tmp_path / "project") as made:
        yield made


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Receiver]:
    with receiver(tmp_path) as running:
        yield running


def types(desk: Receiver) -> list[str]:
    return [got.data["type"] for got in desk.got]


@pytest.mark.requirement("notify:no-values", "notify:signed")
async def test_a_filed_proposal_is_told_signed_and_without_a_value(project: Telling, desk: Receiver) -> None:
    project.webhook(desk)
    await project.tell()
    filed = await project.file()
    await project.tell()
    (got,) = desk.got
    assert got.data == {
        "type": "proposal.filed",
        "timestamp": at(),
        "data": {
            "event": "filed",
            "at": at(),
            "proposal": filed.id,
            "capability": "billing.propose_late_fee_waiver",
            "contract": "billing",
            "operation": "update",
            "rows": 1,
            "risk": "low",
            "role": "billing_lead",
            "need": 1,
            "principal": "agent-7",
            "client": "stdio",
            "asked_at": at(),
            "expires_at": at(3600),
            "command": f"synapsor show {filed.id}",
        },
    }
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"
    assert got.headers["host"] == f"hooks.example.com:{desk.port}"
    assert [(o.why, o.dead) for o in project.outcomes] == [("", False)]


async def test_while_a_secret_is_changed_there_is_a_signature_by_each(project: Telling, desk: Receiver) -> None:
    other = base64.b64encode(b"o" * 24).decode()
    project.webhook(desk)
    text = project.config.read_text(encoding="utf-8")
    previous = f"previous: {project.secret('other', other)}\n        allow_private"
    project.config.write_text(text.replace("allow_private", previous), encoding="utf-8")
    await project.file()
    await project.tell(since=0)
    assert [s.partition(",")[0] for s in desk.got[0].headers["webhook-signature"].split(" ")] == ["v1", "v1"]
    assert len(set(desk.got[0].headers["webhook-signature"].split(" "))) == 2


async def test_a_first_start_begins_at_the_head_or_where_it_is_told_to(project: Telling, desk: Receiver) -> None:
    project.webhook(desk)
    await project.file()
    await project.tell()
    assert desk.got == []
    with pytest.raises(UsageError):
        await project.tell(since=0)
    (project.root / ".synapsor" / "notify.db").unlink()
    with pytest.raises(UsageError):
        await project.tell(since=999)
    await project.tell(since=0)
    assert types(desk) == ["proposal.filed"]


@pytest.mark.requirement("steer:told")
async def test_a_job_that_was_given_up_is_told_at_once_and_why(project: Telling, desk: Receiver) -> None:
    project.webhook(desk)
    await approve_one(project.ledger, contract=await project.activate())
    (lease,) = await project.ledger.lease("w", now=at(90), until=at(150), sources={"shop": 1})
    assert await project.ledger.steering.park(lease, code="busy", at=at(95)) == (True, True)
    await project.tell(since=0)
    assert types(desk)[-1] == "proposal.writeback_dead"
    assert desk.got[-1].data["data"]["code"] == "busy"


async def test_each_kind_of_event_is_told_once_in_the_ledgers_order(project: Telling, desk: Receiver) -> None:
    project.webhook(desk, ALL.format(EVERYTHING))
    ledger, contract = project.ledger, await project.activate()
    await ledger.record_read(*seen())
    for outcome in ("applied", "conflict", "failed", "reconciliation_required"):
        await approve_one(ledger, contract=contract)
        (lease,) = await ledger.lease("w", now=at(90), until=at(150), sources={"shop": 1})
        assert await ledger.settle(lease, [a_receipt(lease, outcome)]) is Closed.SETTLED
    refusable = await project.file()
    await ledger.decide(a_decision(refusable, "reject"), job=None, counted=undecided(refusable), complete=True)
    policed = [await project.file(policy="small_fees") for _ in range(2)]
    for proposal, limits in zip(policed, ((), (PerDay(count=2),)), strict=True):
        signed = a_decision(proposal, policy=policy_digest(contract, "small_fees"), operator="policy_key")
        use = a_use(proposal, signed)
        await ledger.policies.approve(signed, job=None, use=use, limits=limits, switch=None)
    left = await project.file(policy="small_fees")
    await ledger.policies.defer(left.id, Deferral(policy="small_fees", why="outside", what="late_fee_cents"), at=at(65))
    await ledger.policies.throw(a_switch(ledger))
    await ledger.policies.throw(a_switch(ledger, "running"))
    await ledger.steering.pause(a_pause(ledger))
    await ledger.steering.pause(a_pause(ledger, "running", source=""))
    await project.tell(since=0)
    assert types(desk) == [
        *(f"proposal.{e}" for o in ("applied", "conflict", "failed") for e in ("filed", "approved", o)),
        *("proposal.filed", "proposal.approved", "proposal.reconciliation_required"),
        *("proposal.filed", "proposal.rejected", "proposal.filed", "proposal.filed"),
        *("proposal.approved", "proposal.approved", "policy.near_limit"),
        *("proposal.filed", "proposal.deferred", "policies.stopped", "policies.running"),
        *("worker.paused", "worker.resumed"),
    ]
    by_type = {got.data["type"]: got.data["data"] for got in desk.got}
    assert by_type["proposal.conflict"]["code"] == "version_moved"
    assert by_type["proposal.rejected"]["by"] == ["vera"]
    assert by_type["policy.near_limit"]["policy"] == "billing.small_fees"
    assert by_type["policy.near_limit"]["limits"] == ["count for each policy"]
    assert by_type["policies.stopped"] == {
        "event": "policies_stopped",
        "at": at(70),
        "by": ["vera"],
        "command": "synapsor policy status",
    }
    paused = {"event": "worker_paused", "at": at(70), "source": "elsewhere", "by": ["vera"]}
    assert by_type["worker.paused"] == {**paused, "command": "synapsor worker status"}
    assert "source" not in by_type["worker.resumed"]
    assert len(set(desk.ids)) == len(desk.ids)


@pytest.mark.requirement("notify:quorum")
async def test_who_may_decide_hears_that_others_have_and_that_it_takes_more(project: Telling, desk: Receiver) -> None:
    project.webhook(desk)
    await project.tell()
    asked = await project.file(quorum=2)
    first = a_decision(asked)
    await project.ledger.decide(first, job=None, counted=undecided(asked), complete=False)
    await project.tell()
    assert types(desk) == ["proposal.filed", "proposal.partly_approved"]
    told = desk.got[1].data["data"]
    assert (told["by"], told["need"], told["role"], "told" in told) == (["vera"], 2, "billing_lead", False)
    assert told["proposal"] == asked.id


@pytest.mark.requirement("notify:refused-attempts")
async def test_refused_attempts_are_told_as_numbers_and_an_attacker_can_flood_nobody(
    project: Telling, desk: Receiver
) -> None:
    project.webhook(desk)
    await project.tell()
    asked = await project.file(expires_at=at(10 * 86_400))

    async def knock(number: int, subject: str = "mallory-7713") -> None:
        moment = stamp(project.clock.now())
        for _ in range(number):
            await project.ledger.refused_login(
                RefusedLogin(
                    id=handle("lgr"),
                    at=moment,
                    door="console",
                    way="oidc",
                    rule="wrong_code",
                    issuer="i",
                    subject=subject,
                    unrecorded=0,
                )
            )
        await project.ledger.refused_decision(asked.id, subject, "self_approval", moment)

    await knock(3)
    await project.tell()
    assert types(desk) == ["proposal.filed"]  # four attempts are told to nobody
    await knock(1)
    for _ in range(30):
        await project.tell()
        project.clock.move(minutes=1)
        await knock(20)
    await project.tell()
    assert types(desk) == ["proposal.filed", "attempts.refused"]
    told = desk.got[1].data["data"]
    assert told == {
        "event": "attempts_refused",
        "at": at(),
        "since": at(),
        "refused_logins": 4,
        "refused_decisions": 2,
        "command": "synapsor operator refused",
    }
    project.clock.move(minutes=60)
    await project.tell()
    assert types(desk)[2:] == ["attempts.refused"]
    later = desk.got[2].data["data"]
    assert (later["refused_logins"], later["refused_decisions"], later["since"]) == (600, 30, at(60))
    assert "mallory" not in "".join(got.body.decode() for got in desk.got)
    project.clock.move(minutes=600)
    await project.tell()
    assert types(desk)[3:] == ["proposal.waiting"]


@pytest.mark.requirement("notify:refused-attempts")
async def test_logins_that_were_only_counted_by_their_door_are_counted_here(project: Telling, desk: Receiver) -> None:
    project.webhook(desk)
    await project.tell()
    await project.ledger.refused_login(
        RefusedLogin(
            id=handle("lgr"),
            at=at(),
            door="console",
            way="key",
            rule="bad_signature",
            issuer="",
            subject="",
            unrecorded=40,
        )
    )
    await project.tell()
    assert [got.data["data"]["refused_logins"] for got in desk.got] == [41]


@pytest.mark.requirement("notify:at-least-once")
async def test_a_message_that_did_not_arrive_comes_again_as_it_was(project: Telling, desk: Receiver) -> None:
    project.webhook(desk)
    await project.file()
    desk.answers += [(503, {"retry-after": "600"}), (0, {}), (429, {}), (200, {})]
    await project.tell(since=0)
    project.clock.move(seconds=599)
    await project.tell()
    assert len(desk.got) == 1  # it was asked to wait for ten minutes
    for seconds in (1, 10, 20):
        project.clock.move(seconds=seconds)
        await project.tell()
    assert [o.why for o in project.outcomes] == ["http_503", "connection_lost", "http_429", ""]
    assert len({(got.headers["webhook-id"], got.body) for got in desk.got}) == 1
    assert len({got.headers["webhook-timestamp"] for got in desk.got}) == 4
    project.clock.move(days=1)
    await project.tell()
    assert len([i for i in desk.ids if i == desk.ids[0]]) == 4


async def test_a_receiver_that_wants_to_be_left_alone_for_ever_is_asked_again_within_an_hour(
    project: Telling, desk: Receiver
) -> None:
    project.webhook(desk)
    await project.file(expires_at=at(999_999))
    desk.answers += [(503, {"retry-after": "99999999"}), (503, {"retry-after": "Fri, 31 Dec 2100 23:59:59 GMT"})]
    await project.tell(since=0)
    for _ in range(2):
        project.clock.move(hours=1)
        await project.tell()
    assert [o.why for o in project.outcomes] == ["http_503", "http_503", ""]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 300, 304])
@pytest.mark.requirement("notify:dead-letter")
async def test_what_a_receiver_refuses_is_given_up_at_once_and_the_next_goes_out(
    project: Telling, desk: Receiver, status: int
) -> None:
    project.webhook(desk)
    desk.answers.append((status, {}))
    await project.file()
    await project.file()
    await project.tell(since=0)
    assert [(bool(o.why), o.dead) for o in project.outcomes] == [(True, True), (False, False)]
    assert len(desk.got) == 2


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(project: Telling, desk: Receiver, status: int) -> None:
    project.webhook(desk)
    desk.answers.append((status, {}))
    await project.file()
    await project.tell(since=0)
    assert [(o.why, o.dead) for o in project.outcomes] == [(f"http_{status}", False)]


@pytest.mark.requirement("notify:dead-letter")
async def test_a_message_is_given_up_after_so_many_attempts_and_another_way_leads_back(
    project: Telling, desk: Receiver
) -> None:
    project.webhook(desk, ALL.format("filed") + "retry: {attempts: 3}\n")
    await project.file(expires_at=at(999_999))
    desk.answers += [(500, {})] * 3
    await project.tell(since=0)
    for _ in range(3):
        project.clock.move(hours=1)
        await project.tell()
    assert [(o.why, o.dead) for o in project.outcomes] == [("http_500", dead) for dead in (False, False, True)]
    async with project.notifier() as notifier:
        (dead,) = notifier.state.dead()
        assert (dead.why, dead.attempts, dead.message.channel) == ("http_500", 3, "desk")
        assert notifier.state.requeue(dead.message.id, now=at())
        await notifier.once()
    assert desk.ids == [dead.message.id] * 4
    assert project.outcomes[-1].why == ""


async def test_a_message_is_given_up_after_a_day_whatever_the_number_of_attempts(
    project: Telling, desk: Receiver
) -> None:
    project.webhook(desk, ALL.format("filed"))
    await project.file(expires_at=at(999_999))
    desk.answers += [(500, {})] * 2
    await project.tell(since=0)
    project.clock.move(hours=24)
    await project.tell()
    assert [o.dead for o in project.outcomes] == [False, True]


@pytest.mark.requirement("notify:at-least-once")
async def test_what_happened_while_no_notifier_ran_is_told_by_the_next(project: Telling, desk: Receiver) -> None:
    project.webhook(desk, ALL.format("filed"))
    await project.tell()
    filed = [(await project.file()).id for _ in range(40)]
    await project.tell()
    assert [got.data["data"]["proposal"] for got in desk.got] == filed


async def test_one_who_is_down_does_not_keep_the_others_from_hearing(project: Telling, desk: Receiver) -> None:
    down = "  down:\n    webhook: {url: https://127.0.0.1:9/x, secret: '${file:hook}'}\n"
    project.webhook(desk, channel=down)
    await project.file()
    await project.tell(since=0)
    assert sorted((o.channel, o.why) for o in project.outcomes) == [("desk", ""), ("down", "address_refused")]


@pytest.mark.requirement("notify:same-chain")
async def test_another_ledger_in_the_place_of_the_one_that_was_read_stops_it(project: Telling, desk: Receiver) -> None:
    project.webhook(desk)
    await project.file()
    await project.tell()
    folder = project.root / ".synapsor"
    await project.ledger.aclose()
    for file in folder.glob("ledger.*"):
        file.unlink()
    project.ledger = open_ledger(folder / "ledger.db", create=True, clock=project.clock)
    await project.file()
    with pytest.raises(IntegrityError):
        await project.tell()
    assert desk.got == []


async def test_a_proposal_that_expires_is_told_once_though_no_worker_runs_and_though_one_does_later(
    project: Telling, desk: Receiver
) -> None:
    project.webhook(desk, ALL.format("expired"))
    old = await project.file()
    project.clock.move(hours=2)
    await project.tell()  # what had expired before the first start is no news
    filed = await project.file(at=at(7200), expires_at=at(9000))
    project.clock.move(hours=1)
    await project.tell()
    assert await project.ledger.expire_due(now=at(10800)) == 2
    project.clock.move(hours=1)
    await project.tell()
    assert [(got.data["type"], got.data["data"]["proposal"]) for got in desk.got] == [("proposal.expired", filed.id)]
    assert old.id != filed.id


async def test_who_does_not_decide_is_reminded_seldom_and_not_for_ever(project: Telling, desk: Receiver) -> None:
    project.webhook(desk, ALL.format("waiting") + "waiting: {after_minutes: 60, again_hours: 12, at_most: 2}\n")
    filed = await project.file(expires_at=at(10 * 86_400))
    for hours in (0.9, 0.1, 11.9, 0.1, 24, 24):
        project.clock.move(hours=hours)
        await project.tell(since=0 if hours == 0.9 else None)
    told = [(got.data["timestamp"], got.data["data"]["proposal"]) for got in desk.got]
    assert told == [(at(3600), filed.id), (at(13 * 3600), filed.id)]
    assert len(set(desk.ids)) == 2


async def test_nobody_is_reminded_of_what_was_decided(project: Telling, desk: Receiver) -> None:
    project.webhook(desk, ALL.format("waiting"))
    proposal = await project.file(expires_at=at(999_999))
    await project.ledger.decide(a_decision(proposal, "reject"), job=None, counted=undecided(proposal), complete=True)
    project.clock.move(days=2)
    await project.tell(since=0)
    assert desk.got == []


QUIET = "    quiet: {from: '22:00', to: '07:00', zone: Europe/Berlin}\n"  # the ledger's clock begins at 21:17 there


@pytest.mark.requirement("notify:quiet-hours")
async def test_in_quiet_hours_only_high_risk_goes_out_and_the_rest_says_afterwards_how_it_stands(
    project: Telling, desk: Receiver
) -> None:
    project.webhook(desk, channel=QUIET, more=ALL.format("filed"))
    await project.tell()
    project.clock.move(hours=2)
    urgent, later = await project.file(risk="high", expires_at=at(99_999)), await project.file(expires_at=at(99_999))
    await project.tell()
    assert [got.data["data"]["proposal"] for got in desk.got] == [urgent.id]
    given = a_decision(later, "reject", at=stamp(project.clock.now()), expires_at=later.expires_at)
    await project.ledger.decide(given, job=None, counted=undecided(later), complete=True)
    project.clock.move(hours=8)
    await project.tell()
    assert [got.data["data"]["proposal"] for got in desk.got] == [urgent.id, later.id]
    assert [got.data["data"].get("stands") for got in desk.got] == [None, "rejected"]


async def test_a_digest_counts_what_was_collected_and_names_the_oldest(project: Telling, desk: Receiver) -> None:
    project.webhook(desk, channel="    digest: {minutes: 30}\n")
    text = project.config.read_text(encoding="utf-8")
    project.config.write_text(f"{text}console_url: https://console.example.com/s\n", encoding="utf-8")
    await project.tell()
    filed = [await project.file(at=at(second)) for second in range(25)]
    urgent = await project.file(risk="high")
    await project.tell()
    project.clock.move(minutes=29)
    await project.tell()
    assert [got.data["data"]["proposal"] for got in desk.got] == [urgent.id]
    project.clock.move(minutes=1)
    await project.tell()
    data = desk.got[1].data["data"]
    assert (desk.got[1].data["type"], data["total"], data["counts"]) == ("digest", 25, {"filed": 25})
    assert (data["oldest"], data["link"]) == (at(0), "https://console.example.com/s/")
    assert [n["link"] for n in data["notices"]] == [
        f"https://console.example.com/s/proposals/{p.id}" for p in filed[:20]
    ]


async def test_a_long_word_of_others_is_cut_for_programs_too(project: Telling, desk: Receiver) -> None:
    project.webhook(desk)
    contract = await project.activate(propose_late_fee_waiver=["late_fee_cents"])
    many = {"principal": "x" * 100_000, "client": "y" * 200, "before": {"late_fee_cents": "9" * 999}}
    await project.file(contract=contract, guards=("late_fee_cents",), **many)
    await project.tell(since=0)
    data = desk.got[0].data["data"]
    assert (data["principal"], data["client"]) == ("x" * 200 + "…", "y" * 200)
    assert data["told"][0]["before"] == "9" * 200 + "…"


async def test_told_to_stop_it_finishes_what_it_sends_and_leaves_the_rest_for_later(
    project: Telling, desk: Receiver
) -> None:
    project.webhook(desk)
    for _ in range(5):
        await project.file()
    desk.holds, stop = threading.Event(), anyio.Event()
    async with project.notifier() as notifier, anyio.create_task_group() as tasks:
        await notifier.start(0)
        tasks.start_soon(notifier.run, stop)
        await anyio.to_thread.run_sync(desk.arrived.wait)
        stop.set()
        desk.holds.set()
    assert len(desk.got) == 1
    desk.holds = None
    await project.tell()
    assert len(set(desk.ids)) == len(desk.got) == 5


@pytest.mark.requirement("notify:flood")
async def test_a_flood_reaches_people_as_few_messages_and_all_of_it_is_told(project: Telling, desk: Receiver) -> None:
    project.write(
        f"channels: {{team: {{slack: {{url: '{project.secret('url', desk.url)}', allow_private: [127.0.0.0/8], ca: {desk.ca}}}}}}}\n"
        "routes: [{to: [team], events: [filed]}]\n"
    )
    await project.tell()
    for _ in range(11):
        await project.file(expires_at=at(99_999))
        project.clock.move(seconds=10)
        await project.tell()
    assert len(desk.got) == 5
    project.clock.move(minutes=10)
    await project.tell()
    single = "billing.propose_late_fee_waiver waits for review"
    assert [got.data["text"] for got in desk.got] == [single] * 5 + ["6 waiting for review"]


@pytest.mark.requirement("notify:values-reviewed")
async def test_values_are_told_of_the_columns_that_the_reviewed_contract_names_and_of_no_other(
    project: Telling, desk: Receiver
) -> None:
    project.webhook(desk)
    contract = await project.activate(propose_late_fee_waiver=["late_fee_cents", "status"])
    await project.file(contract=contract)
    await project.tell(since=0)
    assert desk.got[0].data["data"]["told"] == [{"row": 1, "column": "late_fee_cents", "before": "5500", "after": "0"}]


class Forging:
    """A ledger in which another contract stands under every digest."""

    def __init__(self, chronicle: Any, body: Any) -> None:
        self._chronicle = chronicle
        self._body = body

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chronicle, name)

    async def contract(self, _: str) -> Any:
        return self._body


@pytest.mark.requirement("notify:values-reviewed")
async def test_a_contract_in_the_ledger_that_is_not_what_the_proposal_names_tells_no_value(
    project: Telling, desk: Receiver
) -> None:
    project.webhook(desk)
    contract = await project.activate(propose_late_fee_waiver=["late_fee_cents"])
    await project.file(contract="sha256:" + "0" * 64)
    async with project.notifier() as notifier:
        known = notifier.chronicle.contract
        forged = replace(notifier, chronicle=Forging(notifier.chronicle, await known(contract)))
        await forged.start(0)
        await forged.once()
    assert "told" not in desk.got[0].data["data"]


async def test_a_second_notifier_on_the_same_state_does_not_start(project: Telling, desk: Receiver) -> None:
    project.webhook(desk)
    async with project.notifier():
        with pytest.raises(UsageError):
            await project.tell()
    await project.tell()


async def test_a_project_that_says_nothing_of_it_has_no_notifier(project: Telling) -> None:
    project.write("")
    text = project.config.read_text(encoding="utf-8").replace("notify:\n", "")
    project.config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        await project.tell()


PAGE = (ROOT / "docs" / "how-to" / "get-notified.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.requirement("docs:true", "notify:signed")
async def test_the_example_on_the_page_takes_what_is_genuine_and_nothing_else(project: Telling, desk: Receiver) -> None:
    page: dict[str, Any] = {}
    exec(EXAMPLE, page)
    assert len(EXAMPLE.splitlines()) <= 18
    verified = page["verified"]
    project.webhook(desk)
    project.clock = TestClock(dt.datetime.now(dt.UTC))
    filed = await project.file(expires_at="2999-01-01T00:00:00.000000Z")
    await project.tell(since=0)
    (got,) = [
        one for one in desk.got if one.data["data"]["proposal"] == filed.id and one.data["type"] == "proposal.filed"
    ]
    assert verified(SECRET, got.headers, got.body) == got.headers["webhook-id"]
    old = str(int(got.headers["webhook-timestamp"]) - 301)
    for headers, body in (
        (got.headers, got.body + b" "),
        (got.headers | {"webhook-id": "msg_other"}, got.body),
        (got.headers | {"webhook-timestamp": old}, got.body),
        (got.headers | {"webhook-signature": "v1,AAAA v1a,BBBB"}, got.body),
    ):
        with pytest.raises(ValueError, match=r"old|Synapsor"):
            verified(SECRET, headers, body)
    both = got.headers | {"webhook-signature": f"v1,AAAA {got.headers['webhook-signature']}"}
    assert verified(SECRET, both, got.body) == got.headers["webhook-id"]
