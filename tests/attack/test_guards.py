"""Each guard for itself: what lies beneath is made to lie, and the guard alone has to notice. `make mutants` breaks them one by one."""

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.approve.identity.keys import create_key
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Bound, Range
from synapsor.contract.model import Contract
from synapsor.core.authority import table_for
from synapsor.core.change import ChangeSet, Request, _hold, change_set
from synapsor.core.facts import Effect, RelationFacts, Rights
from synapsor.core.measured import Tally
from synapsor.core.moment import stamp
from synapsor.core.outcome import Outcome
from synapsor.core.plan import Relation
from synapsor.core.proposal import Member, Proposal
from synapsor.core.review import APPROVAL_LASTS, verify_approval
from synapsor.core.scope import Session
from synapsor.core.signatures import public_text
from synapsor.core.statements import Decision, Operator, SignedDecision, sign
from synapsor.core.writeback import Lease, stale, surprise
from synapsor.errors import Code, DecisionRefused, Failure, IntegrityError, LedgerFailure, Refusal, SourceFailure
from synapsor.flow.apply import InHand, apply
from synapsor.flow.desk import _VERBS
from synapsor.flow.receipts import receipt_of
from synapsor.ledger.chain import event_hash
from synapsor.ledger.open import open_ledger
from synapsor.ledger.private import create_private
from synapsor.ledger.sqlite import SqliteConnection, _Waiting
from synapsor.ledger.store import Ledger
from synapsor.ports import Activated, ProposalRecord, WriteSource, WriteTransaction
from synapsor.sql.receipts import insert_receipt
from synapsor.sql.statement import Dialect, RawRow, Statement
from synapsor.testing import MemoryReadSource, Trial, desk_for
from synapsor.values import ColumnType, to_json
from synapsor.work.authority import Denied, authorise, claim_of
from tests.decisions import NOW, ROW, person, proposal, with_row
from tests.ledger_records import seen
from tests.unit.contracts import contract, data
from tests.unit.test_trial import BILLING, SCHEMA, SEED, SESSION, WAIVER

RECEIPTS = "synapsor_receipts"
INVOICE = "SELECT late_fee_cents, waiver_reason, row_version FROM invoices WHERE id = 'INV-3001'"
AS_IT_WAS = [(5500, None, 1)]


@asynccontextmanager
async def billing(contract: str = BILLING, **more: Any) -> AsyncIterator[Trial]:
    async with desk_for(contract, schema=SCHEMA, seed=SEED, session=SESSION, **more) as opened:
        yield opened


@pytest_asyncio.fixture
async def trial() -> AsyncIterator[Trial]:
    async with billing() as opened:
        yield opened


def error_of(envelope: dict[str, Any]) -> str:
    assert not envelope["ok"]
    assert (envelope["data"], envelope["proposal"], envelope["evidence"]) == (None, None, None)
    code: str = envelope["error"]["code"]
    return code


# ---- reads -------------------------------------------------------------------------------------------------------------------


def forge(monkeypatch: pytest.MonkeyPatch, change: Callable[[list[tuple[Any, ...]]], list[tuple[Any, ...]]]) -> None:
    """Let the database answer something else than it holds."""
    real = MemoryReadSource.fetch

    async def fetch(self: MemoryReadSource, statement: Statement, *, time_ms: int) -> Sequence[RawRow]:
        return change([tuple(row) for row in await real(self, statement, time_ms=time_ms)])

    monkeypatch.setattr(MemoryReadSource, "fetch", fetch)


@pytest.mark.requirement("read:tenant")
@pytest.mark.parametrize(
    ("capability", "true", "false"),
    [
        ("billing.inspect_invoice", "acme", "globex"),
        ("billing.inspect_invoice", "acme", "ACME"),
        ("billing.inspect_invoice", "INV-3001", "INV-3002"),
        ("billing.inspect_invoice", "INV-3001", "inv-3001"),
        ("billing.list_overdue", "acme", "globex"),
        ("billing.list_overdue", "overdue", "paid"),
    ],
)
async def test_a_forged_row_of_another_tenant_or_key_is_not_answered(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, capability: str, true: str, false: str
) -> None:
    arguments = {"invoice_id": "INV-3001"} if capability == "billing.inspect_invoice" else {}
    assert (await trial.call(capability, **arguments))["ok"]
    forge(monkeypatch, lambda rows: [tuple(false if cell == true else cell for cell in row) for row in rows])
    assert error_of(await trial.call(capability, **arguments)) == "not_found"


