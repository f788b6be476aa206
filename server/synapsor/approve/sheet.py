"""The sheet of a batch: every proposal of it in full, what stands out marked, and the digest over all of them.

Nobody approves what they have not seen: of what could not be shown in full, and of what this person could not decide on anyway, it is
said why, and it is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from synapsor.approve.card.card import card_of
from synapsor.approve.card.now import with_now
from synapsor.approve.card.now_view import Now
from synapsor.approve.card.shown import unseen
from synapsor.approve.card.sparing import Sparing
from synapsor.approve.card.terms import units_behind
from synapsor.approve.card.view import Card
from synapsor.approve.terminal.drawing import Line, drawn
from synapsor.approve.terminal.rows import fields, rows
from synapsor.core.alike import Cluster, Odd, Spread, Why, spreads
from synapsor.core.plain import Text, line_of, told, visible
from synapsor.core.readings import amount
from synapsor.core.records import to_body
from synapsor.core.statements import Verdict
from synapsor.core.words import many
from synapsor.errors import DecisionRefused
from synapsor.flow.batch import MOST, EachOutcome, digest_over
from synapsor.flow.decide import Listed
from synapsor.flow.fresh import check_fresh
from synapsor.flow.objection import Intent, objection
from synapsor.ports import Clock, ProposalRecord, ReviewLedger
from synapsor.refusals import Rule

_FIXES: Final = {Rule.NOT_FULLY_SHOWN: "Run again with --full and read all of it."}
_ODD: Final[Mapping[Why, str]] = {
    "number": "far from the others",
    "rare": "hardly any other has this value",
    "tenant": "of another tenant than most",
    "requester": "asked for by another than most",
    "client": "asked for through another client than most",
    "reason_code": "for another reason code than most",
    "older": "its row was read long before the others",
    "question": "a question about it is not answered",
}
"""What it means that a proposal stands out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One proposal on the sheet.

    Attributes:
        odd: why it stands out, in words.
        left_out: why it is not decided on, or None.
    """

    card: Card
    odd: tuple[str, ...]
    left_out: EachOutcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All that one sitting is about.

    Attributes:
        records: the proposals that are on it, as the ledger has them.
        more: how many are alike and are not on it.
        units: what their numbers count, by column.
    """

    cluster: Cluster
    verdict: Verdict
    records: tuple[ProposalRecord, ...]
    entries: tuple[Entry, ...]
    more: int
    units: Mapping[str, str]

    @property
    def shown(self) -> tuple[Listed, ...]:
        """What a decision is over: the proposals that are on it."""
        return tuple(Listed(proposal=e.card.proposal, digest=e.card.digest) for e in self.entries)

    @property
    def digest(self) -> str:
        """The digest over all of them."""
        return digest_over(self.shown)

    @property
    def left_out(self) -> dict[str, EachOutcome]:
        """Those that are not decided on, and why."""
        return {e.card.proposal: e.left_out for e in self.entries if e.left_out is not None}

    @property
    def spreads(self) -> tuple[Spread, ...]:
        """How the numbers of those lie that are decided on."""
        out = self.left_out
        return spreads([record for record in self.records if record.proposal.id not in out])


async def sheet_of(
    ledger: ReviewLedger,
    cluster: Cluster,
    records: Sequence[ProposalRecord],
    intent: Intent,
    *,
    full: bool = False,
) -> Sheet:
    """Return the sheet of these proposals of a cluster, for a person who is to decide so on them."""
    entries: list[Entry] = []
    for record in records:
        seen = await card_of(ledger, record, operators=intent.operators, now=intent.now, full=full)
        against = await objection(ledger, record, intent)
        against = against or unseen(seen, record.proposal, intent.verdict, fixes=_FIXES)
        left = _left_out(record, against) if against is not None else None
        entries.append(Entry(card=seen, odd=odd_words(cluster, record.proposal.id), left_out=left))
    first = cluster.records[0].proposal
    units = await units_behind(ledger, [first], intent.operators)
    return Sheet(
        cluster=cluster,
        verdict=intent.verdict,
        records=tuple(records),
        entries=tuple(entries),
        more=max(0, len(cluster.records) - MOST),
        units=units[first.id],
    )


