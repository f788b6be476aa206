"""The inbox: what waits for a decision, oldest expiry first, a few lines each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from synapsor.approve.decided import VERBS
from synapsor.approve.drawing import entry
from synapsor.core.exchange import open_questions
from synapsor.core.group import missing
from synapsor.core.moment import parse, stamp
from synapsor.core.plain import shown, span, visible
from synapsor.core.proposal import Proposal, Status, as_of
from synapsor.core.quorum import counted
from synapsor.core.statements import Operator
from synapsor.core.words import many
from synapsor.flow.permitted import is_behind
from synapsor.ports import ProposalRecord, ReviewLedger


async def behind(ledger: ReviewLedger, records: Sequence[ProposalRecord]) -> frozenset[str]:
    """Return the handles of those in review whose contract has another active version by now; nobody can approve them."""
    waits = [r.proposal for r in records if r.status is Status.REVIEW_REQUIRED]
    newest = {p.contract: p for p in waits}
    replaced = {digest for digest, proposal in newest.items() if await is_behind(proposal, ledger)}
    return frozenset(p.id for p in waits if p.contract in replaced)


def summary(
    record: ProposalRecord, *, now: dt.datetime, operators: Mapping[str, Operator], replaced: Collection[str] = ()
) -> dict[str, Any]:
    """Return one entry of the inbox as data; `status` is as it is recorded, and `expired` as it is.

    Approvals count as far as `operators` trusts who gave them. `replaced` are handles of proposals whose contract has another active version by now.
    """
    proposal = record.proposal
    return {
        "id": proposal.id,
        "status": record.status.value,
        "expired": as_of(stamp(now), record.status, proposal) is Status.EXPIRED,
        "capability": proposal.capability,
        "operation": proposal.operation,
        "keys": [dict(member.key) for member in proposal.members],
        "columns": sorted(proposal.changed),
        "principal": proposal.principal,
        "role": proposal.role,
        "approvals": {"have": _approvals(record, operators, now), "need": proposal.quorum},
        "risk": proposal.risk,
        "group": proposal.group_id,
        "contract_replaced": proposal.id in replaced,
        "at": proposal.at,
        "expires_at": proposal.expires_at,
        "digest": proposal.digest,
        "undoes": proposal.undoes.proposal if proposal.undoes else None,
        "amends": proposal.amends.proposal if proposal.amends else None,
        "questions": {"asked": len(record.exchanges), "open": len(open_questions(record.exchanges))},
    }


def render(
    records: Sequence[ProposalRecord],
    *,
    now: dt.datetime,
    operators: Mapping[str, Operator],
    width: int = 100,
    replaced: Collection[str] = (),
) -> str:
    """Return the inbox as text of at most `width` cells; an empty one says what to do. `operators` and `replaced` are as for `summary`."""
    if not records:
        return "Nothing waits for a decision. When an agent proposes a change, it shows here.\n"
    entries = (entry_of(record, now, operators=operators, replaced=replaced) for record in records)
    return "".join(f"{line}\n" for head, body in entries for line in entry(head, body, width=width))


def entry_of(
    record: ProposalRecord, now: dt.datetime, *, operators: Mapping[str, Operator], replaced: Collection[str]
) -> tuple[str, list[str]]:
    """Return the first line of an entry of the inbox, and those below it; every text in them is harmless."""
    proposal = record.proposal
    status = as_of(stamp(now), record.status, proposal)
    waits = status is Status.REVIEW_REQUIRED
    when = f"expires in {span(parse(proposal.expires_at) - now)}" if waits else status.stands
    head = f"{visible(proposal.id)}  {when}"
    people = [
        f"asked by {shown(proposal.principal).text}",
        *(_needs(record, _approvals(record, operators, now)) if waits else _decided(record)),
    ]
    body = [what_of(proposal), "; ".join(people)]
    if waits and proposal.id in replaced:
        body.append(
            "cannot be approved: its contract was replaced since. Reject it, have it proposed again, or extend it under the new contract"
        )
    if waits and record.exchanges:
        body.append(_asked(record))
    if record.group:
        body.append(f"together with {', '.join(visible(other.proposal.id) for other in record.group)}")
    if lacks := missing(proposal, [other.proposal for other in record.group]) if waits else ():
        body.append(f"waits for a proposal by {visible(', '.join(lacks))}")
    return head, body


def _asked(record: ProposalRecord) -> str:
    left = len(open_questions(record.exchanges))
    of = many(len(record.exchanges), "question")
    return f"{of} asked about it, {f'{left} not answered' if left else 'all answered'}"


def what_of(proposal: Proposal) -> str:
    """Return in one harmless line what a proposal does, and to which row."""
    row = shown(",".join(token for _, token in proposal.members[0].key)).text if proposal.members else "no row"
    more = f" and {len(proposal.members) - 1} more" if len(proposal.members) > 1 else ""
    done = visible(", ".join(proposal.changed)) or visible(proposal.operation)
    undo = f"undo of {visible(proposal.undoes.proposal)}: " if proposal.undoes else ""
    if proposal.amends is not None:
        word = "edited" if proposal.amends.kind == "edit" else "given more time"
        undo = f"{word} by {shown(proposal.amends.operator).text}: "
    return f"{undo}{visible(proposal.capability)} {row}{more} ({done})"


def _needs(record: ProposalRecord, approvals: int) -> list[str]:
    proposal = record.proposal
    several = f" {approvals}/{proposal.quorum}" if proposal.quorum > 1 or proposal.group_id else ""
    risk = [] if proposal.risk == "low" else [f"{proposal.risk} risk"]
    return [f"needs {visible(proposal.role)}{several}", *risk]


def _decided(record: ProposalRecord) -> list[str]:
    names: dict[str, list[str]] = {}
    for signed in record.decisions:
        names.setdefault(VERBS.get(signed.decision.verdict, "decided"), []).append(visible(signed.decision.operator))
    return [f"{verb} by {', '.join(who)}" for verb, who in names.items()]


def _approvals(record: ProposalRecord, operators: Mapping[str, Operator], now: dt.datetime) -> int:
    """Return how many approvals count as things stand."""
    proposal = record.proposal
    return len(counted(record.decisions, proposal, operators, ledger=proposal.ledger, now=stamp(now)))