@pytest.mark.requirement("read:tenant")
async def test_two_rows_under_one_key_are_neither_of_them_answered(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge(monkeypatch, lambda rows: rows * 2)
    assert error_of(await trial.call("billing.inspect_invoice", invoice_id="INV-3001")) == "not_unique"
    assert error_of(await trial.call("billing.propose_late_fee_waiver", **WAIVER)) == "not_unique"


@pytest.mark.requirement("read:bounded-bytes")
async def test_a_row_over_the_byte_limit_is_said_to_be_too_large() -> None:
    narrow = BILLING.replace("where: {id: $invoice_id}\n", "where: {id: $invoice_id}\n    limits: {bytes: 1024}\n", 1)
    async with billing(narrow) as opened:
        opened.database.run("UPDATE invoices SET customer = printf('%2000s', 'x') WHERE id = 'INV-3001'")
        assert error_of(await opened.call("billing.inspect_invoice", invoice_id="INV-3001")) == "result_too_large"


@pytest.mark.requirement("ledger:no-evidence-no-rows")
async def test_without_evidence_there_are_no_rows(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    read = await trial.call("billing.inspect_invoice", invoice_id="INV-3001")
    assert await trial.ledger.evidence(read["evidence"]["id"]) is not None

    async def fail(*_: Any) -> None:
        raise LedgerFailure("The ledger failed: the disk is full.")

    monkeypatch.setattr(trial.ledger, "record_read", fail)
    for capability in ("billing.inspect_invoice", "billing.list_overdue"):
        arguments = {"invoice_id": "INV-3001"} if capability == "billing.inspect_invoice" else {}
        assert error_of(await trial.call(capability, **arguments)) == "evidence_unavailable"
    monkeypatch.setattr(trial.ledger, "file_proposal", fail)
    assert error_of(await trial.call("billing.propose_late_fee_waiver", **WAIVER)) == "evidence_unavailable"


@pytest.mark.requirement("contract:schema:silent")
async def test_a_denied_column_is_not_among_those_that_a_capability_returns_unasked() -> None:
    unasked = BILLING.replace("relation: billing.invoice_review", "relation: billing.invoices").replace(
        "    returns: [id, customer, status, amount, late_fee_cents, waiver_reason, note, due_date]\n", "", 1
    )
    async with billing(unasked) as opened:
        read = await opened.call("billing.inspect_invoice", invoice_id="INV-3001")
        assert set(read["data"]["row"]) == set(opened.contract.tables["invoices"].columns) - {"card_token", "tenant_id"}
        evidence = await opened.ledger.evidence(read["evidence"]["id"])
        assert "card_token" not in str(evidence)


# ---- the desk and its look-ups --------------------------------------------------------------------------------------------------


@pytest.mark.requirement("audit:every-call")
async def test_a_refused_call_is_audited_or_answers_nothing(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = await trial.call("billing.inspect_invoice", invoice_id="INV-3001", tenant_id="globex")
    found = await trial.ledger.find(refused["audit"]["id"])
    assert found is not None
    assert (found["body"]["outcome"], found["body"]["tenant"], found["body"]["evidence"]) == (
        error_of(refused),
        "acme",
        None,
    )

    async def fail(*_: Any) -> None:
        raise LedgerFailure("The ledger failed: the disk is full.")

    monkeypatch.setattr(trial.ledger, "record_read", fail)
    unrecorded = await trial.call("billing.inspect_invoice", invoice_id="INV-3001", tenant_id="globex")
    assert (error_of(unrecorded), unrecorded["audit"]) == ("evidence_unavailable", None)


@pytest.mark.requirement("errors:no-driver-text")
async def test_a_call_that_breaks_inside_says_nothing_of_why(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("CANARY of db.internal")

    monkeypatch.setitem(_VERBS, "read", broken)
    answer = await trial.call("billing.inspect_invoice", invoice_id="INV-3001")
    assert error_of(answer) == "internal"
    assert "CANARY" not in json.dumps(answer) + caplog.text


@pytest.mark.requirement("read:tenant")
@pytest.mark.parametrize(
    "other", [{"tenant_id": "globex", "user": "agent"}, {"tenant_id": "acme", "user": "agent2"}, {}]
)
async def test_only_what_is_the_sessions_own_is_looked_up_again(trial: Trial, other: dict[str, str]) -> None:
    asked = await trial.call("billing.propose_late_fee_waiver", **WAIVER)
    uris = [asked["proposal"]["status_resource"], f"synapsor://evidence/{asked['evidence']['id']}"]
    own = [await trial.desk.resource(uri, trial.session) for uri in uris]
    assert own[0] is not None
    assert own[1] is not None
    shown = {"id", "customer", "status", "late_fee_cents", "waiver_reason"}
    assert [set(row) for row in own[1]["rows"]] == [shown]
    assert set(own[0]["before"]) == shown
    trial.session = Session(values=other)
    assert [await trial.desk.resource(uri, trial.session) for uri in uris] == [None, None]
    status = await trial.call("synapsor.proposal_status", proposal_id=asked["proposal"]["id"])
    assert error_of(status) == "not_found"


@pytest.mark.requirement("read:tenant")
@pytest.mark.parametrize(
    "values",
    [
        {"tenant_id": "", "user": "agent"},
        {"tenant_id": 0, "user": "agent"},
        {"user": "agent"},
        {"tenant_id": "acme", "user": ""},
        {"tenant_id": "acme", "user": 7},
        {"tenant_id": "acme"},
    ],
)
async def test_a_session_value_that_is_missing_or_of_another_type_is_no_scope(
    trial: Trial, values: dict[str, str | int]
) -> None:
    trial.session = Session(values=values)
    assert error_of(await trial.call("billing.inspect_invoice", invoice_id="INV-3001")) == "scope_unavailable"


# ---- what may be proposed -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("apply:none-unapproved")
async def test_on_a_contract_that_is_not_activated_nothing_is_proposed(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(_: str) -> None:
        return None

    monkeypatch.setattr(trial.ledger, "active_contract_by_digest", nothing)
    assert error_of(await trial.call("billing.propose_late_fee_waiver", **WAIVER)) == "not_activated"


@pytest.mark.requirement("ladder:enforced")
async def test_a_source_in_evidence_mode_is_read_and_never_proposed_on() -> None:
    async with billing(mode="evidence") as opened:
        assert (await opened.call("billing.inspect_invoice", invoice_id="INV-3001"))["ok"]
        assert error_of(await opened.call("billing.propose_late_fee_waiver", **WAIVER)) == "proposals_off"


BOUNDS = {
    "before": {"at_least": 10, "at_most": 100},
    "after": {"at_least": 5, "at_most": 120},
    "change": {"at_least": -50, "at_most": 50},
}


def changed(
    before: str | None, fee: int, *, bounds: dict[str, Any] | None = None, version: str = "row_version"
) -> ChangeSet:
    """Return the change of an invoice's fee."""
    raw = data()
    raw["tables"]["invoices"]["version"] = version
    asked = raw["capabilities"]["billing.propose_note"]
    asked |= {"set": {"fee": "$fee"}, "bounds": {"fee": BOUNDS if bounds is None else bounds}}
    asked["arguments"]["fee"] = {"type": "integer"}
    contract = Contract.model_validate(raw)
    capability = contract.capabilities["billing.propose_note"]
    assert isinstance(capability, ProposeCapability)
    table = contract.table_of(capability)
    row = {**dict.fromkeys(table.allowed, "x"), "fee": before, "row_version": "1"}
    arguments = {"invoice_id": "x", "fee": fee, "words": "x"}
    asked_by = Request(arguments=arguments, tenant="x", principal="p", proposal="wrp_1", at=stamp(NOW))
    return change_set(capability, table, asked_by, [row])


@pytest.mark.requirement("propose:bounded")
@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("50", 60, True),
        ("10", 5, True),
        ("100", 120, True),
        ("60", 10, True),
        ("9", 20, False),
        ("101", 110, False),
        ("50", 4, False),
        ("90", 121, False),
        ("60", 9, False),
        ("40", 91, False),
        (None, 20, False),
    ],
)
def test_a_change_is_within_every_bound_or_refused(before: str | None, after: int, kept: bool) -> None:
    if kept:
        assert [m.changes for m in changed(before, after).members] == [{"fee": str(after)}]
        return
    with pytest.raises(Refusal) as refused:
        changed(before, after)
    assert refused.value.code is Code.OUT_OF_BOUNDS


@pytest.mark.requirement("propose:bounded")
@pytest.mark.parametrize("which", ["before", "change"])
def test_no_value_is_within_no_bound(which: str) -> None:
    with pytest.raises(Refusal) as refused:
        changed(None, 20, bounds={which: {"at_most": 100}})
    assert refused.value.code is Code.OUT_OF_BOUNDS


@pytest.mark.requirement("propose:bounded")
def test_where_there_is_nothing_to_change_nothing_is_proposed() -> None:
    with pytest.raises(Refusal) as refused:
        changed("50", 50)
    assert refused.value.code is Code.NOTHING_TO_CHANGE


@pytest.mark.requirement("apply:stale-conflicts")
def test_a_change_is_guarded_by_the_version_and_what_it_changes_or_by_the_whole_row() -> None:
    by_version, by_row = changed("50", 60), changed("50", 60, version="whole_row")
    assert (by_version.guards, by_version.advances) == (("row_version", "fee"), "row_version")
    assert by_row.advances is None
    assert set(by_row.guards) == set(by_row.members[0].before) - {"id", "tenant_id"}


# ---- the row before and after -----------------------------------------------------------------------------------------------------


@pytest.mark.requirement("apply:stale-conflicts", "apply:tenant")
@pytest.mark.parametrize(
    ("column", "token", "why"),
    [
        ("tenant_id", "globex", "row_gone"),
        ("tenant_id", None, "row_gone"),
        ("id", "INV-3002", "row_gone"),
        ("row_version", "4", "version_moved"),
        ("late_fee_cents", "5501", "version_moved"),
        ("waiver_reason", "", "version_moved"),
    ],
)
def test_a_row_that_is_not_as_it_was_is_stale(column: str, token: str | None, why: str) -> None:
    asked = proposal()
    assert stale(asked, asked.members[0], ROW) is None
    assert stale(asked, asked.members[0], {**ROW, column: token}) == why


def surprised(asked: Proposal, after: dict[str, str | None] | None) -> str | None:
    """Return what surprises about the only row afterwards."""
    return surprise(asked, asked.members[0], contract().tables["invoices"], after)


@pytest.mark.requirement("apply:outcome-true")
@pytest.mark.parametrize(
    ("column", "token", "why"),
    [
        ("row_version", "3", "version_did_not_move"),
        ("late_fee_cents", "1", "after_image"),
        ("waiver_reason", None, "after_image"),
        ("tenant_id", "globex", "after_image"),
        ("id", "INV-3002", "after_image"),
    ],
)
def test_any_other_row_than_the_approved_one_is_a_surprise(column: str, token: str | None, why: str) -> None:
    asked = proposal()
    after = {**ROW, **asked.members[0].changes, "row_version": "4"}
    assert surprised(asked, after) is None
    assert surprised(asked, {**after, column: token}) == why


@pytest.mark.requirement("apply:outcome-true")
def test_the_version_of_a_row_that_is_set_to_what_it_held_may_stand_still_and_nothing_else_may_differ() -> None:
    """Of a set some rows may hold already what all are set to, and there are triggers that move the version only of others."""
    asked = proposal(changes={"late_fee_cents": ROW["late_fee_cents"]})
    assert surprised(asked, ROW) is None
    assert surprised(asked, {**ROW, "row_version": "4"}) is None
    assert surprised(asked, {**ROW, "waiver_reason": "moved"}) == "after_image"


@pytest.mark.requirement("apply:outcome-true")
def test_a_column_that_moves_by_itself_is_no_surprise_unless_it_was_set() -> None:
    asked = proposal(moves=("waiver_reason",), changes={"late_fee_cents": "0"})
    after = {**ROW, "late_fee_cents": "0", "row_version": "4"}
    assert surprised(asked, {**after, "waiver_reason": "moved"}) is None
    asked = proposal(moves=("waiver_reason",), changes={"waiver_reason": "told"})
    assert surprised(asked, {**ROW, "row_version": "4", "waiver_reason": "moved"}) == "after_image"
    asked = proposal(changes={"row_version": "9"})
    assert surprised(asked, {**ROW, "row_version": "9"}) is None
    assert surprised(asked, {**ROW, "row_version": "10"}) == "after_image"


# ---- applying -----------------------------------------------------------------------------------------------------------------


class Meddled:
    """A worker's source that lies where it is told to."""

    def __init__(self, real: WriteSource, **lies: Any) -> None:
        self._real = real
        self._lies = lies
        self.name = real.name
        self.dialect: Dialect = real.dialect

    @asynccontextmanager
    async def transaction(self, *, time_ms: int) -> AsyncIterator[WriteTransaction]:
        async with self._real.transaction(time_ms=time_ms) as tx:
            yield MeddledTransaction(tx, self._lies)

    async def describe(self, relation: Relation) -> RelationFacts | None:
        return await self._real.describe(relation)

    async def effects(self, relation: Relation) -> tuple[Effect, ...]:
        return await self._real.effects(relation)

    async def posture(self, relations: Any, receipts: Relation | None) -> Rights:
        return await self._real.posture(relations, receipts)

    async def lasting(self, relation: Relation) -> tuple[str, ...]:
        return await self._real.lasting(relation)

    async def aclose(self) -> None:
        await self._real.aclose()


class MeddledTransaction:
    def __init__(self, real: WriteTransaction, lies: dict[str, Any]) -> None:
        self._real = real
        self._lies = lies
        self._looks = 0

    async def fetch(self, statement: Statement) -> Sequence[RawRow]:
        rows = await self._real.fetch(statement)
        if RECEIPTS in statement.text:
            return rows
        self._looks += 1
        lie = self._lies.get("after") if self._looks > 1 else self._lies.get("before")
        return lie(rows) if lie else rows

    async def execute(self, statement: Statement) -> int:
        matched = await self._real.execute(statement)
        return self._lies.get("matched", matched) if statement.text.startswith("UPDATE") else matched

    async def effects(self, relation: Relation) -> tuple[Effect, ...]:
        return await self._real.effects(relation)

    async def settle_constraints(self) -> None:
        if "settle" in self._lies:
            raise SourceFailure(self._lies["settle"])
        await self._real.settle_constraints()

    async def tally(self) -> Tally:
        return await self._real.tally()

    async def roll_back(self) -> bool:
        return await self._real.roll_back()

    async def commit(self) -> None:
        if self._lies.get("committed", True):
            await self._real.commit()
        if lost := self._lies.pop("commit", None):
            raise SourceFailure(lost)


async def approved(trial: Trial) -> Lease:
    """Return the leased job of an approved waiver."""
    await trial.approve(await trial.call("billing.propose_late_fee_waiver", **WAIVER))
    now, until = trial.clock.now(), "2999-01-01T00:00:00.000000Z"
    (lease,) = await trial.ledger.lease("w", now=stamp(now), until=until, sources={"shop": 1})
    return lease


async def job_of(trial: Trial, **lies: Any) -> InHand:
    job = await authorised(trial, await approved(trial))
    return over(job, Meddled(job.claim.source, **lies)) if lies else job


def over(job: InHand, source: WriteSource) -> InHand:
    return replace(job, claim=replace(job.claim, source=source))


async def authorised(
    trial: Trial, lease: Lease, *, ledger: Any = None, operators: dict[str, Operator] | None = None
) -> InHand:
    trusted = operators or {trial.operator.name: trial.operator}
    bench = replace(trial.bench(), ledger=ledger or trial.ledger, operators=lambda: trusted)
    return await authorise(lease, bench, bench.operators())


@pytest.mark.requirement("group:whole", "apply:outcome-true")
async def test_a_job_over_two_sources_is_judged_in_neither(trial: Trial) -> None:
    """The verdicts of a job are left in one transaction, which is of one source: in the wrong one they would say nothing."""
    lease = await approved(trial)
    first = await trial.ledger.proposal(lease.job.lead.proposal)
    assert first is not None
    both = replace(lease, job=replace(lease.job, parts=(lease.job.lead, replace(lease.job.lead, proposal="wrp_other"))))

    async def claims(source: str) -> list[str] | None:
        other = replace(first, proposal=replace(first.proposal, id="wrp_other", source=source))

        class Forged(Ledger):
            async def proposal(self, proposal_id: str) -> ProposalRecord | None:
                return other if proposal_id == "wrp_other" else await super().proposal(proposal_id)

        trial.ledger.__class__ = Forged
        bench = replace(trial.bench(), targets={**trial.targets, "depot": trial.targets["shop"]})
        found = await claim_of(both, bench)
        return None if found is None else [proposal.id for proposal in found.proposals]

    assert sorted(await claims("shop") or ()) == sorted((first.proposal.id, "wrp_other"))
    assert await claims("depot") is None


def receipts(trial: Trial) -> list[tuple[Any, ...]]:
    return trial.database.rows(f"SELECT outcome FROM {RECEIPTS}")


@pytest.mark.requirement("apply:exactly-once")
async def test_an_applied_change_leaves_a_receipt_and_is_found_applied_already(trial: Trial) -> None:
    job = await job_of(trial)
    assert (await apply(job)).outcome is Outcome.APPLIED
    assert receipts(trial) == [("applied",)]
    assert trial.database.rows(INVOICE) == [(0, "Paid next day.", 2)]
    again = await apply(job)
    assert again.outcome is Outcome.ALREADY_APPLIED
    assert trial.database.rows(INVOICE) == [(0, "Paid next day.", 2)]


@pytest.mark.requirement("apply:exactly-once")
async def test_a_receipt_of_another_digest_needs_a_person(trial: Trial) -> None:
    job = await job_of(trial)
    table = trial.targets["shop"].receipts
    assert table is not None
    claim = job.claim
    other = replace(receipt_of(claim, claim.proposals[0], Outcome.APPLIED), digest=b"x" * 32)
    async with claim.source.transaction(time_ms=1000) as tx:
        await tx.execute(insert_receipt(table, claim.source.dialect, other))
        await tx.commit()
    assert (await apply(job)).outcome is Outcome.RECONCILIATION_REQUIRED
    assert trial.database.rows(INVOICE) == AS_IT_WAS


@pytest.mark.requirement("apply:verdict-fenced")
async def test_a_verdict_stays_when_the_row_comes_back(trial: Trial) -> None:
    job = await job_of(trial)
    trial.database.run("UPDATE invoices SET row_version = 7 WHERE id = 'INV-3001'")
    first = await apply(job)
    assert (first.outcome, first.code) == (Outcome.CONFLICT, "version_moved")
    assert receipts(trial) == [("conflict",)]
    trial.database.run("UPDATE invoices SET row_version = 1 WHERE id = 'INV-3001'")
    second = await apply(job)
    assert (second.outcome, second.code) == (Outcome.CONFLICT, "recorded_before")
    assert trial.database.rows(INVOICE) == AS_IT_WAS


@pytest.mark.requirement("apply:stale-conflicts")
async def test_the_locked_row_is_compared_before_anything_is_changed(trial: Trial) -> None:
    job = await job_of(trial, before=lambda rows: [[9 if cell == 5500 else cell for cell in row] for row in rows])
    result = await apply(job)
    assert (result.outcome, result.code) == (Outcome.CONFLICT, "version_moved")
    assert trial.database.rows(INVOICE) == AS_IT_WAS


@pytest.mark.requirement("apply:guarded")
@pytest.mark.parametrize(
    ("matched", "outcome", "code"),
    [
        (0, Outcome.CONFLICT, "guard_failed"),
        (2, Outcome.FAILED, "more_than_one_row"),
        (-1, Outcome.FAILED, "more_than_one_row"),
    ],
)
async def test_an_update_of_not_exactly_one_row_is_undone(
    trial: Trial, matched: int, outcome: Outcome, code: str
) -> None:
    result = await apply(await job_of(trial, matched=matched))
    assert (result.outcome, result.code, result.done) == (outcome, code, {})
    assert trial.database.rows(INVOICE) == AS_IT_WAS


@pytest.mark.requirement("apply:outcome-true")
@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (
            lambda rows: [["Meddled." if cell == "Paid next day." else cell for cell in row] for row in rows],
            "after_image",
        ),
        (lambda _: [], "after_image"),
        (lambda rows: [*rows, *rows], "more_than_one_row"),
    ],
    ids=["another value", "no row", "two rows"],
)
async def test_a_row_afterwards_that_is_not_the_approved_one_is_undone(
    trial: Trial, lie: Callable[[Any], Any], code: str
) -> None:
    result = await apply(await job_of(trial, after=lie))
    assert (result.outcome, result.code) == (Outcome.FAILED, code)
    assert trial.database.rows(INVOICE) == AS_IT_WAS
    assert receipts(trial) == [("failed",)]


@pytest.mark.requirement("apply:outcome-true")
async def test_a_deferred_constraint_is_asked_before_the_commit(trial: Trial) -> None:
    result = await apply(await job_of(trial, settle=Failure.CONSTRAINT))
    assert (result.outcome, result.code) == (Outcome.FAILED, "constraint")
    assert trial.database.rows(INVOICE) == AS_IT_WAS


@pytest.mark.requirement("approval:in-time")
async def test_an_approval_that_expires_while_the_row_is_changed_applies_nothing(trial: Trial) -> None:
    job = await job_of(trial)
    result = await apply(replace(job, tasks=tuple(replace(task, expired=lambda: True) for task in job.tasks)))
    assert (result.outcome, result.code) == (Outcome.FAILED, "approval_expired")
    assert trial.database.rows(INVOICE) == AS_IT_WAS


@pytest.mark.requirement("apply:unknown-is-unknown")
@pytest.mark.parametrize("committed", [True, False])
async def test_a_commit_whose_answer_was_lost_is_asked_of_the_receipt(trial: Trial, committed: bool) -> None:
    job = await job_of(trial, commit=Failure.UNKNOWN_COMMIT, committed=committed)
    first = await apply(job)
    assert (first.outcome, first.code) == (Outcome.RETRY, "unknown_commit")
    second = await apply(over(job, trial.targets["shop"].source))
    assert second.outcome is (Outcome.ALREADY_APPLIED if committed else Outcome.APPLIED)
    assert trial.database.rows(INVOICE) == [(0, "Paid next day.", 2)]


# ---- authority ----------------------------------------------------------------------------------------------------------------


class Forged:
    """A ledger in which somebody wrote."""

    def __init__(self, trial: Trial, record: ProposalRecord | None, active: Activated | None) -> None:
        self._ledger = trial.ledger
        self._record = record
        self._active = active
        self.id = trial.ledger.id

    async def proposal(self, _: str) -> ProposalRecord | None:
        return self._record

    async def active_contract_by_digest(self, _: str) -> Activated | None:
        return self._active

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)


