"""Whoever owns the ledger's file forges edits, or what they would stand in the place of; nothing of it reaches the shop.

An edit keeps to the contract like any proposal, so what is forged is who made it: that a person other than the approver did, and from what.
"""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.approve.card.terms import terms_behind
from synapsor.core.amend import amendment_of
from synapsor.core.outcome import Why
from synapsor.core.proposal import Amended, Proposal
from synapsor.core.records import to_body
from synapsor.core.signatures import public_text
from synapsor.core.statements import Identity, Operator, sign
from synapsor.core.trust import ProgramKey
from synapsor.errors import DecisionRefused
from synapsor.flow.ask import ask
from synapsor.flow.decider import Named
from synapsor.flow.objection import Intent, may_ask
from synapsor.flow.signing import SessionKey, Signer, signed_login, vouched_login
from tests.attack.amending import edited, extended, refused, signer_of
from tests.attack.credits import POLICY
from tests.attack.shop import Shop, as_server, filed_by_server
from tests.attack.test_forged_ledger import MALLORY, forge_decision, forge_job, set_body
from tests.attack.undoing import ADJUST, everything, open_credits
from tests.databases import Database
from tests.deciding import approve
from tests.decisions import with_row

pytestmark = pytest.mark.requirement("amend:proven", "apply:none-unapproved")


@pytest.fixture
def database(sqlite_db: Database) -> Database:
    """What is proven is the same on every engine."""
    return sqlite_db


def signed(shop: Shop, genuine: Proposal, key: Any = None, /, **fields: Any) -> Proposal:
    """Return the proposal as mia really signs it, or somebody with another key in her name."""
    assert genuine.amends is not None
    told = replace(genuine, amends=replace(genuine.amends, **fields))
    signature = sign(amendment_of(told), key or shop.files.keys["mia"])
    assert told.amends is not None
    return replace(told, amends=replace(told.amends, signature=signature))


def put(shop: Shop, forged: Proposal) -> None:
    """Put a proposal into the ledger, in review and with nothing decided on it."""
    with as_server(shop) as raw:
        for kind in ("settlement", "receipt", "job", "decision"):
            raw.execute(f"DELETE FROM {kind} WHERE proposal = ?", (forged.id,))
        set_body(raw, "proposal", forged.id, to_body(forged))
        if raw.execute("SELECT status FROM proposal WHERE id = ?", (forged.id,)).fetchone() != ("review_required",):
            raw.execute("UPDATE proposal SET status = 'review_required' WHERE id = ?", (forged.id,))
            filed_by_server(raw, forged.id)


async def refused_by_worker(shop: Shop, forged: Proposal, code: str) -> None:
    """See that the worker refuses what a tired person approved, and that the rows are as they were."""
    before = everything(shop)
    put(shop, forged)
    who = signer_of(shop, "leo")
    await approve(shop.ledger, forged.id, digest=forged.digest, signer=who, now=shop.project.clock.now())
    assert await shop.work() == [("failed", code)]
    assert everything(shop) == before


