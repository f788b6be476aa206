"""What is handed to an application's handler, and whether its answer is about exactly that: the document, the keys, the digests, the rows.

A handler is believed in what it says of its own work. It is not believed that it did this work unless it names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from synapsor.core.outcome import Outcome, Why
from synapsor.core.proposal import Member, Proposal
from synapsor.core.writeback import Confirmed, compared, receipt_key
from synapsor.handler.answer import Answer
from synapsor.handler.wire import NAME, VERSION, Ask, Came
from synapsor.values import Token, canonical

_WHY: Final[Mapping[str, Why]] = {
    "row_gone": Why.ROW_GONE,
    "version_moved": Why.VERSION_MOVED,
    "insert_duplicate": Why.INSERT_DUPLICATE,
    "receipt_of_another_digest": Why.RECEIPT_OF_ANOTHER_DIGEST,
    "receipts_differ": Why.RECEIPTS_DIFFER,
    "effect_stands": Why.EFFECT_STANDS,
    "refused": Why.HANDLER_REFUSED,
    "unsupported": Why.HANDLER_UNSUPPORTED,
    "expired": Why.APPROVAL_EXPIRED,
    "constraint": Why.CONSTRAINT,
    "value": Why.VALUE,
    "after_image": Why.AFTER_IMAGE,
    "closed": Why.RECORDED_BEFORE,
    "abandoned": Why.HANDLER_ABANDONED,
}
_FOR_A_PERSON: Final = frozenset({Why.RECEIPT_OF_ANOTHER_DIGEST, Why.RECEIPTS_DIFFER, Why.EFFECT_STANDS})


def key_of(proposal: Proposal) -> str:
    """Return the idempotency key of a proposal, which is that of its receipt."""
    return receipt_key(proposal.ledger, proposal.id).hex()


def to_apply(job: str, changes: Sequence[tuple[Proposal, Proposal, str]]) -> bytes:
    """Return the document that asks a handler to apply; each change is a proposal as it was signed, the same opened, and the moment at
    which it lapses.
    """
    return _document(Ask.APPLY, job, [_change(signed, at, _members(whole)) for signed, whole, at in changes])


def to_ask_again(job: str, changes: Sequence[tuple[Proposal, Proposal, str]]) -> bytes:
    """Return the document that asks what has come of what was accepted, with its rows, so that the answer names them; nothing is begun by it."""
    return _document(Ask.LOOK, job, [_change(signed, at, _members(whole)) for signed, whole, at in changes])


def to_look(job: str, proposals: Iterable[Proposal]) -> bytes:
    """Return the document that asks what a handler has recorded."""
    return _document(Ask.LOOK, job, [_change(each, each.expires_at, []) for each in proposals])


def to_close(job: str, proposals: Iterable[Proposal]) -> bytes:
    """Return the document that asks a handler to record that these were not applied, unless it has recorded something else."""
    return _document(Ask.CLOSE, job, [_change(each, each.expires_at, []) for each in proposals])


def to_abandon(job: str, proposals: Iterable[Proposal]) -> bytes:
    """Return the document that asks a handler to begin nothing of these from now on, whatever was begun: a person says what became of them."""
    return _document(Ask.ABANDON, job, [_change(each, each.expires_at, []) for each in proposals])


def is_about(answer: Answer, proposals: Sequence[Proposal]) -> bool:
    """Tell whether an answer names exactly these, each by its key and its digest, and in their order."""
    return [(a.key, a.digest) for a in answer.about] == [(key_of(p), p.digest) for p in proposals]


def is_exact(answer: Answer, opened: Sequence[Proposal]) -> bool:
    """Tell whether the rows of an answer are exactly those that were approved, each with every column that is set and no other."""
    told = [[(dict(row["key"]), dict(row["changes"])) for row in about.rows] for about in answer.about]
    return told == [[(dict(m.key), dict(m.changes)) for m in proposal.members] for proposal in opened]


def outcome_of(answer: Answer) -> tuple[Outcome, Why | None]:
    """Return what an answer, which is about the right thing, means for the job."""
    if answer.came is Came.ACCEPTED:
        return Outcome.ACCEPTED, Why.HANDLER_ACCEPTED
    why = _WHY.get(answer.code)
    if why in _FOR_A_PERSON:
        return Outcome.RECONCILIATION_REQUIRED, why
    return Outcome(answer.came.value), why


def confirmed_by(answer: Answer) -> Confirmed | None:
    """Return who confirmed it in the application, as it says."""
    told = answer.confirmed
    return None if told is None else Confirmed(by=told.by, at=told.at, evidence=told.evidence)


def is_nothing(answer: Answer) -> bool:
    """Tell whether a handler says that it has recorded nothing."""
    return answer.came is Came.NOTHING


def _document(ask: Ask, job: str, changes: list[dict[str, Any]]) -> bytes:
    return canonical({NAME: VERSION, "ask": ask.value, "job": job, "changes": changes})


def _change(proposal: Proposal, lapses: str, members: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "key": key_of(proposal),
        "proposal": proposal.id,
        "digest": proposal.digest,
        "capability": proposal.capability,
        "operation": proposal.operation,
        "relation": proposal.relation,
        "tenant": proposal.tenant,
        "principal": proposal.owner,
        "scope": dict(proposal.scope),
        "columns": dict(proposal.columns),
        "expires_at": lapses,
        "members": members,
    }


def _members(proposal: Proposal) -> list[dict[str, Any]]:
    return [
        {"key": dict(member.key), "guards": _guards(proposal, member), "changes": member.changes}
        for member in proposal.members
    ]


def _guards(proposal: Proposal, member: Member) -> dict[str, Token]:
    """Return what must be as it was; of an insert nothing is."""
    return {} if proposal.inserts else {name: member.before[name] for name in compared(proposal)}
