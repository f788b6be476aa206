"""Whoever owns the ledger's file forges undos, and the changes that they would take back; nothing of it reaches the shop.

An undo keeps to no bound of its capability, so all that holds it is what it takes back: that is proven by the source and by nothing else.
"""

from dataclasses import replace
from typing import Any

import pytest

from synapsor.approve.card.terms import terms_behind
from synapsor.core.outcome import Why
from synapsor.core.proposal import Member, Proposal, Undone, undo_key
from synapsor.core.records import to_body
from synapsor.core.review import undo_of
from synapsor.core.statements import sign
from synapsor.core.writeback import done_to
from synapsor.errors import DecisionRefused
from synapsor.flow.signing import Signer
from tests.attack.shop import Shop, as_ledger_owner, as_server, filed_by_server, told_by_owner
from tests.attack.test_forged_ledger import MALLORY, body_of, set_body, text
from tests.attack.undoing import ADJUST, applied, approved, ask, credit, everything, refused
from tests.databases import Database
from tests.deciding import approve
from tests.decisions import with_row
from tests.projects import leo_approves

pytestmark = pytest.mark.requirement("undo:proven", "apply:none-unapproved")


@pytest.fixture
def database(sqlite_db: Database) -> Database:
    """What is proven is the same on every engine; that a receipt is read is tried on each of them in `test_undo`."""
    return sqlite_db


def signed(shop: Shop, proposal: Proposal, undoes: Undone, key: Any = None) -> Proposal:
    """Return the proposal as an undo that mia really asks for, or somebody with another key in her name."""
    signature = sign(undo_of(proposal, undoes), key or shop.files.keys["mia"])
    return replace(proposal, undoes=replace(undoes, signature=signature))


async def refused_by_worker(
    shop: Shop, forged: Proposal, code: str, role: str = "leo", *, outcome: str = "failed"
) -> None:
    """See that the worker refuses an undo that a tired person approved, and that the rows are as they were."""
    before = everything(shop)
    with as_server(shop) as raw:
        set_body(raw, "proposal", forged.id, to_body(forged))
        raw.execute("UPDATE proposal SET quorum = ? WHERE id = ?", (forged.quorum, forged.id))
    who, key = shop.files.operators[role], shop.files.keys[role]
    now = shop.project.clock.now()
    await approve(shop.ledger, forged.id, digest=forged.digest, signer=Signer(operator=who, key=key), now=now)
    assert await shop.work() == [(outcome, code)]
    assert everything(shop) == before


