"""The arguments of a public capability as ours: typed by the columns that they stand for, and every text with a longest length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from synapsor.contract.document import Path
from synapsor.contract.public.draft import Draft, renamed
from synapsor.contract.public.numbers import inwards
from synapsor.contract.public.part import Part
from synapsor.contract.public.types import ColumnKind
from synapsor.values import ColumnType

LONGEST: Final = 1000
_DESCRIPTION: Final = 500


@dataclass(slots=True, kw_only=True)
class Inputs:
    """The arguments of one capability, or the fields of its items, while what they stand for is found out."""

    draft: Draft
    declared: Part | None
    kinds: Mapping[str, ColumnKind]
    names: dict[str, str] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.declared is not None:
            given = [(name, self.declared.at(name)) for name in self.declared.data]
            self.names = renamed(self.draft, given)

    def use(self, name: str, column: str, path: str) -> str:
        """Return our name of an argument that stands for a column."""
        if self.declared is None or name not in self.declared:
            self.draft.refuse(path, "argument_unknown", f"It is `{name}`.")
            return "missing"
        self.columns.setdefault(name, []).append(column)
        argument = self.declared.child(name)
        if argument is not None and argument.get("required") is False:
            self.draft.refuse(argument.at("required"), "argument_optional")
        return self.names.get(name, name)

    def keep(self, name: str) -> str:
        """Return our name of an argument that is used otherwise."""
        self.kept.add(name)
        return self.names.get(name, name)

    def unused(self) -> list[Part]:
        """Return the declared arguments that nothing uses."""
        used = {*self.columns, *self.kept}
        declared = self.declared
        parts = [declared.child(name) for name in declared.data if name not in used] if declared is not None else []
        return [part for part in parts if part is not None]

    def write(self, path: Path) -> None:
        """Write every argument that is used."""
        declared = self.declared
        for name in declared.data if declared is not None else ():
            argument = declared.child(name) if declared is not None else None
            if argument is not None and name in self.columns:
                kinds = [self.kinds[c] for c in self.columns[name] if c in self.kinds]
                said = self._said(argument, kinds)
                self.draft.put((*path, self.names.get(name, name)), said, argument.path)
            elif argument is not None and name in self.kept and argument.get("type") == "string":
                self.draft.put((*path, self.names.get(name, name)), self._said(argument, []), argument.path)

    def _said(self, argument: Part, kinds: list[ColumnKind]) -> dict[str, Any]:
        theirs = argument.get("type")
        said = {"boolean": _boolean, "number": self._number}.get(theirs, self._text)(argument, kinds)
        if "enum" in argument and theirs != "string":
            self.draft.refuse(argument.at("enum"), "enum_unsupported")
        description = argument.get("description")
        if isinstance(description, str):
            if len(description) > _DESCRIPTION:
                self.draft.refuse(argument.at("description"), "text_unfit")
            said["description"] = description
        return said

    def _number(self, argument: Part, kinds: list[ColumnKind]) -> dict[str, Any]:
        if any(kind.type is ColumnType.NUMERIC for kind in kinds):
            self.draft.note(argument.path, "whole_numbers")
        ends = inwards(self.draft, dict(argument.data), argument.path)
        names = {"at_least": "minimum", "at_most": "maximum"}
        return {"type": "integer", **{names[end]: value for end, value in ends.items()}}

    def _text(self, argument: Part, kinds: list[ColumnKind]) -> dict[str, Any]:
        if "enum" in argument:
            return {"type": "string", "one_of": argument.get("enum")}
        if kinds and all(kind.type is ColumnType.INTEGER for kind in kinds):
            self.draft.note(argument.path, "argument_typed")
            return {"type": "integer"}
        longest = [kind.max_length for kind in kinds if kind.max_length is not None]
        given = argument.get("max_length")
        if given is None:
            self.draft.note(argument.path, "length_added", f"It is {min([LONGEST, *longest])}.")
        elif longest and given > min(longest):
            self.draft.note(argument.at("max_length"), "length_added", f"The column allows {min(longest)}.")
        return {"type": "string", "max_length": min([given or LONGEST, *longest])}


def _boolean(_argument: Part, _kinds: list[ColumnKind]) -> dict[str, Any]:
    return {"type": "boolean"}
