"""The one way to decide, which every surface goes: what it refuses it refuses for all of them, and it records that it did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.core.live import Live
from synapsor.core.proposal import Proposal
from synapsor.core.statements import Verdict
from synapsor.errors import ConfigError, DecisionRefused, UsageError
from synapsor.flow.decide import Deciding, Listed, decide
from synapsor.flow.review import check_may
from tests.attack.amending import signer_of
from tests.attack.shop import WAIVER, Shop, as_ledger_owner, open_shop
from tests.databases import Database
from tests.projects import leo_approves, opened


@pytest_asyncio.fixture
async def shop(tmp_path: Path, sqlite_db: Database) -> AsyncIterator[Shop]:
    """The demo's project, on one engine: nothing that is refused here is an engine's."""
    async with open_shop(tmp_path / "project", sqlite_db) as found:
        yield found


INVOICE = {"invoice_id": "INV-3001", "reason": "Paid next day."}


async def asked(shop: Shop) -> Listed:
    filed = await shop.proposed(WAIVER, INVOICE)
    return Listed(proposal=filed["id"], digest=filed["digest"])


def deciding(shop: Shop, verdict: Verdict = "approve", who: str = "leo", **options: Any) -> Deciding:
    given: dict[str, Any] = {
        "verdict": verdict,
        "signer": signer_of(shop, who),
        "clock": shop.project.clock,
        "modes": shop.project.config.modes,
        "operators": shop.files.operators,
        **options,
    }
    return Deciding(**given)


def refusals(shop: Shop) -> list[tuple[str, str]]:
    with as_ledger_owner(shop) as raw:
        return list(raw.execute("SELECT operator, rule FROM refused_decision ORDER BY seq"))


@pytest.mark.requirement("evidence:digest-checked")
@pytest.mark.parametrize("how", ["UPDATE evidence SET body = replace(body, '5500', '9900')", "DELETE FROM evidence"])
async def test_nobody_approves_on_evidence_that_is_not_what_was_read_and_it_can_still_be_rejected(
    shop: Shop, how: str
) -> None:
    one = await asked(shop)
    with as_ledger_owner(shop) as raw:
        raw.execute(how)
    with pytest.raises(DecisionRefused) as refused:
        await decide(shop.ledger, deciding(shop), one)
    assert (refused.value.rule, refused.value.exit_code) == ("evidence_differs", 5)
    assert refusals(shop) == [("leo", "evidence_differs")]
    # Neither is anybody asked in vain, nor does a program that goes past the asking get further.
    leo, now = shop.files.operators["leo"], shop.project.clock.now()
    with pytest.raises(DecisionRefused, match="evidence"):
        await check_may(shop.ledger, await shop.record(one.proposal), leo, now=now, operators=shop.files.operators)
    with pytest.raises(DecisionRefused, match="evidence"):
        await leo_approves(shop.files, shop.project, one.proposal, one.digest)
    assert await shop.status(one.proposal) == "review_required"
    decided = await decide(shop.ledger, deciding(shop, "reject", reason="Who changed the record?"), one)
    assert decided.status.value == "rejected"


@pytest.mark.requirement("approval:could-be-applied")
async def test_nobody_approves_what_the_worker_would_never_apply(shop: Shop) -> None:
    one = await asked(shop)
    file = shop.files.root / "policies" / "billing.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("at_most: 10000", "at_most: 9000"), encoding="utf-8")
    async with opened(shop.files):
        pass  # another version is the active one now
    with pytest.raises(DecisionRefused) as refused:
        await decide(shop.ledger, deciding(shop), one)
    assert refused.value.rule == "would_not_apply"
    assert ("`synapsor extend`" in refused.value.fix, "can be rejected" in refused.value.fix) == (True, True)
    assert refusals(shop) == [("leo", "would_not_apply")]


async def test_nobodys_rows_are_looked_at_for_whom_may_not_decide(shop: Shop) -> None:
    one = await asked(shop)
    looked: list[str] = []

    async def look(proposal: Proposal) -> Live | None:
        looked.append(proposal.id)
        return None

    with pytest.raises(DecisionRefused) as refused:
        await decide(shop.ledger, deciding(shop, who="rita", look_again=look), one)
    assert (refused.value.rule, looked) == ("role_missing", [])
    await decide(shop.ledger, deciding(shop, look_again=look), one)
    assert looked == [one.proposal]


async def test_what_is_of_a_source_that_is_not_configured_is_not_approved(shop: Shop) -> None:
    one = await asked(shop)
    with pytest.raises(ConfigError, match="source"):
        await decide(shop.ledger, deciding(shop, modes={}), one)
    with pytest.raises(UsageError, match="no such proposal"):
        await decide(shop.ledger, deciding(shop), Listed(proposal="wrp_" + "0" * 20, digest=one.digest))
    assert await shop.status(one.proposal) == "review_required"
