"""How the rows of a proposal stand now, for the eyes of whoever decides: as they were, changed, gone, or there already.

It is computed by the worker's own comparison, so that a reviewer is told what would come of an approval. Of a hidden column it is told
that it changed, and never a value; and it is only a look: what holds when the change is applied, the worker finds out under its locks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from synapsor.core.moment import parse
from synapsor.core.outcome import Outcome, Why
from synapsor.core.proposal import Member, Proposal
from synapsor.core.untold import Untold
from synapsor.core.writeback import compared, stale
from synapsor.values import Token

FRESH_SECONDS: Final = 60
"""An older look is none, where a contract asks for one before an approval."""

_NOTHING: Final = object()


class Stands(StrEnum):
    """How one row stands."""

    SAME = "same"
    CHANGED = "changed"
    GONE = "gone"
    THERE = "there"  # a row that is to be added is there already


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A column that does not hold what it held.

    Attributes:
        path: of its own row the column's name; of a related row the links that lead to it as well.
        then, now: its tokens; both None of a hidden column, whatever it holds.
        guards: it is compared under the worker's locks before anything is changed, so that the attempt ends in a conflict.
        version: it is the column that counts the changes of its row.
    """

    path: str
    then: Token
    now: Token
    hidden: bool = False
    guards: bool = True
    version: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRow:
    """One row of the proposal.

    Attributes:
        lost: the links to a related row that is not there for this tenant any more; "" where all of them are.
        ends: what an attempt to apply it as things stand would end by, or None where nothing speaks against it.
    """

    key: tuple[tuple[str, str], ...]
    stands: Stands
    moved: tuple[Moved, ...] = ()
    lost: str = ""
    ends: Why | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A look at the rows of one proposal.

    Attributes:
        at: when it was looked.
        rows: in the order of the proposal's rows; none where it cannot be told.
        untold: why it cannot be told.
        evidence: the record of what was seen.
    """

    proposal: str
    digest: str
    at: str
    rows: tuple[LiveRow, ...] = ()
    untold: Untold | None = None
    evidence: str | None = None

    @property
    def state(self) -> str:
        """One word for all of it: `same`, `changed` or `untold`."""
        if self.untold is not None:
            return "untold"
        return "same" if all(row.stands is Stands.SAME for row in self.rows) else "changed"

    @property
    def changed(self) -> bool:
        """Whether a row is not as it was."""
        return self.state == "changed"

    def proves(self, proposal: Proposal, *, now: dt.datetime) -> bool:
        """Tell whether it proves, of this very proposal and not too long ago, that every row is as it was."""
        about = (self.proposal, self.digest) == (proposal.id, proposal.digest)
        age = (now - parse(self.at)).total_seconds()
        return about and 0 <= age <= FRESH_SECONDS and self.state == "same"


def live_row(proposal: Proposal, member: Member, row: Mapping[str, Token] | None) -> LiveRow:
    """Return how a row stands; `row` is as it is now, its hidden values sealed as those of the proposal are."""
    ends = stale(proposal, member, row)
    if row is None:
        return LiveRow(key=member.key, stands=Stands.SAME if proposal.inserts else Stands.GONE, ends=ends)
    if proposal.inserts:
        return LiveRow(key=member.key, stands=Stands.THERE, ends=ends)
    moved = tuple(_moved(proposal, member, row))
    if not moved and ends is None:
        return LiveRow(key=member.key, stands=Stands.SAME)
    # What nothing guards is still compared with what was approved, once the change is made.
    return LiveRow(key=member.key, stands=Stands.CHANGED, moved=moved, ends=ends or Why.AFTER_IMAGE)


def with_related(row: LiveRow, member: Member, found: Mapping[str, Token], lost: str) -> LiveRow:
    """Return how a row stands together with the related rows that it depends on; `lost` are the links to one that is not there."""
    named = [path for path in sorted({*found, *member.depends}) if not lost or path in found]
    moved = tuple(
        Moved(path=path, then=member.depends.get(path), now=found.get(path))
        for path in named
        if member.depends.get(path, _NOTHING) != found.get(path, _NOTHING)
    )
    if not moved and not lost:
        return row
    return LiveRow(
        key=row.key,
        stands=Stands.CHANGED if row.stands is Stands.SAME else row.stands,
        moved=(*row.moved, *moved),
        lost=lost,
        ends=row.ends if row.ends not in {None, Why.AFTER_IMAGE} else Why.DEPENDENCY_MOVED,
    )


def end_of(why: Why) -> Outcome:
    """Return how an attempt ends for such a reason."""
    return Outcome.FAILED if why is Why.AFTER_IMAGE else Outcome.CONFLICT


def live_body(live: Live) -> dict[str, Any]:
    """Return a look as JSON data."""
    return {
        "at": live.at,
        "state": live.state,
        "untold": None if live.untold is None else live.untold.value,
        "evidence": live.evidence,
        "rows": [_row_body(row) for row in live.rows],
    }


def _row_body(row: LiveRow) -> dict[str, Any]:
    return {
        "key": [list(pair) for pair in row.key],
        "stands": row.stands.value,
        "moved": [
            {
                "column": one.path,
                "hidden": one.hidden,
                "guards": one.guards,
                "version": one.version,
                **({} if one.hidden else {"then": one.then, "now": one.now}),
            }
            for one in row.moved
        ],
        "lost": row.lost or None,
        "would_end": None if row.ends is None else {"in": end_of(row.ends).value, "by": row.ends.value},
    }


def _moved(proposal: Proposal, member: Member, row: Mapping[str, Token]) -> Iterator[Moved]:
    guards = frozenset(compared(proposal))
    for name, _ in proposal.columns:
        then, now, hidden = member.before[name], row[name], name in member.hidden
        if then != now:
            yield Moved(
                path=name,
                then=None if hidden else then,
                now=None if hidden else now,
                hidden=hidden,
                guards=name in guards,
                version=name == proposal.advances,
            )
