"""A rejection is hidden from whoever decides next, event and all, by somebody who writes the ledger's file: every place of decision has
read the chain, says that it was altered, and signs nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.approve.board.asked import Decide
from synapsor.approve.board.work import Reviewing
from synapsor.approve.companion.desk import ApprovalDesk
from synapsor.core.moment import stamp
from synapsor.core.statements import Verdict
from synapsor.core.trust import ProgramKey
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.flow.acting import Acting
from synapsor.flow.batch import decide_each, digest_over
from synapsor.flow.decide import Deciding, Listed
from synapsor.flow.decider import Named
from synapsor.flow.filing import served_for
from synapsor.flow.objection import Intent, may_ask
from synapsor.flow.reveal import Behind, reveal, reveal_for_decision
from synapsor.flow.signing import Signer
from synapsor.flow.throw import Throw, pause, switch, throw
from synapsor.flow.undo import UNDOING
from synapsor.ledger import tail
from synapsor.ledger.anchor import Anchor
from synapsor.runtime import open_project
from tests.attack.amending import asked as question
from tests.attack.amending import extended, refused, signer_of
from tests.attack.desk import approval, hall, refusals
from tests.attack.shop import Shop, as_ledger_owner, reopened
from tests.attack.test_taken_away import event_hidden
from tests.attack.undoing import ADJUST, open_credits
from tests.attack.undoing import ask as undo
from tests.databases import Database
from tests.deciding import approve, reject
from tests.projects import leo_rejects

Raw = Any
ALTERED = "ledger_altered"


@pytest.fixture
def database(sqlite_db: Database) -> Database:
    """The ledger is the same on every engine."""
    return sqlite_db


TABLES = ("checkpoint", "decision", "proposal_row", "review_branch", "proposal", "query_audit", "evidence", "event")


def event_away(raw: Raw) -> None:
    """Take the rejection away with its event and what was signed with it, and leave what came after it."""
    (seq,) = raw.execute("SELECT seq FROM event WHERE kind = 'proposal_rejected'").fetchone()
    for table in TABLES:
        raw.execute(f"DELETE FROM {table} WHERE seq = ?", (seq,))
    raw.execute("UPDATE proposal SET status = 'review_required'")


def tail_away(raw: Raw) -> None:
    """Take away everything from the rejection on, with its checkpoints."""
    (seq,) = raw.execute("SELECT seq FROM event WHERE kind = 'proposal_rejected'").fetchone()
    for table in TABLES:
        raw.execute(f"DELETE FROM {table} WHERE seq >= ?", (seq,))
    raw.execute("UPDATE proposal SET status = 'review_required'")


WAYS: dict[str, Callable[[Raw], None]] = {"hidden": event_hidden, "away": event_away, "tail away": tail_away}
Place = Callable[[Shop, dict[str, Any]], Awaitable[str]]


@asynccontextmanager
async def altered(
    tmp_path: Path, database: Database, how: Callable[[Raw], None], *, runs: bool = False, seen: bool = False
) -> AsyncIterator[tuple[Shop, dict[str, Any]]]:
    """Yield a shop from which leo's rejection was taken, one that starts afterwards or that `runs` all the time, and the proposal; `seen` says
    that the running one had followed the chain past the rejection.
    """
    async with open_credits(tmp_path / "project", database) as shop:
        asked = await shop.proposed("credits.adjust", ADJUST)
        await shop.ledger.follow()
        await leo_rejects(shop.files, shop.project, asked)
        await shop.proposed("credits.hold", {"book": "a", "number": 2})
        if seen:
            await shop.ledger.follow()
        with as_ledger_owner(shop) as raw:
            how(raw)
        if runs:
            yield shop, asked
            return
        async with open_project(shop.files.config) as again:
            yield replace(shop, project=again, ledger=await again.ledger()), asked


def deciding(shop: Shop, verdict: Verdict = "approve") -> Deciding:
    """Return what mia decides."""
    return Deciding(
        verdict=verdict,
        signer=signer_of(shop, "mia"),
        clock=shop.project.clock,
        modes=shop.project.config.modes,
        operators=lambda: shop.files.operators,
        reason="Once more." if verdict == "reject" else "",
    )


def named(shop: Shop, who: str) -> Acting:
    """Return somebody who is about to act, and has only been named."""
    operators = shop.files.operators
    return Acting(who=Named(operator=operators[who]), operators=operators, now=shop.project.clock.now())


async def by_approving(shop: Shop, asked: dict[str, Any]) -> str:
    """Let mia approve it by the verb itself, which every surface ends in."""
    return await _rule(_approved(shop, asked))


def _approved(shop: Shop, asked: dict[str, Any]) -> Awaitable[object]:
    return approve(
        shop.ledger,
        asked["id"],
        digest=asked["digest"],
        signer=signer_of(shop, "mia"),
        now=shop.project.clock.now(),
        mode="writeback",
        operators=shop.files.operators,
    )


async def by_rejecting(shop: Shop, asked: dict[str, Any]) -> str:
    """Let mia reject it."""
    return await _rule(
        reject(
            shop.ledger,
            asked["id"],
            digest=asked["digest"],
            signer=signer_of(shop, "mia"),
            now=shop.project.clock.now(),
            operators=shop.files.operators,
            reason="No.",
        )
    )


async def by_asking_first(shop: Shop, asked: dict[str, Any]) -> str:
    """Let a command ask whether mia may, before she is asked for anything."""
    now, operators = shop.project.clock.now(), shop.files.operators
    record = await shop.record(asked["id"])
    mia = Intent(verdict="approve", who=Named(operator=operators["mia"]), operators=operators, now=now)
    return await _rule(may_ask(shop.ledger, record, mia))


async def by_an_edit(shop: Shop, asked: dict[str, Any]) -> str:
    """Let mia put another change in its place."""
    return await refused(shop, asked["id"], {"less": "1.00"})


async def by_more_time(shop: Shop, asked: dict[str, Any]) -> str:
    """Let mia extend it."""
    return await refused(shop, asked["id"], None)


async def by_a_question(shop: Shop, asked: dict[str, Any]) -> str:
    """Let mia ask about it."""
    return await _rule(question(shop, asked["id"], operator="mia"))


async def by_an_undo(shop: Shop, asked: dict[str, Any]) -> str:
    """Let mia ask for it to be undone, and be asked first whether she may."""
    record, mia = await shop.record(asked["id"]), named(shop, "mia")
    assert await _rule(served_for(shop.ledger, record, mia, UNDOING, activated=shop.project.activated)) == ALTERED
    return await _rule(undo(shop, asked["id"]))


async def in_a_batch(shop: Shop, asked: dict[str, Any]) -> str:
    """Let mia decide on it among others."""
    shown = (Listed(proposal=asked["id"], digest=asked["digest"]),)
    (outcome,) = await decide_each(shop.ledger, deciding(shop), shown, over=digest_over(shown))
    return str(outcome.rule)


async def on_the_board(shop: Shop, asked: dict[str, Any]) -> str:
    """Let mia press the key, and read what the board says all the time."""
    board = Reviewing(
        ledger=shop.ledger,
        operators=lambda: shop.files.operators,
        modes=shop.project.config.modes,
        clock=shop.project.clock,
        operator="mia",
        unlock=lambda: shop.files.keys["mia"],
    )
    assert "Nothing is decided by it. `synapsor verify` names what was altered" in await board.standing()
    told = await board.decide(Decide(ids=(asked["id"],), verdict="approve", digest=asked["digest"]))
    return told.rpartition("(")[2].rstrip(")")


async def in_the_console(shop: Shop, asked: dict[str, Any]) -> str:
    """Let mia log in, read the banner of every page, and send the form all the same."""
    async with hall(shop) as desk, desk.client() as client:
        word = await desk.login(client, "mia")
        for path in ("/", f"/proposals/{asked['id']}", "/history"):
            assert "<strong>The ledger was altered.</strong>" in (await client.get(path)).text
        assert 'id="approve"' not in (await client.get(f"/proposals/{asked['id']}")).text
        page = await client.post(f"/proposals/{asked['id']}/approve", data=approval(word, asked["digest"]))
    return ALTERED if ALTERED in page.text else page.text


async def through_a_prompt(shop: Shop, asked: dict[str, Any]) -> str:
    """Let mia's client ask for the queue and the card, and for the decision."""
    desk = ApprovalDesk(
        ledger=shop.ledger,
        operators=lambda: shop.files.operators,
        modes=shop.project.config.modes,
        voucher=ProgramKey(operator=shop.files.operators["rita"], key=Ed25519PrivateKey.generate()),
        clock=shop.project.clock,
    )
    _, against = await desk.review("mia", asked["id"])
    past = await desk.past("mia", asked["id"])
    assert against is not None
    assert past.against is not None
    assert {against.refused.rule, past.against.refused.rule, await _rule(desk.queue("mia"))} == {ALTERED}
    return await _rule(desk.decide("mia", asked["id"], "approve", code="1", reason="", preset=None))


