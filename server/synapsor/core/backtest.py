"""What candidate policies would have decided of past proposals, beside what happened: the report that the terminal and the console draw.

It holds numbers and a few examples; of values only those of columns that policies may judge, which are none that are hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from synapsor.core.past import Came, Was
from synapsor.core.redecide import Would
from synapsor.values import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A contract of the candidate, and the policies in it."""

    contract: str
    digest: str
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """How many proposals left review in one way, came to one end, and would be decided by one of the candidate."""

    was: Was
    came: Came
    would: Would
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A column of one row before and after; of columns that policies may judge, which are none that are hidden."""

    column: str
    unit: str
    before: Token
    after: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A proposal that the candidate decides otherwise.

    Attributes:
        policy: the candidate's that approves it, or that leaves it to a person, with `why`, `what` and `of` as a `Fate` has them.
        by: who decided, and `reason` what they said.
    """

    proposal: str
    at: str
    capability: str
    policy: str
    why: str
    what: str
    of: str
    was: Was
    came: Came
    by: tuple[str, ...]
    reason: str
    changes: tuple[Changed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """Proposals of one kind: how many there are, and the newest of them."""

    count: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approves:
    """How many proposals of a capability a policy of the candidate would approve."""

    policy: str
    capability: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Why proposals would be left to a person, or cannot be decided again: how many, and how many of them a person had rejected."""

    would: Would
    policy: str
    why: str
    what: str
    of: str
    count: int
    rejected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """A number that would be changed without a person: how often, by how much in all whatever the sign, and upwards and downwards.

    Attributes:
        untold: of how many proposals that cannot be told.
    """

    capability: str
    column: str
    unit: str
    proposals: int
    moved: str
    up: str
    down: str
    untold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day (UTC), counted by when proposals came in.

    Attributes:
        by_person: approved or rejected by people; `by_policy` approved by a policy, and `undecided` neither.
        would_policy: how many the candidate approves; `would_person` how many it leaves to people, `limited` of them for a limit.
        unknown: how many cannot be decided again.
        red: how many of those that it approves a person had rejected.
    """

    day: str
    came_in: int = 0
    by_person: int = 0
    by_policy: int = 0
    undecided: int = 0
    would_policy: int = 0
    would_person: int = 0
    unknown: int = 0
    limited: int = 0
    red: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the candidate would have decided.

    Attributes:
        days: how many days the proposals are of, from the first one's to the last day that was looked at.
        looked_at: how many proposals.
        reviews_before: how many of them were for people to review; `reviews_after` how many would be. What cannot be decided again counts as
            it was.
        red: a person had rejected them, and they would pass. `amber`: they would pass, and ended in a conflict, failed or were undone.
        green: people had approved them, and they would pass: reviews that are saved. `unseen`: nobody had decided, and they would pass.
        stricter: a policy had approved them, and they would be left to people.
    """

    since: str
    until: str
    days: int
    looked_at: int
    reviews_before: int
    reviews_after: int
    candidate: tuple[Tried, ...]
    crossings: tuple[Crossing, ...]
    approves: tuple[Approves, ...]
    left: tuple[Left, ...]
    money: tuple[Money, ...]
    per_day: tuple[Day, ...]
    red: Flips
    amber: Flips
    green: Flips
    unseen: Flips
    stricter: Flips

    @property
    def ok(self) -> bool:
        """Whether nothing would pass that a person had rejected."""
        return self.red.count == 0

    @property
    def unknown(self) -> int:
        """How many cannot be decided again."""
        return sum(one.count for one in self.left if one.would == "unknown")

    def a_day(self, count: int) -> str:
        """Return how many that are on an average day, with one decimal place."""
        return f"{Decimal(count) / max(self.days, 1):,.1f}"
