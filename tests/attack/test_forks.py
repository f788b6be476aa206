"""A ledger that was restored from a backup has a fork: events that its own key sealed, and that are none of this chain. Whoever kept the fork
puts them in the place of what a running process, or one that begins at its note, has proven long ago.
"""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from synapsor.core.moment import stamp
from synapsor.errors import IntegrityError
from synapsor.ledger import tail
from synapsor.ledger.open import open_ledger
from synapsor.ledger.store import Ledger
from tests.attack.shop import Shop, as_owner
from tests.attack.test_taken_away import thrown
from tests.attack.test_withdrawn_contract import withdraw
from tests.attack.test_worker_permission import ON, shop_on
from tests.databases import Database

Act = Callable[[Shop], Awaitable[None]]


@pytest.fixture(autouse=True)
def each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whatever is proven be noted at once."""
    monkeypatch.setattr(tail, "STEP", 1)


async def stopped(shop: Shop) -> None:
    """Stop automatic approval."""
    await thrown(shop, "stopped")


async def started(shop: Shop) -> None:
    """Let it run."""
    await thrown(shop, "running")


async def idle(shop: Shop) -> None:
    """Record something else."""
    await shop.ledger.refused_decision("wrp_1", "tom", "role_missing", stamp(shop.project.clock.now()))


@asynccontextmanager
async def forked(shop: Shop, aside: Path, table: str, *, runs: bool, here: Act, there: Act) -> AsyncIterator[Ledger]:
    """Yield a ledger that was followed, and in which what was done `there`, in a fork, stands where it has what was done `here`."""
    path, fork = shop.ledger_path, aside / "fork.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(f"VACUUM INTO '{fork}'")
    shutil.copy(path.with_suffix(".checkpoints"), fork.with_suffix(".checkpoints"))
    other = open_ledger(fork, key_path=path.with_suffix(".key"), clock=shop.project.clock)
    await there(replace(shop, ledger=other))
    seq, _ = await other.head()
    await other.aclose()
    await here(shop)
    for _ in range(2):
        await idle(shop)
    await shop.ledger.follow()
    with closing(sqlite3.connect(fork)) as raw:
        rows = [
            (name, raw.execute(f"SELECT * FROM {name} WHERE seq = ?", (seq,)).fetchone()) for name in ("event", table)
        ]
    with as_owner(path) as raw:
        for name, row in rows:
            raw.execute(f"REPLACE INTO {name} VALUES ({', '.join('?' * len(row))})", row)
    ledger = shop.ledger if runs else open_ledger(path, clock=shop.project.clock)
    await ledger.follow()
    yield ledger
    if not runs:
        await ledger.aclose()


@pytest.mark.requirement("ledger:believed", "ledger:noted")
@pytest.mark.parametrize("here", [stopped, idle], ids=("in its place", "after it"))
@pytest.mark.parametrize("runs", [False, True], ids=("starts", "runs"))
async def test_a_start_of_policies_that_a_fork_of_the_ledger_tells_of_counts_for_nothing(
    tmp_path: Path, sqlite_db: Database, here: Act, *, runs: bool
) -> None:
    async with shop_on(tmp_path / "project", sqlite_db, ON) as shop:
        await stopped(shop)
        async with forked(shop, tmp_path, "policy_switch", runs=runs, here=here, there=started) as ledger:
            with pytest.raises(IntegrityError, match="taken away"):
                await ledger.policies.switch()


@pytest.mark.requirement("activation:withdrawn", "ledger:noted")
@pytest.mark.parametrize("runs", [False, True], ids=("starts", "runs"))
async def test_an_activation_that_a_fork_of_the_ledger_tells_of_brings_no_contract_back(
    tmp_path: Path, sqlite_db: Database, *, runs: bool
) -> None:
    async with (
        shop_on(tmp_path / "project", sqlite_db, ON) as shop,
        forked(shop, tmp_path, "activation", runs=runs, here=idle, there=withdraw) as ledger,
    ):
        with pytest.raises(IntegrityError, match="taken away"):
            await ledger.active_contract("billing")
