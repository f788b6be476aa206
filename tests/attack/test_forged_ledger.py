"""Whoever owns the ledger's file but no operator's key forges approvals, jobs, proposals, contracts and leases; nothing of it reaches the shop."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor import handles
from synapsor.contract.digest import contract_digest, from_body
from synapsor.core.moment import parse, stamp
from synapsor.core.proposal import Proposal
from synapsor.core.records import from_body as record_of
from synapsor.core.records import to_body
from synapsor.core.review import APPROVAL_LASTS
from synapsor.core.statements import Activation, Decision, sign
from synapsor.core.writeback import Approved, Job
from synapsor.errors import ConfigError, IntegrityError
from synapsor.ledger.kinds import KINDS
from synapsor.values import canonical
from tests.attack.shop import NOTE, WAIVER, Shop, as_ledger_owner, as_server, open_shop, reopened, unasked
from tests.databases import Database
from tests.decisions import with_row
from tests.projects import leo_approves

pytestmark = pytest.mark.requirement("apply:none-unapproved")

BEFORE = (5500, None, 1)
MALLORY = Ed25519PrivateKey.generate()
Raw = Any


@pytest.fixture
def database(sqlite_db: Database) -> Database:
    """The authority is proven before a source is touched, so one engine is enough here."""
    return sqlite_db


def text(body: Any) -> str:
    """Return canonical JSON as the ledger keeps it."""
    return canonical(body).decode()


def body_of(raw: Raw, kind: str, handle: str) -> dict[str, Any]:
    """Return the body of a record."""
    body: dict[str, Any] = json.loads(raw.execute(f"SELECT body FROM {kind} WHERE id = ?", (handle,)).fetchone()[0])
    return body


def set_body(raw: Raw, kind: str, handle: str, body: dict[str, Any]) -> None:
    """Write another body, and the columns that repeat a part of it."""
    columns = {"body": text(body), **KINDS[kind].columns(body)}
    raw.execute(
        f"UPDATE {kind} SET {', '.join(f'{name} = ?' for name in columns)} WHERE id = ?", (*columns.values(), handle)
    )


def add(raw: Raw, kind: str, **columns: Any) -> None:
    """Insert a record under a number that its table has not got yet."""
    seq = raw.execute(f"SELECT max(seq) FROM event WHERE seq NOT IN (SELECT seq FROM {kind})").fetchone()[0]
    names = ", ".join(columns)
    marks = ", ".join("?" for _ in columns)
    raw.execute(f"INSERT INTO {kind} (seq, {names}) VALUES ({seq}, {marks})", tuple(columns.values()))


def forge_decision(raw: Raw, proposal: Proposal, key: Ed25519PrivateKey = MALLORY, **changes: Any) -> str:
    """Insert an approval in leo's name, signed with a key of the attacker's."""
    fields = {
        "id": handles.new("dec"),
        "ledger": proposal.ledger,
        "proposal": proposal.id,
        "digest": proposal.digest,
        "verdict": "approve",
        "operator": "leo",
        "role": proposal.role,
        "at": proposal.at,
        "expires_at": min(proposal.expires_at, stamp(parse(proposal.at) + APPROVAL_LASTS)),
        "reason": "",
        "nonce": "n" * 32,
    }
    decision = Decision(**{**fields, **changes})
    body = {"decision": to_body(decision), "signature": sign(decision, key)}
    add(
        raw,
        "decision",
        id=decision.id,
        at=decision.at,
        proposal=proposal.id,
        operator=decision.operator,
        verdict="approve",
        body=text(body),
    )
    return decision.id


def forge_job(raw: Raw, proposal: Proposal, decision: str, row: str | None = None, **changes: Any) -> None:
    """Insert a job for a proposal, and say that it is approved; `row` is the row of the ledger that it is filed under."""
    part = Approved(proposal=row or proposal.id, digest=proposal.digest, decision=decision)
    job = replace(Job(id=handles.new("job"), source="shop", at=proposal.at, parts=(part,)), **changes)
    add(
        raw,
        "job",
        id=job.id,
        at=job.at,
        proposal=job.lead.proposal,
        decision=job.lead.decision,
        source=job.source,
        body=text(to_body(job)),
    )
    raw.execute("UPDATE proposal SET status = 'approved' WHERE id = ?", (job.lead.proposal,))


async def waiting(shop: Shop, invoice: str = "INV-3001") -> Proposal:
    """Return a proposal that waits for a decision."""
    filed = await shop.proposed(WAIVER, {"invoice_id": invoice, "reason": "Paid next day."})
    return (await shop.record(filed["id"])).proposal


async def nothing_applied(shop: Shop, *codes: str) -> None:
    """See that the worker refuses with these codes, that the shop is as it was, and that `verify` finds the forgery."""
    assert await shop.work() == [("failed", code) for code in codes]
    assert shop.invoice() == BEFORE
    assert shop.receipts() == 0
    assert not (await shop.project.verify()).ok


async def test_a_status_that_says_approved_applies_nothing(shop: Shop) -> None:
    proposal = await waiting(shop)
    with as_ledger_owner(shop) as raw:
        raw.execute("UPDATE proposal SET status = 'approved'")
    await nothing_applied(shop)
    with as_ledger_owner(shop) as raw:
        forge_job(raw, proposal, "dec_" + "0" * 20)
    await nothing_applied(shop, "approval_missing")


async def test_a_decision_signed_with_another_key_in_an_operators_name_applies_nothing(shop: Shop) -> None:
    proposal = await waiting(shop)
    with as_ledger_owner(shop) as raw:
        forge_job(raw, proposal, forge_decision(raw, proposal))
    await nothing_applied(shop, "approval_invalid")


@pytest.mark.parametrize("operator", ["rita", "mallory", "LEO", "leo ", ""])
async def test_a_decision_of_somebody_without_the_role_or_the_trust_applies_nothing(shop: Shop, operator: str) -> None:
    proposal = await waiting(shop)
    key = shop.files.keys.get(operator, MALLORY)
    with as_ledger_owner(shop) as raw:
        forge_job(raw, proposal, forge_decision(raw, proposal, key, operator=operator))
    await nothing_applied(shop, "approval_role_missing" if operator == "rita" else "approval_invalid")


@pytest.mark.requirement("ledger:believed")
async def test_an_approval_that_no_event_tells_of_takes_nobodys_place_though_its_key_is_trusted(shop: Shop) -> None:
    """Whoever has somebody's key and writes the file signs what no honest process has recorded."""
    handle = await shop.waiver()
    record = await shop.record(handle)
    with as_ledger_owner(shop) as raw:
        raw.execute("DELETE FROM job")
        forge_job(raw, record.proposal, forge_decision(raw, record.proposal, shop.files.keys["leo"]))
    assert not (await shop.record(handle)).differs
    assert await shop.work() == [("reconciliation_required", "records_differ")]
    assert (shop.invoice(), shop.receipts()) == (BEFORE, 0)


