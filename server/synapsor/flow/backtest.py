"""Decide past proposals again under contracts that need not be activated, and report what would be other.

Only the ledger is read, page by page, and nothing is recorded; no source is asked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from synapsor.contract.load import LoadedContract
from synapsor.core.backtest import Report, Tried
from synapsor.core.moment import stamp
from synapsor.core.redecide import Candidate
from synapsor.core.tally import Tally
from synapsor.ports import ReviewLedger

PAGE = 200
"""How many proposals are in memory at once."""


async def backtest(
    ledger: ReviewLedger,
    contracts: Sequence[LoadedContract],
    *,
    since: dt.datetime,
    until: dt.datetime,
    capability: str | None = None,
) -> Report:
    """Return what these contracts' policies would have decided of the proposals of a time, of one capability or of all that they are about.

    A time begins with a whole day (UTC), for that is what limits are counted by.
    """
    candidate = Candidate([loaded.contract for loaded in contracts], only=capability)
    begin = since.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first, last = stamp(begin), stamp(until)
    tally = Tally(candidate, now=last)
    after: int | None = None
    while True:
        found, after = await ledger.past(after=after, since=first, until=last, limit=PAGE, wanted=candidate.concerns)
        for past in found:
            tally.add(past)
        if after is None:
            break
    tried = tuple(
        Tried(contract=loaded.contract.contract, digest=loaded.digest, policies=tuple(loaded.contract.policies))
        for loaded in contracts
    )
    return tally.report(tried, since=first, until=last)
