"""Repetitions of one request: the first of them are recorded with its proposal, then one an hour that says how many more there were.

Whoever looks at a proposal reads all that happened to it, and an agent in a loop may ask for the same for days. Each of its calls is in the
chain all the same: a read, with its audit and its evidence.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from synapsor.core.moment import parse
from synapsor.ledger.chain import Book, event
from synapsor.ledger.kinds import AUDIT, Record
from synapsor.ports import ProposalRecord

EACH: Final = 20
"""How many repetitions are recorded with a proposal, each by itself."""
_AN_HOUR: Final = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Repetitions:
    """What this process has counted, by proposal, of repetitions that are not recorded with it."""

    _unrecorded: Counter[str] = field(default_factory=Counter)

    async def add(self, book: Book, proposal_id: str, at: str, seen: Sequence[Record]) -> None:
        """Record that somebody asked once more for what a proposal asks for."""
        last = await book.tx.all("last_of_kind", subject=proposal_id, kind="proposal_repeated", limit=EACH)
        if len(last) == EACH and abs(parse(at) - parse(last[0]["at"])) < _AN_HOUR:
            audit = next(one.id for one in seen if one.kind is AUDIT)
            await book.append(event("read", audit, at, seen))
            return
        counted = self._unrecorded[proposal_id]
        facts = {"unrecorded": counted} if counted else None
        await book.append(event("proposal_repeated", proposal_id, at, seen, facts))

    def counted(self, record: ProposalRecord, audit: str) -> ProposalRecord:
        """Count a call, named by its audit, once it is committed: one that its proposal does not tell of, or that told of the others."""
        counted = next((_more(told) for told in record.events if _is_of(told, audit)), None)
        known = self._unrecorded[record.proposal.id] + (1 if counted is None else -counted)
        del self._unrecorded[record.proposal.id]
        if known > 0:
            self._unrecorded[record.proposal.id] = known
        return record


def _is_of(told: Mapping[str, Any], audit: str) -> bool:
    return bool(told["records"].get(AUDIT.name, ("",))[0] == audit)


def _more(told: Mapping[str, Any]) -> int:
    return int(told["facts"].get("unrecorded", 0))