async def with_rows_as_they_are(
    ledger: ReviewLedger, sheet: Sheet, records: Sequence[ProposalRecord], sparing: Sparing, *, clock: Clock
) -> Sheet:
    """Return the sheet of an approval with the source as it is now; what would be refused for it is left out, and said beforehand."""
    by_id = {record.proposal.id: record for record in records}
    return replace(
        sheet, entries=tuple([await _looked(ledger, e, by_id[e.card.proposal], sparing, clock) for e in sheet.entries])
    )


async def _looked(ledger: ReviewLedger, entry: Entry, record: ProposalRecord, sparing: Sparing, clock: Clock) -> Entry:
    if entry.left_out is not None:
        return entry
    proposal = record.proposal
    seen = await sparing.at(proposal)
    card = entry.card if seen is None else with_now(entry.card, proposal, seen, now=clock.now())
    try:
        await check_fresh(ledger, proposal, None if seen is None else seen.live, now=clock.now())
    except DecisionRefused as stale:
        return replace(entry, card=card, left_out=_left_out(record, stale))
    return replace(entry, card=card)


def odd_words(cluster: Cluster, proposal: str) -> tuple[str, ...]:
    """Return why a proposal stands out of its cluster, in words."""
    return tuple(_words(one) for one in cluster.odd if one.proposal == proposal)


def render_clusters(
    clusters: Sequence[Cluster], units: Mapping[str, Mapping[str, str]], *, colour: bool = False, width: int = 100
) -> str:
    """Return the clusters as text; where there are none, what that means. `units` are what the numbers of a proposal count, by its handle."""
    if not clusters:
        return "No open proposals are alike. `synapsor inbox` lists all that wait.\n"
    lines = (
        line
        for cluster in clusters
        for line in (
            *_head(cluster, many(len(cluster.records), "proposal")),
            *_figures(cluster.spreads, len(cluster.records), units[cluster.records[0].proposal.id]),
            *_standing_out(cluster),
        )
    )
    return drawn(lines, colour=colour, width=width).strip("\n") + "\n"


def render(sheet: Sheet, *, colour: bool = False, width: int = 100) -> str:
    """Return the sheet as text of at most `width` cells."""
    return drawn(_lines(sheet), colour=colour, width=width).strip("\n") + "\n"


def cluster_body(cluster: Cluster) -> dict[str, Any]:
    """Return a cluster as JSON data; `digest` is over all that is decided on at once."""
    shown = [Listed(proposal=r.proposal.id, digest=r.shown) for r in cluster.records[:MOST]]
    return {
        "id": cluster.id,
        "capability": cluster.capability,
        "contract": cluster.contract,
        "operation": cluster.operation,
        "columns": list(cluster.columns),
        "risk": cluster.risk,
        "needs": {"role": cluster.role, "people": cluster.quorum},
        "spreads": [_spread_body(one) for one in cluster.spreads],
        "odd": [to_body(one) for one in cluster.odd],
        "proposals": [to_body(one) for one in shown],
        "more": max(0, len(cluster.records) - MOST),
        "digest": digest_over(shown),
    }


def _spread_body(spread: Spread) -> dict[str, Any]:
    numbers = {name: str(getattr(spread, name)) for name in ("least", "median", "most", "total")}
    return {"column": spread.column, "of": spread.of, "count": spread.count, **numbers}


def _left_out(record: ProposalRecord, refused: DecisionRefused) -> EachOutcome:
    words = f"{refused.message} {refused.fix}".strip()
    return EachOutcome(proposal=record.proposal.id, status=record.status, rule=refused.rule, words=words)


def _words(odd: Odd) -> str:
    where = f"{visible(odd.column)} {odd.of}: " if odd.column is not None else ""
    return where + _ODD[odd.why]


