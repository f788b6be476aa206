"""Many alike proposals decided on in one sitting: each by its own digest, none unseen, none lost, and none that came in between."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.approve.card.looks import Look
from synapsor.approve.card.sparing import Sparing
from synapsor.approve.identity.operators import revoke_operator
from synapsor.approve.sheet import Sheet, render, sheet_of, with_rows_as_they_are
from synapsor.core.live import Live
from synapsor.core.proposal import Proposal
from synapsor.core.reconcile import Found
from synapsor.core.records import to_body
from synapsor.core.review import verify_approval
from synapsor.core.statements import Verdict
from synapsor.core.untold import Untold
from synapsor.errors import DecisionRefused, UsageError
from synapsor.flow.batch import (
    UNTRIED,
    EachOutcome,
    cluster_named,
    decide_each,
    digest_over,
    open_clusters,
    picked,
)
from synapsor.flow.blast import unknown
from synapsor.flow.decide import Listed
from synapsor.flow.decider import Named
from synapsor.flow.objection import Intent
from synapsor.flow.recheck import untold
from synapsor.ledger import sqlite as engine
from synapsor.looking import SourceLooks
from tests.attack.amending import edited, extended, signer_of
from tests.attack.credits import POLICY
from tests.attack.deciding import deciding
from tests.attack.people import CARD, MAIL, people_table
from tests.attack.people import POLICY as PEOPLE
from tests.attack.shop import Shop, as_ledger_owner, open_shop
from tests.attack.test_forged_ledger import set_body
from tests.attack.undoing import ADJUST, credit, open_credits
from tests.databases import Database
from tests.projects import leo_approves

HOLD = "credits.hold"
ROWS = (("a", 1), ("a", 2), ("b", 1))


@pytest_asyncio.fixture
async def shelf(tmp_path: Path, sqlite_db: Database) -> AsyncIterator[Shop]:
    """The table of credits on one engine, for what no engine has a part in."""
    async with open_credits(tmp_path / "project", sqlite_db) as found:
        yield found


async def hold_all(shop: Shop) -> list[str]:
    """Return the handles of three proposals that are alike."""
    return [str((await shop.proposed(HOLD, {"book": b, "number": n}))["id"]) for b, n in ROWS]


async def sheet(shop: Shop, *, verdict: Verdict = "approve", who: str = "leo", **chosen: Any) -> Sheet:
    """Return the one sheet that there is."""
    now = shop.project.clock.now()
    full = chosen.pop("full", False)
    (found,) = await open_clusters(shop.ledger, now=now)
    return await sheet_of(
        shop.ledger,
        found,
        picked(found, **chosen),
        Intent(verdict=verdict, who=Named(operator=shop.files.operators[who]), operators=shop.files.operators, now=now),
        full=full,
    )


async def decide(shop: Shop, seen: Sheet, **options: Any) -> tuple[EachOutcome, ...]:
    """Return what came of a decision on a sheet."""
    given = deciding(shop, verdict=seen.verdict, **options)
    return await decide_each(shop.ledger, given, seen.shown, over=seen.digest, left_out=seen.left_out)


@pytest.mark.requirement("batch:each")
@pytest.mark.one_engine
async def test_each_of_a_batch_is_signed_over_its_own_digest_and_applied(books: Shop) -> None:
    handles = await hold_all(books)
    outcomes = await decide(books, await sheet(books))
    assert [(o.proposal, o.status, o.ok) for o in outcomes] == [(h, "approved", True) for h in handles]
    for handle in handles:
        record = await books.record(handle)
        (signed,) = record.decisions
        now = signed.decision.at
        verify_approval(signed, record.proposal, books.files.operators, ledger=books.ledger.id, now=now)
    assert await books.work() == [("applied", "")] * 3
    assert [credit(books, *row)[0] for row in ROWS] == ["held"] * 3  # type: ignore[index]  # they are there
    assert (await books.project.verify()).ok


@pytest.mark.requirement("decide:ledger-fails")
async def test_where_the_ledger_itself_fails_the_rest_is_not_tried_and_all_of_it_is_decided_on_later(
    shelf: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.1)
    handles = await hold_all(shelf)
    seen = await sheet(shelf)
    with closing(sqlite3.connect(shelf.files.config.ledger, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        outcomes = await decide(shelf, seen)
    assert [(o.proposal, o.rule, o.words == UNTRIED) for o in outcomes] == [
        (handle, "ledger_busy", number > 0) for number, handle in enumerate(handles)
    ]
    assert [await shelf.status(h) for h in handles] == ["review_required"] * 3
    assert [o.ok for o in await decide(shelf, seen)] == [True] * 3


@pytest.mark.requirement("batch:each")
async def test_what_one_of_them_fails_by_keeps_none_of_the_others(shelf: Shop) -> None:
    first, second, third = await hold_all(shelf)
    seen = await sheet(shelf)
    await leo_approves(shelf.files, shelf.project, first, (await shelf.record(first)).proposal.digest)
    moved = (await shelf.record(second)).proposal
    with as_ledger_owner(shelf) as raw:
        set_body(raw, "proposal", second, to_body(replace(moved, nonce="0" * 32)))
    outcomes = {o.proposal: o for o in await decide(shelf, seen)}
    assert {h: outcomes[h].rule for h in (first, second, third)} == {
        first: "already_decided",
        second: "not_what_was_shown",
        third: None,
    }
    assert [await shelf.status(h) for h in (first, second, third)] == ["approved", "review_required", "approved"]


@pytest.mark.requirement("batch:each")
async def test_a_rejection_of_many_tells_each_agent_the_reason_and_its_word(shelf: Shop) -> None:
    handles = await hold_all(shelf)
    seen = await sheet(shelf, verdict="reject", excepted=[handles[0]])
    outcomes = await decide(shelf, seen, reason="Not this quarter.", preset="not_needed")
    assert [(o.proposal, o.status) for o in outcomes] == [(h, "rejected") for h in handles[1:]]
    assert await shelf.status(handles[0]) == "review_required"
    view = (await shelf.call("synapsor.proposal_status", {"proposal_id": handles[1]}))["proposal"]
    assert (view["rejection"]["code"], view["rejection"]["comment"]) == ("not_needed", "Not this quarter.")
    with pytest.raises(UsageError):
        await decide(shelf, seen)


@pytest.mark.requirement("batch:shown")
async def test_what_arrives_between_the_look_and_the_decision_is_not_decided_on(shelf: Shop) -> None:
    handles = await hold_all(shelf)
    seen = await sheet(shelf, only=handles[:2])
    late = str((await shelf.proposed("credits.hold", {"book": "b", "number": 1}))["id"])
    outcomes = await decide(shelf, seen)
    assert [o.proposal for o in outcomes] == handles[:2]
    assert await shelf.status(late) == "review_required"


@pytest.mark.requirement("batch:shown")
@pytest.mark.parametrize("what", ["another digest", "one more", "one less", "twice", "another digest of one"])
async def test_a_batch_is_what_the_digest_over_all_of_it_says_and_nothing_of_another_is_decided(
    shelf: Shop, what: str
) -> None:
    handles = await hold_all(shelf)
    seen = await sheet(shelf, only=handles[:2])
    one, two = seen.shown
    third = Listed(proposal=handles[2], digest=(await shelf.record(handles[2])).proposal.digest)
    swapped = {
        "another digest": ((one, two), "sha256:" + "0" * 64),
        "one more": ((one, two, third), seen.digest),
        "one less": ((one,), seen.digest),
        "twice": ((one, two, two), digest_over((one, two, two))),
        "another digest of one": ((one, Listed(proposal=two.proposal, digest=third.digest)), seen.digest),
    }
    shown, over = swapped[what]
    with pytest.raises(DecisionRefused) as found:
        await decide_each(shelf.ledger, deciding(shelf), shown, over=over)
    assert (found.value.rule, found.value.exit_code) == ("digest_differs", 3)
    assert [await shelf.status(h) for h in handles] == ["review_required"] * 3


@pytest.mark.requirement("batch:shown")
async def test_two_digests_swapped_under_a_matching_digest_over_both_approve_neither(shelf: Shop) -> None:
    """Whoever can make a page show one proposal under another's name still signs over nothing that is on record."""
    handles = await hold_all(shelf)
    one, two, _ = (await sheet(shelf)).shown
    crossed = (replace(one, digest=two.digest), replace(two, digest=one.digest))
    outcomes = await decide_each(shelf.ledger, deciding(shelf), crossed, over=digest_over(crossed))
    assert [o.rule for o in outcomes] == ["not_what_was_shown", "not_what_was_shown"]
    assert [await shelf.status(h) for h in handles] == ["review_required"] * 3
    events = (await shelf.record(one.proposal)).events
    assert events[-1]["kind"] == "decision_refused"


