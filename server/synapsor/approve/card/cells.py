"""The cells of a review card: values as they are and for the eye, changes of columns, and the rows that they are in.

Nothing in here decides how it is drawn. What came from a model, a database or a person is a `Text`, harmless already and marked where
it was cut; a plain `str` is one of Synapsor's own words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from synapsor.core.plain import Text

Whether = Literal["value", "null", "hidden"]
Action = Literal["changed", "added", "removed"]
How = Literal["set", "same", "added", "removed"]
Mark = Literal["added", "removed", "same"]
PathMark = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An instant.

    Attributes:
        at: UTC, ISO 8601.
        seconds: from the moment at which the card was made; negative in the past.
        away: the distance in words, such as `3 d 0 h`, without a direction.
    """

    at: Text
    seconds: int
    away: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value of a column.

    Attributes:
        kind: the column's reviewed type.
        state: `null` is NULL, and no text; `hidden` is what a model saw in place of the value.
        text: the exact value as the database has it, or what stands for a hidden one; empty for NULL, and for an empty text.
        quoted: it is free text, or what its type would never hold, and is to be set apart so that it cannot look like what is told
            beside it.
        unit: what a number counts, as the contract says.
        reading: the same value for the eye, where that is told from its type or unit: `55.00`, `in 3 d 0 h`. Never instead of `text`.
        zone: of an instant the zone that `text` is in: `UTC`, an offset, or `none` where the column keeps none.
    """

    kind: str
    state: Whether
    text: Text
    quoted: bool = False
    unit: Text | None = None
    reading: Text | None = None
    zone: Text | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it is a text of no characters, which is not NULL."""
        return self.state == "value" and not self.text.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column and what it holds. For a column of a related row, the name is its path."""

    name: Text
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLine:
    """A line of a text before and after, or a sentence of one that has one line; without `text` so many that are the same or are not told."""

    mark: Mark
    text: Text | None
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDiff:
    """A text line by line.

    Attributes:
        whole: every line of both texts is told in full, so that it stands for both.
        by_line: the parts are lines, and else sentences.
    """

    lines: tuple[TextLine, ...]
    whole: bool
    by_line: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PathChange:
    """One place of a JSON document; `before` and `after` are JSON, and None where nothing is there."""

    path: Text
    mark: PathMark
    before: Text | None
    after: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonDiff:
    """A JSON document place by place; `more` places are not told."""

    paths: tuple[PathChange, ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A longer piece of a new text that also stands in what the agent read.

    Attributes:
        piece: without regard to case, width and spaces.
        evidence: the handle of what was read, `capability` what read it, `list` the list in it, and `row` its number, from 1.
        same_row: it is a row with the key of the one that is changed.
    """

    piece: Text
    evidence: Text
    capability: Text
    list: Text | None
    row: int
    column: Text
    same_row: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of one column.

    Attributes:
        how: `same` where it stays, or is set to what it holds; it is told because it is set or because bounds are about it.
        before: None in a row that is to be added.
        after: None in a row that is to be removed.
        difference: of a number, after less before, exact; of an instant, how much later or earlier it is, in words.
        lines: of a text of several lines, or a long one.
        paths: of a JSON document, or a text that holds one before and after.
        bounds: the reviewed bounds in plain words.
        notes: what should be looked at twice, each a sentence without its stop.
        copied: where else the new text stands, so far as the agent is known to have read it; the longest pieces first.
    """

    name: Text
    kind: str
    how: How
    before: Value | None
    after: Value | None
    bounds: Text | None = None
    difference: Value | None = None
    lines: TextDiff | None = None
    paths: JsonDiff | None = None
    notes: tuple[Text, ...] = ()
    copied: tuple[Copied, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedOn:
    """What others have done to a row after the change that an undo takes back; all of it stays.

    Attributes:
        others: columns that the change did not touch and that hold something else now.
        back: columns that hold again what they held before the change, so that they stay, too.
        written: whether the row was written at all; None where nobody can tell.
    """

    others: tuple[Text, ...]
    back: tuple[Text, ...]
    written: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the proposal.

    Attributes:
        number: from 1.
        key: the columns that name it.
        effects: of a removal, what it is known to do beside.
        unchanged: what stays as it is; not told twice, and no part of `Card.whole`.
        moved: what the database itself changes with every update; no part of `Card.whole` either.
        guards: what must still be so when it is applied, of the row itself.
        depends: the same of related rows, by path.
        moved_on: of an undo, what others have done to the row since the change; None where it is as the change left it.
    """

    number: int
    action: Action
    key: tuple[Field, ...]
    changes: tuple[Change, ...]
    effects: tuple[Text, ...] = ()
    unchanged: tuple[Field, ...] = ()
    moved: tuple[Field, ...] = ()
    guards: tuple[Field, ...] = ()
    depends: tuple[Field, ...] = ()
    moved_on: MovedOn | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneRow:
    """What an attempt did to one row, as its receipt lists it; the row before it is that of the card.

    Attributes:
        done: `inserted`, `updated` or `deleted`.
        version_before, version_after: None where there is no version, or nobody recorded it.
    """

    key: tuple[Field, ...]
    done: str
    version_before: Text | None
    version_after: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What a column of several rows comes to; None where it cannot be told, and `bounds` are the reviewed ones on the sums."""

    name: Text
    before: Value | None
    after: Value | None
    difference: Value | None
    bounds: Text | None = None
