"""What stands around a table, as its catalogue says: who refers to its rows, what they refer to, what fires, and what is computed.

Facts only, and every name is the database's own: whoever shows one writes out what an eye could be fooled by.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from synapsor.core.plan import Relation


class Action(StrEnum):
    """What a foreign key does to the rows that refer, when the row that they refer to goes or changes."""

    NO_ACTION = "no action"
    RESTRICT = "restrict"
    CASCADE = "cascade"
    SET_NULL = "set null"
    SET_DEFAULT = "set default"
    UNKNOWN = "unknown"  # the credential may not see which of them it is

    @property
    def refuses(self) -> bool:
        """Whether the database refuses the change while a row refers."""
        return self in {Action.NO_ACTION, Action.RESTRICT}


class Unseen(StrEnum):
    """What a credential may not see of a table."""

    REFERRERS = "referrers"
    REFERENCES = "references"
    TRIGGERS = "triggers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrer:
    """A foreign key of another table, or of the same one, that refers to this table's rows.

    Attributes:
        name: of the constraint; "" where it has none.
        relation: the table whose rows refer.
        columns: which of its columns equals which of this table's.
    """

    name: str
    relation: Relation
    columns: tuple[tuple[str, str], ...]
    on_delete: Action
    on_update: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A foreign key of this table: which of its columns equals which of the other's."""

    name: str
    to: Relation
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What fires with a change of a row.

    Attributes:
        timing: `before`, `after` or `instead of`.
        events: of `insert`, `update` and `delete`.
        columns: of an UPDATE OF, the columns at which it fires; none where it fires at each.
    """

    name: str
    timing: str
    events: frozenset[str]
    columns: frozenset[str] = frozenset()

    def fires(self, event: str, changed: frozenset[str]) -> bool:
        """Tell whether it fires with a change; an update changes these columns."""
        return event in self.events and (event != "update" or not self.columns or bool(self.columns & changed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What stands around a table.

    Attributes:
        generated: the columns that the database computes of the others.
        unseen: what this credential may not see, so that there may be more of it.
        follow: a cascade fires the triggers of the table that it reaches.
    """

    relation: Relation
    referrers: tuple[Referrer, ...] = ()
    references: tuple[Reference, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    generated: tuple[str, ...] = ()
    unseen: frozenset[Unseen] = frozenset()
    follow: bool = True
