"""The card of a proposal from what a test gives, and nothing beside it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from synapsor.approve.card.making import Gathered, made
from synapsor.approve.card.terms import Terms
from synapsor.approve.card.view import Card
from synapsor.core.statements import Operator
from synapsor.ports import ProposalRecord


def card(
    record: ProposalRecord,
    *,
    evidence: Mapping[str, Any] | None,
    terms: Terms,
    now: dt.datetime,
    full: bool = False,
    operators: Mapping[str, Operator] | None = None,
    read: Mapping[str, Mapping[str, Any] | None] | None = None,
    also: Sequence[Mapping[str, Any]] = (),
    undos: Sequence[ProposalRecord] = (),
    rivals: Sequence[ProposalRecord] = (),
    before: Sequence[ProposalRecord] = (),
) -> Card:
    """Return the card of a proposal."""
    found = Gathered(
        record=record,
        operators=operators or {},
        now=now,
        terms=terms,
        evidence=evidence,
        read=read or {},
        also=also,
        undos=undos,
        rivals=rivals,
        before=before,
    )
    return made(found, full=full)
