"""A plain history checker: what the shop's own audit triggers saw against what the ledger says and who signed what.

Every effect can be counted without believing Synapsor: a changed or added row carries the marker of the request that asked for it,
and a row is asked to be removed only once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from synapsor.core.proposal import Status
from synapsor.core.records import to_body
from synapsor.core.statements import Operator, SignedDecision, signature_holds
from synapsor.core.writeback import receipt_key
from synapsor.ports import ProposalRecord
from synapsor.values import digest

TRIGGER = "note_delete"
"""The trigger on the removal of a row, which a contract must accept."""
_MILLISECONDS = len("2026-01-01T00:00:00.000")
"""As exact as the least exact of the clocks."""


@dataclass(frozen=True)
class Effect:
    """One change of a row, as the shop's own trigger wrote it down."""

    seq: int
    what: str
    invoice: str
    tenant: str
    old_mark: str | None
    new_mark: str | None
    at: str


@dataclass(frozen=True)
class Left:
    """A receipt in the source."""

    key: bytes
    digest: bytes
    proposal: str
    tenant: str
    outcome: str


@dataclass(frozen=True)
class Asked:
    """One request as the test made it: its marker, what it is to do, and to which rows."""

    mark: str
    what: str
    rows: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class History:
    """All that is judged.

    Attributes:
        receipts: those in the source.
        asked: the request of each proposal.
        verified: what of the ledger does not hold, None when all of it does.
        canaries: where a value was found that nobody may keep.
        strangers: the proposals on record of which nobody was told who asked.
    """

    effects: Sequence[Effect]
    receipts: Sequence[Left]
    records: Sequence[ProposalRecord]
    operators: Mapping[str, Operator]
    asked: Mapping[str, Asked]
    verified: object = None
    canaries: Sequence[str] = field(default=())
    strangers: Sequence[str] = field(default=())

    def effects_of(self) -> tuple[dict[str, list[Effect]], list[Effect]]:
        """Return the effects of each proposal, and those of nobody's request."""
        asked = {r.proposal.id: self.asked[r.proposal.id] for r in self.records}
        by_mark = {each.mark: proposal for proposal, each in asked.items() if each.what != "delete"}
        by_gone = {row: proposal for proposal, each in asked.items() if each.what == "delete" for row in each.rows}
        of: dict[str, list[Effect]] = {proposal: [] for proposal in asked}
        nobodys: list[Effect] = []
        for effect in self.effects:
            proposal = by_gone.get(effect.invoice) if effect.what == "delete" else by_mark.get(effect.new_mark or "")
            (nobodys if proposal is None else of[proposal]).append(effect)
        return of, nobodys


def violations(history: History) -> list[str]:
    """Return every way in which the history is not what was promised."""
    of, nobodys = history.effects_of()
    found = [f"effect of nobody's request: {effect}" for effect in nobodys]
    known = {r.proposal.id for r in history.records}
    found += [
        f"receipt of nobody's proposal {left.proposal}" for left in history.receipts if left.proposal not in known
    ]
    for record in history.records:
        done = of[record.proposal.id]
        found += _unauthorised(done, record, history.operators)
        found += _unproven(done, record, [r for r in history.receipts if r.proposal == record.proposal.id])
        found += _untrue(done, record, history.asked[record.proposal.id])
        found += _parted(record)
    if history.verified is not None:
        found.append(f"the ledger does not hold: {history.verified}")
    found += [f"a canary is in {place}" for place in history.canaries]
    found += [f"nobody who asked was told of {proposal}" for proposal in history.strangers]
    found += _stand_twice(history)
    return found + _lost_updates(history.effects)


def _stand_twice(history: History) -> list[str]:
    """Return which requests, however often they were made, have more proposals than the one that is in the place of others."""
    stand = Counter(history.asked[r.proposal.id].mark for r in history.records if r.status is not Status.SUPERSEDED)
    return [f"{count} proposals of one request stand: {mark}" for mark, count in stand.items() if count > 1]