def _forged(shop: Shop, genuine: Proposal) -> dict[str, tuple[Proposal, str]]:
    """Return forgeries of an undo with the words by which they are refused."""
    undoes = genuine.undoes
    assert undoes is not None
    (member,) = genuine.members
    other = replace(genuine, principal="rita")
    return {
        "another value": (with_row(genuine, changes={**member.changes, "amount": "999999.00"}), "not_the_inverse"),
        "one value less": (
            with_row(genuine, changes={n: t for n, t in member.changes.items() if n != "note"}),
            "columns_changed",
        ),
        "another row": (
            with_row(genuine, key=(("book", "b"), ("number", "1")), before={**member.before, "book": "b"}),
            "not_the_inverse",
        ),
        "another before": (with_row(genuine, before={**member.before, "points": "7"}), "not_the_inverse"),
        "a before of a column that did not change": (
            with_row(genuine, before={**member.before, "hidden_at": "2026-11-23T12:00:00Z"}),
            "not_the_inverse",
        ),
        "a row more": (replace(genuine, members=(member, _of(member, "2"))), "not_the_inverse"),
        "no rows": (replace(genuine, members=()), "not_the_inverse"),
        "no guards": (replace(genuine, guards=()), "not_the_inverse"),
        "no version": (replace(genuine, advances=None), "not_the_inverse"),
        "moving columns": (replace(genuine, moves=("points",)), "guards_changed"),
        "own columns": (replace(genuine, own=("note",)), "not_the_inverse"),
        "arguments": (replace(genuine, arguments=ADJUST), "not_the_inverse"),
        "another tenant": (replace(genuine, tenant="globex"), "outside_contract"),
        "a removal": (
            replace(genuine, operation="delete", members=(replace(member, changes={}),)),
            "operation_changed",
        ),
        "another relation": (replace(genuine, relation="billing.invoices"), "relation_changed"),
        "a capability whose changes are decided on by others": (
            replace(genuine, capability="credits.note_freely", role="contract_reviewer"),
            "not_the_inverse",
        ),
        "a capability that cannot be undone": (replace(genuine, capability="credits.hold"), "not_reversible"),
        "another owner": (
            signed(shop, genuine, replace(undoes, principal="somebody")),
            "not_the_inverse",
        ),
        "another depth": (signed(shop, genuine, replace(undoes, depth=2)), "not_the_inverse"),
        "another reason": (replace(genuine, undoes=replace(undoes, reason="All is well.")), "undo_not_asked"),
        "an asker who did not sign": (other, "undo_not_asked"),
        "an asker who is nobody": (replace(genuine, principal="mallory"), "undo_not_asked"),
        "a key of nobody": (signed(shop, genuine, undoes, MALLORY), "undo_not_asked"),
        "another digest": (
            signed(shop, genuine, replace(undoes, digest="sha256:" + "0" * 64)),
            "original_missing",
        ),
        "nothing that it undoes": (
            signed(shop, genuine, replace(undoes, proposal="wrp_" + "0" * 20)),
            "original_missing",
        ),
        "no undo at all": (replace(genuine, undoes=None), "outside_contract"),
        "a policy": (replace(genuine, policy="small"), "need_changed"),
        "a higher risk": (replace(genuine, risk="high"), "need_changed"),
        "a reason code": (replace(genuine, reason_code="mistake"), "need_changed"),
        "a workflow": (replace(genuine, workflow="w"), "workflow_changed"),
        "a longer time": (replace(genuine, expires_at="2999-01-01T00:00:00.000000Z"), "need_changed"),
    }  # fmt: skip


def _of(member: Member, number: str) -> Member:
    return replace(member, key=(("book", "a"), ("number", number)), before={**member.before, "number": number})


async def test_an_undo_that_is_not_exactly_the_inverse_or_not_asked_for_is_refused_although_it_is_approved(
    books: Shop,
) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    genuine = await ask(books, original)
    forgeries = _forged(books, genuine)
    for what, (forged, code) in forgeries.items():
        with as_server(books) as raw:
            for kind in ("settlement", "receipt", "job", "decision"):
                raw.execute(f"DELETE FROM {kind} WHERE proposal = ?", (genuine.id,))
            if raw.execute("SELECT status FROM proposal WHERE id = ?", (genuine.id,)).fetchone() != (
                "review_required",
            ):
                raw.execute("UPDATE proposal SET status = 'review_required' WHERE id = ?", (genuine.id,))
                filed_by_server(raw, genuine.id)
        try:
            who = "rita" if forged.role == "contract_reviewer" else "leo"
            await refused_by_worker(books, forged, code, who)
        except AssertionError as failed:
            raise AssertionError(what) from failed


def _left(proposal: Proposal, row: dict[str, str | None]) -> dict[str, Any]:
    """Return what a receipt would list of the one row of a proposal."""
    return to_body(done_to(proposal, [row], "row_version")[0])


