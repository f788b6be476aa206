"""One capability told to somebody who does not program: what it reads or asks for, whose rows, what is seen, and what is refused.

Each section is one function of one table; it repeats what the contract says and promises nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from synapsor.contract.capability import (
    AggregateCapability,
    AggregateLimits,
    Argument,
    Capability,
    ProposeCapability,
    ReadCapability,
    is_single,
    shown,
    used,
)
from synapsor.contract.changes import Operation
from synapsor.contract.conditions import is_argument
from synapsor.contract.deciding import deciding, evidence_for, proving, together_with
from synapsor.contract.guards import guards_of
from synapsor.contract.mapping import SingleTenant, Table
from synapsor.contract.model import Context, Contract
from synapsor.contract.paths import rule_at, steps_of
from synapsor.contract.plainly import WORDS, bounds_of, comparisons, computed, guarded, reviewed_of, set_to, veiled


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One section."""

    label: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    capability: Capability
    table: Table
    context: Context
    named: str
    tables: Mapping[str, Table]
    reads_before: tuple[str, ...] = ()
    together: tuple[str, ...] = ()

    @property
    def single(self) -> bool:
        return is_single(self.capability, self.table)


def told(contract: Contract, name: str) -> tuple[Told, ...]:
    """Return the sections of a capability; one that has nothing to say is left out."""
    capability = contract.capabilities[name]
    table = contract.table_of(capability)
    subject = _Subject(
        capability=capability,
        table=table,
        context=contract.context_of(capability),
        named=next(name for name, other in contract.tables.items() if other is table),
        tables=contract.tables,
        reads_before=evidence_for(contract, name),
        together=tuple(other for other in together_with(contract, name) if other != name),
    )
    sections = ((label, tuple(tell(subject))) for label, tell in SECTIONS.items())
    return tuple(Told(label=label, sentences=sentences) for label, sentences in sections if sentences)


def _what(it: _Subject) -> Iterator[str]:
    if isinstance(it.capability, ProposeCapability):
        policy = it.capability.approval.policy
        who = f"a person, or where the project allows that the policy {policy}," if policy else "a person"
        asked = f"{_ASKS[it.capability.operation]} {_how_many(it.capability)}"
        yield f"It asks for {asked} of {it.named}. Nothing changes before {who} approves."
    elif isinstance(it.capability, AggregateCapability):
        yield f"It computes numbers over rows of {it.named}, shows no row, and changes nothing."
        yield from _ordered(it.capability.order)
    elif it.single:
        yield f"It reads one row of {it.named}, and changes nothing."
    else:
        yield f"It lists rows of {it.named}, and changes nothing."
        yield from _listed(it.capability)


_ASKS: Final = {
    Operation.UPDATE: "a change of",
    Operation.INSERT: "the addition of",
    Operation.DELETE: "the removal of",
}


def _how_many(capability: ProposeCapability) -> str:
    if capability.members is not None:
        return f"at most {capability.members.at_most} rows at once, all or none,"
    return f"a row for each item of {capability.items}, all or none," if capability.items else "one row"


def _listed(capability: Capability) -> Iterator[str]:
    if not isinstance(capability, ReadCapability):
        return
    yield from _ordered(capability.order)
    if capability.pages:
        yield "The model may ask for the next page, until the end of the list."
    if capability.total:
        yield "How many rows there are in all is told."


def _ordered(order: tuple[str, ...]) -> Iterator[str]:
    said = [f"{o[1:]}, largest first" if o.startswith("-") else o for o in order]
    if said:
        yield f"Ordered by {', then by '.join(said)}."


def _whose(it: _Subject) -> Iterator[str]:
    tenant, principal = it.table.tenant, it.table.principal
    if isinstance(tenant, SingleTenant):
        yield f"Everybody's: there is no tenant, because: {tenant.because}"
    else:
        yield f"Only rows whose {tenant} is the {_of_session(it.context.tenant)} of the session."
    if principal:
        yield f"Only rows whose {principal} is the {_of_session(it.context.principal)} of the session."
    if principal and not isinstance(tenant, SingleTenant):
        yield "Neither can be chosen by the model. All other rows do not exist for it."
    elif principal or not isinstance(tenant, SingleTenant):
        yield "The model cannot choose it. All other rows do not exist for it."


def _of_session(value: str) -> str:
    return value.removeprefix("session.")


def _which(it: _Subject) -> Iterator[str]:
    adds = isinstance(it.capability, ProposeCapability) and it.capability.operation is Operation.INSERT
    # A row that is to be added is not found by a filter, nor held to one.
    for said in (*comparisons({} if adds else it.table.only, WORDS), *comparisons(it.capability.where, WORDS)):
        yield f"{said}{'' if '$' not in said else ' (what the model gives)'}"
    if any(argument.optional for argument in it.capability.arguments.values()):
        yield "What the model leaves out is not asked for."