def _forged(shop: Shop, genuine: Proposal) -> dict[str, tuple[Proposal, str]]:
    """Return forgeries of an edit with the words by which they are refused."""
    amends = genuine.amends
    assert amends is not None
    (member,) = genuine.members
    invalid = "amendment_invalid"
    dearer = {**genuine.arguments, "less": "9.00"}
    return {
        "other arguments": (replace(genuine, arguments=dearer), invalid),
        "another value": (with_row(genuine, changes={**member.changes, "amount": "0.01"}), invalid),
        "another value, signed": (
            signed(shop, with_row(genuine, changes={**member.changes, "amount": "0.01"})),
            "outside_contract",
        ),
        "another reason": (replace(genuine, amends=replace(amends, reason="All is well.")), invalid),
        "a key of nobody": (signed(shop, genuine, MALLORY), invalid),
        "an editor who did not sign": (replace(genuine, amends=replace(amends, operator="leo")), invalid),
        "an editor who is nobody": (signed(shop, genuine, operator="mallory"), invalid),
        "an editor without the role": (signed(shop, genuine, shop.files.keys["rita"], operator="rita"), invalid),
        "no editors": (signed(shop, genuine, editors=()), invalid),
        "other editors": (signed(shop, genuine, editors=("rita",)), invalid),
        "an edit that is called an extension": (signed(shop, genuine, kind="extend", editors=()), invalid),
        "fewer arguments than were edited": (signed(shop, genuine, arguments=("note",)), invalid),
        "another depth": (signed(shop, genuine, depth=0), invalid),
        "a depth too deep": (signed(shop, genuine, depth=9), invalid),
        "another digest": (signed(shop, genuine, digest="sha256:" + "0" * 64), invalid),
        "nothing that it amends": (signed(shop, genuine, proposal="wrp_" + "0" * 20), invalid),
        "itself": (signed(shop, genuine, proposal=genuine.id), invalid),
        "another requester": (signed(shop, replace(genuine, principal="somebody")), invalid),
        "a requester who edited": (signed(shop, replace(genuine, principal="mia")), invalid),
        "another tenant": (signed(shop, replace(genuine, tenant="globex")), invalid),
        "another client": (signed(shop, replace(genuine, client="cli")), invalid),
        "another run": (signed(shop, replace(genuine, run="run_1")), invalid),
        "another row": (
            signed(shop, with_row(genuine, key=(("book", "b"), ("number", "1")), before={**member.before, "book": "b"})),
            invalid,
        ),
        "a policy": (signed(shop, replace(genuine, policy="small")), "need_changed"),
        "a longer time": (signed(shop, replace(genuine, expires_at="2999-01-01T00:00:00.000000Z")), "need_changed"),
        "a rested-on read": (
            signed(shop, replace(genuine, rests_on=(("a", genuine.evidence, genuine.evidence_digest),))),
            invalid,
        ),
    }  # fmt: skip


async def test_an_edit_that_nobody_who_is_trusted_made_so_is_refused_although_it_is_approved(books: Shop) -> None:
    genuine = await edited(books, str((await books.proposed("credits.adjust", ADJUST))["id"]), {"less": "2.10"})
    for what, (forged, code) in _forged(books, genuine).items():
        try:
            await refused_by_worker(books, forged, code)
        except AssertionError as failed:
            raise AssertionError(what) from failed
    put(books, genuine)
    who, now = signer_of(books, "leo"), books.project.clock.now()
    await approve(books.ledger, genuine.id, digest=genuine.digest, signer=who, now=now)
    assert await books.work() == [("applied", "")]


async def test_an_edit_of_what_was_not_superseded_or_is_not_what_was_edited_is_refused(books: Shop) -> None:
    handle = str((await books.proposed("credits.adjust", ADJUST))["id"])
    original = (await books.record(handle)).proposal
    genuine = await edited(books, handle, {"less": "2.10"})
    with as_server(books) as raw:
        raw.execute("UPDATE proposal SET status = 'review_required', request = 'x' WHERE id = ?", (handle,))
    await refused_by_worker(books, genuine, "amendment_invalid")
    with as_server(books) as raw:
        raw.execute("UPDATE proposal SET status = 'superseded' WHERE id = ?", (handle,))
        set_body(raw, "proposal", handle, to_body(replace(original, nonce="0" * 32)))
    await refused_by_worker(books, genuine, "amendment_invalid")
    early = {"at": "2020-01-01T00:00:00.000000Z", "expires_at": "2020-01-02T00:00:00.000000Z"}
    for otherwise in ({"role": "contract_reviewer"}, early):
        other = replace(original, **otherwise)  # type: ignore[arg-type]  # texts all
        with as_server(books) as raw:
            set_body(raw, "proposal", handle, to_body(other))
        await refused_by_worker(books, signed(books, genuine, digest=other.digest), "amendment_invalid")
    with as_server(books) as raw:
        raw.execute("DELETE FROM proposal WHERE id = ?", (handle,))
    await refused_by_worker(books, genuine, "amendment_invalid")


