"""What candidate policies would have decided, as text for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from synapsor.approve import retold
from synapsor.approve.terminal.drawing import entry
from synapsor.cli.terminal import PREFIX
from synapsor.core.backtest import Flips, Report
from synapsor.core.plain import hanging, visible
from synapsor.core.words import many

_NAMED: Final = 10


def render(report: Report, wide: int) -> str:
    """Return the report as text of at most `wide` cells."""
    return "\n".join(_lines(report, wide)) + "\n"


def _lines(report: Report, wide: int) -> Iterator[str]:
    yield from hanging(_candidate(report), 2, wide)
    yield from hanging(retold.decided_again(report), 2, wide)
    if not report.looked_at:
        return
    yield from _flips(report, wide)
    yield from ("", *_crossings(report))
    yield from _reasons(report, wide)
    yield from _money(report, wide)
    yield from ("", *_per_day(report), "")
    yield from hanging(_reviews(report), 2, wide)
    yield from hanging(retold.verdict(report), 2, wide)


def _candidate(report: Report) -> str:
    parts = []
    for tried in report.candidate:
        digest = tried.digest.removeprefix("sha256:")[:PREFIX]
        parts.append(f"{tried.contract} {digest}… with {retold.policies_of(tried)}")
    return f"Candidate: {'; '.join(parts)}."


def _flips(report: Report, wide: int) -> Iterator[str]:
    for name, flips, words in retold.kinds(report):
        yield ""
        yield from hanging(f"{name}: {flips.count:,} {words}", 2, wide)
        yield from _examples(flips, wide)


def _examples(flips: Flips, wide: int) -> Iterator[str]:
    for example in flips.examples[:_NAMED]:
        body = [retold.why(example)]
        if changes := ", ".join(map(retold.change, example.changes)):
            body.append(changes)
        head = f"{visible(example.proposal)}  {example.at[:10]}  {visible(example.capability)}"
        yield from ("  " + line for line in entry(head, body, width=wide - 2))
    named = min(len(flips.examples), _NAMED)
    if flips.count > named:
        yield f"  and {flips.count - named:,} more before these; --json names {len(flips.examples)}"


def _crossings(report: Report) -> Iterator[str]:
    told = ((words, *(f"{n:,}" for n in counts)) for words, counts in retold.crossings(report) if any(counts))
    yield from _table(("What happened", "policy", "person", "not told"), told)


def _reasons(report: Report, wide: int) -> Iterator[str]:
    for title, found in retold.reasons(report):
        yield from ("", f"{title}:")
        for words in found:
            yield from hanging(f"  {words}", 4, wide)


def _money(report: Report, wide: int) -> Iterator[str]:
    if report.money:
        yield from ("", "Changed without a person:")
    for one in report.money:
        yield from hanging(f"  {retold.money(one)}", 4, wide)


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
    found = list(rows)
    wide = [max(len(row[at]) for row in (heads, *found)) for at in range(len(heads))]
    for row in (heads, *found):
        first, *more = row
        yield "  ".join(
            [f"{first:<{wide[0]}}", *(f"{cell:>{size}}" for cell, size in zip(more, wide[1:], strict=True))]
        )


def _reviews(report: Report) -> str:
    before, after = report.a_day(report.reviews_before), report.a_day(report.reviews_after)
    return f"Reviews a day: {before} as it was, {after} under the candidate, over {many(report.days, 'day')}."
