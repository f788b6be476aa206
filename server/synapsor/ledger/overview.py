"""What a person looks at in the web console: each question is one bounded read, and none of them writes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from synapsor.core.moment import is_stamp
from synapsor.core.overview import Decided, Found, Happened, JobState, RefusedAttempt, Search, Tallies, Waiting
from synapsor.ledger.connection import Connection, Row, Transaction
from synapsor.ledger.kinds import loads

_PAGE_CHANGES: Final = 500
_MOST: Final = 5000
"""Of how many newest records days are counted."""
_WITHIN: Final = 1000
"""How many proposals one page of a search looks at: they may be large, and others wait meanwhile."""
_FIRST = 0
_LAST = 2**62


class Overview:
    """The questions, over any engine."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def waiting(self, search: Search, *, after: int | None, now: str, limit: int) -> Found:
        """Return a page of what waits for a decision, oldest first; a page may hold fewer than there are, where its search went far."""
        start = after or _FIRST
        asked = {**_asked(search), "after": start, "within": _WITHIN, "now": now, "limit": limit + 1}
        del asked["status"], asked["operator"]

        async def job(tx: Transaction) -> Found:
            page = _page(await tx.all("waiting_after", **asked), limit)
            if page.next is not None:
                return page
            newest = _seq(await tx.one("waiting_up_to", after=start, within=_WITHIN))
            more = newest is not None and _seq(await tx.one("waiting_up_to", after=newest, within=1)) is not None
            return Found(ids=page.ids, next=newest if more else None)

        return await self._connection.read(job)

    async def waiting_for(self, roles: Sequence[str], *, names: Sequence[str], now: str, limit: int) -> Waiting:
        """Return what waits for whom has these roles and goes by these names, those that expire first before the others.

        Nobody decides on their own request; whatever else keeps a person from deciding is not asked here.
        """
        asked = {"roles": json.dumps(roles), "names": json.dumps(names), "role": "$.role", "now": now, "limit": limit}

        async def job(tx: Transaction) -> Waiting:
            ids = tuple(row["id"] for row in await tx.all("waiting_for_roles", **asked))
            count = await tx.one("count_waiting", now=now)
            return Waiting(ids=ids, of=int(count["proposals"]) if count else 0)

        return await self._connection.read(job)

    async def count_waiting(self, *, now: str) -> int:
        """Return how many wait for a decision."""
        row = await self._connection.read(lambda tx: tx.one("count_waiting", now=now))
        return int(row["proposals"]) if row else 0

    async def capabilities_waiting(self, *, now: str, limit: int) -> dict[str, int]:
        """Return what is waited for, by capability."""
        rows = await self._connection.read(lambda tx: tx.all("waiting_capabilities", now=now, limit=limit))
        return {row["capability"]: row["proposals"] for row in rows}

    async def found(self, search: Search, *, before: int | None, limit: int) -> Found:
        """Return a page of proposals, newest first; a page may hold fewer than there are, where its search went far."""
        start = before or _LAST
        asked = {**_asked(search), "before": start, "within": _WITHIN, "limit": limit + 1}

        async def job(tx: Transaction) -> Found:
            page = _page(await tx.all("found_before", **asked), limit)
            if page.next is not None:
                return page
            oldest = _seq(await tx.one("reached_before", before=start, within=_WITHIN))
            more = oldest is not None and _seq(await tx.one("reached_before", before=oldest, within=1)) is not None
            return Found(ids=page.ids, next=oldest if more else None)

        return await self._connection.read(job)

    async def jobs(self, *, limit: int) -> tuple[JobState, ...]:
        """Return the jobs that are open, oldest first, and then the newest of the others."""

        async def job(tx: Transaction) -> list[Row]:
            return [*await tx.all("open_jobs", limit=limit), *await tx.all("newest_jobs", limit=limit)]

        rows = {row["id"]: row for row in await self._connection.read(job)}
        return tuple(_job_state(row) for row in rows.values())

    async def open_jobs(self, *, dead: bool, limit: int) -> tuple[JobState, ...]:
        """Return the oldest jobs that are not done, or of them only those that were given up."""
        rows = await self._connection.read(lambda tx: tx.all("dead_jobs" if dead else "open_jobs", limit=limit))
        return tuple(_job_state(row) for row in rows)

    async def job(self, handle: str) -> JobState | None:
        """Return a job as it stands, or None where there is none of this handle."""
        row = await self._connection.read(lambda tx: tx.one("job_state", id=handle))
        return _job_state(row) if row else None

    async def refused(self, *, limit: int) -> tuple[RefusedAttempt, ...]:
        """Return the newest attempts at a decision that were refused."""
        rows = await self._connection.read(lambda tx: tx.all("newest_refused", limit=limit))
        return tuple(_attempt(row) for row in rows)

    async def refused_about(self, about: str, *, limit: int) -> tuple[RefusedAttempt, ...]:
        """Return the newest refused attempts that were about one contract, or about automatic approval."""
        asked = {"about": about, "kind": "decision_refused", "limit": limit}
        rows = await self._connection.read(lambda tx: tx.all("refused_about", **asked))
        return tuple(_attempt(row) for row in rows)

    async def contracts(self, *, limit: int) -> dict[str, int]:
        """Return how often each contract was activated, by name."""
        rows = await self._connection.read(lambda tx: tx.all("contract_names", limit=limit))
        return {row["contract"]: row["activations"] for row in rows}

    async def changes(self, *, after: int) -> tuple[Happened, ...]:
        """Return what happened after an event, but for reads; of very much the first part."""
        rows = await self._connection.read(lambda tx: tx.all("changes_after", seq=after, limit=_PAGE_CHANGES))
        return tuple(Happened(**row) for row in rows)

    async def signed(self) -> tuple[int, str] | None:
        """Return the number of the last event that is under a signed checkpoint, and when it was signed."""
        row = await self._connection.read(lambda tx: tx.one("last_checkpoint"))
        return (row["seq"], row["at"]) if row else None

    async def tallies(self, *, since: str) -> Tallies:
        """Return the counts of each day since a moment."""
        asked = {"since": since, "most": _MOST}

        async def job(tx: Transaction) -> Tallies:
            filed = {row["day"]: row["proposals"] for row in await tx.all("filed_by_day", **asked)}
            ended: dict[str, dict[str, int]] = {}
            for row in await tx.all("ended_by_day", **asked):
                ended.setdefault(row["day"], {})[row["status"]] = row["proposals"]
            decided = tuple(_decided(await tx.all("decided_since", **asked)))
            cut = sum(filed.values()) >= _MOST or len(decided) >= _MOST
            return Tallies(filed=filed, ended=ended, decided=decided, cut=cut)

        return await self._connection.read(job)