def _unproven(done: list[Effect], record: ProposalRecord, receipts: Sequence[Left]) -> list[str]:
    """Return in what way the source's receipts do not say what came of a proposal: one at most, of its digest, applied if it was."""
    proposal = record.proposal
    whole = (
        receipt_key(proposal.ledger, proposal.id),
        _recomputed(record).removeprefix("sha256:"),
        proposal.tenant or "",
    )
    found = [f"{proposal.id} has {len(receipts)} receipts"] if len(receipts) > 1 else []
    found += [
        f"{proposal.id} has a receipt of another key, digest or tenant"
        for left in receipts
        if (left.key, left.digest.hex(), left.tenant) != whole
    ]
    outcomes = {left.outcome for left in receipts}
    if done and "applied" not in outcomes:
        found.append(f"{proposal.id} has an effect and no receipt of it")
    if "applied" in outcomes and not done:
        found.append(f"{proposal.id} has a receipt and no effect")
    if record.status is Status.CONFLICT and outcomes != {"conflict"}:
        found.append(f"{proposal.id} is reported conflict and its receipts say {sorted(outcomes)}")
    return found


def _recomputed(record: ProposalRecord) -> str:
    return digest("proposal", to_body(record.proposal))


def _parted(record: ProposalRecord) -> list[str]:
    """Return that a proposal came to another end than what stands or falls with it; each of them is as `_untrue` says."""
    ends = {other.status for other in record.group} - {record.status}
    return [f"{record.proposal.id} is {record.status.value} and others of its group are {ends}"] if ends else []


def _unauthorised(done: list[Effect], record: ProposalRecord, operators: Mapping[str, Operator]) -> list[str]:
    proposal = record.proposal
    found = [f"{proposal.id} changed a row of another tenant" for e in done if e.tenant != proposal.tenant]
    approvals = [signed for signed in record.decisions if _approves(signed, record, operators)]
    if done and not approvals:
        found.append(f"{proposal.id} has an effect and no valid approval")
    found += [
        f"{proposal.id} has an effect at {effect.at}, when no approval counted"
        for effect in done
        if approvals and not any(_in_time(effect, signed, record) for signed in approvals)
    ]
    return found


def _approves(signed: SignedDecision, record: ProposalRecord, operators: Mapping[str, Operator]) -> bool:
    """Tell whether somebody who is trusted signed the digest that is computed here of what the proposal says."""
    decision = signed.decision
    return (
        decision.verdict == "approve"
        and (decision.proposal, decision.digest) == (record.proposal.id, _recomputed(record))
        and decision.operator in operators
        and signature_holds(decision, signed.signature, operators[decision.operator])
    )


def _in_time(effect: Effect, signed: SignedDecision, record: ProposalRecord) -> bool:
    began, at = signed.decision.at[:_MILLISECONDS], effect.at[:_MILLISECONDS]
    return began <= at < min(signed.decision.expires_at, record.proposal.expires_at)[:_MILLISECONDS]


def _untrue(done: list[Effect], record: ProposalRecord, asked: Asked) -> list[str]:
    """Return in what way the effects are not the whole of what was asked, once, or none of it, as the ledger says."""
    proposal, counts = record.proposal.id, Counter(e.invoice for e in done)
    found = [f"double effect of {asked.mark} on {row}" for row, count in counts.items() if count > 1]
    found += [f"{proposal} did {e.what} where it was to {asked.what}" for e in done if e.what != asked.what]
    if record.status is Status.APPLIED and set(counts) != asked.rows:
        found.append(f"{proposal} is reported applied to {sorted(asked.rows)} with effects on {sorted(counts)}")
    if record.status is not Status.APPLIED and done:
        found.append(f"{proposal} is reported {record.status.value} and has effects on {sorted(counts)}")
    if record.status is Status.APPROVED:
        found.append(f"{proposal} was approved and never settled")
    return found


def _lost_updates(seen: Sequence[Effect]) -> list[str]:
    last: dict[str, str | None] = {}
    gone: set[str] = set()
    found = []
    for effect in seen:
        known = effect.invoice in last
        if effect.invoice in gone or (effect.what == "insert" and known):
            was = "gone" if effect.invoice in gone else "there"
            found.append(f"{effect.what} of {effect.invoice} at {effect.seq}, which was {was}")
        if known and effect.what != "insert" and effect.old_mark != last[effect.invoice]:
            found.append(f"lost update on {effect.invoice} at {effect.seq}")
        last[effect.invoice] = effect.new_mark
        if effect.what == "delete":
            gone.add(effect.invoice)
    return found
