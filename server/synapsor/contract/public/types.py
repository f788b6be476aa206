"""What the public format does not say: which source a contract is about, and the types of its columns.

They come from a source's catalogue or from a types file; beside a contract `shop.json` that is `shop.types.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, ValidationError, model_validator

from synapsor.contract.base import SORTED, Column, Model, Name, RelationName
from synapsor.contract.document import hidden_characters, read_document
from synapsor.errors import Problem
from synapsor.values import ColumnType

SUFFIX: Final = ".types.yaml"


class ColumnKind(Model):
    """What a column holds, and whether the database itself changes it with every update."""

    type: ColumnType = Field(strict=False)
    scale: int | None = Field(default=None, ge=0, le=38)
    max_length: int | None = Field(default=None, ge=1, le=1_000_000)
    moves: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        """Accept `id: text` for the long form."""
        return {"type": value} if isinstance(value, str) else value


class Types(Model):
    """The columns of relations by name, and which of our sources a source of the document is."""

    synapsor_types: Literal[1] = 1
    source: Name | None = None
    sources: dict[Annotated[str, StringConstraints(min_length=1, max_length=200)], Name] = Field(default_factory=dict)
    engines: dict[Name, str] = Field(default_factory=dict)
    relations: Annotated[dict[RelationName, dict[Column, ColumnKind]], SORTED] = Field(default_factory=dict)

    def source_of(self, theirs: str | None) -> str | None:
        """Return our name of a document's source; None when it is not known."""
        if theirs is None:
            known = set(self.sources.values())
            return self.source or (next(iter(known)) if len(known) == 1 else None)
        return self.sources.get(theirs) or self.source


def read_types(text: str, file: str) -> tuple[Types | None, tuple[Problem, ...]]:
    """Return what a types file says, or what is wrong with it."""
    unseen = hidden_characters(text, file)
    document = read_document(text, file)
    problems = [*unseen, *document.problems]
    if problems or not isinstance(document.data, dict):
        missing = Problem(file, 1, 1, "types_invalid", "A types file is a mapping.", "Begin it with `relations:`.")
        return None, tuple(problems or [missing])
    try:
        return Types.model_validate(document.data), ()
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        at = document.positions
        return None, tuple(
            at.at_key(tuple(detail["loc"]), "types_invalid", f"This is not what is asked for here: {detail['type']}.")
            for detail in found
        )


def beside(contract: Path) -> Path:
    """Return where the types of a contract's file are looked for."""
    return contract.with_suffix(SUFFIX)


def as_data(types: Types) -> dict[str, Any]:
    """Return types as the data of a types file, in the short form where it says all."""
    relations: Mapping[str, Mapping[str, ColumnKind]] = types.relations
    head: dict[str, Any] = {"source": types.source} if types.source else {}
    head.update({"sources": dict(types.sources)} if types.sources else {})
    return {
        "synapsor_types": 1,
        **head,
        "relations": {
            name: {column: _kind(kind) for column, kind in columns.items()} for name, columns in relations.items()
        },
    }


def _kind(kind: ColumnKind) -> Any:
    said = {"scale": kind.scale, "max_length": kind.max_length, "moves": kind.moves or None}
    more = {name: value for name, value in said.items() if value is not None}
    return {"type": kind.type.value, **more} if more else kind.type.value