async def denied(
    trial: Trial, forge: Callable[[ProposalRecord, Activated, Lease], tuple[Any, Any, Any]], **more: Any
) -> str:
    """Return why a job is denied when the ledger holds what was forged; "" when it is not."""
    lease = await approved(trial)
    record = await trial.ledger.proposal(lease.job.lead.proposal)
    assert record is not None
    active = await trial.ledger.active_contract_by_digest(record.proposal.contract)
    assert active is not None
    forged_record, forged_active, forged_lease = forge(record, active, lease)
    try:
        await authorised(trial, forged_lease, ledger=Forged(trial, forged_record, forged_active), **more)
    except Denied as refused:
        return refused.result.code
    return ""


def reworded(record: ProposalRecord, lease: Lease, **fields: Any) -> tuple[ProposalRecord, Lease]:
    """Return the record and the lease with another proposal in both."""
    forged = with_row(record.proposal, **fields)
    return replace(record, proposal=forged), replace(
        lease, job=replace(lease.job, parts=(replace(lease.job.lead, digest=forged.digest),))
    )


FORGERIES: dict[str, tuple[str, Callable[[ProposalRecord, Activated, Lease], tuple[Any, Any, Any]]]] = {
    "nothing": ("", lambda r, a, j: (r, a, j)),
    "no proposal": ("proposal_missing", lambda _, a, j: (None, a, j)),
    "another change": (
        "digest_mismatch",
        lambda r, a, j: (replace(r, proposal=with_row(r.proposal, changes={"late_fee_cents": "1"})), a, j),
    ),
    "another ledger": (
        "digest_mismatch",
        lambda r, a, j: ((both := reworded(r, j, ledger="led_other"))[0], a, both[1]),
    ),
    "another digest in job and proposal": (
        "approval_invalid",
        lambda r, a, j: ((both := reworded(r, j, changes={"late_fee_cents": "1"}))[0], a, both[1]),
    ),
    "no decision": ("approval_missing", lambda r, a, j: (replace(r, decisions=()), a, j)),
    "no signature": (
        "approval_invalid",
        lambda r, a, j: (replace(r, decisions=(replace(r.decisions[0], signature=""),)), a, j),
    ),
    "a rejection as well": (
        "rejected",
        lambda r, a, j: (
            replace(
                r,
                decisions=(
                    *r.decisions,
                    replace(r.decisions[0], decision=replace(r.decisions[0].decision, id="dec_x", verdict="reject")),
                ),
            ),
            a,
            j,
        ),
    ),
    "no activation": ("contract_not_active", lambda r, _, j: (r, None, j)),
    "an activation unsigned": ("activation_invalid", lambda r, a, j: (r, replace(a, signature=""), j)),
    "an activation by a stranger": (
        "activation_invalid",
        lambda r, a, j: (r, replace(a, activation=replace(a.activation, operator="mallory")), j),
    ),
    "another contract's name": (
        "activation_invalid",
        lambda r, a, j: (r, replace(a, body={**a.body, "contract": "other"}), j),
    ),
    "another contract under the digest": (
        "activation_invalid",
        lambda r, a, j: (
            r,
            replace(
                a, body={**a.body, "contexts": {"support": {"tenant": "session.user", "principal": "session.user"}}}
            ),
            j,
        ),
    ),
}