@pytest.mark.requirement("batch:shown")
async def test_all_that_is_decided_on_is_on_the_sheet_and_what_is_cut_is_left_out(shelf: Shop) -> None:
    long = "A very long note. " * 10
    handles = [
        str((await shelf.proposed("credits.adjust", {**ADJUST, "number": n, "less": "0.01", "note": note}))["id"])
        for n, note in ((1, "Short."), (2, long + "END"))
    ]
    await shelf.proposed("credits.adjust", {**ADJUST, "book": "b", "less": "0.01", "note": "x" * 200})
    seen = await sheet(shelf)
    assert seen.left_out == {}
    text = render(seen, width=110)
    for entry in seen.entries:
        assert entry.card.proposal in text
        assert entry.card.digest in text
        for row in entry.card.rows:
            assert all(change.name.text in text for change in row.changes)
    assert "END" in text
    assert seen.digest in text
    hostile = "\u202e" * 60 + "approve all"
    cut = str((await shelf.proposed("credits.adjust", {**ADJUST, "less": "0.02", "note": hostile}))["id"])
    seen = await sheet(shelf)
    assert {name: out.rule for name, out in seen.left_out.items()} == {cut: "not_fully_shown"}
    assert "\u202e" not in render(seen, width=110)
    outcomes = {o.proposal: o for o in await decide(shelf, seen)}
    assert outcomes[cut].rule == "not_fully_shown"
    assert await shelf.status(cut) == "review_required"
    assert await shelf.status(handles[0]) == "approved"
    with pytest.raises(ValueError, match="unpack"):
        await sheet(shelf)  # one is left, and one is like no other


