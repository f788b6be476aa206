"""What a change needs of the live relation: rows that can be found again, a version that moves, and no effect that nobody reviewed."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Accepts, Operation
from synapsor.contract.mapping import Table
from synapsor.core.facts import Effect, Finding, RelationFacts
from synapsor.core.posture import missing_column
from synapsor.values import ColumnType

_SUBSECOND = 6
_VERSIONS = frozenset({ColumnType.INTEGER, ColumnType.TIMESTAMP, ColumnType.TIMESTAMPTZ})


def judge_change(
    capability: ProposeCapability, table: Table, facts: RelationFacts | None, effects: Collection[Effect] = ()
) -> Iterator[Finding]:
    """Yield what stands between a capability and its changes being applied.

    `facts` are those of the written relation, and `effects` what removing one of its rows does beside.
    """
    inserts = capability.operation is Operation.INSERT
    # A row that is only ever added is found by its `dedup` columns, and has no version that could have moved.
    found_by = table.model_copy(update={"key": capability.dedup, "version": None}) if inserts else table
    yield from _judge_write(found_by, facts)
    if inserts and capability.removes:  # an undo names it by its key
        yield from _judge_key(table, facts)
    if facts is None:
        return
    where = table.write_to or table.relation
    if facts.kind != "table" and (inserts or capability.removes):
        yield Finding(
            rule="not_a_table",
            message=f"{where} is a view, and what adding or removing its rows does is not known.",
            fix="Name the base table in `write_to`.",
        )
    for effect in unreviewed(effects, capability.accepts) if capability.removes else ():
        yield Finding(
            rule="delete_has_effects",
            message=f"Removing a row of {where} does more: {effect.words}.",
            fix=effect.fix,
        )


def judge_held(table: Table, facts: RelationFacts | None) -> Iterator[Finding]:
    """Yield why the rows of a relation that changes depend on cannot be held; `facts` are those of its base table."""
    where = table.write_to or table.relation
    if facts is not None and (facts.kind != "table" or not facts.transactional):
        yield Finding(
            rule="cannot_be_held",
            message=f"Changes depend on rows of {where}, and no database holds them for a transaction.",
            fix="Name the base table in `write_to`, and let that be a transactional one (InnoDB).",
        )


def unreviewed(effects: Collection[Effect], accepts: Accepts | None) -> tuple[Effect, ...]:
    """Return the effects of a delete that its capability does not name."""
    known = accepts or Accepts()
    return tuple(e for e in effects if e.name not in (known.cascades if e.cascades else known.triggers))


def _judge_write(table: Table, facts: RelationFacts | None) -> Iterator[Finding]:
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
            yield missing_column(where, name, of_base=where != table.relation)
    yield from _judge_key(table, facts)
    if table.version is not None and table.version != "whole_row":
        yield from _judge_version(table, facts, table.version, where)


def _judge_key(table: Table, facts: RelationFacts | None) -> Iterator[Finding]:
    if facts is None or any(proven <= {*table.key, table.tenant_column} for proven in facts.unique):
        return
    yield Finding(
        rule="key_not_unique",
        message=f"{table.write_to or table.relation} ({', '.join(table.key)}) is not proven unique.",
        fix="Add a primary key or a unique constraint over not-null columns.",
    )


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
    if column.stays:  # what others change would then be overwritten, or the change itself be rolled back
        yield Finding(
            rule="version_does_not_move",
            message=f"Not every update of a row moves {where}.{name}: {column.stays}.",
            fix="Let the trigger fire for every update of a row, or use `version: whole_row`.",
        )
    elif not column.moves:
        yield Finding(
            rule="version_does_not_move",
            message=f"Nothing in the database moves {where}.{name} when a row is updated.",
            fix=f"Add {facts.mover}, or use `version: whole_row`.",
        )