@pytest.mark.requirement("apply:none-unapproved")
@pytest.mark.parametrize("what", FORGERIES)
async def test_authority_is_proven_by_signatures_whatever_the_ledger_says(trial: Trial, what: str) -> None:
    code, forge = FORGERIES[what]
    assert await denied(trial, forge) == code


@pytest.mark.requirement("apply:none-unapproved")
@pytest.mark.parametrize(
    ("changes", "other", "code"),
    [
        ({}, {}, ""),
        ({"revoked": True}, {}, "activation_invalid"),
        ({"roles": ("billing_lead",)}, {}, "activation_invalid"),
        ({}, {"ledger": "led_other"}, "activation_invalid"),
        ({}, {"contract": "other"}, "activation_invalid"),
        ({}, {"digest": "sha256:" + "0" * 64}, "activation_invalid"),
    ],
    ids=["trusted", "revoked", "another role", "another ledger", "another contract", "another digest"],
)
async def test_the_authority_of_an_activation_is_its_reviewers(
    trial: Trial, changes: dict[str, Any], other: dict[str, Any], code: str
) -> None:
    key = Ed25519PrivateKey.generate()
    rita = replace(Operator(name="rita", key=public_text(key), roles=("contract_reviewer",)), **changes)

    def by_rita(record: ProposalRecord, active: Activated, lease: Lease) -> tuple[Any, Any, Any]:
        signed = replace(active.activation, operator="rita", **other)
        return record, replace(active, activation=signed, signature=sign(signed, key)), lease

    people = {"rita": rita, trial.operator.name: trial.operator}
    assert await denied(trial, by_rita, operators=people) == code


