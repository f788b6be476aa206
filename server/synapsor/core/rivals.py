"""When two proposals are about the same row of a source: what one of them does may be what the other was never decided with.

A row has several names where its contract names rows of the relation by several sets of columns: an update finds it by the table's key, an
insert by its `dedup` columns. Two proposals are about the same row when they share any name of it, as it was or as it is to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from synapsor.core.proposal import Member, Proposal
from synapsor.values import Token, digest


def targets(proposal: Proposal) -> dict[str, bool]:
    """Return every name, in one word, of the rows that a proposal is about, in the order of its members.

    True stands by the name that the proposal itself uses, of which each member has one; False by the others.
    """
    own = dict.fromkeys((_target(proposal, dict(member.key)) for member in proposal.members), True)
    return own | {name: False for member in proposal.members for name in _names(proposal, member) if name not in own}


def in_common(one: Proposal, other: Proposal) -> tuple[Member, ...]:
    """Return the rows of a proposal that another one is about as well."""
    theirs = targets(other)
    return tuple(member for member in one.members if any(name in theirs for name in _names(one, member)))


def contested(one: Proposal, other: Proposal) -> tuple[str, ...]:
    """Return the columns that both of two proposals set."""
    return tuple(name for name in one.changed if name in other.changed)


def _names(proposal: Proposal, member: Member) -> Iterator[str]:
    """Yield each name of a row, before the change and after it; a name of which a part is unknown, hidden or missing is none."""
    key = dict(member.key)
    yield _target(proposal, key)
    for row in ({**key, **dict(proposal.scope), **member.before}, {**key, **dict(proposal.scope), **member.after}):
        for columns in proposal.named:
            known = {name: row[name] for name in columns if row.get(name) is not None and name not in proposal.hidden}
            if len(known) == len(columns):
                yield _target(proposal, known)


def _target(proposal: Proposal, name: Mapping[str, Token]) -> str:
    pairs = [list(pair) for pair in sorted(name.items())]
    return digest("row", [proposal.source, proposal.relation, proposal.tenant, pairs])
