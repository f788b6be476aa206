"""What keeps a person from approving a proposal as it was shown to them: what of it they have not seen. The rest is `flow.objection`'s to say.

Rejecting changes nothing in a source, so whatever was shown of a proposal, it may be rejected.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from synapsor.approve.card.view import Card
from synapsor.core.proposal import Proposal
from synapsor.core.statements import Verdict
from synapsor.errors import DecisionRefused
from synapsor.refusals import Rule

_FIX: Final = "Decide with `synapsor approve`, or reject it."


def unseen(
    card: Card,
    proposal: Proposal,
    verdict: Verdict,
    *,
    whole: bool = True,
    uncovered: bool = False,
    fixes: Mapping[Rule, str] = MappingProxyType({}),
) -> DecisionRefused | None:
    """Return why nobody decides so on a proposal by what was shown of it, or None.

    `whole` says that the whole card was shown, and `uncovered` that the hidden values that it changes were, or that this is no place
    for a person to look at them. `fixes` are what helps in this place, by rule.
    """
    if verdict == "reject":
        return None
    if not (whole and card.whole):
        return DecisionRefused(
            Rule.NOT_FULLY_SHOWN,
            "Part of the proposal was cut, and nobody approves what they have not seen.",
            fix=fixes.get(Rule.NOT_FULLY_SHOWN, _FIX),
        )
    if proposal.changes_hidden and not uncovered:
        return DecisionRefused(
            Rule.COVERED, "It changes a hidden value that you have not seen.", fix=fixes.get(Rule.COVERED, _FIX)
        )
    return None