OUTSIDE: list[tuple[dict[str, Any], str]] = [
    ({"capability": "billing.gone"}, "capability_gone"),
    ({"capability": "billing.inspect_invoice"}, "capability_gone"),
    ({"role": "anybody"}, "role_changed"),
    ({"source": "other"}, "source_changed"),
    ({"relation": "billing.customers"}, "relation_changed"),
    ({"tenant_column": None}, "tenant_changed"),
    ({"tenant_column": "customer"}, "tenant_changed"),
    ({"tenant": None}, "tenant_missing"),
    ({"key": (("customer", "x"),)}, "key_changed"),
    ({"key": ()}, "key_changed"),
    ({"named": ()}, "key_changed"),
    ({"named": (("id",), ("customer",))}, "key_changed"),
    ({"changes": {}}, "columns_changed"),
    ({"changes": {"late_fee_cents": "0", "waiver_reason": "x", "status": "paid"}}, "columns_changed"),
    ({"changes": {"late_fee_cents": "0"}}, "columns_changed"),
    ({"columns": (("id", "text"),)}, "columns_changed"),
    ({"before": {"id": "INV-3001"}}, "columns_changed"),
    ({"moves": ("updated_at", "status")}, "guards_changed"),
    ({"changes": {"late_fee_cents": "1", "waiver_reason": "Paid next day."}}, "outside_contract"),
    ({"changes": {"late_fee_cents": "0", "waiver_reason": "Other words."}}, "outside_contract"),
    ({"arguments": {"invoice_id": "INV-3001", "reason": "Other words."}}, "outside_contract"),
    ({"arguments": {"invoice_id": "INV-3002", "reason": "Paid next day."}}, "outside_contract"),
    ({"key": (("id", "INV-3002"),)}, "outside_contract"),
    ({"guards": ("row_version",)}, "guards_changed"),
    ({"guards": ("late_fee_cents", "waiver_reason")}, "guards_changed"),
    ({"advances": None}, "guards_changed"),
    ({"operation": "delete"}, "operation_changed"),
    ({"operation": "insert"}, "operation_changed"),
    ({"members": ()}, "outside_contract"),
    ({"own": ("late_fee_cents",)}, "outside_contract"),
]


