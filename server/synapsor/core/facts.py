"""What a live database says of itself, as data: adapters state it, `posture` judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from synapsor.core.plan import Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFacts:
    """What the live catalogue says of a column.

    Attributes:
        native: the type's name as a cast target, schema-qualified for user types; never with a length or precision.
        family: the contract types (`ColumnType` values) that may stand for it.
        max_length: characters, for text.
        scale: decimal places, for exact numbers; fractional-second digits, for times.
        low, high: the range of an integer column.
        exact: text compares bytewise (no case or accent folding, no padding).
        moves: the database itself changes this column when a row is updated (row trigger, ON UPDATE, generated).
    """

    name: str
    native: str
    family: frozenset[str]
    nullable: bool = True
    max_length: int | None = None
    scale: int | None = None
    low: int | None = None
    high: int | None = None
    exact: bool = True
    moves: bool = False
    approximate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationFacts:
    """What the live catalogue says of a relation.

    Attributes:
        kind: `table` or `view`.
        unique: sets of columns proven unique (not nullable, not partial).
        transactional: a rollback undoes a change (InnoDB; always true elsewhere).
        hazards: plain sentences about what makes it unsafe to read or write, empty when nothing does.
    """

    relation: Relation
    kind: str
    columns: Mapping[str, ColumnFacts]
    unique: tuple[frozenset[str], ...] = ()
    transactional: bool = True
    hazards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One result of looking at a credential or schema.

    Attributes:
        rule: a stable word, such as `reader_can_write`.
        fatal: the process must not start.
    """

    rule: str
    message: str
    fix: str = ""
    fatal: bool = True
