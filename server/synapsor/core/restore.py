"""What an undo restores, column by column: what the change left of a row, what it was before, and the row as it is now.

Whoever files an undo computes it, and the worker computes it again from what the proposal says it saw; guards see to it that the row is still that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.contract.mapping import Table
from synapsor.core.change import counted_again
from synapsor.core.matching import satisfies
from synapsor.core.proposal import Member, Proposal
from synapsor.core.undo import Inverse, depth_of, takes_back
from synapsor.errors import Refusal
from synapsor.refusals import Rule
from synapsor.values import Token

Row = Mapping[str, Token]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """Why rows as they are now are not taken back.

    Attributes:
        columns: those by which others have taken a row another way.
    """

    rule: Rule
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What others have done to a row between a change and the look from which its undo is made; all of it stays.

    Attributes:
        others: columns that the change left as they were, and that hold something else now.
        back: columns of the change that hold again what they held before it.
        written: whether the row was written at all, as its version tells; None where how the change left the version is not on record.
    """

    others: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    written: bool | None = False


def restored(
    inverse: Inverse, rows: Sequence[Row], capability: ProposeCapability, table: Table
) -> tuple[Member, ...] | Parted:
    """Return what takes a change back from its rows as they are now, in the order of the inverse; or why nothing does."""
    pairs = list(zip(inverse.members, rows, strict=True))
    is_removal = inverse.operation is Operation.DELETE
    moved = [n for made, row in pairs for n in (_differs(made, row) if is_removal else _torn(made, row, capability))]
    if moved:
        return Parted(rule=Rule.MOVED_ON, columns=tuple(dict.fromkeys(moved)))
    try:
        members = tuple(
            Member(key=made.key, before=dict(row), changes=_changes(made, row, capability, table))
            for made, row in pairs
        )
    except Refusal:
        return Parted(rule=Rule.NOT_REVERSIBLE)
    if is_removal:
        return members
    if not all(_is_held(member, table) for member in members):
        return _outside(pairs, table)
    return members if any(takes_back(member, capability) for member in members) else Parted(rule=Rule.NOTHING_TO_UNDO)


def is_inverse(
    proposal: Proposal, original: Proposal, inverse: Inverse, capability: ProposeCapability, table: Table
) -> bool:
    """Tell whether an undo, which is opened, restores exactly what it should of the rows that it says it saw.

    It is so by that change's capability and for the same owner of the rows.
    """
    undoes = proposal.undoes
    told = (proposal.operation, proposal.guards, proposal.advances, proposal.own, proposal.arguments)
    alike = told == (inverse.operation, inverse.guards, inverse.advances, (), {})
    whose = all(getattr(proposal, name) == getattr(original, name) for name in ("capability", "tenant", "owner"))
    depth = undoes is not None and undoes.depth == depth_of(original)
    if not (alike and whose and depth and len(proposal.members) == len(inverse.members)):
        return False
    made = restored(inverse, [member.before for member in proposal.members], capability, table)
    return not isinstance(made, Parted) and all(
        (member.key, member.changes) == (one.key, one.changes)
        for member, one in zip(proposal.members, made, strict=True)
    )


def since(undo: Proposal, original: Proposal, left: Sequence[Row]) -> tuple[Since, ...]:
    """Return what has become of each row of an undo since the change; both are opened.

    `left` are the rows of the original as its worker left them, in its order; nothing where they are not on record. Rows that were added
    are removed only as they were left.
    """
    if undo.deletes:
        return (Since(),) * len(undo.members)
    known = [*reversed(left or ({},) * len(original.members))]
    return tuple(
        _since(member, was, original, row)
        for member, was, row in zip(undo.members, reversed(original.members), known, strict=True)
    )


def _since(member: Member, was: Member, original: Proposal, left: Row) -> Since:
    row, version = member.before, original.advances
    free = {version, *(set(original.moves) - set(was.changes))}
    idle = {name for name, token in was.changes.items() if was.before[name] == token}
    touched = set(was.changes) - idle - free
    return Since(
        others=tuple(n for n, token in was.after.items() if n not in touched | free and row[n] != token),
        back=tuple(n for n in was.changes if n in touched and row[n] == was.before[n]),
        written=_is_written(row, version, was.changes.get(version or "", left.get(version or ""))),
    )


def _is_written(row: Row, version: str | None, left: Token) -> bool | None:
    if version is None:
        return False
    return None if left is None else row[version] != left


def _differs(made: Member, row: Row) -> Iterator[str]:
    """Yield the columns of a row that are not what the change left, as far as the change says."""
    return (name for name, token in made.before.items() if name not in row or row[name] != token)


def _outside(pairs: Sequence[tuple[Member, Row]], table: Table) -> Parted:
    """Return why the mapping would not hold the rows: others have taken one out of it, or it was narrowed itself."""
    others = {name for made, row in pairs for name in _differs(made, row) if name not in made.changes}
    led = tuple(name for name in table.only if name in others)
    return Parted(rule=Rule.MOVED_ON if led else Rule.NOT_REVERSIBLE, columns=led)


def _torn(made: Member, row: Row, capability: ProposeCapability) -> Iterator[str]:
    """Yield the changed columns that hold neither what the change left nor what was before it."""
    for name, was in made.changes.items():
        left = made.before[name]
        if name != capability.advances and left != was and row[name] not in {left, was}:
            yield name


def _changes(made: Member, row: Row, capability: ProposeCapability, table: Table) -> dict[str, Token]:
    """Return what each changed column is set to; the one that counts changes counts on from what it holds now.

    Raises:
        Refusal: it takes no more.
    """
    found = {name: was if row[name] == made.before[name] else row[name] for name, was in made.changes.items()}
    counts = capability.advances
    if counts in found:
        found[counts] = counted_again(capability, table, row[counts])
    return found


def _is_held(member: Member, table: Table) -> bool:
    """Tell whether the mapping holds a row that it would go back to; a contract may have been narrowed, or a row taken out of it."""
    return satisfies(member.after, table.only, table.columns, {})