PLACES: tuple[Place, ...] = (
    by_approving,
    by_rejecting,
    by_asking_first,
    by_an_edit,
    by_more_time,
    by_a_question,
    by_an_undo,
    in_a_batch,
    on_the_board,
    in_the_console,
    through_a_prompt,
)


async def _rule(attempt: Awaitable[object]) -> str:
    with pytest.raises(DecisionRefused) as found:
        await attempt
    return found.value.rule


@pytest.mark.requirement("ledger:followed")
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
@pytest.mark.parametrize("runs", [False, True], ids=("starts", "runs"))
async def test_a_rejection_that_is_hidden_with_its_event_lets_nobody_decide_anywhere(
    tmp_path: Path, database: Database, place: Place, *, runs: bool
) -> None:
    async with altered(tmp_path, database, event_hidden, runs=runs) as (shop, asked):
        assert await place(shop, asked) == ALTERED
        assert set(refusals(shop, asked["id"])) == {("mia", ALTERED)}
        assert await shop.status(asked["id"]) == "review_required"
        assert (await shop.record(asked["id"])).job is None


@pytest.mark.requirement("ledger:followed")
async def test_by_an_altered_ledger_nobody_looks_behind_anything_or_starts_policies(
    tmp_path: Path, database: Database
) -> None:
    async with altered(tmp_path, database, event_hidden) as (shop, asked):
        rita, now = signer_of(shop, "rita"), shop.project.clock.now()
        people = shop.files.operators
        signs: dict[str, Any] = {"signer": rita, "operators": people, "now": now}
        looks: dict[str, Any] = {**signs, "signer": signer_of(shop, "mia")}
        asks = Behind(subject="ev_1", column="note", evidence={}, role="billing_lead", sealed={})
        for attempt in (
            throw(shop.ledger, switch("running"), reason="Go on.", **signs),
            reveal(shop.ledger, asks, reason="It is needed.", **looks),
            reveal_for_decision(shop.ledger, await shop.record(asked["id"]), **looks),
        ):
            assert await _rule(attempt) == ALTERED


