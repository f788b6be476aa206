"""Records for tests of the ledger: whole, realistic and distinct."""

import base64
import datetime as dt
import secrets
from dataclasses import replace
from typing import Any

from synapsor.core.attempts import RefusedLogin
from synapsor.core.exchange import Answer
from synapsor.core.instructions import Instruction, JobVerb, Pause, PauseState
from synapsor.core.measured import Measured, Measurement, effect_of
from synapsor.core.moment import stamp
from synapsor.core.policy import PolicyUse
from synapsor.core.proposal import Member, Proposal
from synapsor.core.review import policy_digest
from synapsor.core.statements import (
    Activation,
    Decision,
    Inquiry,
    Resolution,
    ShadowRequest,
    SignedDecision,
    SignedInquiry,
    SignedInstruction,
    SignedPause,
    SignedResolution,
    SignedShadowRequest,
    SignedSwitch,
    Switch,
    SwitchState,
)
from synapsor.core.writeback import Approved, Closed, Done, Job, Lease, Receipt
from synapsor.handles import evidence_of
from synapsor.ledger.store import Ledger
from synapsor.ports import Activated
from synapsor.testing.clock import TestClock
from synapsor.values import digest
from tests.decisions import with_row

START = dt.datetime(2026, 11, 23, 20, 17, tzinfo=dt.UTC)
CLOCK = TestClock(START)
"""The clock of a ledger in which these are recorded: a decision is of the moment at which it is."""
CONTRACT = digest("contract", "one")


def at(seconds: float = 0) -> str:
    return stamp(START + dt.timedelta(seconds=seconds))


def handle(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(10)}"


