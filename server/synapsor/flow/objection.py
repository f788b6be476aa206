"""The one judge of whether a person may decide so on a proposal, as it was shown to them.

Every place that shows a proposal asks here what is against it, and adds no rule of its own but what only it can know: how much of the
proposal it has shown. `flow.decide` asks once more before it signs, so whatever a surface left out is refused all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from synapsor.core.live import Live
from synapsor.core.moment import stamp
from synapsor.core.outcome import meaning_of
from synapsor.core.proposal import Proposal
from synapsor.core.quorum import check_clock, may_count
from synapsor.core.review import may_decide, takes_code
from synapsor.core.statements import CodeMethod, Operator, Verdict
from synapsor.errors import DecisionRefused
from synapsor.flow.acting import Acting, Verb, check_act, check_waits
from synapsor.flow.approvals import approvals_of, are_enough
from synapsor.flow.evidence import check_evidence
from synapsor.flow.fresh import check_fresh
from synapsor.flow.onetime import secret_of
from synapsor.flow.permitted import check_applicable
from synapsor.flow.refused import recording
from synapsor.ports import ProposalRecord, ReviewLedger
from synapsor.refusals import Rule

DECIDING: Final = Verb(is_open=check_waits, may=may_decide, by_prompt=True)
"""Deciding on a proposal, either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent(Acting):
    """What somebody means to decide, and as whom."""

    verdict: Verdict

    def code_for(self, proposal: Proposal) -> CodeMethod | None:
        """Return what kind of one-time code the decision takes, or None; a rejection takes one only through a prompt."""
        if self.verdict == "reject" and not self.who.by_prompt:
            return None
        return takes_code(proposal, by_prompt=self.who.by_prompt)


async def check_decides(
    ledger: ReviewLedger, record: ProposalRecord, intent: Intent, *, shown: str | None = None
) -> ProposalRecord:
    """Refuse what is not decided so, and return the proposal as the chain proves it now. Nothing is recorded.

    An approval a person gives once, and only to what the worker would apply. The worker decides on that by itself, as things stand
    then; here nobody is asked to read and sign in vain. `shown` is the digest of what the person saw, where they have named it.

    Raises:
        DecisionRefused: there is an objection.
    """
    current, person = await check_act(ledger, record, intent, DECIDING, shown=shown)
    _check_verdict(current, intent, person, ledger=ledger.id)
    if intent.verdict == "approve":
        await check_evidence(current.proposal, ledger)
        await check_applicable(current.proposal, ledger, intent.operators)
    return current


def check_measured(record: ProposalRecord) -> None:
    """Refuse an approval of what is to be measured before, where it is not, or where an apply would come to nothing.

    Raises:
        DecisionRefused: by rule `not_measured` or `would_not_apply`.
    """
    if not record.is_shadowed:
        return
    measured = record.measured
    if measured is None or record.unmeasured or measured.outcome == "unknown":
        raise DecisionRefused(Rule.NOT_MEASURED, detail=meaning_of(measured.code) if measured else "")
    if not measured.is_measured:
        raise DecisionRefused(
            Rule.WOULD_NOT_APPLY,
            f"The worker carried it out and rolled it back, and it would not apply: {meaning_of(measured.code)}",
            fix="Ask the agent to propose it again. This one can be rejected.",
        )


async def objection(ledger: ReviewLedger, record: ProposalRecord, intent: Intent) -> DecisionRefused | None:
    """Return why this is not decided so, or None; nothing is recorded, for nothing is attempted by asking."""
    try:
        await check_decides(ledger, record, intent)
    except DecisionRefused as refused:
        return refused
    return None


def recorded_objection(record: ProposalRecord, intent: Intent, *, ledger: str) -> DecisionRefused | None:
    """Return the objection as far as who decides and how it stands tell it, for a list of many; neither whether the ledger agrees with
    itself about it nor what it rests on is asked.
    """
    try:
        person = intent.check(record, DECIDING, ledger=ledger, listed=True)
        _check_verdict(record, intent, person, ledger=ledger)
    except DecisionRefused as refused:
        return refused
    return None


async def may_ask(
    ledger: ReviewLedger,
    record: ProposalRecord,
    intent: Intent,
    *,
    shown: str | None = None,
    live: Live | None = None,
    stale_anyway: bool = False,
) -> None:
    """Refuse what is certain before a person is asked for anything, and record that it was refused.

    `shown` is as for `check_decides`, and `live` a look at its rows, if there was one.

    Raises:
        DecisionRefused: there is an objection, or a row is not as it was.
    """
    async with recording(ledger, record.proposal.id, intent.who.name, intent.now):
        current = await check_decides(ledger, record, intent, shown=shown)
        if live is not None:
            await check_fresh(ledger, current.proposal, live, now=intent.now, stale_anyway=stale_anyway)


def _check_verdict(record: ProposalRecord, intent: Intent, person: Operator | None, *, ledger: str) -> None:
    """Check what deciding asks beside what every act does; of whom nobody knows, only what is so whoever decides."""
    if intent.verdict == "approve":
        check_measured(record)
    if record.effect and intent.who.by_prompt:
        raise DecisionRefused(Rule.NOT_BY_PROMPT, fix="Decide in the console or with `synapsor approve`.")
    if person is None:
        return
    if intent.verdict == "approve":
        _check_counts(record, intent, person, ledger=ledger)
    if intent.code_for(record.proposal) is not None:
        secret_of(person)


def _check_counts(record: ProposalRecord, intent: Intent, person: Operator, *, ledger: str) -> None:
    """Check that one more approval does something: it counts, or it completes a group whose approvals did not all count before."""
    proposal, trusted = record.proposal, intent.operators
    check_clock(proposal, record.decisions, trusted, ledger=ledger, now=stamp(intent.now), login=intent.who.login)
    approvals = approvals_of(record, trusted, ledger=ledger, now=intent.now)
    earlier = approvals[proposal.id]
    if len(earlier) >= proposal.quorum and not are_enough(record, approvals):
        raise DecisionRefused(
            Rule.WAITS_FOR_GROUP,
            "It has the approvals that it needs, and waits for the proposals that it stands or falls with.",
            fix="Decide on those; `synapsor show` names them.",
        )
    may_count(person, earlier, trusted)
