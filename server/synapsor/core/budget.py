"""What a day allows: how many calls, and how many different ones, of one capability by one person. A day is one of UTC."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synapsor.contract.capability import AggregateLimits, Limits
from synapsor.core.proposal import exact_json
from synapsor.core.scope import Scope
from synapsor.values import digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """One call that a ledger is asked to count.

    Attributes:
        caller: who asks which capability, as a digest.
        variant: what is asked, as a digest; "" where only calls are counted.
        before: the day before which nothing needs to be kept; clocks of several servers may differ a little.
        calls, variants: how many there may be in a day; None for any number.
    """

    caller: str
    variant: str
    day: str
    before: str
    calls: int | None
    variants: int | None


def spending_of(
    limits: Limits, capability: str, scope: Scope, arguments: Mapping[str, Any], now: dt.datetime
) -> Spending | None:
    """Return what a call spends, or None where its days are not counted."""
    variants = limits.variants_per_day if isinstance(limits, AggregateLimits) else None
    if limits.calls_per_day is None and variants is None:
        return None
    asked = {name: exact_json(value) for name, value in arguments.items()}
    day = now.astimezone(dt.UTC).date()
    return Spending(
        caller=digest("caller", [capability, scope.tenant, scope.principal]),
        variant="" if variants is None else digest("variant", asked),
        day=day.isoformat(),
        before=(day - dt.timedelta(days=1)).isoformat(),
        calls=limits.calls_per_day,
        variants=variants,
    )


def until_tomorrow(now: dt.datetime) -> int:
    """Return the milliseconds until the next day begins."""
    at = now.astimezone(dt.UTC)
    tomorrow = dt.datetime.combine(at.date() + dt.timedelta(days=1), dt.time(), dt.UTC)
    return max(1, int((tomorrow - at).total_seconds() * 1000))
