"""Counts past proposals, decided again, one after the other into a report.

What it holds does not grow with the number of proposals, but with that of the days and of the reasons.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, localcontext

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.model import Contract
from synapsor.contract.tables import NUMBERS
from synapsor.core.backtest import Approves, Changed, Crossing, Day, Example, Flips, Left, Money, Report, Tried
from synapsor.core.measure import difference, moved
from synapsor.core.past import ILL, Came, Past, Was
from synapsor.core.redecide import Candidate, Fate, Would

EXAMPLES = 50
"""How many proposals of one kind are named."""

_SUMS = Context(prec=1000, traps=[Inexact])


@dataclass(slots=True)
class _Sum:
    proposals: int = 0
    moved: Decimal = field(default=Decimal(0))
    up: Decimal = field(default=Decimal(0))
    down: Decimal = field(default=Decimal(0))
    untold: int = 0


@dataclass(slots=True)
class _Flips:
    count: int = 0
    examples: list[Example] = field(default_factory=list)


class Tally:
    """Counts proposals, the oldest first."""

    def __init__(self, candidate: Candidate, *, now: str) -> None:
        """Begin with nothing counted."""
        self._candidate = candidate
        self._now = now
        self._crossings: Counter[tuple[Was, Came, Would]] = Counter()
        self._approves: Counter[tuple[str, str]] = Counter()
        self._left: Counter[Fate] = Counter()
        self._left_rejected: Counter[Fate] = Counter()
        self._sums: dict[tuple[str, str, str], _Sum] = {}
        self._days: dict[str, Counter[str]] = {}
        self._flips = {name: _Flips() for name in ("red", "amber", "green", "unseen", "stricter")}

    def add(self, past: Past) -> Fate:
        """Decide on a proposal again, count it, and return what becomes of it."""
        fate = self._candidate.redecide(past)
        was = past.was(self._now)
        self._crossings[was, past.came, fate.would] += 1
        if fate.would == "policy":
            self._approves[fate.policy, past.capability] += 1
            self._weigh(past)
        else:
            self._left[fate] += 1
            self._left_rejected[fate] += was == "rejected"
        kind = _kind(was, past.came, fate)
        if kind:
            self._keep(kind, past, fate, was)
        self._of_day(past, fate, was, kind)
        return fate

    def report(self, tried: tuple[Tried, ...], *, since: str, until: str) -> Report:
        """Return what was counted."""
        before = sum(count for (was, _, _), count in self._crossings.items() if was != "policy")
        more = sum(count for (was, _, would), count in self._crossings.items() if (was, would) == ("policy", "person"))
        passed = sum(
            count for (was, _, would), count in self._crossings.items() if was != "policy" and would == "policy"
        )
        per_day = tuple(Day(day=day, **counts) for day, counts in sorted(self._days.items()))
        return Report(
            since=since,
            until=until,
            days=_days_between(per_day[0].day, until) if per_day else 0,
            looked_at=sum(self._crossings.values()),
            reviews_before=before,
            reviews_after=before - passed + more,
            candidate=tried,
            crossings=tuple(
                Crossing(was=was, came=came, would=would, count=count)
                for (was, came, would), count in sorted(self._crossings.items())
            ),
            approves=tuple(
                Approves(policy=policy, capability=capability, count=count)
                for (policy, capability), count in sorted(self._approves.items())
            ),
            left=tuple(self._reasons()),
            money=tuple(self._money()),
            per_day=per_day,
            **{name: Flips(count=f.count, examples=tuple(reversed(f.examples))) for name, f in self._flips.items()},
        )

    def _keep(self, kind: str, past: Past, fate: Fate, was: Was) -> None:
        flips = self._flips[kind]
        flips.count += 1
        flips.examples.append(
            Example(
                proposal=past.id,
                at=past.at,
                capability=past.capability,
                policy=fate.policy,
                why=fate.why,
                what=fate.what,
                of=fate.of,
                was=was,
                came=past.came,
                by=past.deciders,
                reason=past.reason,
                changes=tuple(_changes(past, self._candidate.contract_of(past.capability))),
            )
        )
        del flips.examples[:-EXAMPLES]

    def _weigh(self, past: Past) -> None:
        assert past.proposal is not None  # noqa: S101  # what cannot be read is not approved
        for column, unit in _numbers(self._candidate.contract_of(past.capability), past.capability):
            total = self._sums.setdefault((past.capability, column, unit), _Sum())
            amount = moved(column, past.proposal.rows)
            if amount is None:
                total.untold += 1
                continue
            with localcontext(_SUMS):
                total.proposals += 1
                total.moved += amount
                for row in past.proposal.rows:
                    before, after = row.get(column, (None, None))
                    gap = Decimal(difference(before or "0", after or "0") or 0)
                    total.up += max(gap, Decimal(0))
                    total.down += max(-gap, Decimal(0))

    def _of_day(self, past: Past, fate: Fate, was: Was, kind: str) -> None:
        day = self._days.setdefault(past.day, Counter())
        by = {"policy": "by_policy", "person": "by_person", "rejected": "by_person"}.get(was, "undecided")
        would = {"policy": "would_policy", "person": "would_person"}.get(fate.would, "unknown")
        day.update(["came_in", by, would, *(["limited"] if fate.why == "limit" else [])])
        day.update(["red"] if kind == "red" else [])

    def _reasons(self) -> Iterator[Left]:
        for fate, count in sorted(self._left.items(), key=lambda one: (one[0].would, -one[1], repr(one[0]))):
            yield Left(
                would=fate.would,
                policy=fate.policy,
                why=fate.why,
                what=fate.what,
                of=fate.of,
                count=count,
                rejected=self._left_rejected[fate],
            )

    def _money(self) -> Iterator[Money]:
        for (capability, column, unit), total in sorted(self._sums.items()):
            yield Money(
                capability=capability,
                column=column,
                unit=unit,
                proposals=total.proposals,
                moved=format(total.moved, "f"),
                up=format(total.up, "f"),
                down=format(total.down, "f"),
                untold=total.untold,
            )


def _kind(was: Was, came: Came, fate: Fate) -> str:
    """Return which kind of flip it is, or "" where the candidate decides as was decided, or nothing that matters."""
    if fate.would == "policy":
        if was == "rejected":
            return "red"
        if came in ILL:
            return "amber"
        return {"person": "green", "policy": ""}.get(was, "unseen")
    return "stricter" if was == "policy" and fate.would == "person" else ""


def _numbers(contract: Contract | None, name: str) -> Iterator[tuple[str, str]]:
    """Yield the numbers that a capability sets and shows, each with its unit."""
    capability = contract.capabilities.get(name) if contract is not None else None
    if contract is None or not isinstance(capability, ProposeCapability):
        return
    rules = contract.table_of(capability).columns
    for column in capability.set:
        if rules[column].type in NUMBERS and rules[column].show is None and column != capability.advances:
            yield column, rules[column].unit or ""


def _changes(past: Past, contract: Contract | None) -> Iterator[Changed]:
    """Yield the numbers that one row is changed by; nothing that is hidden in its record."""
    if past.proposal is None or len(past.proposal.members) != 1:
        return
    (row,) = past.proposal.rows
    for column, unit in _numbers(contract, past.capability):
        if column in row and column not in past.proposal.hidden:
            yield Changed(column=column, unit=unit, before=row[column][0], after=row[column][1])


def _days_between(first: str, until: str) -> int:
    last = dt.datetime.fromisoformat(until) - dt.timedelta(microseconds=1)
    return (last.date() - dt.date.fromisoformat(first)).days + 1
