"""How the sources rest, as it is told to people: by the newest pauses, and by who is trusted now. What cannot be told rests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from synapsor.core.instructions import Pause
from synapsor.core.statements import Operator, SignedPause
from synapsor.core.steering import rests
from synapsor.errors import IntegrityError
from synapsor.ports import ReviewLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """How one source stands, or all of them ("" for `source`).

    Attributes:
        because: why it rests although no pause says so: nobody who is trusted now has signed its end, or the records contradict each other.
        pause: the newest pause, or its end; None of what never rested or cannot be told.
    """

    source: str
    resting: bool
    because: Literal["", "unproven", "records_differ"] = ""
    pause: Pause | None = None


async def resting(ledger: ReviewLedger, sources: Sequence[str], operators: Mapping[str, Operator]) -> tuple[Rest, ...]:
    """Return how all sources stand together, and then each of these."""
    names = ("", *sources)
    try:
        newest = await ledger.steering.pauses(sources)
    except IntegrityError:
        return tuple(Rest(source=name, resting=True, because="records_differ") for name in names)
    return tuple(_rest(name, newest[name], operators, ledger.id) for name in names)


def _rest(source: str, newest: SignedPause | None, operators: Mapping[str, Operator], ledger: str) -> Rest:
    is_resting = rests(newest, operators, ledger=ledger)
    pause = newest.pause if newest is not None else None
    unproven = is_resting and pause is not None and pause.state == "running"
    return Rest(source=source, resting=is_resting, because="unproven" if unproven else "", pause=pause)