async def test_every_amendment_of_a_lineage_is_proven_and_not_the_last_alone(books: Shop) -> None:
    """An earlier edit is made to say that nobody edited, so that its editor could approve what comes of it."""
    handle = str((await books.proposed("credits.adjust", ADJUST))["id"])
    first = await edited(books, handle, {"less": "2.10"})
    second = await extended(books, first.id, operator="leo")
    assert first.amends is not None
    assert second.amends is not None
    laundered = replace(first, amends=None)
    with as_server(books) as raw:
        set_body(raw, "proposal", first.id, to_body(laundered))
    forged = replace(second, amends=replace(second.amends, digest=laundered.digest, editors=(), depth=1))
    await refused_by_worker(books, forged, "amendment_invalid")
    forged_first = replace(first, amends=replace(first.amends, editors=()))
    with as_server(books) as raw:
        set_body(raw, "proposal", first.id, to_body(forged_first))
    told: dict[str, Any] = {"digest": forged_first.digest, "editors": (), "operator": "leo"}
    forged = signed(books, second, books.files.keys["leo"], **told)
    assert isinstance(forged.amends, Amended)
    await refused_by_worker(books, forged, "amendment_invalid")


async def test_a_signature_under_one_edit_is_none_under_another(books: Shop) -> None:
    first = await edited(books, str((await books.proposed("credits.adjust", ADJUST))["id"]), {"less": "2.10"})
    other = {**ADJUST, "number": 2, "less": "0.02"}
    second = await edited(books, str((await books.proposed("credits.adjust", other))["id"]), {"less": "0.01"})
    assert first.amends is not None
    assert second.amends is not None
    replayed = replace(second, amends=replace(second.amends, signature=first.amends.signature))
    await refused_by_worker(books, replayed, "amendment_invalid")


async def test_nobody_is_asked_to_approve_an_edit_that_nobody_made_and_its_card_says_so(books: Shop) -> None:
    genuine = await edited(books, str((await books.proposed("credits.adjust", ADJUST))["id"]), {"less": "2.10"})
    forged = signed(books, genuine, MALLORY)
    put(books, forged)
    operators = books.files.operators
    terms = await terms_behind(books.ledger, forged, operators)
    assert terms.refusal is Why.AMENDMENT_INVALID
    record, now = await books.record(forged.id), books.project.clock.now()
    intent = Intent(verdict="approve", who=Named(operator=operators["leo"]), operators=operators, now=now)
    with pytest.raises(DecisionRefused) as found:
        await may_ask(books.ledger, record, intent)
    assert found.value.rule == "would_not_apply"


@pytest.mark.requirement("amend:by-whom")
async def test_a_session_that_speaks_for_a_person_edits_within_its_time_and_roles_and_none_of_a_prompt_does(
    books: Shop,
) -> None:

    handle = str((await books.proposed("credits.adjust", ADJUST))["id"])
    session, now = Ed25519PrivateKey.generate(), books.project.clock.now()
    mia, key = books.files.operators["mia"], books.files.keys["mia"]
    hour = dt.timedelta(hours=1)
    about = SessionKey(key=public_text(session), ledger=books.ledger.id, client="console", lasts=hour)
    login = signed_login(mia, key, about, now=now)
    old = signed_login(mia, key, about, now=now - 2 * hour)
    voucher = Operator(name="desk", key=public_text(MALLORY), roles=("code_voucher",))
    operators = {**books.files.operators, "desk": voucher}
    by = ProgramKey(operator=voucher, key=MALLORY)
    prompt = vouched_login(mia, about, voucher=by, method="code", roles=mia.roles, now=now)
    roleless = replace(login, login=replace(login.login, roles=("other",)))
    roleless = replace(roleless, signature=sign(roleless.login, key))
    for spoiled, rule in ((old, "login_expired"), (prompt, "not_by_prompt"), (roleless, "role_missing")):
        with_it = Signer(operator=mia, key=session, login=spoiled)
        assert (
            await refused(books, handle, {"less": "2.10"}, unlock=lambda s=with_it: s, operators=lambda: operators)
            == rule
        )
    good = Signer(operator=mia, key=session, login=login)
    new = await edited(books, handle, {"less": "2.10"}, unlock=lambda: good)
    assert new.amends is not None
    assert new.amends.login == login
    await refused_by_worker(books, replace(new, amends=replace(new.amends, login=None)), "amendment_invalid")
    put(books, new)
    who = signer_of(books, "leo")
    await approve(books.ledger, new.id, digest=new.digest, signer=who, now=books.project.clock.now())
    assert await books.work() == [("applied", "")]


