"""Look back: from any handle, what was asked, seen, proposed, decided, done and settled, as the ledger recorded it.

No source is touched and nothing runs again. Every digest is recomputed from the record itself and every signature is checked again;
what differs is named.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from synapsor.core.amend import amendment_of
from synapsor.core.exchange import Exchange
from synapsor.core.login import decision_holds, spoken_by
from synapsor.core.measured import Measurement
from synapsor.core.presenter import covered
from synapsor.core.proposal import TRANSITIONS, Member, Proposal, Status
from synapsor.core.reconcile import end_of
from synapsor.core.records import to_body
from synapsor.core.statements import Operator, SignedDecision, SignedInstruction, SignedResolution
from synapsor.core.steering import state_words
from synapsor.core.writeback import Receipt
from synapsor.errors import UsageError
from synapsor.flow.story import Check, ReplayReport, Step
from synapsor.ports import ProposalRecord, ReviewLedger
from synapsor.values import digest


async def replay(ledger: ReviewLedger, handle: str, operators: Mapping[str, Operator]) -> ReplayReport:
    """Return the story that a handle belongs to.

    Raises:
        UsageError: no record of a call or proposal has this handle.
    """
    found = await ledger.find(handle)
    if found is None:
        raise UsageError("There is no such record.", fix="See `synapsor inbox --all`.")
    kind, body = str(found["kind"]), found["body"]
    if kind in {"query_audit", "evidence"}:
        return await _call(ledger, handle, kind, body)
    proposal_id = body["id"] if kind == "proposal" else proposal_named(body)
    record = await ledger.proposal(proposal_id) if proposal_id else None
    if record is None:
        raise UsageError("This record is not part of a call or proposal.", fix="See `synapsor show`.")
    steps = [step async for step in _proposal(ledger, record, operators)]
    return ReplayReport(handle=handle, proposal=record.proposal.id, steps=tuple(steps))


_SAID: Final = ("decision", "question", "instruction", "resolution", "request")
"""What a person has signed about a proposal, by the name under which its record keeps it."""


def proposal_named(body: Mapping[str, Any]) -> str | None:
    """Return the proposal that a record is about, or None."""
    parts = body.get("parts")
    inner = parts[0] if parts else next((body[word] for word in _SAID if word in body), None)
    named = inner.get("proposal") if isinstance(inner, Mapping) else body.get("proposal")
    return named if isinstance(named, str) else None


async def _call(ledger: ReviewLedger, handle: str, kind: str, body: Mapping[str, Any]) -> ReplayReport:
    audit, evidence = (body, None) if kind == "query_audit" else (None, body)
    if audit is not None and audit["evidence"]:
        evidence = await ledger.evidence(audit["evidence"])
    if evidence is not None and audit is None:
        found = await ledger.find(evidence["call"])
        audit = found["body"] if found else None
    steps = []
    if audit is not None:
        steps.append(Step(name="asked", facts=dict(audit), checks=_links(audit, evidence)))
    if evidence is not None:
        steps.append(_seen(evidence, ()))
    return ReplayReport(handle=handle, proposal=None, steps=tuple(steps))


def _links(audit: Mapping[str, Any], evidence: Mapping[str, Any] | None) -> tuple[Check, ...]:
    if audit["evidence"] is None:
        return ()
    same = ("capability", "contract", "tenant", "principal", "source", "plan", "parameters")
    if evidence is None:
        return (Check(what=f"evidence {audit['evidence']}", stored="recorded", found="missing"),)
    return (
        Check(what="the audit's evidence", stored=audit["evidence"], found=evidence["id"]),
        *(Check(what=f"{n} of audit and evidence", stored=str(audit[n]), found=str(evidence[n])) for n in same),
    )


async def _proposal(
    ledger: ReviewLedger, record: ProposalRecord, operators: Mapping[str, Operator]
) -> AsyncIterator[Step]:
    proposal = record.proposal
    recorded = {kind: check async for kind, check in _recorded(ledger, record)}
    audit = await _audit(ledger, record)
    asked = {
        n: getattr(proposal, n) for n in ("capability", "principal", "client", "tenant", "at", "contract", "arguments")
    }
    yield Step(
        name="asked",
        facts={**asked, "audit": audit["id"] if audit else None},
        checks=tuple(recorded.get("query_audit", ())),
    )
    evidence = await ledger.evidence(proposal.evidence)
    told = digest("evidence", evidence) if evidence is not None else "missing"
    covered = Check(
        what=f"evidence {proposal.evidence} as the proposal names it", stored=proposal.evidence_digest, found=told
    )
    if evidence is None:
        yield Step(name="seen", facts={"id": proposal.evidence}, checks=(covered,))
    else:
        yield _seen(evidence, (covered, *recorded.get("evidence", ())))
    before = (*await _undone(ledger, proposal), *await _amended(ledger, proposal, operators))
    yield _proposed(proposal, (*recorded.get("proposal", ()), *recorded.get("review_branch", ()), *before))
    for exchange in record.exchanges:
        yield _inquired(exchange, proposal, operators, (*recorded.get("question", ()), *recorded.get("answer", ())))
    for measurement in record.measurements:
        yield _measured(measurement, tuple(recorded.get("measurement", ())))
    for signed in record.decisions:
        yield _decided(signed, proposal, operators, ledger.id, tuple(recorded.get("decision", ())))
    for said in (one for each in record.together for one in each.instructions):
        yield _steered(said, record, operators, ledger.id, tuple(recorded.get("instruction", ())))
    for receipt in record.receipts:
        yield _done(receipt, proposal, tuple(recorded.get("receipt", ())))
    yield _settled(record, tuple(recorded.get("job", ())) + tuple(recorded.get("settlement", ())))
    for resolution, name in ((record.said.counts, "resolved"), (record.said.waits, "waits")):
        if resolution is not None:
            checks = tuple(recorded.get("resolution", ()))
            yield _resolved(name, resolution, proposal, operators, ledger.id, checks)


async def _recorded(ledger: ReviewLedger, record: ProposalRecord) -> AsyncIterator[tuple[str, tuple[Check, ...]]]:
    """Yield, by kind, each record that the ledger's events cover, with its digest computed again."""
    by_kind: dict[str, list[Check]] = {}
    for event in record.events:
        for kind, (handle, stored) in event.get("records", {}).items():
            found = await ledger.find(handle)
            told = digest(kind, found["body"]) if found else "missing"
            by_kind.setdefault(kind, []).append(Check(what=f"{kind} {handle}", stored=stored, found=told))
    for kind, checks in by_kind.items():
        yield kind, tuple(checks)