async def test_a_decision_that_is_moved_to_another_proposal_applies_nothing(shop: Shop) -> None:
    genuine = await shop.waiver("INV-3002")
    target = await waiting(shop)
    (signed,) = (await shop.record(genuine)).decisions
    assert await shop.work() == [("applied", "")]
    with as_ledger_owner(shop) as raw:
        raw.execute("UPDATE decision SET proposal = ? WHERE id = ?", (target.id, signed.decision.id))
        forge_job(raw, target, signed.decision.id)
    assert await shop.work() == [("failed", "approval_invalid")]
    assert (shop.invoice(), shop.receipts()) == (BEFORE, 1)


async def test_an_applied_change_that_is_filed_again_under_another_handle_is_not_applied_again(shop: Shop) -> None:
    genuine = await shop.waiver()
    other = await waiting(shop, "INV-3002")
    assert await shop.work() == [("applied", "")]
    record = await shop.record(genuine)
    (signed,) = record.decisions
    shop.change(
        "UPDATE {invoices} SET late_fee_cents = 5500, waiver_reason = NULL, row_version = 1 WHERE id = 'INV-3001'"
    )
    before = shop.invoice()
    with as_ledger_owner(shop) as raw:
        raw.execute("UPDATE proposal SET body = ? WHERE id = ?", (text(to_body(record.proposal)), other.id))
        raw.execute("UPDATE decision SET proposal = ? WHERE id = ?", (other.id, signed.decision.id))
        forge_job(raw, record.proposal, signed.decision.id, row=other.id)
    reports = await shop.work()
    assert all(outcome != "applied" for outcome, _ in reports)
    assert (shop.invoice(), shop.receipts()) == (before, 1)


