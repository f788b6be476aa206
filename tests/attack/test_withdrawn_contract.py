"""Whoever writes the ledger takes the newest activation away, so that the contract before it counts again: it does not, and nothing is lost."""

import asyncio
import base64
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synapsor.contract.approvals import POLICY_STEWARD
from synapsor.contract.digest import canonical_body, contract_digest
from synapsor.contract.load import read_text
from synapsor.core.moment import stamp
from synapsor.core.records import to_body
from synapsor.errors import ConfigError, IntegrityError
from synapsor.flow.activate import activate
from synapsor.flow.signing import Signer
from synapsor.flow.throw import switch, throw
from synapsor.ledger.anchor import Anchor
from synapsor.ledger.chain import EVERY, event_hash
from synapsor.ledger.open import open_ledger
from synapsor.values import canonical
from tests.attack.shop import WAIVER, Shop, as_ledger_owner
from tests.attack.test_worker_permission import BILLING, ON, WHY, shop_on
from tests.databases import Database

Raw = Any
NEWEST = "(SELECT max(seq) FROM activation)"
BEFORE = (5500, None, 1)


def row_away(raw: Raw) -> None:
    """Take the activation's row away, and leave its event."""
    raw.execute(f"DELETE FROM activation WHERE seq = {NEWEST}")


def event_hidden(raw: Raw) -> None:
    """Call the event another one in the column by which it is found."""
    raw.execute(f"UPDATE event SET kind = 'ledger_created' WHERE seq = {NEWEST}")


def tail_away(raw: Raw) -> None:
    """Take everything away from the activation on, with its checkpoints."""
    (seq,) = raw.execute(f"SELECT {NEWEST}").fetchone()
    for table in ("checkpoint", "activation", "contract_version", "event"):
        raw.execute(f"DELETE FROM {table} WHERE seq >= ?", (seq,))


def older_again(raw: Raw) -> None:
    """Let an event of one's own, which follows the others as it should, tell of the first activation once more."""
    seq, prev = raw.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone()
    body = raw.execute("SELECT body FROM event WHERE kind = 'contract_activated' ORDER BY seq LIMIT 1").fetchone()[0]
    digest = event_hash(seq + 1, prev, body.encode())
    raw.execute(
        "INSERT INTO event (seq, at, kind, subject, body, prev, hash, seal) SELECT ?, at, kind, subject, body, ?, ?, seal FROM event"
        " WHERE kind = 'contract_activated' ORDER BY seq LIMIT 1",
        (seq + 1, prev, digest),
    )
    raw.execute("UPDATE activation SET seq = ? WHERE seq = (SELECT min(seq) FROM activation)", (seq + 1,))


WAYS: dict[str, Callable[[Raw], None]] = {
    "row away": row_away,
    "event hidden": event_hidden,
    "tail away": tail_away,
    "older again": older_again,
}


async def withdraw(shop: Shop) -> None:
    """Activate a version without the policy, so that the one with it counts no more."""
    strict = read_text(BILLING, "billing.yaml").contract
    active = await shop.ledger.active_contract("billing")
    assert strict is not None
    assert active is not None
    await activate(
        shop.ledger,
        contract="billing",
        digest=contract_digest(strict),
        body=canonical_body(strict),
        sources=active.activation.sources,
        metadata={},
        signer=Signer(operator=shop.files.operators["rita"], key=shop.files.keys["rita"]),
        operators=shop.files.operators,
        now=shop.project.clock.now(),
    )


@pytest.mark.requirement("activation:withdrawn")
@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)
async def test_a_withdrawn_contract_approves_nothing_when_its_successor_is_taken_away(
    tmp_path: Path, sqlite_db: Database, how: Callable[[Raw], None]
) -> None:
    async with shop_on(tmp_path, sqlite_db, ON) as shop:
        small = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        await withdraw(shop)
        await shop.ledger.follow()
        with as_ledger_owner(shop) as raw:
            how(raw)
        with suppress(IntegrityError):
            assert await shop.work() == []
        assert shop.invoice() == BEFORE
        assert await shop.status(small["id"]) == "review_required"
        with pytest.raises(ConfigError, match="is not served"):
            await shop.project.desk()
        assert not (await shop.project.verify()).ok