async def test_a_change_that_never_was_is_not_undone_whoever_asks_for_it_and_approves(books: Shop) -> None:
    """The amount before is the forger's: an undo of that change would write it, and no bound of the contract looks at it."""
    real = (await books.record(await applied(books, "credits.adjust", ADJUST))).proposal
    (member,) = real.members
    rich = {**member.before, "amount": "999999.00", "book": "b"}
    changes = {"amount": "7.00", "points": "1", "note": None, "state": "open"}
    left = {**rich, **changes, "row_version": "1"}
    filed = await books.proposed("credits.adjust", {**ADJUST, "book": "b"})
    never = with_row(
        (await books.record(filed["id"])).proposal,
        key=(("book", "b"), ("number", "1")),
        before={**rich, "row_version": "0"},
        changes=changes,
    )
    with as_server(books) as raw:
        set_body(raw, "proposal", never.id, to_body(never))
        raw.execute("UPDATE proposal SET status = 'applied' WHERE id = ?", (never.id,))
        (receipt,) = [r[0] for r in raw.execute("SELECT id FROM receipt").fetchall()]
        for origin, target, kept in (
            ("review_required", "approved", {}),
            ("approved", "applied", {"receipt": [receipt, ""]}),
        ):
            told_by_owner(raw, f"proposal_{target}", never.id, {"origin": origin, "target": target}, **kept)
        told = {
            **body_of(raw, "receipt", receipt),
            "proposal": never.id,
            "digest": never.digest,
            "members": [_left(never, left)],
        }
        raw.execute("UPDATE receipt SET proposal = ?, body = ? WHERE id = ?", (never.id, text(told), receipt))
    undone = await approved(books, never.id)
    assert undone.members[0].changes["amount"] == "999999.00"
    assert await books.work() == [("failed", "original_not_applied")]
    assert credit(books, "b") == ("open", "7.00", 1, None, True, 1)


@pytest.mark.parametrize("what", ["before", "changes", "nonce"])
async def test_a_change_that_was_applied_in_another_form_is_not_undone(books: Shop, what: str) -> None:
    original = await applied(books, "credits.adjust", ADJUST)
    real = (await books.record(original)).proposal
    (member,) = real.members
    edited = {
        "before": with_row(real, before={**member.before, "amount": "999999.00"}),
        "changes": with_row(real, changes={**member.changes, "note": "Agreed by phone."}, principal="somebody"),
        "nonce": replace(real, nonce="0" * 32),
    }[what]
    with as_server(books) as raw:
        set_body(raw, "proposal", original, to_body(edited))
    before = everything(books)
    await approved(books, original)
    assert await books.work() == [("failed", "original_not_applied")]
    assert everything(books) == before


async def test_a_change_of_another_ledger_is_not_undone_and_its_card_says_so(books: Shop) -> None:
    """A record that was carried over from another project says of itself that it was applied, there."""
    original = await applied(books, "credits.adjust", ADJUST)
    genuine = await ask(books, original)
    assert genuine.undoes is not None
    theirs = replace((await books.record(original)).proposal, ledger="led_" + "0" * 20)
    with as_server(books) as raw:
        set_body(raw, "proposal", original, to_body(theirs))
    forged = signed(books, genuine, replace(genuine.undoes, digest=theirs.digest))
    terms = await terms_behind(books.ledger, forged, books.files.operators)
    assert terms.refusal is Why.ORIGINAL_MISSING
    await refused_by_worker(books, forged, "original_missing")


async def test_a_conflict_that_is_called_applied_is_not_undone(books: Shop) -> None:
    """There is a receipt under the very digest, but it says that nothing was changed."""
    handle = await books.approved("credits.adjust", ADJUST)
    books.change("UPDATE {credits} SET points = 6 WHERE tenant_id = 'acme' AND book = 'a' AND number = 1")
    assert await books.work() == [("conflict", "version_moved")]
    books.change(
        "UPDATE {credits} SET amount = '7.00', note = 'Agreed by phone.', state = 'held' WHERE tenant_id = 'acme' AND book = 'a' AND number = 1"
    )
    proposal = (await books.record(handle)).proposal
    left = {**proposal.members[0].after, "row_version": "3"}
    with as_server(books) as raw:
        raw.execute("UPDATE proposal SET status = 'applied' WHERE id = ?", (handle,))
        ended = """replace(body, '"target":"conflict"', '"target":"applied"')"""
        raw.execute(f"UPDATE event SET body = {ended} WHERE subject = ?", (handle,))
        (receipt,) = [r[0] for r in raw.execute("SELECT id FROM receipt").fetchall()]
        set_body(
            raw,
            "receipt",
            receipt,
            {**body_of(raw, "receipt", receipt), "outcome": "applied", "members": [_left(proposal, left)]},
        )
    before = everything(books)
    await approved(books, handle)
    assert await books.work() == [("failed", "original_not_applied")]
    assert everything(books) == before


