"""Which approvals of a proposal count as things stand, and whether all that stands or falls with it has enough of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TypeAlias

from synapsor.core.group import is_whole
from synapsor.core.moment import stamp
from synapsor.core.quorum import counted
from synapsor.core.statements import Operator, SignedDecision
from synapsor.ports import ProposalRecord

Approvals: TypeAlias = dict[str, tuple[SignedDecision, ...]]
"""Of each proposal, by its handle, those that count."""


def approvals_of(
    record: ProposalRecord, operators: Mapping[str, Operator], *, ledger: str, now: dt.datetime
) -> Approvals:
    """Return the approvals that count now of each proposal that stands or falls together, this one first."""
    return {
        each.proposal.id: counted(each.decisions, each.proposal, operators, ledger=ledger, now=stamp(now))
        for each in record.together
    }


def are_enough(record: ProposalRecord, approvals: Approvals) -> bool:
    """Tell whether all that stands or falls together is there and has the approvals that it needs."""
    together = [each.proposal for each in record.together]
    return is_whole(together) and all(len(approvals[each.id]) >= each.quorum for each in together)
