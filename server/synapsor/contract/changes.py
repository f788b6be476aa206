"""What a proposal may say of its change, as models: the operation, values that are made when it is asked, sets, and accepted effects."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, StringConstraints, Tag

from synapsor.contract.base import SORTED, Column, Model, RelationName
from synapsor.contract.conditions import Scalar
from synapsor.values import SAFE_INTEGER

MOST_MEMBERS = 100


class Operation(StrEnum):
    """What a proposal does to its rows."""

    UPDATE = "update"
    INSERT = "insert"
    DELETE = "delete"


class Range(Model):
    """Inclusive bounds of a number."""

    at_least: int | None = Field(default=None, ge=-SAFE_INTEGER, le=SAFE_INTEGER)
    at_most: int | None = Field(default=None, ge=-SAFE_INTEGER, le=SAFE_INTEGER)


class Bound(Model):
    """What a changed column must satisfy before the change, after it, and in between."""

    before: Range | None = None
    after: Range | None = None
    change: Range | None = None


class Computed(Model):
    """A value that is made when the change is asked for: of the value before, or of who asks and when."""

    model_config = ConfigDict(validate_by_name=False, validate_by_alias=True)

    add: int | str | None = None
    subtract: int | str | None = None
    from_: Literal["now", "principal", "tenant", "proposal"] | None = Field(default=None, alias="from")

    @property
    def amount(self) -> int | str | None:
        """What is added or subtracted, or None where the value is of another kind."""
        return self.subtract if self.add is None else self.add


class Members(Model):
    """The limits of a set: how many rows, and what their numbers come to."""

    at_most: int = Field(ge=1, le=MOST_MEMBERS)
    totals: Annotated[dict[Column, Bound], SORTED] = Field(default_factory=dict)


class Accepts(Model):
    """Effects of a delete beside it that the reviewer knows of."""

    triggers: tuple[Column, ...] = Field(default=(), strict=False)
    cascades: tuple[RelationName, ...] = Field(default=(), strict=False)


def _kind(value: Any) -> str:
    return "<computed>" if isinstance(value, dict | Computed) else "<value>"


SetTo = Annotated[
    Annotated[Scalar, Tag("<value>")] | Annotated[Computed, Tag("<computed>")],
    Discriminator(_kind),
]
"""A fixed value, an argument, null, or a value that is made when the change is asked for."""

Steps = Annotated[
    dict[
        Annotated[str, StringConstraints(min_length=1, max_length=200)],
        Annotated[tuple[str, ...], Field(strict=False, min_length=1, max_length=64)],
    ],
    SORTED,
]
"""For each value of a column, the values that may follow it."""


def in_item(value: object) -> str:
    """Return the field of an item that a value of a contract names, as in `$lines.sku`, or ""."""
    is_field = isinstance(value, str) and value.startswith("$") and not value.startswith("$$")
    return str(value).partition(".")[2] if is_field else ""