@pytest.mark.requirement("activation:withdrawn")
@pytest.mark.parametrize("how", [event_hidden, tail_away], ids=("event hidden", "tail away"))
async def test_another_process_that_starts_afterwards_trusts_it_as_little(
    tmp_path: Path, sqlite_db: Database, how: Callable[[Raw], None]
) -> None:
    async with shop_on(tmp_path, sqlite_db, ON) as shop:
        small = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        await withdraw(shop)
        with as_ledger_owner(shop) as raw:
            how(raw)
        ledger = open_ledger(shop.ledger_path, clock=shop.project.clock)
        try:
            with pytest.raises(IntegrityError):
                await ledger.follow()
        finally:
            await ledger.aclose()
        with pytest.raises(IntegrityError):
            await shop.work()
        assert shop.invoice() == BEFORE
        assert await shop.status(small["id"]) == "review_required"


@pytest.mark.requirement("activation:withdrawn")
async def test_a_process_notices_a_cut_tail_that_it_has_seen_though_the_kept_checkpoints_are_cut_as_well(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with shop_on(tmp_path, sqlite_db, ON) as shop:
        (kept,) = shop.ledger_path.parent.glob("*.checkpoints")
        before = kept.read_bytes()
        await shop.ledger.follow()
        await withdraw(shop)
        await shop.ledger.follow()
        with as_ledger_owner(shop) as raw:
            tail_away(raw)
        kept.write_bytes(before)
        with pytest.raises(IntegrityError, match="has lost event"):
            await shop.ledger.follow()


@pytest.mark.requirement("activation:withdrawn")
async def test_a_checkpoint_that_was_kept_beside_it_and_that_nobody_of_the_ledger_signed_proves_nothing(
    tmp_path: Path, sqlite_db: Database
) -> None:
    """It could else stand for those that were taken away, and for whatever the chain was made to say up to there."""
    async with shop_on(tmp_path, sqlite_db, ON) as shop:
        await withdraw(shop)
        (kept,) = shop.ledger_path.parent.glob("*.checkpoints")
        *_, newest = (found for _, found in Anchor(kept).lines() if found is not None)
        forged = replace(newest, signature=base64.b64encode(bytes(64)).decode())
        kept.write_bytes(canonical(to_body(forged)) + b"\n")
        ledger = open_ledger(shop.ledger_path, clock=shop.project.clock)
        try:
            with pytest.raises(IntegrityError, match="is none of its own"):
                await ledger.follow()
        finally:
            await ledger.aclose()


@pytest.mark.requirement("activation:withdrawn")
async def test_a_chain_that_goes_on_for_long_without_a_signed_checkpoint_is_not_trusted(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with shop_on(tmp_path, sqlite_db, ON) as shop:
        small = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        now = stamp(shop.project.clock.now())
        await asyncio.gather(
            *(shop.ledger.refused_decision(small["id"], f"nobody-{n}", "expired", now) for n in range(EVERY))
        )
        await shop.ledger.follow()
        with as_ledger_owner(shop) as raw:
            raw.execute("DELETE FROM checkpoint")
        with pytest.raises(IntegrityError, match="newest signed checkpoints"):
            await shop.ledger.follow()


@pytest.mark.requirement("activation:withdrawn")
async def test_a_stop_of_automatic_approval_that_is_taken_away_stops_it_still(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with shop_on(tmp_path, sqlite_db, ON) as shop:
        small = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        steward = replace(shop.files.operators["rita"], roles=("contract_reviewer", POLICY_STEWARD))
        now, trusted = shop.project.clock.now(), {"rita": steward}
        signer = Signer(operator=steward, key=shop.files.keys["rita"])
        await throw(shop.ledger, switch("stopped"), signer=signer, operators=trusted, now=now, reason="Look first.")
        with as_ledger_owner(shop) as raw:
            raw.execute("DELETE FROM policy_switch")
        assert await shop.work() == []
        assert shop.invoice() == BEFORE
        assert await shop.status(small["id"]) == "review_required"


@pytest.mark.requirement("activation:withdrawn")
@pytest.mark.parametrize("how", [row_away, older_again], ids=("row away", "older again"))
async def test_a_command_that_asks_once_is_told_no_older_version_either(
    tmp_path: Path, sqlite_db: Database, how: Callable[[Raw], None]
) -> None:
    async with shop_on(tmp_path, sqlite_db, ON) as shop:
        await withdraw(shop)
        with as_ledger_owner(shop) as raw:
            how(raw)
        ledger = open_ledger(shop.ledger_path, clock=shop.project.clock)
        try:
            with pytest.raises(IntegrityError):
                await ledger.active_contract("billing")
        finally:
            await ledger.aclose()
