"""What the rows of a proposal look like whose end nobody knows: beside what it proposed, and beside what was there before.

It is computed by the worker's own comparison, from the rows as the read credential sees them. It proves nothing of who changed a row: what
became of the proposal, a person says and signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from synapsor.contract.mapping import Table
from synapsor.core.proposal import Member, Proposal, Status
from synapsor.core.statements import Resolved
from synapsor.core.untold import Untold
from synapsor.core.writeback import surprise
from synapsor.values import Token


class Match(StrEnum):
    """How one row stands beside a proposal; of a row that is not there, it depends on what was proposed."""

    MATCHES_PROPOSED = "matches_proposed"
    MATCHES_BEFORE = "matches_before"
    ABSENT = "absent"  # neither proposed nor so before: a row that was to be updated
    DRIFTED = "drifted"


MIXED: Final = "mixed"
UNTOLD: Final = "untold"
MEANINGS: Final[Mapping[str, str]] = {
    Match.MATCHES_PROPOSED: "Every row is as it was proposed. It was applied, or somebody else has made the same change.",
    Match.MATCHES_BEFORE: "Every row is as it was before. It was not applied, or somebody has put it back since.",
    Match.ABSENT: "No row is there any more under its key and tenant, as far as the read credential sees. That tells neither.",
    Match.DRIFTED: "Every row is neither as it was before nor as it was proposed: somebody else has changed it.",
    MIXED: "The rows do not stand alike. One transaction leaves none half done, so somebody else has changed some of them.",
    UNTOLD: "The rows could not be looked at.",
}
"""What is found of all rows, in a sentence."""
ADVICE: Final[Mapping[str, str]] = {
    Match.MATCHES_PROPOSED: "Resolve it --as applied, unless you know who else changed the rows.",
    Match.MATCHES_BEFORE: "Resolve it --as not-applied, unless you know who put them back.",
    Match.ABSENT: "Ask the source's owner who removed them, and its logs for the change, before you resolve it.",
    Match.DRIFTED: "Ask the source's owner, and its logs, for the change, before you resolve it.",
    MIXED: "Ask the source's owner, and its logs, for the change, before you resolve it.",
    UNTOLD: "Look again when the source can be read; what nobody has seen is resolved with --contrary alone.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    """A column of a row that is not as proposed, or not as before; of a hidden one no token is told.

    Attributes:
        proposed: its token after the change; None too of what the database itself moves.
    """

    column: str
    before: Token = None
    proposed: Token = None
    now: Token = None
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRow:
    """How one row stands.

    Attributes:
        differs: the columns in which it is neither as proposed nor as before.
        either: it is as proposed and as before, since the change is none for it; it speaks for nothing.
    """

    key: tuple[tuple[str, str], ...]
    match: Match
    differs: tuple[Differs, ...] = ()
    either: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found of the rows of one proposal.

    Attributes:
        at: when it was looked.
        rows: in the order of the proposal's rows; none where it cannot be told.
        untold: why it cannot be told.
        seen: the digest of what was seen, "" of nothing.
        evidence: the record of what was seen.
    """

    proposal: str
    digest: str
    at: str
    rows: tuple[FoundRow, ...] = ()
    untold: Untold | None = None
    seen: str = ""
    evidence: str | None = None

    @property
    def whole(self) -> str:
        """One word for all of it."""
        return whole_of([self])


def whole_of(found: Iterable[Found]) -> str:
    """Return one word for all rows of these: how they stand, where they stand alike, or `mixed`, or `untold`."""
    parts = tuple(found)
    if any(one.untold is not None for one in parts):
        return UNTOLD
    rows = [row for one in parts for row in one.rows]
    matches = {row.match for row in rows if not row.either} or {row.match for row in rows}
    return matches.pop().value if len(matches) == 1 else MIXED


def speaks_against(whole: str, verdict: Resolved) -> bool:
    """Tell whether what was found speaks against a verdict, or nothing was found that could speak for it."""
    against = {"applied": Match.MATCHES_BEFORE, "not_applied": Match.MATCHES_PROPOSED}[verdict]
    return whole in {against, UNTOLD}


def end_of(verdict: Resolved) -> Status:
    """Return where a proposal stands that is resolved so."""
    return Status.APPLIED if verdict == "applied" else Status.FAILED


def found_row(proposal: Proposal, member: Member, table: Table, row: Mapping[str, Token] | None) -> FoundRow:
    """Return how a row stands; the proposal is opened, and `row` is as the read credential sees it now."""
    match = _match(proposal, member, table, row)
    differs = _differing(proposal, member, row) if match is Match.DRIFTED and row is not None else ()
    either = match is Match.MATCHES_PROPOSED and row is not None and _is_as_before(proposal, member, row)
    return FoundRow(key=member.key, match=match, differs=tuple(differs), either=either)


def _match(proposal: Proposal, member: Member, table: Table, row: Mapping[str, Token] | None) -> Match:
    if surprise(proposal, member, table, row) is None:
        return Match.MATCHES_PROPOSED
    if row is None:
        return Match.MATCHES_BEFORE if proposal.inserts else Match.ABSENT
    return Match.MATCHES_BEFORE if _is_as_before(proposal, member, row) else Match.DRIFTED


def _is_as_before(proposal: Proposal, member: Member, row: Mapping[str, Token]) -> bool:
    return not proposal.inserts and all(row[name] == member.before[name] for name, _ in proposal.columns)


def _differing(proposal: Proposal, member: Member, row: Mapping[str, Token]) -> Iterator[Differs]:
    hidden = proposal.hidden
    free = {proposal.advances, *proposal.moves} - set(member.changes)
    proposed = {**dict(member.key), **dict(proposal.scope), **member.after} if not proposal.deletes else {}
    for name, _ in proposal.columns:
        before, now = member.before.get(name), row[name]
        after = None if name in free else proposed.get(name)
        known = name in proposed and name not in free
        told = {value for value, is_told in ((before, name in member.before), (after, known)) if is_told}
        if told - {now}:
            yield (
                Differs(column=name, hidden=True)
                if name in hidden
                else Differs(column=name, before=before, proposed=after, now=now)
            )


def found_body(found: Found) -> dict[str, Any]:
    """Return what was found as JSON data."""
    return {
        "at": found.at,
        "found": found.whole,
        "untold": None if found.untold is None else found.untold.value,
        "evidence": found.evidence,
        "seen": found.seen or None,
        "rows": [_row_body(row) for row in found.rows],
    }


def _row_body(row: FoundRow) -> dict[str, Any]:
    return {
        "key": [list(pair) for pair in row.key],
        "match": row.match.value,
        "differs": [
            {
                "column": one.column,
                "hidden": one.hidden,
                **({} if one.hidden else {"before": one.before, "proposed": one.proposed, "now": one.now}),
            }
            for one in row.differs
        ],
    }