async def _audit(ledger: ReviewLedger, record: ProposalRecord) -> Mapping[str, Any] | None:
    for event in record.events:
        if handle := event.get("records", {}).get("query_audit"):
            found = await ledger.find(handle[0])
            return found["body"] if found else None
    return None


async def _undone(ledger: ReviewLedger, proposal: Proposal) -> tuple[Check, ...]:
    if proposal.undoes is None:
        return ()
    record = await ledger.proposal(proposal.undoes.proposal)
    found = record.proposal.digest if record else "missing"
    what = f"digest of {proposal.undoes.proposal}, which it undoes"
    return (Check(what=what, stored=proposal.undoes.digest, found=found),)


async def _amended(ledger: ReviewLedger, proposal: Proposal, operators: Mapping[str, Operator]) -> tuple[Check, ...]:
    amends = proposal.amends
    if amends is None:
        return ()
    record = await ledger.proposal(amends.proposal)
    holds = spoken_by(amendment_of(proposal), amends.signature, amends.login, operators)
    return (
        Check(
            what=f"digest of {amends.proposal}, whose place it takes",
            stored=amends.digest,
            found=record.proposal.digest if record else "missing",
        ),
        _signature(amends.operator, "the amendment", holds=holds),
    )


def _inquired(
    exchange: Exchange, proposal: Proposal, operators: Mapping[str, Operator], checks: tuple[Check, ...]
) -> Step:
    asked, answer = exchange.asked, exchange.answer
    question = asked.question
    holds = spoken_by(question, asked.signature, asked.login, operators)
    own = (
        _signature(question.operator, question.id, holds=holds),
        Check(what=f"digest that {question.id} is about", stored=question.digest, found=proposal.digest),
    )
    handles = {question.id, answer.id if answer else question.id}
    facts = {"question": to_body(question), "answer": to_body(answer) if answer else None}
    return Step(name="inquired", facts=facts, checks=(*own, *(c for c in checks if c.what.split(" ")[-1] in handles)))


def _measured(measurement: Measurement, checks: tuple[Check, ...]) -> Step:
    facts = to_body(measurement)
    facts["after"] = facts.pop("rows")
    return Step(name="measured", facts=facts, checks=tuple(c for c in checks if measurement.id in c.what))


def _seen(evidence: Mapping[str, Any], checks: tuple[Check, ...]) -> Step:
    names = ("id", "at", "source", "columns", "rows", "cut_by", "withheld", "position", "plan", "parameters")
    facts = {n: evidence.get(n) for n in names} | {n: evidence[n] for n in ("lists",) if n in evidence}
    return Step(name="seen", facts={**facts, "digest": digest("evidence", evidence)}, checks=checks)


def _proposed(proposal: Proposal, checks: tuple[Check, ...]) -> Step:
    facts = {
        "id": proposal.id,
        "branch": proposal.branch,
        "digest": proposal.digest,
        "relation": proposal.relation,
        "operation": proposal.operation,
        "members": [_member(member) for member in covered(proposal).members],
        "guards": list(proposal.guards),
        "expires_at": proposal.expires_at,
        **({"undoes": to_body(proposal.undoes)} if proposal.undoes else {}),
        **({"amends": to_body(proposal.amends)} if proposal.amends else {}),
    }
    return Step(name="proposed", facts=facts, checks=checks)


def _signature(by: str, on: str, *, holds: bool) -> Check:
    return Check(what=f"signature of {by} on {on}", stored="holds", found="holds" if holds else "does not hold")