@pytest.mark.requirement("apply:none-unapproved")
@pytest.mark.parametrize(("fields", "why"), OUTSIDE, ids=str)
async def test_a_proposal_outside_the_contract_is_not_written(trial: Trial, fields: dict[str, Any], why: str) -> None:
    asked = await trial.call("billing.propose_late_fee_waiver", **WAIVER)
    record = await trial.ledger.proposal(asked["proposal"]["id"])
    assert record is not None
    assert table_for(record.proposal, trial.contract) == trial.contract.tables["invoices"]
    assert table_for(with_row(record.proposal, **fields), trial.contract) == why
    row = record.proposal.members[0].before
    out_of_bounds = with_row(record.proposal, before={**row, "late_fee_cents": "10001"})
    assert table_for(out_of_bounds, trial.contract) == "outside_contract"


@pytest.mark.requirement("set:frozen", "apply:none-unapproved")
async def test_the_worker_asks_again_whether_each_member_is_one_of_the_set_and_all_are_no_more_than_reviewed() -> None:
    async with desk_for(TASKS, schema=TASKS_SCHEMA, seed=TASKS_SEED, session=SESSION) as opened:
        closed = (await opened.call("tasks.close", state="open"))["proposal"]["id"]
        added = (await opened.call("tasks.add", list=[{"name": "a"}, {"name": "b"}]))["proposal"]["id"]
        records = [await opened.ledger.proposal(handle) for handle in (closed, added)]
        update, insert = [record.proposal for record in records if record is not None]
        why = partial(table_for, contract=opened.contract)
        assert why(update) == why(insert) == opened.contract.tables["tasks"]
        one, two = update.members
        other = replace(one, before={**one.before, "state": "done"})
        assert why(replace(update, members=(other, two))) == "outside_contract"
        third = replace(two, key=(("id", "t3"),), before={**two.before, "id": "t3"})
        assert why(replace(update, members=(one, two, third))) == "outside_contract"
        assert why(replace(update, members=(one, one))) == "outside_contract"
        assert why(replace(update, members=(two, one))) == "outside_contract"
        more = replace(
            insert.members[0], key=(("tenant_id", "acme"), ("name", "c")), changes={"name": "c", "state": "open"}
        )
        assert why(replace(insert, members=(*insert.members, more))) == "outside_contract"
        assert why(replace(insert, members=insert.members[:1])) == "outside_contract"