def _changes(proposal: Proposal) -> dict[str, Callable[[], Proposal]]:
    return {
        "changes": lambda: with_row(proposal, changes={**proposal.members[0].changes, "late_fee_cents": "1"}),
        "another row": lambda: with_row(proposal, key=(("id", "INV-3002"),)),
        "another tenant": lambda: with_row(proposal, tenant="globex", key=(("id", "INV-9001"),)),
        "no guards": lambda: replace(proposal, guards=(), advances=None),
        "before": lambda: with_row(proposal, before={**proposal.members[0].before, "row_version": "2"}),
        "relation": lambda: replace(proposal, relation="billing.customers"),
        "moves": lambda: replace(proposal, moves=(*proposal.moves, "customer")),
        "later": lambda: replace(proposal, expires_at="2999-01-01T00:00:00.000000Z"),
        "nonce": lambda: replace(proposal, nonce="0" * 32),
        "reason": lambda: replace(proposal, arguments={**proposal.arguments, "reason": "Paid next day!"}),
        "role": lambda: replace(proposal, role="intern"),
        "principal": lambda: replace(proposal, principal="somebody"),
        "contract": lambda: replace(proposal, contract="sha256:" + "0" * 64),
    }


@pytest.mark.requirement("approval:one-digest")
@pytest.mark.parametrize("job_follows", [False, True])
async def test_a_proposal_that_was_changed_by_as_little_as_a_byte_after_its_approval_is_refused(
    shop: Shop, job_follows: bool
) -> None:
    first = await shop.waiver()
    genuine = (await shop.record(first)).proposal
    job = (await shop.record(first)).job
    assert job is not None
    for what, changed in _changes(genuine).items():
        forged = changed()
        with as_ledger_owner(shop) as raw:
            set_body(raw, "proposal", first, to_body(forged))
            if job_follows:
                set_body(raw, "job", job.id, to_body(replace(job, parts=(replace(job.lead, digest=forged.digest),))))
            else:
                set_body(raw, "job", job.id, to_body(job))
            raw.execute("UPDATE job SET open = 1, lease = NULL, lease_until = NULL, not_before = NULL, attempt = 0")
            raw.execute("UPDATE proposal SET status = 'approved' WHERE id = ?", (first,))
            for table in ("settlement", "receipt"):
                raw.execute(f"DELETE FROM {table}")
        reports = await shop.work()
        assert reports == [("failed", "approval_invalid" if job_follows else "digest_mismatch")], what
        assert (shop.invoice(), shop.receipts()) == (BEFORE, 0), what


async def test_every_single_byte_of_an_approved_proposal_counts(shop: Shop) -> None:
    handle = await shop.waiver()
    record = await shop.record(handle)
    (signed,) = record.decisions
    genuine = text(to_body(record.proposal))
    harmless = 0
    for place in range(len(genuine)):
        flipped = genuine[:place] + chr(ord(genuine[place]) ^ 1) + genuine[place + 1 :]
        try:
            proposal = record_of(Proposal, json.loads(flipped))
            harmless += proposal.digest == signed.decision.digest
        except (ValueError, IntegrityError):
            continue
    assert harmless == 0


