"""What candidate policies would have decided, in words that a terminal and a page share; every text of a row or a model is harmless."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from synapsor.core.backtest import Changed, Example, Flips, Left, Money, Report, Tried
from synapsor.core.past import ILL, Came, Was
from synapsor.core.plain import shown, visible
from synapsor.core.policy import why_words
from synapsor.core.redecide import Unknown
from synapsor.core.words import many

LEFT: Final[Mapping[Was, str]] = {
    "policy": "approved by a policy",
    "person": "approved by people",
    "rejected": "rejected by a person",
    "expired": "expired",
    "canceled": "canceled",
    "superseded": "superseded",
    "waiting": "still waiting",
}
CAME: Final[Mapping[Came, str]] = {
    "waits": "not applied yet",
    "applied": "applied",
    "undone": "applied and undone",
    "conflict": "ended in a conflict",
    "failed": "failed",
    "unresolved": "for a person to look at",
}
_OWN_WORDS: Final = {"no_policy": "no policy of the candidate may approve it"}


def kinds(report: Report) -> Iterator[tuple[str, Flips, str]]:
    """Yield each kind of flip that there is, red always: its name, its flips, and what it means."""
    every = (
        ("RED", report.red, "that a person had rejected would pass"),
        ("AMBER", report.amber, "that ended in a conflict, failed or was undone would pass"),
        ("GREEN", report.green, "that people approved would pass: reviews that are saved"),
        ("UNSEEN", report.unseen, "that nobody had decided would pass"),
        ("STRICTER", report.stricter, "that a policy approved would be left to people"),
    )
    yield from (kind for kind in every if kind[1].count or kind[0] == "RED")


def policies_of(tried: Tried) -> str:
    """Return the policies of a contract of the candidate."""
    return ", ".join(tried.policies) or "no policy"


def why(example: Example) -> str:
    """Return what had become of a proposal, and why the candidate decides otherwise."""
    by = f" by {', '.join(map(visible, example.by))}" if example.by else ""
    was = {"waiting": "still waits", "policy": "was approved", "person": "was approved", "rejected": "was rejected"}
    came = f", {CAME[example.came]}" if example.came in ILL else ""
    reason = f": {shown(example.reason, quoted=True).text}" if example.reason else ""
    told = f"{was.get(example.was, example.was)}{by}{came}{reason}"
    if example.why:
        return f"{told}; left to people: {_words(example.why, example.what, example.of)}"
    return f"{visible(example.policy)} approves it; {told}"


def change(changed: Changed) -> str:
    """Return a column before and after."""
    unit = f" {visible(changed.unit)}" if changed.unit else ""
    before, after = ("NULL" if token is None else visible(token) for token in (changed.before, changed.after))
    return f"{changed.column} {before} to {after}{unit}"


def crossings(report: Report) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """Yield what had happened, and how many of it a policy would decide, a person would, and cannot be told."""
    for was, words in LEFT.items():
        yield words, _counts(report, "was", was)
    for came, words in CAME.items():
        yield f"  of the approved: {words}", _counts(report, "came", came)


def _counts(report: Report, name: str, value: str) -> tuple[int, int, int]:
    mine = [one for one in report.crossings if getattr(one, name) == value]
    policy, person, unknown = (
        sum(one.count for one in mine if one.would == would) for would in ("policy", "person", "unknown")
    )
    return policy, person, unknown


def reasons(report: Report) -> Iterator[tuple[str, list[str]]]:
    """Yield why proposals would be left to people or cannot be told, under a title of each."""
    for would, title in (("person", "Left to people because"), ("unknown", "Not told, and counted as it was")):
        found = [_left(left) for left in report.left if left.would == would]
        if found:
            yield title, found


def _left(left: Left) -> str:
    rejected = f" ({left.rejected:,} rejected by a person)" if left.rejected else ""
    return f"{left.count:,}{rejected}: {_reason(left)}"


def _reason(left: Left) -> str:
    if left.would == "unknown":
        what = f" ({visible(left.what)})" if left.what else ""
        return f"{left.why}{what}. {Unknown(left.why).meaning}"
    policy = f"{left.policy}: " if left.policy else ""
    return policy + _words(left.why, left.what, left.of)


def _words(why_: str, what: str, of: str) -> str:
    return _OWN_WORDS.get(why_) or why_words(why_, visible(what), of)


def money(one: Money) -> str:
    """Return how a number would be changed without a person."""
    unit = f" {visible(one.unit)}" if one.unit else ""
    up, down = (Decimal(amount) for amount in (one.up, one.down))
    ways = f" (up {up:,f}, down {down:,f})" if up and down else " upwards" if up else " downwards" if down else ""
    untold = f"; of {many(one.untold, 'proposal')} it cannot be told" if one.untold else ""
    proposals = many(one.proposals, "proposal")
    return f"{one.column} of {one.capability}: {Decimal(one.moved):,f}{unit} in {proposals}{ways}{untold}"


def decided_again(report: Report) -> str:
    """Return how many proposals were decided again."""
    if not report.looked_at:
        return f"No proposal since {report.since[:10]} is of what these policies are about."
    first, last = report.per_day[0].day, report.per_day[-1].day
    return f"{many(report.looked_at, 'proposal')} of {first} to {last} decided again. Nothing was recorded."


def verdict(report: Report) -> str:
    """Return whether anything would pass that a person had rejected."""
    rejected = sum(left.rejected for left in report.left if left.would == "unknown")
    unknown = (
        f"{many(report.unknown, 'proposal')} could not be decided again, {rejected:,} of them rejected by a person."
    )
    if not report.ok:
        told = f"{many(report.red.count, 'proposal')} that a person had rejected would pass: look at each before you activate this."
        return f"{told} {unknown}" if report.unknown else told
    if report.unknown:
        return f"As far as can be told, nothing that a person had rejected would pass. {unknown}"
    return "Nothing that a person had rejected would pass."
