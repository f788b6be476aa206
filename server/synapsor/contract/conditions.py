"""The filters of a contract as models: a column equals a value, or compares with one in a reviewed way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Discriminator, Field, Tag

from synapsor.contract.base import Model

Scalar = str | int | bool | None
"""A constant (`overdue`, 0), or an argument (`$invoice_id`); `$$` begins a constant that starts with a dollar sign."""

Value = str | int | bool
"""A constant or an argument where null makes no sense."""


class Operator(StrEnum):
    """How a column is compared."""

    EQUALS = "equals"
    NOT = "not"
    AT_LEAST = "at_least"
    ABOVE = "above"
    AT_MOST = "at_most"
    BELOW = "below"
    ONE_OF = "one_of"
    STARTS_WITH = "starts_with"
    HAS_VALUE = "has_value"
    NO_VALUE = "no_value"


RANGES = frozenset({Operator.AT_LEAST, Operator.ABOVE, Operator.AT_MOST, Operator.BELOW})


def _tag(value: Any) -> str:
    return "<list>" if isinstance(value, list | tuple) else "<value>"


class Compare(Model):
    """How a column compares with constants or arguments; all that is said holds together."""

    model_config = ConfigDict(validate_by_name=False, validate_by_alias=True)

    not_: Value | None = Field(default=None, alias="not")
    at_least: Value | None = None
    above: Value | None = None
    at_most: Value | None = None
    below: Value | None = None
    one_of: (
        Annotated[
            Annotated[tuple[Value, ...], Field(strict=False, min_length=1, max_length=100), Tag("<list>")]
            | Annotated[str, Tag("<value>")],
            Discriminator(_tag),
        ]
        | None
    ) = None
    starts_with: str | None = None
    has_value: bool | None = None


def _kind(value: Any) -> str:
    return "<compare>" if isinstance(value, dict | Compare) else "<value>"


Filter = Annotated[Annotated[Scalar, Tag("<value>")] | Annotated[Compare, Tag("<compare>")], Discriminator(_kind)]
"""A value that the column equals, null for no value, or a comparison."""


def is_argument(value: object) -> bool:
    """Tell whether a value of a contract names an argument."""
    return isinstance(value, str) and value.startswith("$") and not value.startswith("$$")


def constant(value: Scalar) -> Scalar:
    """Return the constant behind a value, with `$$` unescaped."""
    return value[1:] if isinstance(value, str) and value.startswith("$$") else value


def terms(where: Mapping[str, Scalar | Compare]) -> Iterator[tuple[str, Operator, tuple[Scalar, ...]]]:
    """Yield column, operator and values of each comparison; without a value for `has_value` and `no_value`."""
    for column, said in where.items():
        if not isinstance(said, Compare):
            yield (column, Operator.NO_VALUE, ()) if said is None else (column, Operator.EQUALS, (said,))
            continue
        for name in Compare.model_fields:
            value = getattr(said, name)
            if value is None:
                continue
            if name == "has_value":
                yield column, Operator.HAS_VALUE if value else Operator.NO_VALUE, ()
            else:
                yield column, Operator(name.rstrip("_")), value if isinstance(value, tuple) else (value,)