async def test_an_approval_of_another_ledger_or_one_whose_signature_is_altered_applies_nothing(shop: Shop) -> None:
    for forge in (
        {"ledger": "led_other"},
        {"expires_at": "2999-01-01T00:00:00.000000Z"},
        {"role": "intern"},
        {"verdict": "reject"},
    ):
        handle = await shop.waiver(reason=f"forged {len(shop.audits())}")
        (signed,) = (await shop.record(handle)).decisions
        with as_ledger_owner(shop) as raw:
            body = body_of(raw, "decision", signed.decision.id)
            body["decision"] |= forge
            set_body(raw, "decision", signed.decision.id, body)
        assert await shop.work() == [("failed", "rejected" if "verdict" in forge else "approval_invalid")]
    for signature in ("", "AAAA", base64.b64encode(b"\0" * 64).decode(), "not base64"):
        handle = await shop.waiver(reason=f"forged {len(shop.audits())}")
        (signed,) = (await shop.record(handle)).decisions
        with as_ledger_owner(shop) as raw:
            body = body_of(raw, "decision", signed.decision.id)
            set_body(raw, "decision", signed.decision.id, {**body, "signature": signature})
        assert await shop.work() == [("failed", "approval_invalid")]
    assert (shop.invoice(), shop.receipts()) == (BEFORE, 0)


async def test_a_rejection_beside_an_approval_wins(shop: Shop) -> None:
    handle = await shop.waiver()
    proposal = (await shop.record(handle)).proposal
    with as_ledger_owner(shop) as raw:
        seq = raw.execute("SELECT min(seq) FROM event WHERE seq NOT IN (SELECT seq FROM decision)").fetchone()[0]
        key = shop.files.keys["leo"]
        no = Decision(id=handles.new("dec"), ledger=proposal.ledger, proposal=proposal.id, digest=proposal.digest, verdict="reject", operator="leo", role=proposal.role, at=proposal.at, expires_at=proposal.expires_at, reason="No.", nonce="n" * 32)  # fmt: skip
        body = text({"decision": to_body(no), "signature": sign(no, key)})
        raw.execute(
            "INSERT INTO decision (seq, id, at, proposal, operator, verdict, body) VALUES (?, ?, ?, ?, 'leo', 'reject', ?)",
            (seq, no.id, no.at, handle, body),
        )
    assert await shop.work() == [("failed", "rejected")]
    assert (shop.invoice(), shop.receipts()) == (BEFORE, 0)


# ---- contracts --------------------------------------------------------------------------------------------------------------


def _loosened(body: dict[str, Any]) -> dict[str, Any]:
    """Return a contract under which an intern decides, and on any column."""
    loose: dict[str, Any] = json.loads(json.dumps(body))
    capability = loose["capabilities"][NOTE]
    capability["approval"]["role"] = "contract_reviewer"
    capability["set"] = {"status": "paid"}
    capability["arguments"].pop("note")
    return loose


def _under(proposal: Proposal, loose: dict[str, Any]) -> Proposal:
    """Return the proposal that the loosened contract would allow."""
    return with_row(
        proposal,
        contract=contract_digest(from_body(loose)),
        capability=NOTE,
        role="contract_reviewer",
        changes={"status": "paid"},
        guards=("row_version", "status"),
        arguments={"invoice_id": "INV-3001"},
    )


