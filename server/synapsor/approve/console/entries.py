"""What a list tells of a proposal: which row, what would change, who asks, how far its approvals are, and whether this person may decide."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from synapsor.approve.card.decided import doubted
from synapsor.approve.card.outline import Outline, outline, replaced_words
from synapsor.approve.card.teller import Teller
from synapsor.approve.console.acting import listed_objection
from synapsor.approve.console.visit import Visit
from synapsor.core.alike import why_alone
from synapsor.core.plain import brief, shown
from synapsor.core.proposal import Proposal
from synapsor.core.statements import Operator
from synapsor.ports import ProposalRecord, ReviewLedger
from synapsor.values import Token

MOST_SHOWN = 3
MOST_LETTERS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """One column of one row in short; a side that is hidden or not there is None, and NULL is said so.

    Attributes:
        unit: what its number counts, as the contract says; "" where nothing is known.
        reads: each side for the eye, such as `55.00` of cents; "" where it says no more than its number.
    """

    name: str
    before: str | None
    after: str | None
    unit: str
    reads: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a list.

    Attributes:
        told: what every list tells of it.
        row: what names its first row, harmless; `more` further ones.
        brief: what becomes of its first columns, of one row only.
        doubted: a decision on record is not proven, or would not count any more.
        against: why this person cannot approve it, "" where nothing is known against it.
        alone: why it is decided on by its own page, "" where it may be among others.
        took: how long it took until it was decided.
    """

    id: str
    digest: str
    told: Outline
    capability: str
    row: str
    more: int
    columns: tuple[str, ...]
    brief: tuple[Brief, ...]
    removes: bool
    adds: bool
    principal: str
    at: str
    expires_at: str
    risk: str
    role: str
    undoes: bool
    against: str
    alone: str
    decided_by: tuple[str, ...]
    doubted: bool
    decided_at: str
    took: dt.timedelta | None


def entry(
    record: ProposalRecord,
    *,
    visit: Visit,
    operators: Mapping[str, Operator],
    replaced: Collection[str] = (),
    units: Mapping[str, str] = MappingProxyType({}),
) -> Entry:
    """Return what a list tells of a proposal; `units` are what its numbers count, by column."""
    proposal, told = record.proposal, outline(record, now=visit.now, operators=operators, replaced=replaced)
    last = record.decisions[-1].decision if record.decisions else None
    known = listed_objection(visit, record, operators)
    reason = (
        f"It {replaced_words(proposal)}."
        if told.waits and told.replaced
        else known.message
        if known is not None
        else ""
    )
    return Entry(
        id=proposal.id,
        digest=record.shown,
        told=told,
        capability=proposal.capability,
        row=row_of(proposal),
        more=max(0, len(proposal.members) - 1),
        columns=proposal.changed,
        brief=tuple(_brief(proposal, units, visit.now)),
        removes=proposal.deletes,
        adds=proposal.inserts,
        principal=proposal.principal,
        at=proposal.at,
        expires_at=proposal.expires_at,
        risk=proposal.risk,
        role=proposal.role,
        undoes=proposal.undoes is not None,
        against=reason,
        alone=alone(proposal),
        decided_by=tuple(dict.fromkeys(signed.decision.operator for signed in record.decisions)),
        doubted=doubted(record, operators),
        decided_at=last.at if last else "",
        took=dt.datetime.fromisoformat(last.at) - dt.datetime.fromisoformat(proposal.at) if last else None,
    )


def asks_for_digest(risk: str) -> bool:
    """Tell whether an approval of such a risk has the beginning of the digest typed, and not a tick alone."""
    return risk != "low"


def alone(proposal: Proposal) -> str:
    """Return why a proposal is decided on by its own page, "" where it may be among others while it is open."""
    return why_alone(proposal) or (f"Its risk is {proposal.risk}." if asks_for_digest(proposal.risk) else "")


def row_of(proposal: Proposal) -> str:
    """Return what names the first row of a proposal, harmless."""
    if not proposal.members:
        return "no row"
    tokens = [token for _, token in proposal.members[0].key][:MOST_SHOWN]
    return ", ".join(shown(token).text for token in tokens)


def _brief(proposal: Proposal, units: Mapping[str, str], now: dt.datetime) -> Iterable[Brief]:
    if len(proposal.members) != 1:
        return
    (member,) = proposal.members
    teller = Teller(proposal.columns, now=now, most=MOST_LETTERS, units=units)
    for name, after in list(member.changes.items())[:MOST_SHOWN]:
        veiled = name in proposal.hidden or proposal.inserts
        before = None if veiled else member.before.get(name)
        yield Brief(
            name=name,
            before=None if veiled else _side(before),
            after=_side(after),
            unit=teller.text(units[name]).text if name in units else "",
            reads=(_reading(teller, name, before), _reading(teller, name, after)),
        )


def _reading(teller: Teller, name: str, token: Token) -> str:
    if name not in teller.units:
        return ""
    reading = teller.value(name, token).reading
    return reading.text if reading is not None else ""


def _side(token: Token) -> str:
    return "NULL" if token is None else brief(token, MOST_LETTERS)


async def loaded(ledger: ReviewLedger, ids: Iterable[str]) -> Sequence[ProposalRecord]:
    """Return the proposals of these handles, in their order."""
    found = [await ledger.proposal(one) for one in ids]
    return [record for record in found if record is not None]