def _given(it: _Subject) -> Iterator[str]:
    for name, argument in it.capability.arguments.items():
        yield f"${name}: {_taken(argument)}{f'. {argument.description}' if argument.description else ''}"


def _taken(argument: Argument) -> str:
    kinds = {"string": "a text", "integer": "a whole number", "number": "a number", "boolean": "yes or no"}
    if argument.fields is not None:
        fields = "; ".join(f"{name}: {_taken(inner)}" for name, inner in argument.fields.items())
        return f"up to {argument.many} items, each with {fields}"
    if argument.one_of is not None:
        words = "one of " + ", ".join(argument.one_of)
    else:
        words = kinds[argument.type]
        words += f" of at most {argument.max_length} characters" if argument.max_length else ""
        ends = [(w, n) for w, n in (("at least", argument.minimum), ("at most", argument.maximum)) if n is not None]
        words += "".join(f", {word} {number}" for word, number in ends)
    words = f"up to {argument.many} values, each {words}" if argument.many else words
    return words + (", or nothing" if argument.optional else "")


def _seen(it: _Subject) -> Iterator[str]:
    yield ", ".join(shown(it.capability, it.table))
    yield from (f"{line}." for line in guarded(it.table) if line.partition(" ")[0] in shown(it.capability, it.table))
    if isinstance(it.capability, AggregateCapability):
        yield from computed(it.capability)
    else:
        yield from _behind(shown(it.capability, it.table), it.table, it)


def _behind(paths: Iterable[str], table: Table, it: _Subject, at: str = "") -> Iterator[str]:
    """Yield which columns of related rows are not seen as they are."""
    for path in paths:
        rule = rule_at(path, table, it.tables)
        if rule is not None and rule.show is not None and (at or "." in path):
            yield f"{at}{path} {veiled(rule)}."


def _related(it: _Subject) -> Iterator[str]:
    """Tell of each table that links lead to whose rows of it are seen, and of the lists that come along."""
    steps = steps_of(it.capability, it.named, it.tables)
    for name in dict.fromkeys(step.to for step in steps):
        table = it.tables[name]
        trusted = ((table.tenant_column, it.context.tenant), (table.principal, it.context.principal))
        kept = [f"{column} is the {_of_session(value)} of the session" for column, value in trusted if column]
        rows = " and ".join([*kept, *comparisons(table.only, WORDS)])
        yield f"From {name}, only rows whose {rows}." if rows else f"From {name}, any row: it has a single tenant."
    lists = it.capability.with_ if isinstance(it.capability, ReadCapability) else {}
    if any(not it.tables[step.table].links[step.link].many for step in steps):
        if isinstance(it.capability, AggregateCapability):
            yield "A row for which there is none counts as one without a value there."
            yield "A related row counts for each row that leads to it; those of one group may all lead to the same."
        elif isinstance(it.capability, ProposeCapability):
            yield "Where there is no such row, nothing is proposed."
        else:
            yield "Where there is no such row, the result says null in its place."
            ordered = (*used(it.capability), *(path for child in lists.values() for path in used(child)))
            if any("." in path for path in ordered):
                yield "In an order, it stands where rows without a value stand."
    for word, child in lists.items():
        target = it.tables[it.table.links[word].to]
        columns = child.returns or target.returned
        yield f"At most {child.rows} rows of {word} come along: {', '.join(columns)}."
        yield from _behind(columns, target, it, f"{word}.")
        for said in comparisons(child.where, WORDS):
            yield f"Of {word}: {said}{'' if '$' not in said else ' (what the model gives)'}"


def _unseen(it: _Subject) -> Iterator[str]:
    aggregate = isinstance(it.capability, AggregateCapability)
    seen = used(it.capability) if aggregate else set(shown(it.capability, it.table))
    denied = sorted(set(it.table.columns) - set(it.table.allowed))
    kept = [name for name in it.table.allowed if name not in seen]
    if denied:
        yield f"{', '.join(denied)}: denied to every capability"
    if kept:
        yield f"{', '.join(kept)}: not {'told' if aggregate else 'returned'} by this one"
    if aggregate:
        yield "Any row, and anything that too few rows stand behind."
    yield "Any column that the contract does not name."


def _changed(it: _Subject) -> Iterator[str]:
    if isinstance(it.capability, ProposeCapability):
        for column, value in it.capability.set.items():
            what = f"what the model gives as {value}" if is_argument(value) else set_to(value)
            yield f"{column} becomes {what}"
        yield from reviewed_of(it.capability, it.table)
        if it.capability.operation is not Operation.UPDATE:
            return
        yield "Every other column stays as it is" + (
            f", but for {', '.join(it.table.moves)}, which the database moves itself." if it.table.moves else "."
        )


def _bounds(it: _Subject) -> Iterator[str]:
    if isinstance(it.capability, ProposeCapability):
        bounds = bounds_of(it.capability, it.table, tuple(it.capability.set))
        yield from (f"{column}: {words}" for column, words in bounds.items())
        if not bounds:
            yield "No number is bounded."