@pytest.mark.requirement("activation:bound")
@pytest.mark.parametrize(
    "how", ["mallory signs", "rita signed another", "rita signed another name", "the body is exchanged"]
)
async def test_a_contract_that_nobody_with_the_role_activated_allows_nothing(shop: Shop, how: str) -> None:
    proposal = await waiting(shop)
    active = await shop.ledger.active_contract("billing")
    assert active is not None
    loose = _loosened(dict(active.body))
    forged = _under(proposal, loose)
    assert forged.contract != proposal.contract
    activation = Activation(**{**to_body(active.activation), "digest": forged.contract, "operator": "rita"})
    if how == "rita signed another name":
        activation = replace(activation, contract="others")
    genuine = {"activation": to_body(active.activation), "signature": active.signature, "metadata": {}}
    with as_ledger_owner(shop) as raw:
        set_body(raw, "proposal", proposal.id, to_body(forged))
        # The intern of this story holds the role that the loosened contract asks for, and really signs.
        forge_job(raw, forged, forge_decision(raw, forged, shop.files.keys["rita"], operator="rita"))
        if how == "the body is exchanged":
            handle = raw.execute("SELECT id FROM contract_version").fetchone()[0]
            set_body(raw, "contract_version", handle, {**body_of(raw, "contract_version", handle), "contract": loose})
            raw.execute(
                "UPDATE proposal SET body = ? WHERE id = ?",
                (text(to_body(replace(forged, contract=proposal.contract))), proposal.id),
            )
            again = replace(forged, contract=proposal.contract)
            raw.execute("DELETE FROM job")
            raw.execute("DELETE FROM decision")
            forge_job(raw, again, forge_decision(raw, again, shop.files.keys["rita"], operator="rita"))
        else:
            body = {"activation": to_body(activation), "signature": sign(activation, MALLORY), "metadata": {}}
            told = genuine if how.startswith("rita") else body
            version = {"id": handles.new("ctr"), "at": activation.at, "name": "billing", "digest": forged.contract}
            add(raw, "contract_version", **version, body=text({**version, "contract": loose}))
            add(
                raw,
                "activation",
                id=handles.new("act"),
                at=activation.at,
                contract=activation.contract,
                digest=forged.contract,
                operator="rita",
                body=text(told),
            )
    # What no event of the ledger tells of is no activation at all, whoever signed it.
    await nothing_applied(shop, "activation_invalid" if how == "the body is exchanged" else "contract_not_active")
    assert shop.invoice("INV-3001", "status") == ("overdue",)


@pytest.mark.requirement("activation:bound")
async def test_an_activation_of_another_ledger_allows_nothing(tmp_path: Path, shop: Shop, database: Database) -> None:
    proposal = await waiting(shop)
    async with open_shop(tmp_path / "other", database) as other:
        foreign = await other.ledger.active_contract("billing")
        assert foreign is not None
        shop.files.config.operators.write_bytes(other.files.config.operators.read_bytes())
        shop.files.keys, shop.files.operators = other.files.keys, other.files.operators
    await leo_approves(shop.files, shop.project, proposal.id, proposal.digest)
    with as_ledger_owner(shop) as raw:
        body = {"activation": to_body(foreign.activation), "signature": foreign.signature, "metadata": {}}
        raw.execute("UPDATE activation SET body = ?", (text(body),))
    await nothing_applied(shop, "activation_invalid")


@pytest.mark.requirement("activation:bound")
async def test_a_server_does_not_start_on_an_activation_that_was_forged(shop: Shop) -> None:
    with as_ledger_owner(shop) as raw:
        row = raw.execute("SELECT id, body FROM activation").fetchone()
        body = json.loads(row[1])
        raw.execute("UPDATE activation SET body = ? WHERE id = ?", (text({**body, "signature": "AAAA"}), row[0]))
    with pytest.raises(ConfigError, match="not the one that its event tells of"):
        await shop.project.desk()