@pytest.mark.requirement("policy:stop", "steer:pause")
@pytest.mark.parametrize("stop", [switch("stopped"), pause("paused", source="shop")], ids=("policies", "the_worker"))
async def test_an_altered_ledger_keeps_nobody_from_stopping_what_goes_on_by_itself(
    stop: Throw[Any], tmp_path: Path, database: Database
) -> None:
    async with altered(tmp_path, database, event_hidden) as (shop, _):
        who = replace(shop.files.operators["rita"], roles=(stop.role,))
        signer, now = Signer(operator=who, key=shop.files.keys["rita"]), shop.project.clock.now()
        signed = await throw(shop.ledger, stop, signer=signer, operators={"rita": who}, now=now, reason="Look first.")
        paused = await shop.ledger.steering.pauses(("shop",))
        assert signed in (await shop.ledger.policies.switch(), paused["shop"])


@pytest.mark.requirement("ledger:followed")
@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("runs", [False, True], ids=("starts", "runs"))
async def test_a_rejection_that_is_gone_from_the_middle_or_the_end_of_the_chain_is_missed(
    tmp_path: Path, database: Database, how: Callable[[Raw], None], *, runs: bool
) -> None:
    async with altered(tmp_path, database, how, runs=runs) as (shop, asked):
        assert await by_approving(shop, asked) == ALTERED


@pytest.mark.requirement("ledger:followed")
async def test_a_chain_that_was_cut_and_has_grown_over_the_place_is_still_none_of_its_own(
    tmp_path: Path, database: Database
) -> None:
    """Whatever is recorded by a process that has read nothing makes the chain as long as it was; the checkpoint of before is beside it."""
    async with altered(tmp_path, database, tail_away) as (shop, asked):
        for _ in range(9):
            await shop.ledger.refused_decision(asked["id"], "tom", "role_missing", stamp(shop.project.clock.now()))
        await shop.ledger.checkpoint()
        head, _ = await shop.ledger.head()
        kept = [one for _, one in Anchor(shop.ledger_path.with_suffix(".checkpoints")).lines() if one is not None]
        assert max(kept, key=lambda one: one.seq).seq == head
        assert await by_approving(shop, asked) == ALTERED


def _given_more_time(shop: Shop, asked: dict[str, Any]) -> Awaitable[object]:
    return extended(shop, asked["id"])