def _limits(it: _Subject) -> Iterator[str]:
    limits = it.capability.limits
    rows = [] if it.single else [f"{limits.rows} rows"]
    if isinstance(limits, AggregateLimits):
        rows = [f"{limits.rows} groups of {limits.groups}"]
    yield f"One call: at most {', '.join([*rows, f'{limits.bytes:,} bytes of text', f'{limits.time_ms / 1000:g} s'])}."
    if limits.calls_per_minute is not None:
        yield f"One person: at most {limits.calls_per_minute} calls a minute."
    if limits.calls_per_day is not None:
        yield f"One person: at most {limits.calls_per_day} calls a day."
    if isinstance(limits, AggregateLimits) and limits.variants_per_day is not None:
        yield f"One person: at most {limits.variants_per_day} different questions a day."


def _decides(it: _Subject) -> Iterator[str]:
    if isinstance(it.capability, ProposeCapability):
        approval = it.capability.approval
        if approval.people > 1:
            yield f"{approval.people} different people with the role {approval.role}, none of them the one who asked, within {approval.expires_hours} hours."
        else:
            yield f"A person with the role {approval.role}, who is not the one who asked, within {approval.expires_hours} hours."
        yield "They sign exactly the change that they were shown."
        _, *more = (*deciding(it.capability), *proving(approval))
        yield from (f"{words[0].upper()}{words[1:]}." for words in more)
        if it.together:
            others = " and by ".join(it.together)
            yield f"It stands or falls with a proposal of the same connection by {others}: all are approved and applied at once, or none is."


def _before(it: _Subject) -> Iterator[str]:
    if it.reads_before:
        yield f"{', '.join(it.reads_before)}: answered in the same connection, for the same person; by the same key, of the same row."


_REFUSED: Final = {
    Operation.UPDATE: ("A change outside the bounds.", "A change that would change nothing."),
    Operation.INSERT: ("A row outside the bounds.", "A row that is there already."),
    Operation.DELETE: ("A row outside the bounds.", ""),
}


def _outside(capability: ProposeCapability, table: Table) -> Iterator[str]:
    outside, also = _REFUSED[capability.operation]
    totals = capability.members.totals if capability.members is not None else {}
    if totals or bounds_of(capability, table, tuple(capability.set)):
        yield outside
    if also:
        yield also


def _refused(it: _Subject) -> Iterator[str]:
    yield (
        "A row of somebody else, as if it were not there."
        if it.single
        else "A session that lacks whose rows it may see."
    )
    yield "Any argument but these, and any value that does not fit."
    if isinstance(it.capability, ProposeCapability):
        yield from _outside(it.capability, it.table)
        if it.capability.requires:
            yield "A row that is not as is required, or whose related row is not."
    elif isinstance(it.capability, AggregateCapability):
        yield "A question with more groups, or more bytes of text in them, than there may be."
    elif it.single:
        yield "A row of more bytes than one call may return."
    else:
        yield "Nothing for being long: a list that is cut says so."


def _guards(it: _Subject) -> Iterator[str]:
    if not isinstance(it.capability, ProposeCapability):
        return
    if it.capability.operation is Operation.INSERT:
        yield f"No row with the same {', '.join(it.capability.dedup)} may be there; otherwise nothing is applied."
        if held := it.capability.depends:
            rows = "a related row that is" if len(held) == 1 else "related rows that are"
            yield f"{_as_it_was(held)}, in {rows} locked meanwhile; otherwise nothing is applied, either."
        return
    deletes = it.capability.operation is Operation.DELETE
    held, advances = guards_of(it.capability, it.table)
    whole = deletes or it.table.version == "whole_row"
    yield f"{_as_it_was(('Every column',) if whole else held)}; otherwise nothing is applied."
    if it.capability.depends:
        yield f"So must {', '.join(it.capability.depends)}, in related rows that are locked meanwhile."
    if advances:
        yield f"Afterwards {advances} must have moved, and nothing else than what was approved."
    elif deletes:
        more = "" if it.capability.accepts else ", and nothing else is"
        yield f"Afterwards the row is gone{more}."


def _as_it_was(columns: Collection[str]) -> str:
    return f"{', '.join(columns)} must be as {'it was' if len(columns) == 1 else 'they were'} when the change was asked for"


SECTIONS: Final[dict[str, Callable[[_Subject], Iterator[str]]]] = {
    "does": _what,
    "whose rows": _whose,
    "which": _which,
    "model gives": _given,
    "read before": _before,
    "changes": _changed,
    "bounds": _bounds,
    "seen": _seen,
    "related": _related,
    "never seen": _unseen,
    "limits": _limits,
    "decided by": _decides,
    "refused": _refused,
    "when applied": _guards,
}
"""What is told, in this order; a new key of the language adds a sentence to one of these, or a section."""