async def test_a_proposal_outside_of_what_its_capability_can_make_is_refused_even_when_a_person_approved_it(
    shop: Shop,
) -> None:
    """A server that was taken over files what the contract does not offer; a tired person approves it; the worker does not."""
    tables = {
        "a fee below zero": {"changes": {"late_fee_cents": "-999999", "waiver_reason": "Paid next day."}},
        "a fee that is not the fixed one": {"changes": {"late_fee_cents": "1", "waiver_reason": "Paid next day."}},
        "a reason that was not asked for": {"changes": {"late_fee_cents": "0", "waiver_reason": "Other."}},
        "a row that was not asked for": {"arguments": {"invoice_id": "INV-3002", "reason": "Paid next day."}},
        "a reason over the limit": {
            "changes": {"late_fee_cents": "0", "waiver_reason": "x" * 501},
            "arguments": {"invoice_id": "INV-3001", "reason": "x" * 501},
        },
    }
    for number, (what, forge) in enumerate(tables.items()):
        filed = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": f"Paid next day. {number}"})
        genuine = (await shop.record(filed["id"])).proposal
        forged = with_row(genuine, **{"arguments": {"invoice_id": "INV-3001", "reason": "Paid next day."}, **forge})
        with as_server(shop) as raw:
            set_body(raw, "proposal", forged.id, to_body(forged))
        with unasked():
            await leo_approves(shop.files, shop.project, forged.id, forged.digest)
        assert await shop.work() == [("failed", "outside_contract")], what
        assert (shop.invoice(), shop.receipts()) == (BEFORE, 0), what
    high = await waiting(shop, "INV-3001")
    over = with_row(high, before={**high.members[0].before, "late_fee_cents": "10001"})
    shop.change("UPDATE {invoices} SET late_fee_cents = 10001, row_version = 1 WHERE id = 'INV-3001'")
    with as_server(shop) as raw:
        set_body(raw, "proposal", over.id, to_body(over))
    with unasked():
        await leo_approves(shop.files, shop.project, over.id, over.digest)
    assert await shop.work() == [("failed", "outside_contract")]
    assert shop.invoice()[0] == 10001


# ---- leases and jobs --------------------------------------------------------------------------------------------------------


async def test_a_job_for_a_proposal_that_nobody_decided_on_neither_applies_nor_keeps_the_others_from_work(
    shop: Shop,
) -> None:
    proposal = await waiting(shop)
    honest = await shop.waiver("INV-3002")
    with as_ledger_owner(shop) as raw:
        forge_job(raw, proposal, forge_decision(raw, proposal))
        raw.execute("UPDATE proposal SET status = 'review_required' WHERE id = ?", (proposal.id,))
    await shop.work()
    assert (shop.invoice(), await shop.status(honest)) == (BEFORE, "applied")
    assert await shop.status(proposal.id) in {"review_required", "failed"}


async def test_a_job_whose_records_are_no_records_stops_nobody_else(shop: Shop) -> None:
    broken = await shop.waiver("INV-3001")
    honest = await shop.waiver("INV-3002")
    with as_ledger_owner(shop) as raw:
        raw.execute("UPDATE proposal SET body = '{}' WHERE id = ?", (broken,))
    try:
        await shop.work()
        await shop.work()
    finally:
        assert shop.invoice() == BEFORE
    assert await shop.status(honest) == "applied"


async def test_a_ledger_that_is_put_in_the_place_of_another_applies_nothing_of_the_other(
    tmp_path: Path, shop: Shop, database: Database
) -> None:
    handle = await shop.waiver()
    record = await shop.record(handle)
    (signed,) = record.decisions
    async with open_shop(tmp_path / "other", database) as other:
        mine = await waiting(other)
        foreign = replace(record.proposal, contract=mine.contract)
        other.files.config.operators.write_bytes(shop.files.config.operators.read_bytes())
        with as_ledger_owner(other) as raw:
            for proposal in (record.proposal, foreign):
                set_body(raw, "proposal", mine.id, to_body(proposal))
            set_body(raw, "proposal", mine.id, to_body(record.proposal))
            body = {"decision": to_body(signed.decision), "signature": signed.signature}
            add(
                raw,
                "decision",
                id=signed.decision.id,
                at=mine.at,
                proposal=mine.id,
                operator="leo",
                verdict="approve",
                body=text(body),
            )
            forge_job(raw, record.proposal, signed.decision.id, row=mine.id)
        assert [outcome for outcome, _ in await other.work()] == ["failed"]
        assert (other.invoice(), other.receipts()) == (BEFORE, 0)


async def test_a_ledger_with_another_key_or_without_its_key_does_not_open(shop: Shop) -> None:
    await shop.waiver()
    files = shop.files
    await shop.ledger.checkpoint()
    key = files.config.ledger.with_suffix(".key")
    kept = key.read_bytes()
    for broken in (b"", b"not a key", kept[:-40]):
        key.write_bytes(broken)
        with pytest.raises(Exception, match=r"(?i)key"):
            async with reopened(files):
                pass
    key.write_bytes(kept)
