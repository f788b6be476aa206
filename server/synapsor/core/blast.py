"""What a change touches beside its own rows: the rows that refer to them, what fires, what is checked, and a colour for all of it.

The colour is a rule over what is listed and over nothing else. It never says less than the list: what is not known is not green.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from synapsor.contract.changes import Accepts
from synapsor.core.plan import Relation
from synapsor.core.proposal import Member, Proposal
from synapsor.core.surroundings import Action, Reference, Referrer, Surroundings, Trigger, Unseen
from synapsor.core.untold import Untold

MOST_COUNTED: Final = 1000
"""Of more rows it is only said that there are more."""

MOST_CASCADED: Final = 10
"""More rows than a person would look at one by one: a delete that takes more of them with it is red."""


class Colour(StrEnum):
    """How far a change reaches."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class Uncounted(StrEnum):
    """Why rows that refer were not counted."""

    TIMEOUT = "timeout"
    DENIED = "denied"
    NOT_MAPPED = "not_mapped"
    HIDDEN = "hidden"
    NAME = "name"
    FAILED = "failed"

    @property
    def meaning(self) -> str:
        """Why, in plain words."""
        return _UNCOUNTED[self]


_UNCOUNTED = {
    Uncounted.TIMEOUT: "it took too long",
    Uncounted.DENIED: "the reader may not read it",
    Uncounted.NOT_MAPPED: "the contract does not map the column that it refers to",
    Uncounted.HIDDEN: "the column that it refers to is hidden",
    Uncounted.NAME: "its name is not a plain one",
    Uncounted.FAILED: "the source failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many rows refer to the rows of the proposal.

    Attributes:
        rows: at most `MOST_COUNTED`; None where they were not counted.
        more: there are more than that.
        veiled: row security decides which of them the reader sees, so there may be more.
    """

    rows: int | None = None
    more: bool = False
    veiled: bool = False
    why: Uncounted | None = None

    @property
    def none(self) -> bool:
        """Whether it is known that no row refers."""
        return self.rows == 0 and not self.veiled

    @property
    def words(self) -> str:
        """The count in plain words."""
        if self.rows is None:
            return f"not counted: {self.why.meaning if self.why else 'nobody asked'}"
        number = f"more than {self.rows}" if self.more else str(self.rows)
        return f"{number} that the reader sees, and row security may hide others" if self.veiled else number


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A foreign key on which the change acts.

    Attributes:
        action: what becomes of the rows that refer.
        accepted: of a delete, whether the contract accepts that it reaches this table; the worker applies none that reaches another.
        depth: 1 where they refer to the proposal's own rows; 2 where they refer to rows that go or change with those.
        count: only of the first depth; what lies behind it is only named.
    """

    key: Referrer
    action: Action
    depth: int = 1
    count: Count | None = None
    accepted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """A trigger that fires, and the table that it is on; "" for the proposal's own."""

    trigger: Trigger
    event: str
    on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blast:
    """What one proposal touches beside its own rows.

    Attributes:
        at: when it was looked.
        checked: the foreign keys whose target rows must be there.
        computed: the columns that the database computes anew.
        unseen: what the reader may not see, so that there may be more.
        cut: there are more tables behind than were looked at.
        applied_by: the application that carries it out, or "" where the worker does; what that does beside, no catalogue tells.
        untold: why nothing can be told.
    """

    proposal: str
    at: str
    operation: str
    reached: tuple[Reached, ...] = ()
    fired: tuple[Fired, ...] = ()
    checked: tuple[Reference, ...] = ()
    computed: tuple[str, ...] = ()
    unseen: frozenset[Unseen] = frozenset()
    cut: bool = False
    applied_by: str = ""
    untold: Untold | None = None

    @property
    def reasons(self) -> tuple[tuple[Colour, str], ...]:
        """What is more than green, each with its colour, the weightiest first."""
        found = dict.fromkeys(_reasons(self))
        return tuple(sorted(found, key=lambda reason: _ORDER.index(reason[0]), reverse=True))

    @property
    def colour(self) -> Colour:
        """The colour of the weightiest reason; green where there is none."""
        return self.reasons[0][0] if self.reasons else Colour.GREEN


_ORDER = list(Colour)


def changed_columns(proposal: Proposal) -> frozenset[str]:
    """Return the columns to which the change gives another value in at least one row."""
    return frozenset(name for member in proposal.members for name in member.changes if alters(member, name))


def alters(member: Member, name: str) -> bool:
    """Tell whether the change gives a column of a row another value; of a hidden one it is taken to."""
    if name not in member.changes:
        return False
    return name in member.hidden or name not in member.before or member.before[name] != member.changes[name]


def matters(operation: str, unseen: frozenset[Unseen]) -> frozenset[Unseen]:
    """Return what of it could say something of such a change."""
    none = {"insert": {Unseen.REFERRERS}, "delete": {Unseen.REFERENCES}}
    return unseen - none.get(operation, set())


def acts_on(proposal: Proposal, around: Surroundings) -> Iterator[tuple[Referrer, Action]]:
    """Yield the foreign keys of other rows that the change acts on, and how."""
    changed = changed_columns(proposal)
    for key in around.referrers:
        if proposal.deletes:
            yield key, key.on_delete
        elif not proposal.inserts and changed & {own for _, own in key.columns}:
            yield key, key.on_update


def checks(proposal: Proposal, around: Surroundings) -> tuple[Reference, ...]:
    """Return the foreign keys whose target rows the database looks for."""
    if proposal.deletes:
        return ()
    changed = changed_columns(proposal)
    return tuple(one for one in around.references if changed & {own for own, _ in one.columns})


def fires(proposal: Proposal, around: Surroundings) -> tuple[Fired, ...]:
    """Return the triggers of the table that fire with the change."""
    changed = frozenset(proposal.changed)  # an UPDATE OF fires by what is named, and not by what becomes other
    event = proposal.operation
    return tuple(Fired(trigger=one, event=event) for one in around.triggers if one.fires(event, changed))


def accepts(relation: str, action: Action, accepted: Accepts | None, *, delete: bool) -> bool:
    """Tell whether nothing speaks against reaching a table: of a delete, that it is reached must have been reviewed."""
    return not delete or action.refuses or relation in (accepted or Accepts()).cascades


def unlisted(
    around: Surroundings, accepted: Accepts | None, seen: Collection[str]
) -> tuple[tuple[Reached, ...], tuple[Fired, ...]]:
    """Return what a delete is known to do only because its contract accepts it, where the reader does not see it; `seen` are the tables that it does."""
    known = accepted or Accepts()
    reached = [
        Reached(key=_only_named(name), action=Action.UNKNOWN, count=Count(why=Uncounted.DENIED))
        for name in known.cascades
        if Unseen.REFERRERS in around.unseen and name not in seen
    ]
    fired = [
        Fired(trigger=Trigger(name=name, timing="", events=frozenset({"delete"})), event="delete")
        for name in known.triggers
        if Unseen.TRIGGERS in around.unseen
    ]
    return tuple(reached), tuple(fired)


def _only_named(relation: str) -> Referrer:
    unknown = Action.UNKNOWN
    return Referrer(name="", relation=Relation.parse(relation), columns=(), on_delete=unknown, on_update=unknown)


def event_behind(key: Referrer, action: Action, *, delete: bool) -> tuple[str, frozenset[str]]:
    """Return what happens to rows that refer: that they go, or that these columns of them change."""
    if delete and action in {Action.CASCADE, Action.UNKNOWN}:
        return "delete", frozenset()
    return "update", frozenset(theirs for theirs, _ in key.columns)


def blast_body(blast: Blast) -> dict[str, Any]:
    """Return it as JSON data."""
    return {
        "at": blast.at,
        "operation": blast.operation,
        "colour": blast.colour.value,
        "reasons": [{"colour": colour.value, "words": words} for colour, words in blast.reasons],
        "reached": [
            {
                "relation": str(one.key.relation),
                "constraint": one.key.name or None,
                "columns": [list(pair) for pair in one.key.columns],
                "action": one.action.value,
                "depth": one.depth,
                "accepted": one.accepted,
                "count": None if one.count is None else _count_body(one.count),
            }
            for one in blast.reached
        ],
        "triggers": [
            {"name": one.trigger.name, "timing": one.trigger.timing, "event": one.event, "on": one.on or None}
            for one in blast.fired
        ],
        "checked": [
            {"constraint": one.name or None, "to": str(one.to), "columns": [list(pair) for pair in one.columns]}
            for one in blast.checked
        ],
        "computed": list(blast.computed),
        "unseen": sorted(one.value for one in blast.unseen),
        "cut": blast.cut,
        "applied_by": blast.applied_by or None,
        "untold": None if blast.untold is None else blast.untold.value,
    }


def _count_body(count: Count) -> dict[str, Any]:
    why = None if count.why is None else count.why.value
    return {"rows": count.rows, "more": count.more, "veiled": count.veiled, "not_counted": why}


def _reasons(blast: Blast) -> Iterator[tuple[Colour, str]]:
    """Yield the rule itself: each thing that is more than green."""
    if blast.untold is not None:
        yield Colour.RED, f"it cannot be told what it touches: {blast.untold.value}"
        return
    deletes = blast.operation == "delete"
    if blast.applied_by:
        yield Colour.AMBER, "the application carries it out, and what that does beside cannot be seen here"
    for one in blast.reached:
        yield from _of_reached(one, deletes=deletes)
    if blast.cut:
        yield Colour.RED, "it reaches more tables than were looked at"
    if Unseen.REFERRERS in blast.unseen and blast.operation != "insert":
        yield Colour.AMBER, "the reader may not see all of what refers to it"
    if blast.fired:
        yield Colour.AMBER, "triggers fire"
    if Unseen.TRIGGERS in blast.unseen:
        yield Colour.AMBER, "the reader may not see whether triggers fire"


def _of_reached(one: Reached, *, deletes: bool) -> Iterator[tuple[Colour, str]]:
    if not one.accepted:
        yield Colour.AMBER, "its contract does not accept all of this, so the worker would not apply it"
    if one.depth > 1:
        yield (
            (Colour.AMBER if one.action.refuses else Colour.RED),
            (
                "rows may refer to those that go with it, and the database would refuse it then"
                if one.action.refuses
                else "it leads on beyond the rows that refer to it"
            ),
        )
        return
    count = one.count or Count()
    if count.none:
        return
    if one.action.refuses:
        certain = bool(count.rows)
        yield (
            Colour.AMBER,
            "rows refer to it, so the database would refuse it"
            if certain
            else ("rows may refer to it, and the database would refuse it then"),
        )
    elif one.action is Action.UNKNOWN:
        # The worker sees it, and removes no row with more than the contract accepts.
        certain = deletes and one.accepted
        yield (Colour.RED if certain else Colour.AMBER), "the reader may not see what becomes of rows that refer to it"
    elif one.action is Action.CASCADE and deletes:
        few = count.rows is not None and count.rows <= MOST_CASCADED and not count.veiled
        yield (
            (Colour.AMBER, "rows go with it")
            if few
            else (
                Colour.RED,
                "it is not known how many rows go with it"
                if count.rows is None or (count.veiled and count.rows <= MOST_CASCADED)
                else f"more than {MOST_CASCADED} rows go with it",
            )
        )
    else:
        yield Colour.AMBER, "rows that refer to it change with it"
