"""The relations of a public contract as tables of ours: one for each relation, scope and guard that its capabilities speak of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from synapsor.contract.public.draft import Draft, plain
from synapsor.contract.public.forms import is_identifier
from synapsor.contract.public.part import Part
from synapsor.contract.public.types import Types

_ENGINES: Final = {"postgres": ("postgres",), "mysql": ("mysql", "mariadb")}
_BECAUSE: Final = "The public contract says single_tenant_dev: all rows belong to one tenant, for a local demo only."


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose rows of which relation a capability is about."""

    source: str
    relation: str
    key: str
    tenant: str | None
    principal: str | None
    conflict: str | None
    path: str

    @property
    def scope(self) -> tuple[str, ...]:
        """The columns that the session decides."""
        return tuple(name for name in (self.tenant, self.principal) if name is not None)

    @property
    def same(self) -> tuple[object, ...]:
        """What two capabilities over one table agree on."""
        return (self.source, self.relation, self.key, self.tenant, self.principal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """How a stale change is told: by a column that the database moves, or by the whole row; None where nothing is changed."""

    version: str | None = None
    moves: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class TableDraft:
    """One table of ours while its capabilities are read."""

    name: str
    subject: Subject
    guard: Guard
    used: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Tables:
    """Every table that the document's capabilities need, and what they show, keep out and withhold of each relation."""

    draft: Draft
    found: list[TableDraft] = field(default_factory=list)
    kept_out: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    withheld: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def table(self, subject: Subject, guard: Guard | None) -> TableDraft:
        """Return the table for a subject; a read takes any, a change one that is guarded as it says."""
        for table in self.found:
            if table.subject.same == subject.same:
                if guard is None or table.guard == guard:
                    return table
                if table.guard == Guard():
                    table.guard = guard
                    return table
        first = plain(subject.relation.partition(".")[2]) or "rows"
        taken = {table.name for table in self.found}
        name = next(n for n in (first, *(f"{first}_{i}" for i in range(2, 1000))) if n not in taken)
        made = TableDraft(name=name, subject=subject, guard=guard or Guard())
        self.found.append(made)
        return made

    def use(self, table: TableDraft, columns: Iterable[str], path: str) -> None:
        """Remember that a capability uses columns of a table."""
        for column in columns:
            table.used.setdefault(column, path)

    def keep(self, capability: Part, subject: Subject) -> None:
        """Remember what a capability keeps out and withholds."""
        place = (subject.source, subject.relation)
        for key, into in (("kept_out_fields", self.kept_out), ("model_withheld_fields", self.withheld)):
            for index, column in enumerate(capability.names(key)):
                into.setdefault(place, {}).setdefault(column, f"{capability.at(key)}[{index}]")

    def write(self) -> None:
        """Write every table into the draft."""
        for table in self.found:
            self._write(table)

    def _write(self, table: TableDraft) -> None:
        subject, draft = table.subject, self.draft
        place, path = (subject.source, subject.relation), ("tables", table.name)
        kinds = draft.types.relations.get(subject.relation, {})
        self.use(table, (subject.key, *subject.scope, *table.guard.moves), subject.path)
        if table.guard.version not in {None, "whole_row"}:
            self.use(table, (str(table.guard.version),), subject.path)
        columns: dict[str, Any] = {}
        for column, origin in sorted(table.used.items()):
            kind = kinds.get(column)
            if kind is None:
                draft.refuse(origin, "type_unknown", f"It is `{subject.relation}.{column}`.")
                continue
            shown = "token" if column in self.withheld.get(place, {}) else None
            more = {"scale": kind.scale, "max_length": kind.max_length, "show": shown}
            said = {name: value for name, value in more.items() if value is not None}
            columns[column] = {"type": kind.type.value, **said} if said else kind.type.value
        columns.update(self._denied(place))
        tenant = subject.tenant if subject.tenant is not None else {"single_tenant": True, "because": _BECAUSE}
        moves = [c for c, kind in kinds.items() if kind.moves and c in table.used and c != table.guard.version]
        fixed = {subject.key, *subject.scope, table.guard.version}
        parts = {
            "source": subject.source,
            "relation": subject.relation,
            "key": subject.key,
            "tenant": tenant,
            "principal": subject.principal,
            "version": table.guard.version,
            "moves": sorted({*moves, *table.guard.moves} - fixed) or None,
            "columns": columns,
        }
        for name, value in parts.items():
            if value is not None:
                draft.put((*path, name), value, subject.path)

    def _denied(self, place: tuple[str, str]) -> dict[str, Any]:
        """Return the columns that are kept out and shown nowhere."""
        here = [table for table in self.found if (table.subject.source, table.subject.relation) == place]
        shown = {column for table in here for column in table.used}
        for column, path in self.kept_out.get(place, {}).items():
            if column in shown:
                self._note_once(path, column)
        return {column: "denied" for column in self.kept_out.get(place, {}) if column not in shown}

    def _note_once(self, path: str, column: str) -> None:
        detail = f"It is `{column}`."
        if all((note.path, note.word) != (path, "kept_out_elsewhere") for note in self.draft.notes):
            self.draft.note(path, "kept_out_elsewhere", detail)


def subject_of(draft: Draft, capability: Part, resources: dict[str, Part]) -> Subject | None:
    """Return whose rows a capability is about; None, with a refusal, when that cannot be told."""
    part = capability.child("subject")
    if part is None:
        return None
    resource = resources.get(str(part.get("resource")))
    if "resource" in part and resource is None:
        draft.refuse(part.at("resource"), "source_unknown", "The resource is not declared.")
        return None
    source = source_of(draft.types, capability.data)
    if resource is not None and not _serves(draft, capability, resource, source):
        return None
    if source is None:
        draft.refuse(capability.at("source"), "source_unknown", "Name it with --source, or in the types file.")
        return None
    said = {key: _either(key, part, resource) for key in ("schema", "table", "primary_key", "tenant_key")}
    if _either("single_tenant_dev", part, resource) is True:
        said["tenant_key"] = None
        draft.note(part.path, "single_tenant")
    principal = part.get("principal_scope_key")
    return Subject(
        source=source,
        relation=f"{said['schema']}.{said['table']}",
        key=str(said["primary_key"]),
        tenant=said["tenant_key"],
        principal=principal if is_identifier(principal) else None,
        conflict=_either("conflict_key", part, resource),
        path=part.path,
    )


def _either(key: str, part: Part, resource: Part | None) -> Any:
    own = part.get(key)
    return own if own is not None or resource is None else resource.get(key)


def _serves(draft: Draft, capability: Part, resource: Part, source: str | None) -> bool:
    kind, writes = resource.get("type"), capability.get("kind") == "proposal"
    engine = draft.types.engines.get(source or "")
    if resource.get("engine") not in _ENGINES or (engine and engine not in _ENGINES[resource.get("engine")]):
        draft.refuse(resource.at("engine"), "engine_unsupported", f"The source is {engine}." if engine else "")
        return False
    if "type" in resource and kind != "table" and (kind != "view" or writes):
        draft.refuse(resource.at("type"), "resource_type_unsupported")
        return False
    return True


def source_of(types: Types, capability: Mapping[str, Any]) -> str | None:
    """Return our name of a capability's source."""
    theirs = capability.get("source")
    return types.source_of(theirs if isinstance(theirs, str) else None)


def relations_of(document: Mapping[str, Any], types: Types) -> set[tuple[str, str]]:
    """Return the relations of a document that is in order, each with our name of its source where that is known."""
    resources = {resource["name"]: resource for resource in document.get("resources", [])}
    found: set[tuple[str, str]] = set()
    for capability in document["capabilities"]:
        subject, source = capability["subject"], source_of(types, capability)
        place = resources.get(subject.get("resource"), {}) | subject
        if source is not None and "schema" in place and "table" in place:
            found.add((source, f"{place['schema']}.{place['table']}"))
    return found
