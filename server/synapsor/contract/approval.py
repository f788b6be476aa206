"""What a contract says about deciding, as models: who approves, what makes a change risky, and what may be approved by rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from synapsor.contract.base import SORTED, Column, Model, Name
from synapsor.values import SAFE_INTEGER

REASON_CODE = "reason_code"
"""The key of a risk's entry that lists reason codes; every other key is a column."""


Level = Literal["low", "medium", "high"]
LEVELS: tuple[Level, ...] = ("low", "medium", "high")


class Span(Model):
    """What a value must be: a number within inclusive bounds, or a text of a closed list."""

    at_least: int | None = Field(default=None, ge=-SAFE_INTEGER, le=SAFE_INTEGER)
    at_most: int | None = Field(default=None, ge=-SAFE_INTEGER, le=SAFE_INTEGER)
    one_of: tuple[str, ...] | None = Field(default=None, strict=False, min_length=1, max_length=64)


class Case(Model):
    """What must hold of one column: of its value as it is, as it would be, and of the difference."""

    before: Span | None = None
    after: Span | None = None
    change: Span | None = None


def _tag(value: Any) -> str:
    return "<codes>" if isinstance(value, list | tuple) else "<case>"


Entry = Annotated[
    dict[
        Column,
        Annotated[
            Annotated[Case, Tag("<case>")]
            | Annotated[tuple[str, ...], Field(strict=False, min_length=1, max_length=64), Tag("<codes>")],
            Discriminator(_tag),
        ],
    ],
    SORTED,
    Field(min_length=1),
]
"""Conditions that hold together: columns with what must hold of each, and `reason_code` with a list."""


class Risk(Model):
    """What makes a change risky, computed from the proposal alone. A change that is neither is of low risk."""

    high: Entry | None = None
    medium: Entry | None = None


def levels(risk: Risk | None) -> Mapping[Level, Mapping[str, Case | tuple[str, ...]]]:
    """Return the levels that a contract names with their conditions, the highest first."""
    named: tuple[tuple[Level, Any], ...] = (("high", risk and risk.high), ("medium", risk and risk.medium))
    return {level: entry for level, entry in named if entry is not None}


class Stricter(Model):
    """What is other at a higher risk than what the approval says."""

    role: Name | None = None
    quorum: int | None = Field(default=None, ge=1, le=10)
    expires_hours: int | None = Field(default=None, ge=1, le=24 * 90)


class Approval(Model):
    """Who may approve, how many of them it takes, how they prove that they are there, and for how long a proposal waits.

    With `fresh`, a person's approval takes a look at the source just before it, which finds every row as it was. With `shadow`, an
    approval is over what the worker measured: the change carried out in a transaction that was rolled back.
    """

    role: Name
    quorum: int | None = Field(default=None, ge=1, le=10)
    expires_hours: int = Field(default=72, ge=1, le=24 * 90)
    high: Stricter | None = None
    medium: Stricter | None = None
    policy: Name | None = None
    fresh: bool = False
    shadow: bool = False
    step_up: Level | None = None
    by_prompt: Level | None = None

    @property
    def people(self) -> int:
        """How many different people must approve."""
        return self.quorum or 1

    def at(self, level: Level) -> Approval:
        """The approval that a risk asks for."""
        other = {"high": self.high, "medium": self.medium}.get(level)
        return self if other is None else self.model_copy(update=other.model_dump(exclude_none=True))


class PerDay(Model):
    """How much a policy may approve in one day (UTC), counted for each of `of` by itself."""

    count: int | None = Field(default=None, ge=1, le=100_000)
    total: Annotated[dict[Column, Annotated[int, Field(ge=0, le=SAFE_INTEGER)]], SORTED] = Field(default_factory=dict)
    of: Literal["policy", "tenant", "principal", "object"] = "policy"


class PolicyLimits(Model):
    """What a policy may approve at the most."""

    per_day: Annotated[
        tuple[PerDay, ...],
        BeforeValidator(lambda given: given if isinstance(given, list | tuple) else (given,)),
        Field(strict=False, min_length=1, max_length=4),
    ]


class Policy(Model):
    """What may be approved without a person: only by numbers, closed lists and reason codes, and only so much a day."""

    when: Annotated[dict[Column, Case], SORTED] = Field(min_length=1)
    reason_codes: tuple[str, ...] = Field(default=(), strict=False, max_length=64)
    limits: PolicyLimits
