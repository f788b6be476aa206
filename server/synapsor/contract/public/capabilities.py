"""The capabilities of a public contract as ours: reads by key, aggregates and proposals, each over its table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from synapsor.contract.document import Path
from synapsor.contract.public.changes import Change
from synapsor.contract.public.draft import Draft
from synapsor.contract.public.inputs import Inputs
from synapsor.contract.public.part import Part
from synapsor.contract.public.subjects import Subject, TableDraft, Tables, subject_of
from synapsor.contract.public.terms import fixed_terms

_SHORTEST: Final = 8
_LONGEST: Final = 1000
RESULT: Final = "result"
"""What the one measure of an aggregate is called; the format has no name for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Our names of what the document names, and its resources."""

    contexts: Mapping[str, str]
    capabilities: Mapping[str, str]
    policies: Mapping[str, str]
    resources: dict[str, Part]


def write_capability(draft: Draft, tables: Tables, capability: Part, names: Names) -> None:
    """Write one capability, or say why it is not served."""
    kind = capability.get("kind")
    if kind in {"external_action", "answer_with_evidence"}:
        draft.refuse(capability.at("kind"), "kind_unsupported")
        return
    if "protected_read" in capability:
        draft.refuse(capability.at("protected_read"), "protected_read_unsupported")
        return
    subject = subject_of(draft, capability, names.resources)
    if subject is None:
        return
    tables.keep(capability, subject)
    path: Path = ("capabilities", names.capabilities[capability.get("name")])
    draft.put((*path, "description"), _description(draft, capability), capability.at("description"))
    if len(names.contexts) > 1:
        draft.put((*path, "context"), names.contexts[capability.get("context")], capability.at("context"))
    if capability.get("max_rows") not in {None, 1}:
        draft.note(capability.at("max_rows"), "rows_for_one_key")
    _evidence(draft, capability)
    _tokens(draft, capability)
    if kind == "read":
        _read(draft, tables, capability, subject, path)
    elif kind == "aggregate_read":
        _aggregate(draft, tables, capability, subject, path)
    else:
        inputs = _inputs(draft, capability, subject)
        change = Change(draft=draft, tables=tables, capability=capability, subject=subject, inputs=inputs, path=path)
        table = change.write(names.policies)
        if table is not None:
            change.finish(table, returned(draft, tables, capability, table, path))


def _inputs(draft: Draft, capability: Part, subject: Subject) -> Inputs:
    kinds = draft.types.relations.get(subject.relation, {})
    return Inputs(draft=draft, declared=capability.child("args"), kinds=kinds)


def _read(draft: Draft, tables: Tables, capability: Part, subject: Subject, path: Path) -> None:
    lookup = capability.child("lookup")
    if lookup is None:
        draft.refuse(capability.at("lookup"), "lookup_missing")
        return
    table, inputs = tables.table(subject, None), _inputs(draft, capability, subject)
    draft.put((*path, "read"), table.name, subject.path)
    key = inputs.use(lookup.get("id_from_arg"), subject.key, lookup.at("id_from_arg"))
    draft.put((*path, "where"), {subject.key: f"${key}"}, lookup.path)
    for argument in inputs.unused():
        draft.note(argument.path, "argument_dropped")
    inputs.write((*path, "arguments"))
    returned(draft, tables, capability, table, path)


def returned(draft: Draft, tables: Tables, capability: Part, table: TableDraft, path: Path) -> tuple[str, ...]:
    """Write which columns a capability shows, and return them."""
    shown: list[str] = []
    for index, column in enumerate(capability.names("visible_fields")):
        here = f"{capability.at('visible_fields')}[{index}]"
        if column in table.subject.scope:
            draft.note(here, "scope_not_shown", f"It is `{column}`.")
            continue
        shown.append(column)
        tables.use(table, (column,), here)
    if not shown:
        draft.refuse(capability.at("visible_fields"), "nothing_returned")
    draft.put((*path, "returns"), shown, capability.at("visible_fields"))
    return tuple(shown)


def _aggregate(draft: Draft, tables: Tables, capability: Part, subject: Subject, path: Path) -> None:
    aggregate = capability.child("aggregate")
    if aggregate is None:
        return
    draft.needs("aggregates", aggregate.path)
    table = tables.table(subject, None)
    where = fixed_terms(draft, tables, aggregate, table)
    function, column = aggregate.get("function"), aggregate.get("column")
    if isinstance(column, str):
        tables.use(table, (column,), aggregate.at("column"))
    if aggregate.get("count_mode") == "non_null" and column not in where:
        where = {**where, str(column): {"has_value": True}}
    draft.put((*path, "aggregate"), table.name, subject.path)
    if where:
        draft.put((*path, "where"), where, aggregate.at("selection"))
    measure = "count" if function == "count" else {function: column}
    draft.put((*path, "measures"), {RESULT: measure}, aggregate.path)
    draft.put((*path, "minimum_group"), aggregate.get("minimum_group_size"), aggregate.at("minimum_group_size"))


def _description(draft: Draft, capability: Part) -> str:
    said = [capability.get(key) for key in ("description", "returns_hint")]
    text = " ".join(one.strip() for one in said if isinstance(one, str) and one.strip())
    if len(text) > _LONGEST:
        draft.refuse(capability.at("description"), "text_unfit")
        return text[:_LONGEST]
    if len(text) >= _SHORTEST:
        return text
    area, _, verb = str(capability.get("name")).partition(".")
    draft.note(capability.at("description"), "description_made")
    return f"{text or verb.replace('_', ' ').capitalize()} ({area.replace('_', ' ')})."


def _evidence(draft: Draft, capability: Part) -> None:
    evidence = capability.child("evidence")
    if evidence is not None and (
        evidence.get("required") is False or {"sources", "handle_prefix"} & set(evidence.data)
    ):
        draft.note(evidence.path, "evidence_always")


def _tokens(draft: Draft, capability: Part) -> None:
    withheld = set(capability.names("model_withheld_fields"))
    if withheld & set(capability.names("visible_fields")):
        draft.needs("tokens", capability.at("model_withheld_fields"))
