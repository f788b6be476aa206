"""What every part of a contract is made of: the closed model, and the names that may stand in it."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Column = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
_PATH = r"(?:[a-z][a-z0-9_]{0,62}\.){0,3}[A-Za-z_][A-Za-z0-9_]{0,62}$"
ColumnPath = Annotated[str, StringConstraints(pattern=f"^{_PATH}")]
"""A column of the table itself, or one behind at most three links, such as `buyer.region.name`."""

OrderPath = Annotated[str, StringConstraints(pattern=f"^-?{_PATH}")]
"""The same, with - before it for descending order."""

RelationName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}\.[A-Za-z_][A-Za-z0-9_]{0,62}$")]
CapabilityName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}\.[a-z][a-z0-9_]{0,62}$")]
SessionKey = Annotated[str, StringConstraints(pattern=r"^session\.[a-z][a-z0-9_]{0,62}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]

K = TypeVar("K")
V = TypeVar("V")


def _sorted(given: dict[K, V]) -> dict[K, V]:
    return dict(sorted(given.items(), key=lambda item: str(item[0])))


SORTED = AfterValidator(_sorted)
"""Keeps a mapping in the order of its names, so that the order of keys in a file changes nothing: no digest, no plan, no result."""

Columns = Annotated[
    tuple[Column, ...],
    Field(strict=False, min_length=1, max_length=8),
    BeforeValidator(
        lambda given: (given,) if isinstance(given, str) else given,
        json_schema_input_type=Column | Annotated[list[Column], Field(min_length=1, max_length=8)],
    ),
]
"""One column, or a list of them."""


class Model(BaseModel):
    """What every part of a contract is: immutable, strict and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, defer_build=True)
