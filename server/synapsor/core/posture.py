"""What a mapping needs of the live catalogue: one set of rules for all engines.

Adapters state facts; here they are judged, so that a guard mended for one engine is mended for all.
"""

from __future__ import annotations

from collections.abc import Iterator

from synapsor.contract.model import ColumnRule, Table
from synapsor.core.facts import Finding, RelationFacts
from synapsor.values import ColumnType

_SUBSECOND = 6
_VERSIONS = frozenset({ColumnType.INTEGER, ColumnType.TIMESTAMP, ColumnType.TIMESTAMPTZ})


def judge_read(table: Table, facts: RelationFacts | None) -> Iterator[Finding]:
    """Yield what stands between a mapping and being read as reviewed."""
    if facts is None:
        yield Finding(
            rule="relation_missing",
            message=f"{table.relation} is not there, or this credential may not see it.",
            fix="Grant SELECT on it or review the contract.",
        )
        return
    yield from (
        Finding(rule="unsafe_relation", message=f"{table.relation}: {hazard}", fatal=False) for hazard in facts.hazards
    )
    for name, rule in table.allowed.items():
        column = facts.columns.get(name)
        if column is None:
            yield Finding(
                rule="column_missing",
                message=f"{table.relation}.{name} is not there.",
                fix="Review the contract again.",
            )
        elif rule.type.value not in column.family:
            yield Finding(
                rule="column_type",
                message=f"{table.relation}.{name} is not {rule.type.value} in the database.",
                fix="Review the column's type.",
            )


def judge_write(table: Table, facts: RelationFacts | None) -> Iterator[Finding]:
    """Yield what stands between a mapping and being written under its guards; `facts` are those of the written relation."""
    where = table.write_to or table.relation
    if facts is None:
        yield Finding(
            rule="relation_missing",
            message=f"{where} is not there, or this credential may not see it.",
            fix="See `synapsor receipts ddl` for the grants.",
        )
        return
    if not facts.transactional:
        yield Finding(
            rule="not_transactional", message=f"{where} does not roll back.", fix="Use a transactional table (InnoDB)."
        )
    for name in table.allowed:
        if name not in facts.columns:
            yield Finding(
                rule="column_missing",
                message=f"{where}.{name} is not there.",
                fix="Name the base table in `write_to`, with the same column names.",
            )
    if not any(
        proven == {table.key} or (table.tenant_column and proven <= {table.key, table.tenant_column})
        for proven in facts.unique
    ):
        yield Finding(
            rule="key_not_unique",
            message=f"{where}.{table.key} is not proven unique.",
            fix="Add a primary key or a unique constraint over not-null columns.",
        )
    if table.version is not None and table.version != "whole_row":
        yield from _judge_version(table, facts, table.version, where)


def _judge_version(table: Table, facts: RelationFacts, name: str, where: str) -> Iterator[Finding]:
    column = facts.columns.get(name)
    if column is None:
        return
    rule = table.columns[name]
    if rule.type not in _VERSIONS or column.approximate:
        yield Finding(
            rule="version_type",
            message=f"{where}.{name} cannot tell every change.",
            fix="Use an integer bumped by a trigger, or `version: whole_row`.",
        )
    elif rule.type is not ColumnType.INTEGER and (column.scale or 0) < _SUBSECOND:
        yield Finding(
            rule="version_precision",
            message=f"{where}.{name} keeps less than microseconds, so two changes can look alike.",
            fix="Use microseconds, an integer, or `version: whole_row`.",
        )
    if not column.moves:
        yield Finding(
            rule="version_does_not_move",
            message=f"Nothing in the database moves {where}.{name} when a row is updated.",
            fix="Add a BEFORE UPDATE trigger (or ON UPDATE), or use `version: whole_row`.",
        )


def refine(table: Table, facts: RelationFacts) -> Table:
    """Return the mapping with the limits of the live columns added, so that a value that would not fit is refused at once."""
    columns = {name: _refine(rule, facts, name) for name, rule in table.columns.items()}
    return table.model_copy(update={"columns": columns})


def _refine(rule: ColumnRule, facts: RelationFacts, name: str) -> ColumnRule:
    column = facts.columns.get(name)
    if rule.denied or column is None:
        return rule
    narrow: dict[str, int] = {}
    if rule.type is ColumnType.TEXT and column.max_length is not None:
        narrow["max_length"] = min(column.max_length, rule.max_length or column.max_length)
    if rule.type is ColumnType.NUMERIC and column.scale is not None:
        narrow["scale"] = column.scale
    if rule.type is ColumnType.INTEGER and column.low is not None and column.high is not None:
        narrow["minimum"] = max(column.low, rule.minimum if rule.minimum is not None else column.low)
        narrow["maximum"] = min(column.high, rule.maximum if rule.maximum is not None else column.high)
    return rule.model_copy(update=narrow)


def natives(facts: RelationFacts) -> dict[str, str]:
    """Return each column's type name in the catalogue, for casts."""
    return {name: column.native for name, column in facts.columns.items()}