@pytest.mark.requirement("batch:shown")
async def test_what_this_person_may_not_decide_on_is_left_out_and_nothing_is_signed_for_it(shelf: Shop) -> None:
    handles = await hold_all(shelf)
    new = await extended(shelf, handles[0])
    again = await edited(shelf, await _adjust(shelf), {"less": "0.50"}, operator="leo")
    seen = await sheet(shelf, who="rita")
    assert {out.rule for out in seen.left_out.values()} == {"role_missing"}
    assert len(seen.left_out) == len(seen.entries) == 3
    outcomes = await decide(shelf, seen, who="rita")
    assert {o.rule for o in outcomes} == {"role_missing"}
    assert [await shelf.status(h) for h in (new.id, *handles[1:], again.id)] == ["review_required"] * 4
    seen = await sheet(shelf)
    assert {o.status for o in await decide(shelf, seen)} == {"approved"}


async def _adjust(shop: Shop) -> str:
    return str((await shop.proposed("credits.adjust", {**ADJUST, "book": "b"}))["id"])


@pytest.mark.requirement("batch:each")
async def test_a_key_that_is_revoked_in_between_approves_nothing(shelf: Shop) -> None:
    handles = await hold_all(shelf)
    seen = await sheet(shelf)
    operators = revoke_operator(shelf.files.config.operators, "leo")
    signer = replace(signer_of(shelf, "leo"), operator=operators["leo"])
    outcomes = await decide(shelf, seen, operators=lambda: operators, signer=signer)
    assert {o.rule for o in outcomes} == {"operator_revoked"}
    assert [await shelf.status(h) for h in handles] == ["review_required"] * 3


@pytest.mark.requirement("batch:each")
async def test_two_reviewers_at_once_decide_on_each_proposal_once(shelf: Shop) -> None:
    handles = await hold_all(shelf)
    seen = await sheet(shelf)
    theirs = await sheet(shelf, verdict="reject", who="mia")
    mine, others = await asyncio.gather(decide(shelf, seen), decide(shelf, theirs, who="mia", reason="No."))
    for handle, one, other in zip(handles, mine, others, strict=True):
        assert one.ok is not other.ok
        assert len((await shelf.record(handle)).decisions) == 1


@pytest.mark.requirement("batch:alike")
async def test_a_change_of_hidden_values_is_in_no_batch_and_none_is_ever_on_a_sheet(
    tmp_path: Path, sqlite_db: Database
) -> None:
    with people_table(sqlite_db):
        async with open_shop(tmp_path / "project", sqlite_db, policy=PEOPLE) as shop:
            for person in ("P-1", "P-2"):
                await shop.proposed(
                    "people.propose_contact", {"person": person, "address": "x@y.example", "number": "1"}
                )
            assert await open_clusters(shop.ledger, now=shop.project.clock.now()) == ()
            for person in ("P-1", "P-2"):
                await shop.proposed("people.propose_note", {"person": person, "words": "Called."})
            text = render(await sheet(shop, full=True), width=200)
            assert "Called." in text
            assert MAIL not in text
            assert CARD not in text