def _job_state(row: Row) -> JobState:
    return JobState(**{name: row[name] for name in row if name != "open"}, is_open=bool(row["open"]))


def _attempt(row: Row) -> RefusedAttempt:
    return RefusedAttempt(
        at=row["at"],
        proposal=row["proposal"],
        operator=row["operator"],
        rule=row["rule"],
        unrecorded=loads(row["body"]).get("unrecorded", 0),
    )


def _asked(search: Search) -> dict[str, str | int | None]:
    # A proposal is kept as canonical JSON, so what is looked for in it is written as JSON writes it.
    text = json.dumps(search.text, ensure_ascii=False)[1:-1] if search.text else None
    return {
        "status": search.status.value if search.status else None,
        "capability": search.capability,
        "principal": search.principal,
        "operator": search.operator,
        "risk": f'"risk":"{search.risk}"' if search.risk else None,
        "text": text,
    }


def _seq(row: Row | None) -> int | None:
    return row["seq"] if row else None


def _page(rows: list[Row], limit: int) -> Found:
    more = len(rows) > limit
    return Found(ids=tuple(row["id"] for row in rows[:limit]), next=rows[limit - 1]["seq"] if more else None)


def _decided(rows: Iterable[Row]) -> Iterable[Decided]:
    for row in rows:
        if is_stamp(row["filed"]) and is_stamp(row["decided"]):  # the ledger may have been altered; `verify` says where
            yield Decided(
                filed=row["filed"], at=row["decided"], verdict=row["verdict"], by_policy=row["policy"] is not None
            )
