"""What the agent read, as data on the card: evidence and its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from synapsor.approve.card.cells import Moment, Value
from synapsor.core.plain import Text

Proof = Literal["proven", "missing", "altered", "recorded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A column of rows that were read; `hidden` is how it was shown to the model, where that was not as it is."""

    name: Text
    kind: str
    hidden: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows that were read.

    Attributes:
        name, more: of a list that came along with a row, None for the rows themselves; how many rows the evidence holds beyond these.
        cut_by: the limit that cut them when they were read, so that there may be others; None when they were all.
    """

    name: Text | None
    columns: tuple[Heading, ...]
    rows: tuple[tuple[Value, ...], ...]
    more: int = 0
    cut_by: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One read by the agent.

    Attributes:
        own: it is what the proposal itself was made from, and else a read before it in the same run.
        proof: whether the ledger holds it as the proposal names it; `recorded` is in the ledger, and the proposal does not name it.
        at: when it was read; None, and no rows, where it is not in the ledger as it was.
    """

    handle: Text
    own: bool
    proof: Proof
    capability: Text
    at: Moment | None
    rows: tuple[Rows, ...] = ()