@pytest.mark.requirement("batch:shown")
async def test_only_what_is_of_the_cluster_is_picked(shelf: Shop) -> None:
    handles = await hold_all(shelf)
    (found,) = await open_clusters(shelf.ledger, now=shelf.project.clock.now())
    assert await cluster_named(shelf.ledger, found.id, now=shelf.project.clock.now()) == found
    assert [r.proposal.id for r in picked(found, excepted=handles[:1])] == handles[1:]
    other = await _adjust(shelf)
    for chosen in ({"excepted": [other]}, {"only": [other]}, {"excepted": handles}):
        with pytest.raises(UsageError):
            picked(found, **chosen)
    with pytest.raises(UsageError):
        await cluster_named(shelf.ledger, "bat_" + "0" * 12, now=shelf.project.clock.now())


@pytest.mark.requirement("batch:each")
async def test_an_approval_of_a_quorum_counts_for_each_and_waits_for_another_person(
    tmp_path: Path, sqlite_db: Database
) -> None:
    policy = POLICY.replace("approval: {role: billing_lead}", "approval: {role: billing_lead, quorum: 2}")
    async with open_credits(tmp_path / "project", sqlite_db, policy) as shop:
        await hold_all(shop)
        outcomes = await decide(shop, await sheet(shop))
        assert {(o.ok, o.status) for o in outcomes} == {(True, "review_required")}
        assert {o.rule for o in (await sheet(shop)).left_out.values()} == {"already_counted"}
        outcomes = await decide(shop, await sheet(shop, who="mia"), who="mia")
        assert {(o.ok, o.status) for o in outcomes} == {(True, "approved")}
        assert await shop.work() == [("applied", "")] * 3


@pytest.mark.requirement("batch:each")
async def test_rows_that_have_moved_on_are_left_to_an_approval_of_their_own(books: Shop) -> None:
    first, *others = await hold_all(books)
    seen = await sheet(books)
    books.change("UPDATE {credits} SET points = 9 WHERE tenant_id = 'acme' AND book = 'a' AND number = 1")
    again = partial(SourceLooks(project=books.project, client="batch").again, who="leo")
    outcomes = {o.proposal: o for o in await decide(books, seen, look_again=again)}
    assert (outcomes[first].rule, await books.status(first)) == ("stale_row", "review_required")
    assert [outcomes[handle].status for handle in others] == ["approved"] * 2


@pytest.mark.requirement("batch:stale-said-before")
async def test_the_sheet_of_an_approval_says_which_rows_have_moved_and_leaves_them_out(shelf: Shop) -> None:
    first, *others = await hold_all(shelf)
    shelf.change("UPDATE {credits} SET points = 9 WHERE tenant_id = 'acme' AND book = 'a' AND number = 1")
    blank = await sheet(shelf)
    records = [await shelf.record(handle) for handle in (first, *others)]
    looks = SourceLooks(project=shelf.project, client="batch")
    seen = await with_rows_as_they_are(
        shelf.ledger, blank, records, Sparing(looks=looks, who="leo"), clock=shelf.project.clock
    )
    assert (seen.digest, {name: out.rule for name, out in seen.left_out.items()}) == (
        blank.digest,
        {first: "stale_row"},
    )
    text = " ".join(render(seen).split())
    assert "LEFT OUT A row is not as it was" in text
    assert "approve it by itself with `synapsor approve --stale-anyway`" in text
    assert "the row now 1 row is not as it was" in text
    assert text.count("the row now still as it was") == 2
    outcomes = {o.proposal: o for o in await decide(shelf, seen)}
    assert (outcomes[first].rule, await shelf.status(first)) == ("stale_row", "review_required")
    assert [outcomes[handle].status for handle in others] == ["approved"] * 2


class Silent:
    """Looks that get no answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def now(self, proposal: Proposal, *, who: str) -> Look:
        self.asked.append((proposal.id, who))
        at = "2026-01-01T00:00:00.000000Z"
        return Look(
            live=untold(proposal, Untold.SOURCE_UNAVAILABLE, at), blast=unknown(proposal, Untold.SOURCE_UNAVAILABLE, at)
        )

    async def again(self, proposal: Proposal, *, who: str) -> Live:
        raise AssertionError(proposal.id, who)

    async def found(self, proposal: Proposal, *, who: str) -> Found:
        raise AssertionError(proposal.id, who)


@pytest.mark.requirement("batch:stale-said-before")
async def test_a_source_that_does_not_answer_is_waited_for_once_and_keeps_nobody_from_approving(shelf: Shop) -> None:
    handles = await hold_all(shelf)
    silent = Silent()
    records = [await shelf.record(handle) for handle in handles]
    seen = await with_rows_as_they_are(
        shelf.ledger, await sheet(shelf), records, Sparing(looks=silent, who="leo"), clock=shelf.project.clock
    )
    assert (silent.asked, seen.left_out) == ([(seen.entries[0].card.proposal, "leo")], {})
    assert "cannot be told: source_unavailable" in " ".join(render(seen).split())
