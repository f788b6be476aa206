"""What a link needs of the live catalogue: that it leads to one row at most, and that the rows belong together.

A link that is not proven is not followed: the capabilities that use it refuse, the others serve.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from synapsor.contract.mapping import Link, Table
from synapsor.contract.model import Contract
from synapsor.contract.paths import counted_steps
from synapsor.core.facts import Collation, Finding, ForeignKey, RelationFacts
from synapsor.core.links import proves_one
from synapsor.core.plan import Relation
from synapsor.core.posture import judge_read

_ALIKE = (
    frozenset({"text", "character varying", "character", "name"}),
    frozenset({"smallint", "integer", "bigint"}),
)
"""Types of one catalogue that compare with each other as they are."""


def judge_mappings(
    contract: Contract, facts: Mapping[str, RelationFacts | None]
) -> dict[tuple[str, str], list[Finding]]:
    """Return what is found of each mapping of which there are facts, by its name and "", and of each of its links, by both names."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for name, own in facts.items():
        table = contract.tables[name]
        found[name, ""] = list(judge_read(table, own))
        for word, link in table.links.items():
            theirs = facts.get(link.to)
            if own is not None and theirs is not None:
                found[name, word] = list(judge_link(word, table, own, contract.tables[link.to], theirs))
    return found


def judge_counts(contract: Contract, facts: Mapping[str, RelationFacts | None]) -> dict[str, list[Finding]]:
    """Return what is found of each capability that would count a row twice, because a link that it counts by is not proven to lead to one row."""
    found: dict[str, list[Finding]] = {}
    for name, capability in contract.capabilities.items():
        for step in counted_steps(capability, capability.table, contract.tables):
            known, link = facts.get(step.to), contract.tables[step.table].links[step.link]
            if known is not None and not proves_one(link, contract.tables[step.to], known.unique):
                message = f"{name} counts rows by {step.link}, which is not proven to lead to one row, and could count one twice."
                fix = "Make the key unique, or compute it of a relation that has one row each; of a list, do without `total`."
                found.setdefault(name, []).append(Finding(rule="link_miscounts", message=message, fix=fix))
    return found


def judge_link(name: str, table: Table, facts: RelationFacts, target: Table, found: RelationFacts) -> Iterator[Finding]:
    """Yield what stands between a link and being followed; `name` is what a finding calls it, `found` are the target's facts."""
    link = table.links[name]
    said = f"Link {name} of {table.relation} to {target.relation}"
    yield from _compared(said, link, facts, found)
    if link.many:  # whose rows are looked up by values, so that no two columns are compared
        return
    yield from _collated(said, link, facts, found)
    if not proves_one(link, target, found.unique) and (found.kind == "table" or link.because is None):
        columns = ", ".join(sorted(link.on.values()))
        yield Finding(
            rule="link_not_unique",
            message=f"{said}: ({columns}) is not proven unique there, so one row could have several.",
            fix="Add a primary key or a unique constraint over not-null columns; of a view, say `because:` why there is one row.",
        )
    if link.because is None and not any(_proves(key, link, table, target) for key in facts.references):
        yield Finding(
            rule="link_not_proven",
            message=f"{said}: no foreign key proves that the rows belong together.",
            fix="Add a foreign key over these columns (with or without the tenant), or say `because:` why they do. MariaDB shows one only"
            " to who may read the whole table; GRANT SHOW VIEW on it shows it, and no row.",
        )


def _compared(said: str, link: Link, facts: RelationFacts, found: RelationFacts) -> Iterator[Finding]:
    for own, theirs in link.on.items():
        pair = [f.columns[n].native for f, n in ((facts, own), (found, theirs)) if n in f.columns]
        if len(set(pair)) > 1 and not any(alike.issuperset(pair) for alike in _ALIKE):
            yield Finding(
                rule="link_types",
                message=f"{said}: {own} is {pair[0]} and {theirs} is {pair[1]}, which the database does not compare.",
                fix="Give both columns one type.",
            )


def _collated(said: str, link: Link, facts: RelationFacts, found: RelationFacts) -> Iterator[Finding]:
    for own, theirs in link.on.items():
        one, other = (f.columns[n].collation if n in f.columns else None for f, n in ((facts, own), (found, theirs)))
        if one is not None and other is not None and not mixes(one, other):
            yield Finding(
                rule="link_collations",
                message=f"{said}: {own} is collated as {one.name} and {theirs} as {other.name}, which the database does not compare.",
                fix="Give both columns one collation, or map a view that gives one of them the other's.",
            )


def mixes(one: Collation, other: Collation) -> bool:
    """Tell whether an engine compares columns of two collations."""
    if one.name == other.name:
        return True
    if one.charset == other.charset:
        return one.binary != other.binary
    return one.reach != other.reach


def _proves(key: ForeignKey, link: Link, table: Table, target: Table) -> bool:
    """Tell whether a foreign key is over the columns of a link; the tenants are equal in any case."""
    pairs = frozenset(link.on.items())
    tenants = {(str(table.tenant_column), str(target.tenant_column))}
    return key.to == Relation.parse(target.relation) and pairs - tenants <= key.columns <= pairs | tenants