async def test_an_undo_that_a_server_files_in_an_operators_name_is_refused(books: Shop) -> None:
    """A server that was taken over knows the ledger's key and the change, and everything but the operator's own key."""
    original = (await books.record(await applied(books, "credits.adjust", ADJUST))).proposal
    genuine = await ask(books, original.id)
    assert genuine.undoes is not None
    forged = signed(books, replace(genuine, principal="leo"), genuine.undoes)
    with pytest.raises(DecisionRefused, match="own request"):
        await leo_approves_raw(books, forged)
    await refused_by_worker(books, signed(books, genuine, genuine.undoes, MALLORY), "undo_not_asked")


async def leo_approves_raw(shop: Shop, forged: Proposal) -> None:
    """Let leo approve a proposal that says that leo asked for it."""
    with as_server(shop) as raw:
        for kind in ("settlement", "receipt", "job", "decision"):
            raw.execute(f"DELETE FROM {kind} WHERE proposal = ?", (forged.id,))
        raw.execute("UPDATE proposal SET status = 'review_required' WHERE id = ?", (forged.id,))
        set_body(raw, "proposal", forged.id, to_body(forged))
    await leo_approves(shop.files, shop.project, forged.id, forged.digest)


async def test_a_chain_of_undos_ends(books: Shop) -> None:
    original = await applied(books, "notes.rename", {"note": "n1", "title": "Other"})
    filed = await approved(books, original)
    assert await books.work() == [("applied", "")]
    assert filed.undoes is not None
    deep = replace(filed, undoes=replace(filed.undoes, depth=16))
    with as_server(books) as raw:
        set_body(raw, "proposal", filed.id, to_body(deep))
    assert await refused(books, filed.id) == ("too_deep", 1)


def test_every_undo_of_one_change_is_one_request() -> None:
    assert undo_key("wrp_1", "sha256:1") == undo_key("wrp_1", "sha256:1")
    assert len({undo_key(p, d) for p in ("wrp_1", "wrp_2") for d in ("sha256:1", "sha256:2")}) == 4


async def test_a_receipt_that_was_altered_makes_no_added_row_one_that_was_left_so(books: Shop) -> None:
    """Somebody has worked with the row in a column that the database had filled, so only the receipt shows that."""
    original = await applied(books, "credits.add", {"book": "new", "number": 7, "amount": "1.50"})
    books.change("UPDATE {credits} SET points = 7 WHERE book = 'new'")
    assert await refused(books, original) == ("moved_on", 3)
    (kept,), row = (await books.record(original)).receipts, credit(books, "new", 7)
    assert row is not None
    with as_ledger_owner(books) as raw:
        moved = {**kept.after[0], "points": "7", "row_version": str(row[-1])}
        set_body(
            raw,
            "receipt",
            kept.id,
            {**body_of(raw, "receipt", kept.id), "members": [{**to_body(kept)["members"][0], "after": moved}]},
        )
    record = await books.record(original)
    assert (record.receipts, record.unreadable) == ((), (f"receipt {kept.id}",))
    assert (await refused(books, original))[0] == "not_recorded"


@pytest.mark.parametrize(
    "seen",
    [{"row_version": "99"}, {"points": "5"}, {"amount": "10.10", "note": None}],
    ids=["another version", "set back already", "two set back already"],
)
async def test_what_an_undo_says_it_saw_is_not_believed_but_guarded(books: Shop, seen: dict[str, str | None]) -> None:
    """An undo is of the row that the proposal tells of; of one that was made up, nothing is written."""
    genuine = await ask(books, await applied(books, "credits.adjust", ADJUST))
    (member,) = genuine.members
    forged = with_row(genuine, before={**member.before, **seen})
    await refused_by_worker(books, forged, "version_moved", outcome="conflict")
