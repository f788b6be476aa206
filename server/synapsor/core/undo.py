"""Undo: the inverse of an applied change, computed from that change's own proposal and from nothing else.

Whoever files an undo computes it, and the worker computes it again; that the change was applied, only the source's receipt tells. What
becomes of rows that others have changed since is told in `restore`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.contract.guards import guards_of
from synapsor.contract.mapping import Table
from synapsor.core.kept import ProposalRecord
from synapsor.core.outcome import Why
from synapsor.core.proposal import Member, Proposal, Status
from synapsor.core.writeback import target

MOST_DEPTH = 16
"""How long a chain of undos of undos may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inverse:
    """What takes a change back, whatever has become of its rows since.

    Attributes:
        members: the rows, the last one first; `before` is what the change left of each, as far as the change itself says, and `changes`
            what each column goes back to.
    """

    operation: Operation
    members: tuple[Member, ...]
    guards: tuple[str, ...]
    advances: str | None


ELSEWHERE: Final = "an application carries such changes out, and the worker undoes only its own"
"""Why nothing undoes a change of a capability that names an executor; its contract cannot say otherwise."""


def inverse_of(original: Proposal, capability: ProposeCapability, table: Table) -> Inverse | Why:
    """Return what takes back a change, which is opened; or why nothing does, under this capability of the activated contract."""
    if depth_of(original) > MOST_DEPTH:
        return Why.TOO_DEEP
    if why_final(original, capability):
        return Why.NOT_REVERSIBLE
    if not _same_mapping(original, capability, table):
        return Why.MAPPING_CHANGED
    if original.inserts:
        return _removal(original, table)
    members = tuple(_back(member, original) for member in reversed(original.members))
    guards, advances = guards_of(capability, table)
    return Inverse(operation=Operation.UPDATE, members=members, guards=guards, advances=advances)


def depth_of(original: Proposal) -> int:
    """Return how deep an undo of this proposal is."""
    return 1 + (original.undoes.depth if original.undoes else 0)


def why_final(proposal: Proposal, capability: ProposeCapability) -> str:
    """Return why a proposal could not be undone once it is applied, in words; "" when it could.

    It is the one place for such a reason: the card says it before anybody approves, and whoever files an undo and the worker refuse by it.
    """
    if proposal.deletes:
        return "a removed row is not restored"
    if proposal.group_of:
        return "it is applied with others that it stands or falls with"
    if capability.undo is None:
        return ELSEWHERE if capability.executor else "its contract does not say `undo: reviewed`"
    if not (proposal.inserts or any(takes_back(member, capability) for member in proposal.members)):
        return "it changes nothing that could be set back"
    return "it is the last undo that is allowed after one another" if depth_of(proposal) > MOST_DEPTH else ""


def why_unreceipted(record: ProposalRecord) -> str:
    """Return why an applied change could not be undone whatever its contract says, in words; "" where nothing of it is on record.

    The worker undoes what a receipt says was applied, be it the source's or, with `receipts: ledger`, the ledger's own.
    """
    by_person = record.status is Status.APPLIED and record.resolution is not None
    return "a person said that it was applied, and no receipt does" if by_person else ""


def takes_back(member: Member, capability: ProposeCapability) -> bool:
    """Tell whether a row would hold something else in a column other than the one that counts changes."""
    return any(member.before[n] != token for n, token in member.changes.items() if n != capability.advances)


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


def _back(member: Member, original: Proposal) -> Member:
    """Return a row as the change left it, with each changed column back as it was."""
    free = {original.advances, *original.moves} - set(member.changes)
    left = {name: token for name, token in member.after.items() if name not in free}
    return Member(key=member.key, before=left, changes={name: member.before[name] for name in member.changes})


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
