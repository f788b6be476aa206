"""By which rule an attempt to decide was refused, in words: for whoever looks at it later, when only the rule is on record.

A rule of another version has no words here, and is told as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from synapsor.core.kept import ProposalRecord
from synapsor.errors import rule_named
from synapsor.ports import ReviewLedger

MOST: Final = 20
"""How many attempts are told one by one: the newest, for anybody who can knock can bring more about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One attempt that was refused, as the ledger has it."""

    at: str
    operator: str
    rule: str
    words: str


def words_of(rule: str) -> str:
    """Return a rule in words; "" for one that this version does not know."""
    known = rule_named(rule)
    return known.words if known else ""


async def refused_of(record: ProposalRecord, ledger: ReviewLedger) -> tuple[tuple[Tried, ...], int]:
    """Return the newest refused attempts to decide on a proposal, newest first, and how many there were before them."""
    handles = [name for event in record.events for name in _refused(event)]
    told = []
    for handle in reversed(handles[-MOST:]):
        found = await ledger.find(handle)
        if found is not None:
            body = found["body"]
            rule = body["rule"]
            told.append(Tried(at=body["at"], operator=body["operator"], rule=rule, words=words_of(rule)))
    return tuple(told), max(0, len(handles) - MOST)


def _refused(event: Mapping[str, object]) -> list[str]:
    records = event.get("records")
    if not isinstance(records, Mapping):
        return []
    return [records[kind][0] for kind in records if kind == "refused_decision"]