@pytest.mark.requirement("amend:people-decide")
async def test_an_editor_who_can_write_the_ledger_does_not_approve_their_own_edit_either(books: Shop) -> None:
    """Their signature is genuine, and so is the edit: only that they are one person stands in the way."""
    new = await edited(books, str((await books.proposed("credits.adjust", ADJUST))["id"]), {"less": "2.10"})
    before = everything(books)
    with as_server(books) as raw:
        forge_job(raw, new, forge_decision(raw, new, books.files.keys["mia"], operator="mia"))
    assert await books.work() == [("failed", "approval_own_edit")]
    assert everything(books) == before


@pytest.mark.requirement("amend:by-whom")
async def test_what_may_be_decided_through_a_prompt_is_not_edited_through_one(
    tmp_path: Path, sqlite_db: Database
) -> None:
    policy = POLICY.replace(
        "approval: {role: billing_lead, policy: small}", "approval: {role: billing_lead, by_prompt: low}"
    )
    policy = policy[: policy.index("policies:\n")]
    async with open_credits(tmp_path / "project", sqlite_db, policy) as shop:
        handle = str((await shop.proposed("credits.adjust", ADJUST))["id"])
        assert (await shop.record(handle)).proposal.by_prompt
        session, mia = Ed25519PrivateKey.generate(), shop.files.operators["mia"]
        voucher = Operator(name="desk", key=public_text(MALLORY), roles=("code_voucher",))
        login = vouched_login(
            mia,
            SessionKey(
                key=public_text(session), ledger=shop.ledger.id, client="approvals", lasts=dt.timedelta(hours=1)
            ),
            voucher=ProgramKey(operator=voucher, key=MALLORY),
            method="code",
            roles=mia.roles,
            now=shop.project.clock.now(),
        )
        signer = Signer(operator=mia, key=session, login=login)
        operators = {**shop.files.operators, "desk": voucher}
        for values in ({"less": "2.10"}, None):
            assert (
                await refused(shop, handle, values, unlock=lambda: signer, operators=lambda: operators)
                == "not_by_prompt"
            )
        with pytest.raises(DecisionRefused) as found:
            await ask(
                shop.ledger,
                await shop.record(handle),
                text="Why?",
                signer=signer,
                now=shop.project.clock.now(),
                operators=operators,
            )
        assert found.value.rule == "not_by_prompt"


@pytest.mark.requirement("amend:by-whom")
async def test_what_an_edit_makes_takes_a_role_that_the_editors_login_carries_too(
    tmp_path: Path, sqlite_db: Database
) -> None:
    """The change of before takes a role that it carries, and the larger one another role, which the person has."""
    policy = POLICY.replace(
        "approval: {role: billing_lead, policy: small}",
        "risk: {high: {amount: {change: {at_most: -4}}}}\n    approval: {role: billing_lead, high: {role: boss}}",
    )
    async with open_credits(tmp_path / "project", sqlite_db, policy[: policy.index("policies:\n")]) as shop:
        handle = str((await shop.proposed("credits.adjust", ADJUST))["id"])
        told = Identity(issuer="https://id.example", subject="mia-1")
        mia = replace(shop.files.operators["mia"], roles=("billing_lead", "boss"), login=told)
        console = Operator(name="desk", key=public_text(MALLORY), roles=("login_voucher",))
        shop.files.operators = {**shop.files.operators, "mia": mia, "desk": console}
        session, now = Ed25519PrivateKey.generate(), shop.project.clock.now()
        about = SessionKey(
            key=public_text(session), ledger=shop.ledger.id, client="console", lasts=dt.timedelta(hours=1)
        )
        by = ProgramKey(operator=console, key=MALLORY)
        login = vouched_login(mia, about, voucher=by, method="oidc", roles=("billing_lead",), now=now)
        narrow = Signer(operator=mia, key=session, login=login)
        assert await refused(shop, handle, {"less": "5.00"}, unlock=lambda: narrow) == "role_missing"
        assert (await edited(shop, handle, {"less": "2.10"}, unlock=lambda: narrow)).role == "billing_lead"