def _decided(
    signed: SignedDecision,
    proposal: Proposal,
    operators: Mapping[str, Operator],
    ledger: str,
    checks: tuple[Check, ...],
) -> Step:
    decision = signed.decision
    operator = operators.get(decision.operator)
    if operator is None:
        proof = "nobody of this name is trusted here"
    else:
        proof = "holds" if decision_holds(signed, operators) else "does not hold"
    own = (
        Check(what=f"signature of {decision.operator} on {decision.id}", stored="holds", found=proof),
        Check(what=f"digest that {decision.id} is about", stored=decision.digest, found=proposal.digest),
        Check(what=f"ledger that {decision.id} is for", stored=decision.ledger, found=ledger),
    )
    login = to_body(signed.login.login) if signed.login is not None else None
    facts = {**to_body(decision), "login": login, "revoked_since": operator.revoked if operator else None}
    return Step(name="decided", facts=facts, checks=own + tuple(c for c in checks if decision.id in c.what))


def _steered(
    said: SignedInstruction,
    record: ProposalRecord,
    operators: Mapping[str, Operator],
    ledger: str,
    checks: tuple[Check, ...],
) -> Step:
    told, job = said.instruction, record.job
    holds = spoken_by(told, said.signature, said.login, operators)
    own = (
        _signature(told.operator, told.id, holds=holds),
        Check(what=f"job that {told.id} is about", stored=told.job, found=job.id if job else "missing"),
        Check(what=f"ledger that {told.id} is for", stored=told.ledger, found=ledger),
    )
    return Step(name="steered", facts=to_body(told), checks=own + tuple(c for c in checks if told.id in c.what))


def _done(receipt: Receipt, proposal: Proposal, checks: tuple[Check, ...]) -> Step:
    own = [Check(what=f"digest that {receipt.id} is about", stored=receipt.digest, found=proposal.digest)]
    if receipt.changed:
        named, listed = [dict(member.key) for member in proposal.members], [one.key for one in receipt.members]
        own.append(
            Check(what=f"rows that {receipt.id} lists", stored=digest("rows", named), found=digest("rows", listed))
        )
    if receipt.outcome == "applied" and not proposal.deletes:
        wanted = [member.changes for member in proposal.members]
        found = [{n: row.get(n) for n in proposal.changed} for row in receipt.after]
        own.append(Check(what=f"rows after {receipt.id}", stored=_image(wanted), found=_image(found)))
    return Step(name="done", facts=receipt.told, checks=(*own, *(c for c in checks if receipt.id in c.what)))


def _resolved(
    name: str,
    signed: SignedResolution,
    proposal: Proposal,
    operators: Mapping[str, Operator],
    ledger: str,
    checks: tuple[Check, ...],
) -> Step:
    resolution = signed.resolution
    holds = spoken_by(resolution, signed.signature, signed.login, operators)
    own = (
        _signature(resolution.operator, resolution.id, holds=holds),
        Check(what=f"digest that {resolution.id} is about", stored=resolution.digest, found=proposal.digest),
        Check(what=f"ledger that {resolution.id} is for", stored=resolution.ledger, found=ledger),
    )
    return Step(name=name, facts=to_body(resolution), checks=(*own, *checks))


def _settled(record: ProposalRecord, checks: tuple[Check, ...]) -> Step:
    ends = TRANSITIONS[Status.APPROVED]
    if record.job is None:
        ends -= {Status.CANCELED}  # with its group, before anybody had approved it
    last = record.receipts[-1].outcome if record.receipts else None
    told = (
        ()
        if record.status not in ends and last is None
        else (Check(what="status and receipt", stored=record.status.value, found=_end_of(record, last)),)
    )
    job, proposal = record.job, record.proposal
    facts = {
        "status": record.status.value,
        "job": job.id if job else None,
        "held": state_words(record.together),
        "group": {other.proposal.id: other.status.value for other in record.group},
    }
    bound: tuple[Check, ...] = ()
    if job is not None:
        stored = next((part.digest for part in job.parts if part.proposal == proposal.id), "missing")
        bound = (Check(what=f"digest that {job.id} is about", stored=stored, found=proposal.digest),)
    if job is not None and len({record.status, *(other.status for other in record.group)}) > 1:
        told = (*told, Check(what="the group has come to one end", stored=record.status.value, found="different ends"))
    return Step(name="settled", facts=facts, checks=(*told, *bound, *checks))


def _end_of(record: ProposalRecord, outcome: str | None) -> str:
    """Return where the last receipt leads, and from there what a person has said became of it."""
    if record.resolution is not None and outcome == Status.RECONCILIATION_REQUIRED.value:
        return end_of(record.resolution.resolution.verdict).value
    return _status_of(outcome)


def _status_of(outcome: str | None) -> str:
    return "applied" if outcome == "already_applied" else outcome or "no receipt"


def _member(member: Member) -> dict[str, Any]:
    before = {n: member.before.get(n) for n in member.changes} if member.changes else dict(member.before)
    depends = {"depends": dict(member.depends)} if member.depends else {}
    return {"key": dict(member.key), "before": before, "after": dict(member.changes), **depends}


def _image(rows: list[dict[str, Any]]) -> str:
    return digest("image", rows)
