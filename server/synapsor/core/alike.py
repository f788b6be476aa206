"""Open proposals that are alike, so that a person may decide on many in one sitting: which they are, how their values lie, and which stand out.

What stands out is said by fixed rules, so that two people with the same queue are pointed at the same things:

- a number whose modified z-score is above 3.5: 0.6745 times its distance from the median, over the median of all such distances; where
  that median is 0, the distance over 1.253314 times the mean of them (Iglewicz and Hoaglin, 1993);
- a value that is seen once, or in a twentieth at the most, where half at the least have one and the same: of a column that is no number,
  and of the tenant, the requester, the client and the reason code;
- a row that was read more than an hour before the median, by the rule for numbers;
- an open question.

The first three need five proposals. Nothing here is a decision, and hidden values are neither looked at nor told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import Final, Literal

from synapsor.core.exchange import open_questions
from synapsor.core.kept import ProposalRecord
from synapsor.core.measure import difference, number_of
from synapsor.core.moment import parse
from synapsor.core.proposal import Proposal, Status
from synapsor.values import ColumnType, Json, Token, digest

Of = Literal["before", "after", "change"]
Why = Literal["number", "rare", "tenant", "requester", "client", "reason_code", "older", "question"]

LEAST: Final = 5
"""From how many proposals on a value can be said to stand out."""
_SCORE = Decimal("3.5")
_MAD = Decimal("0.6745")
_MEAN = Decimal("1.253314")
_HOUR = 3600
_RARE = 20
_NUMBERS = frozenset({ColumnType.INTEGER.value, ColumnType.NUMERIC.value})
_WHO: Final[tuple[tuple[Why, Callable[[Proposal], Token]], ...]] = (
    ("tenant", lambda p: p.tenant),
    ("requester", lambda p: p.principal),
    ("client", lambda p: p.client),
    ("reason_code", lambda p: p.reason_code),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How the numbers of a column lie, before the change, after it, or by how much they change; of `count` proposals that have one."""

    column: str
    of: Of
    count: int
    least: Decimal
    median: Decimal
    most: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """Why a proposal stands out among those that are alike; `column` and `of` say where it is about a value."""

    proposal: str
    why: Why
    column: str | None = None
    of: Of | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Proposals that are alike, those that expire first before the others.

    Attributes:
        id: follows from what they have in common, so that it stays while others come and go.
        columns: what they change.
    """

    id: str
    capability: str
    contract: str
    operation: str
    columns: tuple[str, ...]
    risk: str
    role: str
    quorum: int
    records: tuple[ProposalRecord, ...]
    spreads: tuple[Spread, ...]
    odd: tuple[Odd, ...]


def clusters(records: Iterable[ProposalRecord], *, now: str) -> tuple[Cluster, ...]:
    """Return the open proposals that are alike, the largest clusters first; what is like no other is in none."""
    found: dict[str, list[ProposalRecord]] = {}
    for record in records:
        if may_be_batched(record, now):
            found.setdefault(_id(record.proposal), []).append(record)
    made = [cluster_of(name, of) for name, of in found.items() if len(of) > 1]
    return tuple(sorted(made, key=lambda one: (-len(one.records), one.id)))


def cluster_of(name: str, records: Sequence[ProposalRecord]) -> Cluster:
    """Return proposals that are alike as a cluster."""
    ordered = tuple(sorted(records, key=lambda r: (r.proposal.expires_at, r.proposal.id)))
    first = ordered[0].proposal
    return Cluster(
        id=name,
        capability=first.capability,
        contract=first.contract,
        operation=first.operation,
        columns=first.changed,
        risk=first.risk,
        role=first.role,
        quorum=first.quorum,
        records=ordered,
        spreads=spreads(ordered),
        odd=tuple(_odd(ordered)),
    )


def spreads(records: Sequence[ProposalRecord]) -> tuple[Spread, ...]:
    """Return how the numbers of proposals that are alike lie."""
    return tuple(_spreads([record.proposal for record in records])) if records else ()


def may_be_batched(record: ProposalRecord, now: str) -> bool:
    """Tell whether a proposal may be decided on among others: open, of one row, alone, and with nothing that is for its own card."""
    waits = record.status is Status.REVIEW_REQUIRED and not record.proposal.lapsed(now)
    return waits and not why_alone(record.proposal)


def why_alone(proposal: Proposal) -> str:
    """Return in a sentence why a proposal is decided on by its own card, and "" where it may be among others while it is open."""
    reasons = (
        (proposal.step_up, "It takes a one-time code."),
        (proposal.shadow, "It is approved with what was measured of it."),
        (proposal.group_of, "It stands or falls with others."),
        (proposal.undoes, "It takes back a change."),
        (proposal.amends is not None and proposal.amends.editors, "A reviewer has edited it."),
        (proposal.changes_hidden, "It changes a hidden value."),
        (len(proposal.members) != 1, "It is not of one row."),
    )
    return next((words for is_so, words in reasons if is_so), "")


def _id(proposal: Proposal) -> str:
    alike: list[Json] = [
        proposal.capability,
        proposal.contract,
        proposal.source,
        proposal.relation,
        proposal.operation,
        list(proposal.changed),
        proposal.risk,
        proposal.role,
        proposal.quorum,
    ]
    return f"bat_{digest('alike', alike)[7:19]}"


def _told_columns(proposal: Proposal) -> Iterator[tuple[str, str, Of]]:
    """Yield the columns that are told, each with its type and of what: those that are set, or of a removal all that are no secret."""
    kinds = dict(proposal.columns)
    if proposal.deletes:
        fixed = {name for name, _ in proposal.members[0].key} | {name for name, _ in proposal.scope}
        yield from ((name, kind, "before") for name, kind in kinds.items() if name not in fixed | proposal.hidden)
        return
    for name in proposal.changed:
        if name in proposal.own:
            continue
        yield name, kinds.get(name, ColumnType.TEXT.value), "after"
        if not proposal.inserts:
            yield name, kinds.get(name, ColumnType.TEXT.value), "change"


def _spreads(proposals: Sequence[Proposal]) -> Iterator[Spread]:
    for name, kind, of in _told_columns(proposals[0]):
        if kind not in _NUMBERS:
            continue
        numbers = sorted(n for n in (_number(p, name, of) for p in proposals) if n is not None)
        if numbers:
            with localcontext(_CONTEXT):
                yield Spread(
                    column=name,
                    of=of,
                    count=len(numbers),
                    least=numbers[0],
                    median=_median(numbers),
                    most=numbers[-1],
                    total=sum(numbers, Decimal(0)),
                )


_CONTEXT = Context(prec=200)


def _odd(records: Sequence[ProposalRecord]) -> Iterator[Odd]:
    proposals = [record.proposal for record in records]
    for name, kind, of in _told_columns(proposals[0]):
        if kind in _NUMBERS:
            far = _far({p.id: n for p in proposals if (n := _number(p, name, of)) is not None})
            yield from (Odd(proposal=each, why="number", column=name, of=of) for each in far)
        else:
            side: Of = "before" if of == "change" else of
            rare = _rare({p.id: _token(p, name, side) for p in proposals})
            yield from (Odd(proposal=each, why="rare", column=name, of=side) for each in rare)
    for why, of_whom in _WHO:
        yield from (Odd(proposal=each, why=why) for each in _rare({p.id: of_whom(p) for p in proposals}))
    yield from (Odd(proposal=each, why="older") for each in _older(proposals))
    yield from (Odd(proposal=r.proposal.id, why="question") for r in records if open_questions(r.exchanges))


def _far(numbers: dict[str, Decimal]) -> list[str]:
    """Return whose number stands out."""
    if len(numbers) < LEAST:
        return []
    with localcontext(_CONTEXT):
        middle = _median(sorted(numbers.values()))
        away = {name: abs(number - middle) for name, number in numbers.items()}
        spread = _median(sorted(away.values()))
        if spread:
            return [name for name, far in away.items() if _MAD * far > _SCORE * spread]
        mean = sum(away.values(), Decimal(0)) / len(away)
        return [name for name, far in away.items() if far > _SCORE * _MEAN * mean]


def _rare(values: dict[str, Token]) -> list[str]:
    """Return whose value is seen hardly ever, where there is a usual one."""
    counts = Counter(values.values())
    if len(values) < LEAST or counts.most_common(1)[0][1] * 2 < len(values):
        return []
    return [name for name, value in values.items() if counts[value] <= max(1, len(values) // _RARE)]


def _older(proposals: Sequence[Proposal]) -> list[str]:
    read = {p.id: Decimal(int(parse(p.at).timestamp())) for p in proposals}
    middle = _median(sorted(read.values()))
    return [name for name in _far(read) if middle - read[name] > _HOUR]


def _median(ordered: Sequence[Decimal]) -> Decimal:
    at = len(ordered) // 2
    return ordered[at] if len(ordered) % 2 else (ordered[at - 1] + ordered[at]) / 2


def _number(proposal: Proposal, column: str, of: Of) -> Decimal | None:
    token = _token(proposal, column, of)
    return None if token is None else number_of(token)


def _token(proposal: Proposal, column: str, of: Of) -> Token:
    (member,) = proposal.members
    if of == "change":
        return difference(member.before.get(column), member.changes.get(column))
    return (member.before if of == "before" else member.changes).get(column)
