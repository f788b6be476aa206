"""What became of a proposal, for its card: who decided, when, in which role and why, and what came of it in the source.

Everything is told from the record, and of a signature whether it holds; a status by itself proves nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from synapsor.approve.drawing import Line
from synapsor.core.login import decision_holds
from synapsor.core.moment import parse
from synapsor.core.outcome import Outcome, meaning_of
from synapsor.core.plain import shown, span, visible
from synapsor.core.proposal import Status
from synapsor.core.statements import Operator, SignedDecision
from synapsor.core.words import many
from synapsor.core.writeback import Receipt
from synapsor.ports import ProposalRecord

VERBS = {"approve": "approved", "reject": "rejected"}
_ENDS = {Status.EXPIRED, Status.CANCELED, Status.SUPERSEDED}


def decisions(record: ProposalRecord, operators: Mapping[str, Operator], now: dt.datetime) -> Iterator[Line]:
    """Yield each decision on record; of one that cannot be trusted now it is said why."""
    for signed in record.decisions:
        decision = signed.decision
        verb = VERBS[decision.verdict]
        if decision.policy is not None:
            who = f"by the policy {visible(record.proposal.policy or '?')}, with the key {visible(decision.operator)}"
        else:
            who = f"by {visible(decision.operator)}, in the role {visible(decision.role)}"
        yield Line(verb, f"{who}, {_when(decision.at, now)}")
        if decision.reason:
            yield Line("because", shown(decision.reason, full=True, quoted=True).text)
        if doubt := _doubt(signed, record, operators):
            yield Line("", doubt, "warning")


def outcome(record: ProposalRecord, now: dt.datetime) -> Iterator[Line]:
    """Yield what came of it: each receipt, the job that waits, or the event that ended it before anybody could approve it."""
    for receipt in record.receipts:
        moved = f": {', '.join(map(visible, receipt.moved))}" if receipt.moved else ""
        yield Line("outcome", ", ".join(filter(None, (visible(receipt.outcome), visible(receipt.code)))) + moved)
        if meaning := _meaning(receipt):
            yield Line("", meaning)
        yield Line("receipt", f"{visible(receipt.id)} by {visible(receipt.worker)}, {_when(receipt.at, now)}")
    if record.job is not None and not record.receipts:
        yield Line("outcome", f"none yet: {visible(record.job.id)} waits for the worker")
    for event in record.events:
        if event["kind"] in {f"proposal_{status.value}" for status in _ENDS}:
            because = event["facts"].get("because")
            left = f" with {visible(str(because))}, which it stands or falls with" if because else ""
            yield Line("ended", f"{visible(str(event['facts']['target']))}{left}, {_when(str(event['at']), now)}")


def _meaning(receipt: Receipt) -> str:
    left = (
        f"{many(receipt.newcomers, 'more row matches', 'more rows match')} now, and nothing was done to them."
        if receipt.newcomers
        else ""
    )
    told = {Outcome.APPLIED.value: "", Outcome.ALREADY_APPLIED.value: "An earlier attempt had applied it."}
    return " ".join(filter(None, (told.get(receipt.outcome, meaning_of(receipt.code)), left)))


def _doubt(signed: SignedDecision, record: ProposalRecord, operators: Mapping[str, Operator]) -> str:
    name = visible(signed.decision.operator)
    operator = operators.get(signed.decision.operator)
    if operator is None:
        return f"nobody of the name {name} is trusted here, so nothing proves it"
    if not decision_holds(signed, operators):
        return f"the signature is not by the key of {name}"
    if (signed.decision.proposal, signed.decision.digest) != (record.proposal.id, record.proposal.digest):
        return "it is about another proposal"
    return f"the key of {name} is revoked since" if operator.revoked else ""


def _when(at: str, now: dt.datetime) -> str:
    return f"{visible(at)} ({span(now - parse(at))} ago)"