TASKS = """\
synapsor: 1
contract: tasks
contexts: {support: {tenant: session.tenant_id, principal: session.user}}
tables:
  tasks:
    source: shop
    relation: main.tasks
    key: id
    tenant: tenant_id
    version: row_version
    columns: {id: text, tenant_id: text, name: text, state: text, row_version: integer}
capabilities:
  tasks.close:
    description: Ask for tasks of one state to be done.
    propose: update tasks
    arguments: {state: {type: string, max_length: 9}}
    where: {state: $state}
    members: {at_most: 2}
    set: {state: done}
    approval: {role: lead}
  tasks.add:
    description: Ask for several tasks to be added.
    propose: insert tasks
    arguments: {list: {type: items, many: 3, fields: {name: {type: string, max_length: 9}}}}
    items: $list
    set: {name: $list.name, state: open}
    dedup: [tenant_id, name]
    approval: {role: lead}
"""
TASKS_SCHEMA = "CREATE TABLE tasks (id TEXT, tenant_id TEXT, name TEXT, state TEXT, row_version INTEGER);"
TASKS_SEED = "INSERT INTO tasks VALUES ('t1', 'acme', 'x', 'open', 1), ('t2', 'acme', 'y', 'open', 1);"


@pytest.mark.requirement("insert:once", "apply:tenant")
@pytest.mark.parametrize(
    "wrong", [{"note": "y"}, {"tenant_id": "globex"}, {"id": "other"}, {"status": "open"}, {"owner": "eve"}]
)
def test_an_added_row_is_exactly_the_approved_one_and_one_that_the_mapping_holds(wrong: dict[str, str]) -> None:
    row = Member(key=(("tenant_id", "acme"), ("id", "n1")), before={}, changes={"id": "n1", "note": "x"})
    asked = proposal(operation="insert", members=(row,), guards=(), advances=None, principal_column="owner")
    table = contract().tables["invoices"].model_copy(update={"only": {"status": "overdue"}})
    after = {"tenant_id": "acme", "id": "n1", "note": "x", "status": "overdue", "fee": "7", "owner": asked.principal}
    assert stale(asked, row, None) is None
    assert stale(asked, row, after) == "insert_duplicate"
    assert surprise(asked, row, table, after) is None
    assert surprise(asked, row, table, {**after, **wrong}) == "after_image"
    assert surprise(asked, row, table, None) == "after_image"


