"""The inbox: what waits for a decision, oldest expiry first, a few lines each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from synapsor.approve.card.decided import VERBS
from synapsor.approve.card.outline import WITH_CODE, Outline, origin_of, outline, replaced_words
from synapsor.approve.terminal.drawing import entry
from synapsor.core.moment import parse
from synapsor.core.plain import shown, span, visible
from synapsor.core.proposal import Proposal, Status
from synapsor.core.statements import Operator
from synapsor.core.steering import state_words
from synapsor.ports import ProposalRecord


def summary(
    record: ProposalRecord, *, now: dt.datetime, operators: Mapping[str, Operator], replaced: Collection[str] = ()
) -> dict[str, Any]:
    """Return one entry of the inbox as data; `status` is as it is recorded, and `expired` as it is.

    Approvals count as far as `operators` trusts who gave them. `replaced` are handles of proposals whose contract has another active version by now.
    """
    proposal, told = record.proposal, outline(record, now=now, operators=operators, replaced=replaced)
    return {
        "id": proposal.id,
        "status": record.status.value,
        "expired": told.status is Status.EXPIRED,
        "capability": proposal.capability,
        "operation": proposal.operation,
        "keys": [dict(member.key) for member in proposal.members],
        "columns": sorted(proposal.changed),
        "principal": proposal.principal,
        "role": proposal.role,
        "approvals": {"have": told.have, "need": told.need},
        "step_up": told.step_up,
        "risk": proposal.risk,
        "group": proposal.group_id,
        "contract_replaced": told.replaced,
        "at": proposal.at,
        "expires_at": proposal.expires_at,
        "digest": proposal.digest,
        "undoes": proposal.undoes.proposal if proposal.undoes else None,
        "amends": proposal.amends.proposal if proposal.amends else None,
        "job": state_words(record.together),
        "questions": {"asked": told.questions, "open": told.unanswered},
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
    proposal, told = record.proposal, outline(record, now=now, operators=operators, replaced=replaced)
    when = f"expires in {span(parse(proposal.expires_at) - now)}" if told.waits else told.status.stands
    head = f"{visible(proposal.id)}  {when}"
    people = [
        f"asked by {shown(proposal.principal).text}",
        *(_needs(proposal, told) if told.waits else _decided(record)),
    ]
    body = [what_of(proposal), "; ".join(people)]
    if told.waits and told.replaced:
        body.append(replaced_words(proposal))
    if told.waits and told.asked:
        body.append(told.asked)
    if words := state_words(record.together):
        body.append(visible(words))
    if told.group:
        body.append(f"together with {', '.join(map(visible, told.group))}")
    if told.waits and told.lacks:
        body.append(f"waits for a proposal by {visible(', '.join(told.lacks))}")
    return head, body


def what_of(proposal: Proposal) -> str:
    """Return in one harmless line what a proposal does, and to which row."""
    row = shown(",".join(token for _, token in proposal.members[0].key)).text if proposal.members else "no row"
    more = f" and {len(proposal.members) - 1} more" if len(proposal.members) > 1 else ""
    done = visible(", ".join(proposal.changed)) or visible(proposal.operation)
    origin = f"{of}: " if (of := origin_of(proposal)) else ""
    return f"{origin}{visible(proposal.capability)} {row}{more} ({done})"


def _needs(proposal: Proposal, told: Outline) -> list[str]:
    several = f" {told.have}/{told.need}" if told.need > 1 or proposal.group_id else ""
    code = f", {WITH_CODE}" if told.step_up else ""
    risk = [] if proposal.risk == "low" else [f"{proposal.risk} risk"]
    return [f"needs {visible(proposal.role)}{several}{code}", *risk]


def _decided(record: ProposalRecord) -> list[str]:
    names: dict[str, list[str]] = {}
    for signed in record.decisions:
        names.setdefault(VERBS.get(signed.decision.verdict, "decided"), []).append(visible(signed.decision.operator))
    return [f"{verb} by {', '.join(who)}" for verb, who in names.items()]
