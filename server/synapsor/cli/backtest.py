"""What candidate policies would have decided, as text for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from synapsor.approve.drawing import entry
from synapsor.cli.terminal import PREFIX
from synapsor.core.backtest import Changed, Example, Flips, Left, Report
from synapsor.core.past import ILL
from synapsor.core.plain import hanging, shown, visible
from synapsor.core.policy import why_words
from synapsor.core.redecide import Unknown
from synapsor.core.words import many

_NAMED: Final = 10
_LEFT: Final = {
    "policy": "approved by a policy",
    "person": "approved by people",
    "rejected": "rejected by a person",
    "expired": "expired",
    "canceled": "canceled",
    "superseded": "superseded",
    "waiting": "still waiting",
}
_CAME: Final = {
    "waits": "approved, not applied yet",
    "applied": "applied",
    "undone": "applied and undone",
    "conflict": "ended in a conflict",
    "failed": "failed",
    "unresolved": "for a person to look at",
}
_OWN_WORDS: Final = {"no_policy": "no policy of the candidate may approve it"}


def render(report: Report, wide: int) -> str:
    """Return the report as text of at most `wide` cells."""
    return "\n".join(_lines(report, wide)) + "\n"


def _lines(report: Report, wide: int) -> Iterator[str]:
    yield from hanging(_candidate(report), 2, wide)
    if not report.looked_at:
        yield from hanging(f"No proposal since {report.since[:10]} is of what these policies are about.", 2, wide)
        return
    first, last = report.per_day[0].day, report.per_day[-1].day
    told = f"{many(report.looked_at, 'proposal')} of {first} to {last} decided again. Nothing was recorded."
    yield from hanging(told, 2, wide)
    yield from _flips(report, wide)
    yield from ("", *_crossings(report))
    yield from _reasons(report, wide)
    yield from _money(report, wide)
    yield from ("", *_per_day(report), "")
    yield from hanging(_reviews(report), 2, wide)
    yield from hanging(_verdict(report), 2, wide)


def _candidate(report: Report) -> str:
    parts = []
    for tried in report.candidate:
        digest = tried.digest.removeprefix("sha256:")[:PREFIX]
        policies = ", ".join(tried.policies) or "no policy"
        parts.append(f"{tried.contract} {digest}… with {policies}")
    return f"Candidate: {'; '.join(parts)}."


def _flips(report: Report, wide: int) -> Iterator[str]:
    kinds = (
        ("RED", report.red, "that a person had rejected would pass"),
        ("AMBER", report.amber, "that ended in a conflict, failed or was undone would pass"),
        ("GREEN", report.green, "that people approved would pass: reviews that are saved"),
        ("UNSEEN", report.unseen, "that nobody had decided would pass"),
        ("STRICTER", report.stricter, "that a policy approved would be left to people"),
    )
    for name, flips, words in kinds:
        if flips.count or name == "RED":
            yield ""
            yield from hanging(f"{name}: {flips.count:,} {words}", 2, wide)
            yield from _examples(flips, wide)


def _examples(flips: Flips, wide: int) -> Iterator[str]:
    for example in flips.examples[:_NAMED]:
        body = [_why(example)]
        if changes := ", ".join(map(_change, example.changes)):
            body.append(changes)
        head = f"{visible(example.proposal)}  {example.at[:10]}  {visible(example.capability)}"
        yield from ("  " + line for line in entry(head, body, width=wide - 2))
    named = min(len(flips.examples), _NAMED)
    if flips.count > named:
        yield f"  and {flips.count - named:,} more before these; --json names {len(flips.examples)}"


def _why(example: Example) -> str:
    by = f" by {', '.join(map(visible, example.by))}" if example.by else ""
    was = {"waiting": "still waits", "policy": "was approved", "person": "was approved", "rejected": "was rejected"}
    came = f", {_CAME[example.came]}" if example.came in ILL else ""
    reason = f": {shown(example.reason, quoted=True).text}" if example.reason else ""
    told = f"{was.get(example.was, example.was)}{by}{came}{reason}"
    if example.why:
        return f"{told}; left to people: {_words(example.why, example.what, example.of)}"
    return f"{visible(example.policy)} approves it; {told}"


def _change(changed: Changed) -> str:
    unit = f" {visible(changed.unit)}" if changed.unit else ""
    before, after = ("NULL" if token is None else visible(token) for token in (changed.before, changed.after))
    return f"{changed.column} {before} to {after}{unit}"


def _crossings(report: Report) -> Iterator[str]:
    yield from _table(
        ("What happened", "policy", "person", "not told"),
        (
            *(_counts(report, words, "was", was) for was, words in _LEFT.items()),
            *(_counts(report, f"  of these {words}", "came", came) for came, words in _CAME.items()),
        ),
    )


def _counts(report: Report, words: str, name: str, value: str) -> tuple[str, ...]:
    mine = [one for one in report.crossings if getattr(one, name) == value]
    sums = [sum(one.count for one in mine if one.would == would) for would in ("policy", "person", "unknown")]
    return (words, *(f"{total:,}" for total in sums)) if any(sums) else ()


def _reasons(report: Report, wide: int) -> Iterator[str]:
    for would, title in (("person", "Left to people because"), ("unknown", "Not told, and counted as it was")):
        found = [left for left in report.left if left.would == would]
        if found:
            yield from ("", f"{title}:")
        for left in found:
            rejected = f" ({left.rejected:,} rejected by a person)" if left.rejected else ""
            yield from hanging(f"  {left.count:,}{rejected}: {_reason(left)}", 4, wide)


def _reason(left: Left) -> str:
    if left.would == "unknown":
        what = f" ({visible(left.what)})" if left.what else ""
        return f"{left.why}{what}. {Unknown(left.why).meaning}"
    policy = f"{left.policy}: " if left.policy else ""
    return policy + _words(left.why, left.what, left.of)


def _words(why: str, what: str, of: str) -> str:
    return _OWN_WORDS.get(why) or why_words(why, visible(what), of)


def _money(report: Report, wide: int) -> Iterator[str]:
    if report.money:
        yield from ("", "Changed without a person:")
    for money in report.money:
        unit = f" {visible(money.unit)}" if money.unit else ""
        up, down = (Decimal(amount) for amount in (money.up, money.down))
        ways = f" (up {up:,f}, down {down:,f})" if up and down else " upwards" if up else " downwards" if down else ""
        untold = f"; of {many(money.untold, 'proposal')} it cannot be told" if money.untold else ""
        told = f"{money.column} of {money.capability}: {Decimal(money.moved):,f}{unit} in {many(money.proposals, 'proposal')}{ways}{untold}"
        yield from hanging(f"  {told}", 4, wide)


def _per_day(report: Report) -> Iterator[str]:
    heads = ("Day (UTC)", "in", "people", "policy", "none", "| policy", "people", "limit", "not told", "red")
    rows = [
        (
            day.day,
            *(f"{count:,}" for count in (day.came_in, day.by_person, day.by_policy, day.undecided)),
            f"| {day.would_policy:>6,}",
            *(f"{count:,}" for count in (day.would_person, day.limited, day.unknown, day.red)),
        )
        for day in report.per_day
    ]
    first, *more = _table(heads, rows)
    yield f"{'decided':>{first.index('|') - 2}}  | would be decided"
    yield from (first, *more)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    found = [row for row in rows if row]
    wide = [max(len(row[at]) for row in (heads, *found)) for at in range(len(heads))]
    for row in (heads, *found):
        first, *more = row
        yield "  ".join(
            [f"{first:<{wide[0]}}", *(f"{cell:>{size}}" for cell, size in zip(more, wide[1:], strict=True))]
        )


def _reviews(report: Report) -> str:
    before, after = report.a_day(report.reviews_before), report.a_day(report.reviews_after)
    return f"Reviews a day: {before} as it was, {after} under the candidate, over {many(report.days, 'day')}."


def _verdict(report: Report) -> str:
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
