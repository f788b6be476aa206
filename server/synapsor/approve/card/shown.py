"""What keeps a person from approving a proposal as it was shown to them: one meaning of "shown whole, and what it was made from".

Rejecting changes nothing in a source, so whatever was shown of a proposal, and whatever became of what it rests on, it may be rejected; but where
the ledger contradicts itself about it nothing is decided at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from synapsor.approve.card.view import Card
from synapsor.core.statements import Verdict
from synapsor.errors import DecisionRefused
from synapsor.flow.evidence import differs
from synapsor.ports import ProposalRecord
from synapsor.refusals import Rule

UNFIT: Final = frozenset({Rule.EVIDENCE_DIFFERS, Rule.NOT_FULLY_SHOWN, Rule.COVERED})
"""By which rules it is not approved, and may be rejected all the same."""
_FIX: Final = "Decide with `synapsor approve`, or reject it."


def unfit(
    card: Card,
    record: ProposalRecord,
    verdict: Verdict,
    *,
    whole: bool = True,
    uncovered: bool = False,
    fixes: Mapping[str, str] = MappingProxyType({}),
) -> DecisionRefused | None:
    """Return why nobody decides so on a proposal by what was shown of it, or None.

    `whole` says that the whole card was shown, and `uncovered` that the hidden values that it changes were, or that this is no place
    for a person to look at them. `fixes` are what helps in this place, by rule.
    """
    if record.differs:
        return DecisionRefused(
            Rule.RECORDS_DIFFER,
            "The ledger's own records contradict each other about it.",
            fix="Decide nothing, and run `synapsor verify`.",
        )
    if verdict == "reject":
        return None
    if card.tampered:
        return differs()
    if not (whole and card.whole):
        return DecisionRefused(
            Rule.NOT_FULLY_SHOWN,
            "Part of the proposal was cut, and nobody approves what they have not seen.",
            fix=fixes.get("not_fully_shown", _FIX),
        )
    if record.proposal.changes_hidden and not uncovered:
        return DecisionRefused(
            Rule.COVERED, "It changes a hidden value that you have not seen.", fix=fixes.get("covered", _FIX)
        )
    return None