@pytest.mark.requirement("delete:no-more")
def test_a_removed_row_is_gone() -> None:
    asked = proposal(operation="delete", changes={})
    assert surprised(asked, None) is None
    assert surprised(asked, dict(ROW)) == "still_there"


@pytest.mark.requirement("approval:one-digest")
def test_an_approval_that_names_another_proposal_digest_ledger_or_role_is_none() -> None:
    leo, asked = person(), proposal()
    decision = Decision(
        id="dec_1", ledger=asked.ledger, proposal=asked.id, digest=asked.digest, verdict="approve", operator="leo",
        role=asked.role, at=stamp(NOW), expires_at=stamp(NOW + APPROVAL_LASTS), reason="", nonce="n",
    )  # fmt: skip  # the fields of one decision

    def verified(told: Decision, about: Proposal) -> None:
        signed = SignedDecision(decision=told, signature=sign(told, leo.key))
        verify_approval(signed, about, {"leo": leo.operator}, ledger=asked.ledger, now=stamp(NOW))

    verified(decision, asked)
    others: list[dict[str, Any]] = [
        {"proposal": "wrp_other"},
        {"digest": "sha256:" + "0" * 64},
        {"ledger": "led_other"},
        {"role": "other"},
    ]
    for other in others:
        with pytest.raises(IntegrityError):
            verified(replace(decision, **other), asked)
    elsewhere = proposal("led_other")
    with pytest.raises(IntegrityError):
        verified(replace(decision, ledger="led_other", digest=elsewhere.digest), elsewhere)


@pytest.mark.requirement("approval:once")
async def test_on_a_decided_proposal_nothing_more_is_signed(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = await trial.call("billing.propose_late_fee_waiver", **WAIVER)
    await trial.reject(asked, reason="No.")
    signed: list[Any] = []
    monkeypatch.setattr("synapsor.flow.signing.sign", lambda *given: signed.append(given))
    with pytest.raises(DecisionRefused) as refused:
        await trial.approve(asked)
    assert (refused.value.rule, signed) == ("already_decided", [])


# ---- the ledger ---------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("ledger:tampering-is-found")
def test_the_hash_of_an_event_covers_its_number_and_the_hash_before_it() -> None:
    one, other = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    hashes = {event_hash(seq, prev, body) for seq in (1, 2) for prev in (one, other) for body in (b"{}", b"[]")}
    assert len(hashes) == 8


@pytest.mark.requirement("ledger:nothing-acknowledged-is-lost")
async def test_a_record_is_acknowledged_only_after_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = open_ledger(tmp_path / "ledger.db", create=True)
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    real = SqliteConnection._commit

    def slow(self: SqliteConnection, *args: Any) -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(30)
        real(self, *args)

    monkeypatch.setattr(SqliteConnection, "_commit", slow)
    ledger._connection._quick = False  # type: ignore[attr-defined]  # as after a commit that took long
    recorded = asyncio.create_task(ledger.record_read(*seen()))
    with anyio.fail_after(30):
        await begun.wait()
    for _ in range(50):
        await asyncio.sleep(0)
    assert not recorded.done()
    go_on.set()
    await recorded
    await ledger.aclose()


@pytest.mark.requirement("ledger:nothing-acknowledged-is-lost")
async def test_a_record_that_is_committed_on_the_loop_is_acknowledged_only_after_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = open_ledger(tmp_path / "ledger.db", create=True)
    engine = ledger._connection
    assert isinstance(engine, SqliteConnection)
    told: list[bool] = []
    settle = _Waiting.settle

    def watched(self: _Waiting) -> None:
        told.append(engine._writer.in_transaction)
        settle(self)

    monkeypatch.setattr(_Waiting, "settle", watched)
    await ledger.record_read(*seen())
    assert told == [False]
    await ledger.aclose()


@pytest.mark.requirement("ledger:private-files")
def test_a_private_file_is_never_open_to_others_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_private(tmp_path / "new" / "file", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "new" / "file").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


@pytest.mark.requirement("operator-key:private")
def test_a_private_key_is_not_open_to_others_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fchmod", lambda *_: None)  # what comes after the moment
    before = os.umask(0)
    try:
        create_key(tmp_path / "keys" / "leo.pem", passphrase=None)
    finally:
        os.umask(before)
    assert (tmp_path / "keys" / "leo.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.requirement("propose:bounded")
def test_a_difference_is_compared_exactly_or_refused() -> None:
    most = Range(at_most=100)
    bound = Bound(change=most)
    _hold("amount", bound, "0", "100")
    for before, after in (
        ("0", "100.0000000000000000000000000000001"),
        ("sNaN", "1"),
        ("0", "Infinity"),
        ("1e-999", "1"),
    ):
        with pytest.raises(Refusal) as refused:
            _hold("amount", bound, before, after)
        assert refused.value.code is Code.OUT_OF_BOUNDS


@pytest.mark.requirement("values:exact")
def test_a_number_in_a_document_that_no_decimal_can_hold_stays_text() -> None:
    assert to_json('{"n": 1e-99999999999999999999999}', ColumnType.JSON) == {"n": "1e-99999999999999999999999"}
