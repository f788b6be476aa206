"""When two proposals are about the same row of a source: what one of them does may be what the other was never decided with."""

from __future__ import annotations

from synapsor.core.proposal import Member, Proposal
from synapsor.values import digest


def targets(proposal: Proposal) -> tuple[str, ...]:
    """Return which row of which source each member is about, in one word, in the order of its members."""
    return tuple(_target(proposal, member) for member in proposal.members)


def in_common(one: Proposal, other: Proposal) -> tuple[Member, ...]:
    """Return the rows of a proposal that another one is about as well."""
    theirs = set(targets(other))
    return tuple(member for member in one.members if _target(one, member) in theirs)


def contested(one: Proposal, other: Proposal) -> tuple[str, ...]:
    """Return the columns that both of two proposals set."""
    return tuple(name for name in one.changed if name in other.changed)


def _target(proposal: Proposal, member: Member) -> str:
    key = [list(pair) for pair in sorted(member.key)]
    return digest("row", [proposal.source, proposal.relation, proposal.tenant, key])
