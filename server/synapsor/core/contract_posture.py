"""What a contract needs of the live catalogue, judged in one place: for a server that is to serve it, and for `doctor`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from synapsor.contract.model import Contract
from synapsor.core.facts import Finding, RelationFacts
from synapsor.core.link_posture import judge_counts, judge_mappings
from synapsor.core.posture import filtered, judge_filters
from synapsor.core.row_security import READS, judge_row_security


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found of a contract.

    Attributes:
        broken: the mappings, as a name and "", and the links, by both names, that are not as they were reviewed.
        miscounting: the capabilities that could count a row twice.
    """

    findings: tuple[Finding, ...]
    broken: frozenset[tuple[str, str]]
    miscounting: frozenset[str]


def judge_contract(contract: Contract, facts: Mapping[str, RelationFacts | None]) -> Judged:
    """Return what is found of the mappings of which there are facts, of their links, and of what capabilities make of them."""
    mappings = judge_mappings(contract, facts)
    counts = judge_counts(contract, facts)
    found = (finding for part in (*mappings.values(), *counts.values()) for finding in part)
    return Judged(
        findings=(*found, *_of_tables(contract, facts)),
        broken=frozenset(place for place, part in mappings.items() if any(f.fatal for f in part)),
        miscounting=frozenset(counts),
    )


def _of_tables(contract: Contract, facts: Mapping[str, RelationFacts | None]) -> Iterator[Finding]:
    for name, known in facts.items():
        table = contract.tables[name]
        yield from judge_row_security(table, known, READS)
        yield from judge_filters(table, known, filtered(contract, table))
