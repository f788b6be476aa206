"""Look behind a hidden value: a person with the role signs why, with their own key or a session of theirs; the look is on record before
the value is shown, and so is every refusal.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from synapsor import handles
from synapsor.core.hidden import BEGINS, Keeper, Place
from synapsor.core.moment import stamp
from synapsor.core.presenter import opened
from synapsor.core.proposal import Proposal
from synapsor.core.records import to_body
from synapsor.core.review import may_decide
from synapsor.core.statements import Operator, Reveal
from synapsor.errors import DecisionRefused, UsageError
from synapsor.flow.acting import Acting, Verb, check_act, check_act_as, check_waits
from synapsor.flow.reason import check_reason
from synapsor.flow.refused import NOBODY
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord, ReviewLedger

LOOKING: Final = Verb(is_open=check_waits, may=may_decide)
"""Looking behind what a proposal would change, to decide on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What somebody asks to look behind: the tokens of one column in one evidence bundle.

    Attributes:
        subject: the token or handle that was asked about.
        role: whoever has it may look.
    """

    subject: str
    column: str
    evidence: Mapping[str, Any]
    role: str
    sealed: Mapping[str, str]


async def behind(ledger: ReviewLedger, subject: str, column: str | None) -> Behind:
    """Return what a token, or a column of an evidence bundle, is about.

    Raises:
        UsageError: nothing of this ledger has such a token or handle, or nothing is kept behind the column.
    """
    if subject.startswith(BEGINS):
        evidence = await ledger.evidence_holding(subject)
    else:
        evidence = await ledger.evidence(subject)
    if evidence is None:
        raise UsageError(
            "There is no such token or evidence.", fix="Give a token as the model saw it, or a handle ev_…."
        )
    parts = (evidence, *evidence.get("lists", {}).values())
    kept: dict[str, Mapping[str, str]] = {}
    roles: dict[str, str] = {}
    for part in parts:
        for name, tokens in part.get("sealed", {}).items():
            if not subject.startswith(BEGINS) or subject in tokens:
                kept.setdefault(name, tokens)
                roles.setdefault(name, str(part["hidden"][name][1]))
    named = list(kept)
    if column is None and len(named) == 1:
        column = named[0]
    if column is None or column not in named:
        told = f"Named here: {', '.join(sorted(named))}." if named else "Masked values are kept as they were seen."
        raise UsageError("Say with --column which tokenised column is meant.", fix=told)
    tokens = kept[column]
    chosen = {subject: tokens[subject]} if subject.startswith(BEGINS) else dict(tokens)
    role = roles[column]
    return Behind(subject=subject, column=column, evidence=evidence, role=role, sealed=chosen)


async def reveal(
    ledger: ReviewLedger,
    asked: Behind,
    *,
    signer: Signer,
    operators: Mapping[str, Operator],
    reason: str,
    now: dt.datetime,
) -> tuple[Reveal, dict[str, str]]:
    """Return the signed look, recorded, and the value behind each token.

    Raises:
        DecisionRefused: this operator may not look; that is recorded too.
        IntegrityError: a value was not sealed by this ledger.
    """
    check_reason("reveal", reason)
    acting = Acting(who=signer, operators=operators, now=now)
    async with recording_look(ledger, asked.subject, signer.name, reason, now):
        await check_act_as(ledger, acting, asked.role)
    keeper = Keeper.of(ledger.secret)
    place = Place(str(asked.evidence["source"]), "", asked.column, asked.evidence["tenant"])
    values = {token: str(keeper.unseal(place, sealed)) for token, sealed in asked.sealed.items()}
    told = Reveal(
        id=handles.new("rev"),
        ledger=ledger.id,
        subject=asked.subject,
        evidence=str(asked.evidence["id"]),
        column=asked.column,
        tokens=tuple(values),
        operator=signer.name,
        role=asked.role,
        reason=reason,
        at=stamp(now),
    )
    await _record(ledger, told, signer, operators)
    return told, values


async def reveal_for_decision(
    ledger: ReviewLedger,
    record: ProposalRecord,
    *,
    signer: Signer,
    operators: Mapping[str, Operator],
    now: dt.datetime,
) -> Proposal:
    """Return a proposal with the hidden values that it would change, for who decides on it; the look is recorded first.

    Raises:
        DecisionRefused: this operator may not decide on it; that is recorded too.
        IntegrityError: a value was not sealed by this ledger.
    """
    acting = Acting(who=signer, operators=operators, now=now)
    async with recording_look(ledger, record.proposal.id, signer.name, "to decide", now):
        current, _ = await check_act(ledger, record, acting, LOOKING)
    proposal = current.proposal
    whole = opened(proposal, Keeper.of(ledger.secret))
    told = Reveal(
        id=handles.new("rev"),
        ledger=ledger.id,
        subject=proposal.id,
        evidence=proposal.evidence,
        column=", ".join(n for n in proposal.changed if n in proposal.hidden),
        tokens=(),
        operator=signer.name,
        role=proposal.role,
        reason="to decide",
        at=stamp(now),
    )
    await _record(ledger, told, signer, operators)
    return whole


@asynccontextmanager
async def recording_look(
    ledger: ReviewLedger, subject: str, who: str, reason: str, now: dt.datetime
) -> AsyncIterator[None]:
    """Record a look that is refused inside, and to whom."""
    try:
        yield
    except DecisionRefused as refused:
        await refuse(ledger, subject, who, refused.rule, reason, now)
        raise


async def refuse(ledger: ReviewLedger, subject: str, operator: str, rule: str, reason: str, now: dt.datetime) -> None:
    """Record that somebody was refused a look; `operator` is "" where nobody knows who it was."""
    handle = handles.new("rev")
    who = operator or NOBODY
    body = {"id": handle, "at": stamp(now), "subject": subject, "operator": who, "outcome": str(rule), "reason": reason}
    await ledger.record_reveal(body)


async def _record(ledger: ReviewLedger, told: Reveal, signer: Signer, operators: Mapping[str, Operator]) -> None:
    signature = signer.speak(told, operators)
    login = to_body(signer.login) if signer.login is not None else None
    body = {"id": told.id, "at": told.at, "subject": told.subject, "operator": told.operator, "outcome": "revealed"}
    await ledger.record_reveal({**body, "reveal": to_body(told), "signature": signature, "login": login})
