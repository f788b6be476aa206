"""The one way to decide, which every surface goes: what it refuses it refuses for all of them, and it records that it did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.approve.board.asked import Decide
from synapsor.approve.board.work import Reviewing
from synapsor.core.live import Live
from synapsor.core.proposal import Proposal
from synapsor.core.statements import Operator, Verdict
from synapsor.errors import ConfigError, DecisionRefused, UsageError
from synapsor.flow.amend import extend
from synapsor.flow.ask import ask
from synapsor.flow.batch import decide_each, digest_over
from synapsor.flow.decide import Listed, decide
from synapsor.flow.decider import Named
from synapsor.flow.objection import Intent, objection
from synapsor.flow.reveal import Behind, reveal
from synapsor.flow.signing import Signer
from tests.attack.amending import amending, signer_of
from tests.attack.deciding import deciding
from tests.attack.shop import WAIVER, Shop, as_ledger_owner, open_shop
from tests.databases import Database
from tests.projects import leo_approves, opened


@pytest_asyncio.fixture
async def shop(tmp_path: Path, sqlite_db: Database) -> AsyncIterator[Shop]:
    """The demo's project, on one engine: nothing that is refused here is an engine's."""
    async with open_shop(tmp_path / "project", sqlite_db) as found:
        yield found


INVOICE = {"invoice_id": "INV-3001", "reason": "Paid next day."}


async def asked(shop: Shop, invoice: str = "INV-3001") -> Listed:
    filed = await shop.proposed(WAIVER, {**INVOICE, "invoice_id": invoice})
    return Listed(proposal=filed["id"], digest=filed["digest"])


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
    intent = Intent(verdict="approve", who=Named(operator=leo), operators=shop.files.operators, now=now)
    against = await objection(shop.ledger, await shop.record(one.proposal), intent)
    assert against is not None
    assert against.rule == "evidence_differs"
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


def gone(shop: Shop, how: str, name: str = "leo") -> dict[str, Operator]:
    """Return who is trusted once somebody is not trusted any more as they were."""
    operators = dict(shop.files.operators)
    if how == "removed":
        del operators[name]
    else:
        other: dict[str, dict[str, Any]] = {
            "revoked": {"revoked": True},
            "other role": {"roles": ("support",)},
            "other key": {"key": "A" * 43},
        }
        operators[name] = replace(operators[name], **other[how])
    return operators


@pytest.mark.requirement("approval:trusted-now")
@pytest.mark.parametrize("verdict", ["approve", "reject"])
@pytest.mark.parametrize(
    ("how", "rule"),
    [
        ("revoked", "operator_revoked"),
        ("removed", "operator_revoked"),
        ("other role", "role_missing"),
        ("other key", "wrong_key"),
    ],
)
async def test_whoever_was_trusted_before_decides_as_far_as_they_are_trusted_now(
    shop: Shop, verdict: Verdict, how: str, rule: str
) -> None:
    one = await asked(shop)
    as_before = deciding(shop, verdict, operators=lambda: gone(shop, how), reason="Because.")
    with pytest.raises(DecisionRefused) as refused:
        await decide(shop.ledger, as_before, one)
    assert (refused.value.rule, refused.value.exit_code) == (rule, 5)
    assert refusals(shop) == [("leo", rule)]
    record = await shop.record(one.proposal)
    assert (record.status.value, record.decisions, record.job) == ("review_required", (), None)


@pytest.mark.requirement("approval:trusted-now")
async def test_whoever_is_revoked_while_the_rows_are_looked_at_approves_nothing(shop: Shop) -> None:
    one, trusted = await asked(shop), dict(shop.files.operators)

    async def look(_: Proposal) -> None:
        trusted.update(gone(shop, "revoked"))

    with pytest.raises(DecisionRefused) as refused:
        await decide(shop.ledger, deciding(shop, operators=lambda: trusted, look_again=look), one)
    assert (refused.value.rule, await shop.status(one.proposal)) == ("operator_revoked", "review_required")


@pytest.mark.requirement("approval:trusted-now")
async def test_of_a_batch_nothing_is_decided_on_after_its_person_is_revoked(shop: Shop) -> None:
    two, trusted = [await asked(shop, f"INV-300{n}") for n in (1, 2)], dict(shop.files.operators)

    async def look(proposal: Proposal) -> Live | None:
        if proposal.id == two[1].proposal:
            trusted.update(gone(shop, "revoked"))
        return None

    batch = deciding(shop, operators=lambda: trusted, look_again=look)
    outcomes = await decide_each(shop.ledger, batch, two, over=digest_over(two))
    assert [one.rule for one in outcomes] == [None, "operator_revoked"]


def unlocking(shop: Shop, how: str) -> dict[str, Any]:
    """Return that leo is not trusted any more as they were once they have unlocked their key."""
    typed: list[str] = []

    def unlock() -> Signer:
        typed.append("leo")
        return signer_of(shop, "leo")

    return {"unlock": unlock, "operators": lambda: gone(shop, how) if typed else shop.files.operators}


@pytest.mark.requirement("approval:trusted-now")
async def test_whoever_is_revoked_while_they_type_a_passphrase_asks_and_amends_nothing(shop: Shop) -> None:
    one = await asked(shop)
    record, now = await shop.record(one.proposal), shop.project.clock.now()
    gone_by_now = gone(shop, "revoked")
    with pytest.raises(DecisionRefused) as refused:
        await ask(shop.ledger, record, text="Why?", signer=signer_of(shop, "leo"), now=now, operators=gone_by_now)
    assert refused.value.rule == "operator_revoked"
    for how, rule in (("revoked", "operator_revoked"), ("other role", "role_missing")):
        amends = await amending(shop, one.proposal, "leo", **unlocking(shop, how))
        with pytest.raises(DecisionRefused) as refused:
            await extend(shop.ledger, amends)
        assert refused.value.rule == rule


@pytest.mark.requirement("approval:trusted-now", "board:decides")
@pytest.mark.parametrize("how", ["revoked", "removed"])
async def test_on_the_board_whoever_is_not_trusted_any_more_approves_nothing_and_that_is_on_record(
    shop: Shop, how: str
) -> None:
    one = await asked(shop)
    board = Reviewing(
        ledger=shop.ledger,
        operators=lambda: gone(shop, how),
        modes=shop.project.config.modes,
        clock=shop.project.clock,
        operator="leo",
        unlock=lambda: shop.files.keys["leo"],
    )
    assert not (await board.card(one.proposal, width=100, full=True)).approvable
    told = await board.decide(Decide(ids=(one.proposal,), verdict="approve", digest=one.digest))
    assert told.endswith("(operator_revoked)")
    assert refusals(shop) == [("leo", "operator_revoked")]
    assert await shop.status(one.proposal) == "review_required"


async def test_what_is_of_a_source_that_is_not_configured_is_not_approved(shop: Shop) -> None:
    one = await asked(shop)
    with pytest.raises(ConfigError, match="source"):
        await decide(shop.ledger, deciding(shop, modes={}), one)
    with pytest.raises(UsageError, match="no such proposal"):
        await decide(shop.ledger, deciding(shop), Listed(proposal="wrp_" + "0" * 20, digest=one.digest))
    assert await shop.status(one.proposal) == "review_required"


@pytest.mark.requirement("approval:trusted-now", "hidden:reveal-on-record")
@pytest.mark.parametrize(("how", "rule"), [("revoked", "operator_revoked"), ("other role", "role_missing")])
async def test_whoever_is_not_trusted_any_more_looks_behind_no_token(shop: Shop, how: str, rule: str) -> None:
    asked_for = Behind(subject="ev_" + "0" * 20, column="mail", evidence={}, role="billing_lead", sealed={})
    now, operators = shop.project.clock.now(), gone(shop, how)
    with pytest.raises(DecisionRefused) as refused:
        await reveal(
            shop.ledger, asked_for, signer=signer_of(shop, "leo"), operators=operators, reason="To see.", now=now
        )
    assert refused.value.rule == rule


@pytest.mark.requirement("reject:told")
async def test_a_word_of_no_list_rejects_nothing_whatever_surface_brings_it(shop: Shop) -> None:
    one = await asked(shop)
    word: Any = "because_i_say_so"
    with pytest.raises(UsageError, match="no such word for a rejection"):
        await decide(shop.ledger, deciding(shop, "reject", reason="No.", preset=word), one)
    assert await shop.status(one.proposal) == "review_required"
