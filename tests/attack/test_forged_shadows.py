"""What only the ledger's file says waits to be measured is carried out by nobody, not even for a moment, and keeps no other waiting."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from synapsor.core.moment import stamp
from synapsor.core.statements import ShadowRequest, SignedShadowRequest
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.flow.signing import Signer
from synapsor.ledger.measurements import MOST_REQUESTS
from synapsor.ports import ProposalRecord
from synapsor.refusals import Rule
from synapsor.work import shadows
from tests.attack.shop import WAIVER, Shop, as_ledger_owner, open_shop
from tests.attack.test_forged_ledger import add
from tests.attack.test_shadow import ASKED, SHADOWED
from tests.databases import Database
from tests.projects import leo_approves

pytestmark = pytest.mark.one_engine


@pytest.fixture
async def shop(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "project", database, policy=SHADOWED) as opened:
        yield opened


def watched() -> tuple[list[str], object]:
    points: list[str] = []

    async def reached(point: str) -> None:
        points.append(point)

    return points, reached


@pytest.mark.requirement("shadow:believed")
@pytest.mark.parametrize("how", ["another body", "filed by nobody"])
async def test_what_its_events_do_not_tell_of_is_not_carried_out_to_be_measured(shop: Shop, how: str) -> None:
    handle = (await shop.proposed(WAIVER, ASKED))["id"]
    with as_ledger_owner(shop) as raw:
        if how == "another body":
            raw.execute("UPDATE proposal SET body = replace(body, 'Paid next day.', 'Paid next way.')")
        else:
            raw.execute("UPDATE event SET subject = 'gone' WHERE subject = ?", (handle,))
    points, reached = watched()
    # Whoever looks at the proposal by itself finds that out as well.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("synapsor.ledger.proposals.is_believed", _always)
        patch.setattr(shop.ledger, "follow", _always)
        assert await shop.work(reached=reached) == []
    assert points == []


@pytest.mark.requirement("shadow:believed")
async def test_a_request_or_measurement_that_no_event_tells_of_asks_for_nothing_and_keeps_nothing_from_being_measured(
    shop: Shop,
) -> None:
    handle = (await shop.proposed(WAIVER, ASKED))["id"]
    other = (await shop.proposed(WAIVER, {**ASKED, "invoice_id": "INV-3002"}))["id"]
    with as_ledger_owner(shop) as raw:
        forged(raw, "shadow_request", 2**62, handle, operator="mia")
        for number in range(MOST_REQUESTS):
            forged(raw, "shadow_request", 2**61 + number, other, operator="mia")
        forged(raw, "measurement", 2**62, other, outcome="measured")
    points, reached = watched()
    assert await shop.work(reached=reached) == []
    assert await shop.work(reached=reached) == []  # nothing is left to be measured
    assert points.count("shadow.recorded") == points.count("shadow.taken") == 2
    for one in (handle, other):
        record = await shop.record(one)
        assert (record.measured is not None, record.shadow_pending) == (True, False)
        await leo_approves(shop.files, shop.project, one, record.shown)
    assert await shop.work() == [("applied", ""), ("applied", "")]


@pytest.mark.requirement("shadow:believed")
async def test_what_is_measured_in_vain_is_measured_ever_less_often_and_keeps_no_other_from_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadows, "AT_A_TIME", 1)
    handle = (await shop.proposed(WAIVER, ASKED))["id"]
    assert await shop.work() == []
    await shop.ledger.measuring.ask(asking(shop, await shop.record(handle)))
    with as_ledger_owner(shop) as raw:
        raw.execute("UPDATE shadow_request SET id = 'shr_forged'")
    passed, (points, reached) = 0.0, watched()
    worker = await shop.worker(reached=reached, elapsed=lambda: passed)
    for rest in (0.2, 0.4, 0.8):
        for moment in (0.0, rest * 0.9):
            passed += moment
            points.clear()
            await worker.run(drain=True)
            assert points.count("shadow.taken") == (not moment)
        passed += rest * 0.2
    honest = (await shop.proposed(WAIVER, {**ASKED, "invoice_id": "INV-3002"}))["id"]
    await worker.run(drain=True)
    assert (await shop.record(honest)).measured is not None


def forged(raw: sqlite3.Connection, kind: str, seq: int, proposal: str, **columns: str) -> None:
    named = {"seq": seq, "id": f"x_{seq}", "at": "x", "proposal": proposal, "body": "{}", **columns}
    raw.execute(f"INSERT INTO {kind} ({', '.join(named)}) VALUES ({', '.join('?' * len(named))})", (*named.values(),))


async def _always(*_: object) -> bool:
    return True


@pytest.mark.requirement("shadow:believed")
async def test_what_only_its_row_says_is_to_be_measured_keeps_no_other_from_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadows, "AT_A_TIME", 1)
    first = (await shop.proposed(WAIVER, ASKED))["id"]
    honest = (await shop.proposed(WAIVER, {**ASKED, "invoice_id": "INV-3002"}))["id"]
    with as_ledger_owner(shop) as raw:
        raw.execute(
            "UPDATE proposal SET body = replace(body, 'Paid next day.', 'Paid next way.') WHERE id = ?", (first,)
        )
    assert await shop.work() == []
    assert (await shop.record(honest)).measured is not None


def asking(shop: Shop, record: ProposalRecord, **other: str) -> SignedShadowRequest:
    leo, proposal = shop.files.operators["leo"], record.proposal
    asked = ShadowRequest(
        id="shr_other",
        ledger=shop.ledger.id,
        proposal=proposal.id,
        digest=proposal.digest,
        operator="leo",
        role=proposal.role,
        at=stamp(shop.project.clock.now()),
    )
    made = replace(asked, **other)
    signer = Signer(operator=leo, key=shop.files.keys["leo"])
    return SignedShadowRequest(request=made, signature=signer.speak(made, {"leo": leo}))


@pytest.mark.requirement("shadow:asked")
async def test_the_ledger_takes_no_request_to_measure_anything_else_nor_what_somebody_has_approved_meanwhile(
    shop: Shop,
) -> None:
    handle = (await shop.proposed(WAIVER, ASKED))["id"]
    assert await shop.work() == []
    record = await shop.record(handle)
    for other in ({"ledger": "led_other"}, {"proposal": "wrp_other"}, {"digest": "sha256:" + "0" * 64}):
        with pytest.raises(IntegrityError):
            await shop.ledger.measuring.ask(asking(shop, record, **other))
    with as_ledger_owner(shop) as raw:
        add(raw, "decision", id="dec_1", at="x", proposal=handle, operator="mia", verdict="approve", body="{}")
    with pytest.raises(DecisionRefused) as refused:
        await shop.ledger.measuring.ask(asking(shop, record))
    assert refused.value.rule is Rule.SHADOW_APPROVED
    with as_ledger_owner(shop) as raw:
        raw.execute("DELETE FROM decision")
    await leo_approves(shop.files, shop.project, handle, record.shown)
    with pytest.raises(DecisionRefused) as refused:
        await shop.ledger.measuring.ask(asking(shop, record))
    assert refused.value.rule is Rule.ALREADY_DECIDED
