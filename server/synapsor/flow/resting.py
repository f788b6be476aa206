"""How the sources rest, as it is told to people: by the newest pauses, and by who is trusted now. What cannot be told rests."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from synapsor.core.instructions import Pause
from synapsor.core.plain import visible
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

    @property
    def name(self) -> str:
        """What it is called in a sentence, harmless."""
        return f"source {visible(self.source)}" if self.source else "every source"

    @property
    def words(self) -> str:
        """How it stands: by whom, since when and why, harmless."""
        if self.because == "records_differ":
            return "paused, for the ledger's records of it contradict each other"
        if self.pause is None:
            return "running"
        said = f"by {visible(self.pause.operator)} at {self.pause.at}: {visible(self.pause.reason)}"
        if self.because:
            return f"paused, for nobody who is trusted now has signed that it runs again ({said})"
        return f"{self.pause.state} ({said})"

    @property
    def way_on(self) -> str:
        """What lets it go on."""
        if self.because == "records_differ":
            return "`synapsor verify` says what is wrong with them"
        named = f" --source {visible(self.source)}" if self.source else ""
        return f"`synapsor worker resume{named} --reason WHY` lets it go on"

    @property
    def told(self) -> str:
        """That it rests, why, and what lets it go on, as a clause."""
        return f"{self.name} is {self.words}; {self.way_on}"


def holding(rests: Collection[Rest], source: str) -> tuple[Rest, ...]:
    """Return what keeps jobs of a source from being taken: its own pause, that of all, or both."""
    return tuple(one for one in rests if one.resting and one.source in {"", source})


def standings(rests: Sequence[Rest]) -> Iterator[str]:
    """Yield how all sources stand together, and then how each does, a line each, harmless."""
    every, *each = rests
    some = any(one.resting for one in each) and not every.resting
    yield "Not all sources run:" if some else f"All sources: {every.words}."
    for one in each:
        with_all = "paused with all sources" if every.resting and not one.resting else one.words
        yield f"  {visible(one.source)}: {with_all}"
    yield from (f"{one.way_on}." for one in rests if one.resting)


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
