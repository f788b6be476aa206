"""Tells values for a card: exact, harmless, and of what is cut it remembers that something was."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from synapsor.approve.card.amended_view import Argument
from synapsor.approve.card.cells import Field, Moment, Value
from synapsor.core.moment import parse
from synapsor.core.plain import CUT_AT, Text, span, told
from synapsor.core.proposal import Member
from synapsor.core.readings import reading_of, zone_of
from synapsor.values import ColumnType, Token

_NUMBER = re.compile(r"-?[0-9.]+(?:[eE][+-]?[0-9]+)?|NaN|-?Infinity")
_INSTANT = re.compile(r"[0-9][0-9:.TZ +-]*(?: BC)?|-?infinity")
_BARE: Mapping[ColumnType, re.Pattern[str]] = {
    ColumnType.INTEGER: _NUMBER,
    ColumnType.NUMERIC: _NUMBER,
    ColumnType.FLOAT: _NUMBER,
    ColumnType.BOOLEAN: re.compile("true|false|[tf01]"),
    ColumnType.DATE: _INSTANT,
    ColumnType.TIME: _INSTANT,
    ColumnType.TIMESTAMP: _INSTANT,
    ColumnType.TIMESTAMPTZ: _INSTANT,
    ColumnType.UUID: re.compile("[0-9a-f-]+"),
}
"""Values that cannot be taken for words of the card. SQLite holds any text in any column, so the type alone does not tell."""

Columns = Iterable[tuple[str, str]] | Iterable[Sequence[str]]
"""Names and types; evidence has lists for its pairs."""

_TYPES = frozenset(kind.value for kind in ColumnType)


class Teller:
    """Tells the values of columns; `whole` until something had to be cut."""

    def __init__(
        self,
        columns: Columns,
        *,
        now: dt.datetime,
        most: int | None = CUT_AT,
        units: Mapping[str, str] = MappingProxyType({}),
        covered: Collection[str] = (),
    ) -> None:
        """Tell at most so many characters of each text, or None for all of them.

        `columns` are names and types, and `covered` those of which only what the model saw may be told.
        """
        self.kinds = {column[0]: column[1] for column in columns}
        self.now = now
        self.most = most
        self.units = units
        self.covered = covered
        self._cut: list[Text] = []

    @property
    def whole(self) -> bool:
        """Whether nothing was cut so far."""
        return not self._cut

    def beside(self, columns: Columns, *, units: Mapping[str, str] = MappingProxyType({})) -> Teller:
        """Return what tells the values of other columns on the same card: what that has to cut is missing on this card, too."""
        other = Teller(columns, now=self.now, most=self.most, units=units)
        other._cut = self._cut
        return other

    @property
    def full(self) -> bool:
        """Whether nothing is to be cut."""
        return self.most is None

    def text(self, text: str) -> Text:
        """Return a text, cut where it is long and not everything is asked for."""
        found = told(text, most=self.most)
        if not found.whole:
            self._cut.append(found)
        return found

    def perhaps(self, text: str | None) -> Text | None:
        """Return a text, or None for none."""
        return self.text(text) if text else None

    def reviewed(self, sentence: str) -> Text:
        """Return a sentence about the reviewed contract, whole: it is as long as its reviewer let it be, and no agent's."""
        return told(sentence, most=None)

    def moment(self, at: str) -> Moment:
        """Return an instant with how far away it is."""
        try:
            gap = parse(at) - self.now
        except (ValueError, TypeError, OverflowError):  # the ledger was altered; `verify` says where
            return Moment(at=self.text(at), seconds=0, away="?")
        return Moment(at=self.text(at), seconds=int(gap.total_seconds()), away=span(gap))

    def kind(self, name: str) -> str:
        """Return the reviewed type of a column; what is not reviewed is text."""
        kind = self.kinds.get(name)
        return kind if kind in _TYPES else ColumnType.TEXT.value

    def value(self, name: str, token: Token) -> Value:
        """Return a value of a column as it is."""
        kind = self.kind(name)
        if token is None:
            return Value(kind=kind, state="null", text=Text(""))
        unit = self.units.get(name)
        type_ = ColumnType(kind)
        reading = reading_of(token, type_, unit, self.now)
        return Value(
            kind=kind,
            state="value",
            text=self.text(token),
            quoted=not _is_bare(type_, token),
            unit=self.perhaps(unit),
            reading=self.perhaps(reading),
            zone=self.perhaps(zone_of(token, type_)),
        )

    def before(self, member: Member, name: str) -> Value:
        """Return what a column holds; of a hidden one what the model saw, unless the decision is about it."""
        token = member.before[name]
        if name in self.covered and token is not None:
            return self.hidden(name, token)
        return self.value(name, token)

    def hidden(self, name: str, token: str = "") -> Value:
        """Return what stands for a value that is not told."""
        return Value(kind=self.kind(name), state="hidden", text=self.text(token))

    def field(self, name: str, value: Value) -> Field:
        """Return a column with what it holds."""
        return Field(name=self.text(name), value=value)

    def key(self, member: Member) -> tuple[Field, ...]:
        """Return the columns that name a row."""
        return tuple(self.field(name, self.value(name, token)) for name, token in member.key)

    def argument(self, name: str, value: Any) -> Argument:
        """Return what the agent sent; what is no text is told as Python has it."""
        words = isinstance(value, str)
        return Argument(name=self.text(name), text=self.text(value if words else str(value)), quoted=words)


def _is_bare(kind: ColumnType, token: str) -> bool:
    form = _BARE.get(kind)
    return form is not None and form.fullmatch(token) is not None