@pytest.mark.requirement("ledger:followed")
@pytest.mark.parametrize("act", [_approved, _given_more_time], ids=("a decision", "an edit"))
async def test_what_is_hidden_while_an_act_is_on_its_way_is_found_in_its_own_transaction_and_on_record(
    tmp_path: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[Shop, dict[str, Any]], Awaitable[object]],
) -> None:
    async with open_credits(tmp_path / "project", database) as shop, reopened(shop.files) as other:
        asked = await shop.proposed("credits.adjust", ADJUST)
        follow = other.ledger.follow

        async def late() -> None:
            await follow()
            await leo_rejects(shop.files, shop.project, asked)
            with as_ledger_owner(shop) as raw:
                event_hidden(raw)

        monkeypatch.setattr(other.ledger, "follow", late)
        assert await _rule(act(replace(shop, ledger=other.ledger), asked)) == ALTERED
        assert refusals(shop, asked["id"]) == [("mia", ALTERED)]
        assert await shop.status(asked["id"]) == "review_required"


@pytest.mark.requirement("ledger:followed")
async def test_who_asks_for_an_undo_of_what_only_its_row_calls_applied_is_refused(
    tmp_path: Path, database: Database
) -> None:
    async with open_credits(tmp_path / "project", database) as shop:
        asked = await shop.proposed("credits.adjust", ADJUST)
        with as_ledger_owner(shop) as raw:
            raw.execute("UPDATE proposal SET status = 'applied'")
        record, mia = await shop.record(asked["id"]), named(shop, "mia")
        assert (
            await _rule(served_for(shop.ledger, record, mia, UNDOING, activated=shop.project.activated))
            == "records_differ"
        )
        assert await _rule(undo(shop, asked["id"])) == "records_differ"
        assert refusals(shop, asked["id"]) == [("mia", "records_differ")] * 2


@pytest.mark.requirement("ledger:followed")
async def test_many_who_ask_at_once_prove_the_chain_of_a_process_that_starts_once(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_credits(tmp_path / "project", database) as shop:
        await shop.proposed("credits.adjust", ADJUST)
        head, _ = await shop.ledger.head()
        real, began = tail.follow, list[int]()

        async def follow(connection: Any, trust: Any, **options: Any) -> Any:
            began.append(trust.proven.seq)
            return await real(connection, trust, **options)

        async with open_project(shop.files.config) as again:
            ledger = await again.ledger()
            monkeypatch.setattr(tail, "follow", follow)
            await asyncio.gather(*(ledger.follow() for _ in range(6)))
        assert began == [0, *[head] * 5]


@pytest.mark.requirement("ledger:followed")
async def test_the_slower_of_two_who_read_the_chain_at_once_makes_nobody_forget_what_the_other_has_seen(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_credits(tmp_path / "project", database) as shop:
        real, filed, seen, asking = tail.follow, asyncio.Event(), asyncio.Event(), 0

        async def follow(*given: Any, **options: Any) -> Any:
            nonlocal asking
            asking += 1
            if asking > 1:
                await filed.wait()
                found = await real(*given, **options)
                seen.set()
                return found
            older = await real(*given, **options)
            await shop.proposed("credits.hold", {"book": "a", "number": 2})
            filed.set()
            if asking > 1:  # nobody makes the other wait
                await seen.wait()
            return older

        monkeypatch.setattr(tail, "follow", follow)
        await asyncio.gather(shop.ledger.follow(), shop.ledger.follow())
        newest, _ = await shop.ledger.head()
        with as_ledger_owner(shop) as raw:
            for table in TABLES:
                raw.execute(f"DELETE FROM {table} WHERE seq = ?", (newest,))
        with pytest.raises(IntegrityError):
            await shop.ledger.follow()


@pytest.mark.requirement("ledger:followed")
async def test_what_was_proven_before_stays_as_it_was_while_more_is_proven(shop: Shop) -> None:
    first = await shop.waiver("INV-3001")
    followed = shop.ledger._followed
    await followed.on()
    before = followed.trust.proven
    told = (dict(before.open), dict(before.decided))
    second = await shop.waiver("INV-3002")
    await followed.on()
    assert (before.open, before.decided) == told
    now = followed.trust.proven
    assert {first, second} <= now.open.keys()
    assert len(now.decided) == len(before.decided) + 1
    # Where nothing was added, nothing is made anew.
    await followed.on()
    assert followed.trust.proven is now