def _head(cluster: Cluster, which: str) -> Iterator[Line]:
    yield Line(f"{cluster.id}: {which} by {visible(cluster.capability)}", "", "title")
    yield Line("operation", visible(cluster.operation))
    if cluster.columns:
        yield Line("changes", visible(", ".join(cluster.columns)))
    yield Line("risk", cluster.risk, "plain" if cluster.risk == "low" else "warning")
    people = f"{cluster.quorum} people" if cluster.quorum > 1 else "a person"
    yield Line("needs", f"{people} with the role {visible(cluster.role)}")


def _figures(found: Iterable[Spread], count: int, units: Mapping[str, str]) -> Iterator[Line]:
    for spread in found:
        unit, few = units.get(spread.column, ""), f", of {spread.count}" if spread.count < count else ""
        numbers = [str(number) for number in (spread.least, spread.most, spread.median, spread.total)]
        told_ = f"{_four(numbers)}{f' {visible(unit)}' if unit else ''}{few}"
        yield Line(f"{visible(spread.column)} {spread.of}", told_)
        reads = [reading for number in numbers if unit and (reading := amount(number, unit))]
        if len(reads) == len(numbers):
            yield Line("", visible(_four(reads)), "quiet")


def _four(numbers: Sequence[str]) -> str:
    least, most, median, total = numbers
    return f"from {least} to {most}, median {median}, sum {total}"


def _standing_out(cluster: Cluster) -> Iterator[Line]:
    for record in cluster.records:
        if words := odd_words(cluster, record.proposal.id):
            yield Line("stands out", f"{visible(record.proposal.id)}: {'; '.join(words)}", "warning")


def _lines(sheet: Sheet) -> Iterator[Line]:
    count, alike = len(sheet.entries), len(sheet.cluster.records)
    yield from _head(sheet.cluster, many(count, "proposal") if count == alike else f"{count} of {alike} proposals")
    yield from _figures(sheet.spreads, count - len(sheet.left_out), sheet.units)
    for entry in sheet.entries:
        yield from _entry(entry)
    out = sheet.left_out
    yield Line("All of them", "", "title")
    yield Line("decided on", f"{len(sheet.entries) - len(out)} of {len(sheet.entries)}", "warning" if out else "plain")
    if sheet.more:
        yield Line("", f"{many(sheet.more, 'more proposal')} of this kind after these", "warning")
    yield Line("digest", sheet.digest, "title")


def _entry(entry: Entry) -> Iterator[Line]:
    card = entry.card
    left = "EXPIRED" if card.lapsed else f"expires in {card.expires.away}"
    asked = f"asked by {line_of(card.asked.by)} through {line_of(card.asked.client)} {card.asked.at.away} ago, {left}"
    yield Line(f"{line_of(card.handle)} {asked}", "", "title")
    if entry.left_out is not None:
        yield Line("LEFT OUT", f"{_plain(entry.left_out.words)} ({entry.left_out.rule})", "warning")
    yield from (Line("STANDS OUT", words, "warning") for words in entry.odd)
    yield from (Line("WARNING", words, "warning") for words in card.warnings)
    tenant = fields([card.target.tenant]) if card.target.tenant else "single tenant"
    names = " and ".join(fields(row.key) for row in card.rows)
    yield Line("row", names if card.target.tenant_in_key else f"{names}, {tenant}")
    yield from (line for line in rows(card) if line.text)
    yield from _now(card.now)
    if card.asked.reason_code is not None:
        yield Line("reason code", line_of(card.asked.reason_code))
    for sent in card.sent:
        yield Line("sent, untrusted", f"{line_of(sent.name)}: {line_of(sent.text, quoted=sent.quoted)}", "quiet")
    for question in card.questions:
        yield Line("asked", line_of(question.text, quoted=True))
        answer: Text | None = question.answer
        yield Line("said, untrusted", "nothing so far" if answer is None else line_of(answer, quoted=True), "quiet")
    yield Line("digest", card.digest, "quiet")


def _now(now: Now | None) -> Iterator[Line]:
    if now is None:
        return
    yield Line("the row now", now.live.words, "plain" if now.live.state == "same" else "warning")
    if now.blast.colour != "green":
        reasons = "; ".join(words for _, words in now.blast.reasons)
        yield Line(now.blast.called, reasons or now.blast.words, "warning")


def _plain(words: str) -> str:
    return told(words, most=None).text
