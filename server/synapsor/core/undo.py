"""Undo: the exact inverse of an applied change, computed from that change's own proposal and from nothing else.

Whoever files an undo computes it, and the worker computes it again; that the change was applied, only the source's receipt tells.
"""

from __future__ import annotations

from dataclasses import dataclass

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.contract.guards import guards_of
from synapsor.contract.mapping import Table
from synapsor.core.change import counted_again
from synapsor.core.matching import satisfies
from synapsor.core.outcome import Why
from synapsor.core.proposal import Member, Proposal
from synapsor.core.writeback import target
from synapsor.errors import Refusal
from synapsor.values import Token

MOST_DEPTH = 16
"""How long a chain of undos of undos may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inverse:
    """What takes a change back.

    Attributes:
        members: the rows, the last one first; `before` is what the change left of each, as far as the change itself says.
    """

    operation: Operation
    members: tuple[Member, ...]
    guards: tuple[str, ...]
    advances: str | None


def inverse_of(original: Proposal, capability: ProposeCapability, table: Table) -> Inverse | Why:
    """Return what takes back a change, which is opened; or why nothing does, under this capability of the activated contract."""
    if capability.undo is None or original.deletes or original.group_of:
        return Why.NOT_REVERSIBLE
    if depth_of(original) > MOST_DEPTH:
        return Why.TOO_DEEP
    if not _same_mapping(original, capability, table) or not _held(original, table):
        return Why.MAPPING_CHANGED
    try:
        if original.inserts:
            return _removal(original, table)
        members = tuple(_restored(m, original, capability, table) for m in reversed(original.members))
    except Refusal:
        return Why.NOT_REVERSIBLE
    guards, advances = guards_of(capability, table)
    return Inverse(operation=Operation.UPDATE, members=members, guards=guards, advances=advances)


def depth_of(original: Proposal) -> int:
    """Return how deep an undo of this proposal is."""
    return 1 + (original.undoes.depth if original.undoes else 0)


def why_final(proposal: Proposal, capability: ProposeCapability) -> str:
    """Return why a proposal could not be undone once it is applied, in words; "" when it could."""
    if proposal.deletes:
        return "a removed row is not restored"
    if proposal.group_of:
        return "it is applied with others that it stands or falls with"
    if capability.undo is None:
        return "its contract does not say `undo: reviewed`"
    return "it is the last undo that is allowed after one another" if depth_of(proposal) > MOST_DEPTH else ""


def is_inverse(proposal: Proposal, original: Proposal, inverse: Inverse) -> bool:
    """Tell whether an undo, which is opened, is exactly the inverse of a change, by its capability and for the same owner of the rows."""
    undoes = proposal.undoes
    told = (proposal.operation, proposal.guards, proposal.advances, proposal.own, proposal.arguments)
    alike = told == (inverse.operation, inverse.guards, inverse.advances, (), {})
    whose = all(getattr(proposal, name) == getattr(original, name) for name in ("capability", "tenant", "owner"))
    depth = undoes is not None and undoes.depth == depth_of(original)
    return alike and whose and depth and len(proposal.members) == len(inverse.members) and all(
        (member.key, member.changes) == (made.key, made.changes) and is_left(member.before, made)
        for member, made in zip(proposal.members, inverse.members, strict=True)
    )  # fmt: skip


def is_left(row: dict[str, Token], made: Member) -> bool:
    """Tell whether a row is what the change left of it, as far as the change says."""
    return all(name in row and row[name] == token for name, token in made.before.items())


def _same_mapping(original: Proposal, capability: ProposeCapability, table: Table) -> bool:
    named = capability.dedup if original.inserts else table.key
    was = (original.source, original.relation, original.tenant_column, original.principal_column, original.moves)
    now = (table.source, str(target(table)), table.tenant_column, table.principal, table.moves)
    kinds = {name: rule.type.value for name, rule in table.allowed.items()}
    return (
        was == now
        and original.operation == capability.operation
        and dict(original.columns) == kinds
        and all(set(m.changes) == set(capability.set) for m in original.members)
        and all(tuple(name for name, _ in m.key) == named for m in original.members)
    )


def _held(original: Proposal, table: Table) -> bool:
    """Tell whether the mapping holds the rows that an update would go back to; a contract may have been narrowed meanwhile."""
    return original.inserts or all(satisfies(m.before, table.only, table.columns, {}) for m in original.members)


def _restored(member: Member, original: Proposal, capability: ProposeCapability, table: Table) -> Member:
    """Return a row with each changed column back as it was, and the one that counts changes counted on."""
    free = {original.advances, *original.moves} - set(member.changes)
    left = {name: token for name, token in member.after.items() if name not in free}
    changes = {name: member.before[name] for name in member.changes}
    if capability.advances is not None:
        changes[capability.advances] = counted_again(capability, table, left[capability.advances])
    return Member(key=member.key, before=left, changes=changes)


def _removal(original: Proposal, table: Table) -> Inverse | Why:
    """Return the removal of exactly the rows that were added; every column guards it, for none of them may have moved on."""
    rows = [{**m.changes, **dict(m.key), **dict(original.scope)} for m in reversed(original.members)]
    keys = [tuple((n, token) for n in table.key if (token := row.get(n)) is not None) for row in rows]
    if any(len(key) != len(table.key) for key in keys):
        return Why.NOT_REVERSIBLE
    members = tuple(Member(key=key, before=row, changes={}) for key, row in zip(keys, rows, strict=True))
    fixed = {*table.key, *table.scope}
    guards = tuple(name for name in table.allowed if name not in fixed)
    return Inverse(operation=Operation.DELETE, members=members, guards=guards, advances=None)
