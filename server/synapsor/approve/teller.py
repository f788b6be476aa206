"""Tells values for a card: exact, harmless, and of what is cut it remembers that something was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from synapsor.approve.cells import Field, Moment, Value
from synapsor.approve.view import Argument
from synapsor.core.moment import parse
from synapsor.core.plain import Text, span, told
from synapsor.core.proposal import Member, Proposal
from synapsor.values import ColumnType, Token

_BARE = frozenset(
    {
        ColumnType.INTEGER,
        ColumnType.NUMERIC,
        ColumnType.FLOAT,
        ColumnType.BOOLEAN,
        ColumnType.DATE,
        ColumnType.TIME,
        ColumnType.TIMESTAMP,
        ColumnType.TIMESTAMPTZ,
        ColumnType.UUID,
    }
)
"""Types whose values cannot be taken for words of the card."""


class Teller:
    """Tells the values of one proposal."""

    def __init__(
        self,
        proposal: Proposal,
        *,
        now: dt.datetime,
        full: bool = False,
        units: Mapping[str, str] = MappingProxyType({}),
        covered: Collection[str] = (),
    ) -> None:
        """Tell; `covered` are the columns of which only what the model saw may be told."""
        self.kinds = {name: ColumnType(kind) for name, kind in proposal.columns}
        self.now = now
        self.full = full
        self.units = units
        self.covered = covered
        self._cut: list[Text] = []

    @property
    def whole(self) -> bool:
        """Whether nothing was cut so far."""
        return not self._cut

    def beside(self, proposal: Proposal) -> Teller:
        """Return what tells the values of another proposal on the same card: what that has to cut is missing on this card, too."""
        other = Teller(proposal, now=self.now, full=self.full)
        other._cut = self._cut
        return other

    def text(self, text: str) -> Text:
        """Return a text, cut where it is long and not everything is asked for."""
        found = told(text, full=self.full)
        if not found.whole:
            self._cut.append(found)
        return found

    def perhaps(self, text: str | None) -> Text | None:
        """Return a text, or None for none."""
        return self.text(text) if text else None

    def moment(self, at: str) -> Moment:
        """Return an instant with how far away it is."""
        gap = parse(at) - self.now
        return Moment(at=self.text(at), seconds=int(gap.total_seconds()), away=span(gap))

    def kind(self, name: str) -> str:
        """Return the reviewed type of a column; what is not reviewed is text."""
        return self.kinds.get(name, ColumnType.TEXT).value

    def value(self, name: str, token: Token) -> Value:
        """Return a value of a column as it is."""
        kind = self.kind(name)
        if token is None:
            return Value(kind=kind, state="null", text=Text(""))
        unit = self.units.get(name)
        return Value(
            kind=kind,
            state="value",
            text=self.text(token),
            quoted=kind not in _BARE,
            unit=self.text(unit) if unit else None,
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
