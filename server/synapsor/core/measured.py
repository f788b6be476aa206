"""What a shadow apply measured of a change: its rows as they would be, and how many rows of which tables it would touch.

It is measured twice, each time in a transaction that is rolled back. What was not alike, such as a new number or a moment, differs again
when it is applied, and is named and left out; all else has one digest, which is approved with the proposal and which the apply must reproduce.
What stands or falls together is measured together, in one transaction: each proposal has its own rows, and the tables of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

from synapsor.core.moment import Instant
from synapsor.core.proposal import Proposal
from synapsor.values import Token, digest

Tally: TypeAlias = dict[str, dict[str, int]]
"""How many rows of a table were inserted, updated or deleted, by its name; under "*" where the engine only counts all of them together."""

Rows: TypeAlias = tuple[dict[str, Token], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What carrying out a change came to, once.

    Attributes:
        rows: each member's row after the change, without hidden values that it is not about; none of rows that are gone.
        tables: what was touched, triggers and cascades included as far as the engine counts them; the receipt is not among it.
        others: the digests of what was carried out together with it, in the order in which that is applied; the tables are of all of them.
    """

    rows: Rows
    tables: Tally
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What the ledger keeps of a shadow apply.

    Attributes:
        digest: of the proposal.
        outcome: `measured`, or how an apply would have ended; `unknown` where that could not be told.
        code: why, as of a receipt; "" where it was measured.
        varies: columns of its rows that were not alike twice.
        effect: the digest of all else, "" unless it was measured.
        others: the digests of what it was measured together with, as of `Measured`.
    """

    id: str
    proposal: str
    digest: str
    outcome: Annotated[str, frozenset({"measured", "conflict", "failed", "unknown"}).__contains__]
    code: str
    worker: str
    at: Instant
    rows: Rows = ()
    tables: Tally = field(default_factory=dict)
    varies: tuple[str, ...] = ()
    effect: str = ""
    others: tuple[str, ...] = ()

    @property
    def is_measured(self) -> bool:
        """Whether there is an effect to be approved."""
        return self.outcome == "measured"


def varying(proposal: Proposal, first: Measured, second: Measured) -> tuple[str, ...] | None:
    """Return the columns that differ from one time to the next, or None where anything else differs, so that nothing can be reproduced."""
    if first.tables != second.tables or len(first.rows) != len(second.rows):
        return None
    differ = {
        name
        for one, other in zip(first.rows, second.rows, strict=True)
        for name in {*one, *other}
        if one.get(name) != other.get(name)
    }
    free = {*proposal.moves, *([proposal.advances] if proposal.advances else ())} - set(proposal.changed)
    return tuple(sorted(differ | (free & _columns(first.rows))))


def effect_of(proposal: str, measured: Measured, varies: Iterable[str]) -> str:
    """Return the digest of what an apply must reproduce; `proposal` is the digest of what is applied."""
    left_out = frozenset(varies)
    rows = [sorted((n, t) for n, t in row.items() if n not in left_out) for row in measured.rows]
    return digest("effect", [proposal, sorted(left_out), rows, measured.tables, *measured.others])


def holds(measurement: Measurement, proposal: Proposal) -> bool:
    """Tell whether a measurement is of exactly this proposal, and its effect that of what it says was measured."""
    told = Measured(rows=measurement.rows, tables=measurement.tables, others=measurement.others)
    return (
        measurement.is_measured
        and (measurement.proposal, measurement.digest) == (proposal.id, proposal.digest)
        and measurement.effect == effect_of(proposal.digest, told, measurement.varies)
    )


def beside(proposal: Proposal, rows: Sequence[Mapping[str, Token]]) -> Iterator[tuple[int, str, Token]]:
    """Yield what a change would leave in a row that it does not say: the member's place, the column and its token."""
    if proposal.deletes:
        return
    for at, (member, row) in enumerate(zip(proposal.members, rows, strict=False)):
        said = {**member.after, **dict(member.key), **dict(proposal.scope)}
        for name, token in row.items():
            if name not in said or said[name] != token:
                yield at, name, token


def less(after: Mapping[str, Mapping[str, int]], before: Mapping[str, Mapping[str, int]]) -> Tally:
    """Return what was touched between two tallies of one session; nothing of a table that was not."""
    found: Tally = {}
    for table, counts in after.items():
        of_table = {what: count - before.get(table, {}).get(what, 0) for what, count in counts.items()}
        if touched := {what: count for what, count in of_table.items() if count}:
            found[table] = touched
    return found


def shown_digest(proposal: str, effect: str) -> str:
    """Return what a person confirms: the proposal's digest, with the effect's where one was measured."""
    return digest("shown", [proposal, effect]) if effect else proposal


def _columns(rows: Rows) -> set[str]:
    return {name for row in rows for name in row}
