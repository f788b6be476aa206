"""Proposals that stand or fall together: whether a proposal fits into a group, and when a group is whole.

A group has one proposal of each of the capabilities that its workflow names in `together`. They are approved at once, when each of them
has the approvals that it needs, and applied in one transaction of their source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from synapsor.core.proposal import Proposal
from synapsor.core.rivals import in_common
from synapsor.errors import Code, Refusal


def fits(proposal: Proposal, others: Iterable[Proposal]) -> None:
    """Check that a proposal can join the group of these others.

    Raises:
        Refusal: `not_as_required`, where one of them is about the same row.
    """
    if any(in_common(proposal, other) for other in others):
        raise Refusal(Code.NOT_AS_REQUIRED, "Another change of its group is about the same record.")


def missing(proposal: Proposal, others: Iterable[Proposal]) -> tuple[str, ...]:
    """Return the capabilities of a proposal's group that nothing has been proposed by yet."""
    there = {proposal.capability, *(other.capability for other in others)}
    return tuple(name for name in proposal.group_of if name not in there)


def is_whole(proposals: Sequence[Proposal]) -> bool:
    """Tell whether these are all proposals of one group, or one proposal that stands alone."""
    first = proposals[0]
    if not first.group_of:
        return len(proposals) == 1 and first.group_id is None
    return (
        first.group_id is not None
        and all(p.group_id == first.group_id and _alike(first, p) for p in proposals)
        and sorted(p.capability for p in proposals) == sorted(first.group_of)
    )


def in_order(proposals: Mapping[str, Proposal]) -> tuple[str, ...]:
    """Return the names of a whole group's proposals in the order in which they are applied: the contract's."""
    return tuple(sorted(proposals, key=lambda name: _place(proposals[name])))


def _place(proposal: Proposal) -> int:
    """Return where a proposal stands among those of its group; what is no part of one may be here, too, and comes last."""
    names = proposal.group_of
    return names.index(proposal.capability) if proposal.capability in names else len(names)


def _alike(one: Proposal, other: Proposal) -> bool:
    """Tell whether two proposals may be of one group: asked for in the same run, by the same, under the same contract."""
    return _bond(one) == _bond(other)


def _bond(proposal: Proposal) -> tuple[object, ...]:
    return (
        proposal.group_of,
        proposal.run,
        proposal.workflow,
        proposal.contract,
        proposal.source,
        proposal.tenant,
        proposal.principal,
        proposal.ledger,
    )