def seen(tenant: str = "acme", row: str = "INV-3001", padding: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an audit and the evidence it speaks of."""
    audit_id = handle("aud")
    evidence_id = evidence_of(audit_id)
    head = {
        "at": at(),
        "capability": "billing.inspect_invoice",
        "contract": CONTRACT,
        "tenant": tenant,
        "principal": "agent-7",
    }
    plan, parameters = digest("plan", "p"), digest("parameters", row)
    audit = {
        **head,
        "id": audit_id,
        "client": "stdio",
        "run": "run_1",
        "workflows": [],
        "outcome": "ok",
        "source": "shop",
        "relation": "billing.invoice_review",
        "plan": plan,
        "parameters": parameters,
        "rows": 1,
        "evidence": evidence_id,
    }
    evidence = {
        **head,
        "id": evidence_id,
        "call": audit_id,
        "source": "shop",
        "columns": [
            ["id", "text"],
            ["status", "text"],
            ["late_fee_cents", "integer"],
            ["waiver_reason", "text"],
            ["tenant_id", "text"],
        ],
        "rows": [[row, "overdue", "5500", None, tenant + "é" * padding]],
        "position": None,
        "cut_by": None,
        "total": None,
        "plan": plan,
        "parameters": parameters,
        "limits": {"rows": 1, "bytes": 65536, "time_ms": 2000},
    }
    return audit, evidence


def a_proposal(ledger: Ledger, evidence: dict[str, Any], **changed: Any) -> Proposal:
    row = Member(
        key=(("id", "INV-3001"),),
        before={"id": "INV-3001", "tenant_id": "acme", "late_fee_cents": "5500", "row_version": "7"},
        changes={"late_fee_cents": "0"},
    )
    filed = Proposal(
        id=handle("wrp"),
        branch=handle("rb"),
        at=at(),
        expires_at=at(3600),
        nonce=secrets.token_hex(16),
        ledger=ledger.id,
        capability="billing.propose_late_fee_waiver",
        contract=CONTRACT,
        tenant="acme",
        principal="agent-7",
        client="stdio",
        source="shop",
        relation="billing.invoices",
        tenant_column="tenant_id",
        principal_column=None,
        operation="update",
        members=(row,),
        columns=(("id", "text"), ("tenant_id", "text"), ("late_fee_cents", "integer"), ("row_version", "integer")),
        guards=("row_version", "late_fee_cents"),
        advances="row_version",
        moves=(),
        arguments={"invoice_id": "INV-3001", "reason": "goodwill", "tags": ["a", "b"]},
        evidence=evidence["id"],
        evidence_digest=digest("evidence", evidence),
        request=digest("request", secrets.token_hex(8)),
        role="billing_lead",
    )
    return with_row(filed, **changed)


async def file_one(ledger: Ledger, **changed: Any) -> Proposal:
    """File a new proposal and return it."""
    audit, evidence = seen()
    proposal = a_proposal(ledger, evidence, **changed)
    record = await ledger.file_proposal(proposal, evidence, audit)
    return record.proposal


def a_decision(proposal: Proposal, verdict: str = "approve", **changed: Any) -> SignedDecision:
    """Return a decision; the ledger keeps signatures and leaves their proof to replay and the worker."""
    fields: dict[str, Any] = {
        "id": handle("dec"),
        "ledger": proposal.ledger,
        "proposal": proposal.id,
        "digest": proposal.digest,
        "verdict": verdict,
        "operator": "vera",
        "role": proposal.role,
        "at": at(60),
        "expires_at": at(3600),
        "reason": "looked at it",
        "nonce": secrets.token_hex(16),
    }
    signature = base64.b64encode(secrets.token_bytes(64)).decode()
    return SignedDecision(decision=Decision(**{**fields, **changed}), signature=signature)


def a_job(proposal: Proposal, signed: SignedDecision, **changed: Any) -> Job:
    """Return the job of one approved proposal; `changed` are fields of the job or of its part."""
    told = {"proposal": proposal.id, "digest": proposal.digest, "decision": signed.decision.id}
    part = Approved(**{name: changed.pop(name, value) for name, value in told.items()})
    job = Job(id=handle("job"), source=proposal.source, at=at(60), parts=(part,))
    return replace(job, **changed)


def a_use(proposal: Proposal, signed: SignedDecision, **changed: Any) -> PolicyUse:
    """Return what an approval by policy uses up."""
    use = PolicyUse(
        id=handle("use"),
        at=signed.decision.at,
        day=signed.decision.at[:10],
        policy="billing.small_fees",
        proposal=proposal.id,
        decision=signed.decision.id,
        tenant=proposal.tenant or "",
        principal=proposal.principal,
        object=proposal.members[0].key[0][1],
        totals={"late_fee_cents": "5500"},
    )
    return replace(use, **changed)


def a_switch(ledger: Ledger, state: SwitchState = "stopped", **changed: Any) -> SignedSwitch:
    """Return a switch that somebody signed."""
    fields: dict[str, Any] = {
        "id": handle("swi"),
        "ledger": ledger.id,
        "state": state,
        "operator": "vera",
        "role": "policy_steward",
        "at": at(70),
        "reason": "too many today",
        "nonce": secrets.token_hex(16),
    }
    signature = base64.b64encode(secrets.token_bytes(64)).decode()
    return SignedSwitch(switch=Switch(**{**fields, **changed}), signature=signature)


def undecided(*proposals: Proposal) -> dict[str, tuple[str, ...]]:
    """Return what whoever decides first has counted."""
    return {proposal.id: () for proposal in proposals}


def a_row() -> tuple[tuple[str, str], ...]:
    """Return the key of a row that no other job is about."""
    return (("id", f"INV-{secrets.token_hex(4)}"),)


async def approve_one(ledger: Ledger, **changed: Any) -> tuple[Proposal, Job]:
    """File a proposal and approve it."""
    proposal = await file_one(ledger, **changed)
    signed = a_decision(proposal)
    job = a_job(proposal, signed)
    await ledger.decide(signed, job=job, counted=undecided(proposal), complete=True)
    return proposal, job


A_WAIVER = Done(
    key={"id": "INV-3001"},
    done="updated",
    after={"late_fee_cents": "0", "row_version": "8"},
    version_before="7",
    version_after="8",
)


def a_receipt(lease: Lease, outcome: str = "applied", **changed: Any) -> Receipt:
    receipt = Receipt(
        id=handle("rcp"),
        job=lease.job.id,
        proposal=lease.job.lead.proposal,
        digest=lease.job.lead.digest,
        outcome=outcome,
        code="" if outcome == "applied" else "version_moved",
        worker=lease.worker,
        attempt=lease.attempt,
        changed=outcome == "applied",
        members=(A_WAIVER,) if outcome == "applied" else (),
        at=at(120),
    )
    return replace(receipt, **changed)


def a_resolution(proposal: Proposal, **changed: Any) -> SignedResolution:
    """Return what somebody says became of a proposal."""
    fields: dict[str, Any] = {
        "id": handle("res"),
        "ledger": proposal.ledger,
        "proposal": proposal.id,
        "digest": proposal.digest,
        "verdict": "applied",
        "found": "matches_proposed",
        "seen": digest("seen", "rows"),
        "contrary": False,
        "operator": "vera",
        "role": proposal.role,
        "reason": "The bank's log has it.",
        "at": at(130),
    }
    signature = base64.b64encode(secrets.token_bytes(64)).decode()
    return SignedResolution(resolution=Resolution(**{**fields, **changed}), signature=signature)


async def in_doubt(ledger: Ledger, **changed: Any) -> Proposal:
    """File, approve and apply a proposal so that nobody knows its end."""
    proposal, job = await approve_one(ledger, **changed)
    (lease,) = await ledger.lease("worker-1", now=at(90), until=at(150), sources={"shop": 1})
    assert lease.job == job
    receipt = a_receipt(lease, "reconciliation_required", code="receipts_differ")
    assert await ledger.settle(lease, [receipt]) is Closed.SETTLED
    return proposal


def an_activation(ledger: Ledger, body: dict[str, Any], **changed: Any) -> Activated:
    fields: dict[str, Any] = {
        "id": handle("act"),
        "ledger": ledger.id,
        "contract": "billing",
        "digest": digest("contract", body),
        "sources": {"shop": digest("source", "shop")},
        "operator": "vera",
        "at": at(),
    }
    return Activated(
        activation=Activation(**{**fields, **changed}),
        signature="c2lnbmVk",
        body=body,
        metadata={"file": "billing.yaml"},
    )


def a_shadow_request(proposal: Proposal) -> SignedShadowRequest:
    request = ShadowRequest(
        id=handle("shr"),
        ledger=proposal.ledger,
        proposal=proposal.id,
        digest=proposal.digest,
        operator="vera",
        role=proposal.role,
        at=at(5),
    )
    return SignedShadowRequest(request=request, signature="AAAA")


def a_measurement(proposal: Proposal) -> Measurement:
    """Return what a shadow apply of a proposal came to."""
    measured = Measured(rows=({"late_fee_cents": "0"},), tables={"billing.invoices": {"updated": 1}})
    return Measurement(
        id=handle("msr"),
        proposal=proposal.id,
        digest=proposal.digest,
        outcome="measured",
        code="",
        worker="worker-1",
        at=at(6),
        rows=measured.rows,
        tables=measured.tables,
        effect=effect_of(proposal.digest, measured, ()),
    )


def a_pause(ledger: Ledger, state: PauseState = "paused", **changed: Any) -> SignedPause:
    """Return a pause of a source, or its end, that somebody signed."""
    fields: dict[str, Any] = {
        "id": handle("pau"),
        "ledger": ledger.id,
        "state": state,
        "source": "elsewhere",
        "operator": "vera",
        "role": "writeback_operator",
        "at": at(70),
        "reason": "it is moved",
        "nonce": secrets.token_hex(16),
    }
    signature = base64.b64encode(secrets.token_bytes(64)).decode()
    return SignedPause(pause=Pause(**{**fields, **changed}), signature=signature)


def an_instruction(ledger: Ledger, job: Job, verb: JobVerb = "requeue", **changed: Any) -> SignedInstruction:
    """Return what somebody signed that is to become of a job."""
    fields: dict[str, Any] = {
        "id": handle("ins"),
        "ledger": ledger.id,
        "verb": verb,
        "job": job.id,
        "parts": tuple((part.proposal, part.digest) for part in job.parts),
        "proposal": job.lead.proposal,
        "operator": "vera",
        "role": "writeback_operator",
        "at": at(70),
        "reason": "the lock is gone",
        "nonce": secrets.token_hex(16),
    }
    signature = base64.b64encode(secrets.token_bytes(64)).decode()
    return SignedInstruction(instruction=Instruction(**{**fields, **changed}), signature=signature)


async def _steered(ledger: Ledger) -> dict[str, str]:
    """Give up two jobs, have one of them tried again, and pause a source; return the handles of what people signed."""
    for again in (True, False):
        _, job = await approve_one(ledger, key=a_row())
        (lease,) = await ledger.lease("worker-3", now=at(90), until=at(150), sources={"shop": 1})
        assert await ledger.steering.park(lease, code="busy", at=at(91)) == (True, True)
        if again:
            said = an_instruction(ledger, job)
            await ledger.steering.instruct(said)
            assert await ledger.lease("worker-3", now=at(90), until=at(150), sources={"shop": 1})
    pause = a_pause(ledger)
    await ledger.steering.pause(pause)
    return {"instruction": said.instruction.id, "worker_pause": pause.pause.id}


async def fill(ledger: Ledger) -> dict[str, str]:
    """Write at least one record of every kind, and return a handle of each."""
    audit, evidence = seen()
    await ledger.record_read(audit, evidence)
    await ledger.record_read({**seen()[0], "evidence": None, "outcome": "not_found"}, None)
    activated = an_activation(ledger, {"contract": "billing", "tables": {}})
    await ledger.activate(activated)
    proposal, job = await approve_one(ledger)
    (lease,) = await ledger.lease("worker-1", now=at(90), until=at(150), sources={"shop": 1})
    receipt = a_receipt(lease)
    assert await ledger.settle(lease, [receipt]) is Closed.SETTLED
    doubtful = await in_doubt(ledger)
    resolved = a_resolution(doubtful)
    await ledger.doubts.resolve([resolved])
    refusable = await file_one(ledger)
    await ledger.decide(a_decision(refusable, "reject"), job=None, counted=undecided(refusable), complete=True)
    await approve_one(ledger, key=a_row())
    assert await ledger.lease("worker-2", now=at(90), until=at(150), sources={"shop": 1})
    steered = await _steered(ledger)
    waiting = await file_one(ledger)
    await ledger.refused_decision(waiting.id, "vera", "own_request", at(5))
    asked = Inquiry(
        id=handle("que"),
        ledger=ledger.id,
        proposal=waiting.id,
        digest=waiting.digest,
        operator="vera",
        role=waiting.role,
        text="Which letter?",
        at=at(5),
    )
    await ledger.ask(SignedInquiry(question=asked, signature="AAAA"))
    answer = Answer(
        id=handle("ans"),
        question=asked.id,
        proposal=waiting.id,
        text="The last.",
        client="stdio",
        run="run_1",
        at=at(5),
    )
    await ledger.answer(answer)
    wanted, measured = a_shadow_request(waiting), a_measurement(waiting)
    await ledger.measuring.ask(wanted)
    assert await ledger.measuring.record([measured], answers={wanted.request.id})
    login = RefusedLogin(
        id=handle("lgr"),
        at=at(5),
        door="console",
        way="oidc",
        rule="person_unknown",
        issuer="https://idp.example",
        subject="eve",
        unrecorded=2,
    )
    await ledger.refused_login(login)
    look = {"id": handle("rev"), "at": at(6), "subject": evidence["id"], "operator": "vera", "outcome": "role_missing"}
    await ledger.record_reveal(look)
    by_policy = await file_one(ledger, policy="small_fees")
    signed = a_decision(by_policy, policy=policy_digest(by_policy.contract, "small_fees"))
    use = a_use(by_policy, signed)
    last = await ledger.policies.switch()
    since = last.switch.id if last else None
    left = await ledger.policies.approve(signed, job=None, use=use, limits=(), switch=since)
    assert left == ()
    switch = a_switch(ledger)
    await ledger.policies.throw(switch)
    record = await ledger.proposal(proposal.id)
    assert record is not None
    told = await ledger.proposal(waiting.id)
    assert told is not None
    refused = next(e["records"]["refused_decision"][0] for e in told.events if e["kind"] == "decision_refused")
    settled = record.events[-1]["records"]["settlement"][0]
    return {
        **steered,
        "query_audit": audit["id"],
        "evidence": evidence["id"],
        "activation": activated.activation.id,
        "proposal": proposal.id,
        "review_branch": proposal.branch,
        "decision": record.decisions[0].decision.id,
        "policy_use": use.id,
        "policy_switch": switch.switch.id,
        "job": job.id,
        "receipt": receipt.id,
        "settlement": settled,
        "resolution": resolved.resolution.id,
        "question": asked.id,
        "answer": answer.id,
        "shadow_request": wanted.request.id,
        "measurement": measured.id,
        "refused_decision": refused,
        "refused_login": login.id,
        "reveal": look["id"],
    }
