"""How automatic approval stands, as it is told to people: by the newest switch, and by who is trusted now. What cannot be told is stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from synapsor.core.plain import visible
from synapsor.core.review import lets_approve
from synapsor.core.statements import Operator, Switch
from synapsor.errors import IntegrityError
from synapsor.ports import ReviewLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """How automatic approval stands.

    Attributes:
        because: why it is stopped although no switch says so: nobody who is trusted now has signed that it runs, or the records contradict
            each other.
        switch: the newest one; None where there is none or it cannot be told.
    """

    stopped: bool
    because: Literal["", "unproven", "records_differ"] = ""
    switch: Switch | None = None

    @property
    def words(self) -> str:
        """How it stands: by whom, since when and why, harmless."""
        if self.because == "records_differ":
            return "stopped, for the ledger's records of it contradict each other; run `synapsor verify`"
        if self.switch is None:
            return "running"
        why = f": {visible(self.switch.reason)}" if self.switch.reason else ""
        said = f"by {visible(self.switch.operator)} at {self.switch.at}{why}"
        if self.because:
            return f"stopped, for nobody who is trusted now has signed that it runs ({said})"
        return f"{self.switch.state} ({said})"


async def switched(ledger: ReviewLedger, operators: Mapping[str, Operator]) -> Switched:
    """Return how automatic approval stands."""
    try:
        newest = await ledger.policies.switch()
    except IntegrityError:
        return Switched(stopped=True, because="records_differ")
    stopped = not lets_approve(newest, operators, ledger=ledger.id)
    made = newest.switch if newest is not None else None
    unproven = stopped and made is not None and made.state == "running"
    return Switched(stopped=stopped, because="unproven" if unproven else "", switch=made)
