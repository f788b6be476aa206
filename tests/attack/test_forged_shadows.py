"""What only the ledger's file says waits to be measured is carried out by nobody, not even for a moment, and keeps no other waiting."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from synapsor.core.moment import stamp
from synapsor.core.statements import ShadowRequest, SignedShadowRequest
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.flow.signing import Signer
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
