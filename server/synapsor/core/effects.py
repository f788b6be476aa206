"""What an insert or a delete needs of the live relation: rows that can be found again, and no effect that nobody reviewed."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Accepts, Operation
from synapsor.contract.mapping import Table
from synapsor.core.facts import Effect, Finding, RelationFacts
from synapsor.core.posture import judge_write


def judge_change(
    capability: ProposeCapability, table: Table, facts: RelationFacts | None, effects: Collection[Effect] = ()
) -> Iterator[Finding]:
    """Yield what stands between a capability and its changes being applied.

    `facts` are those of the written relation, and `effects` what removing one of its rows does beside.
    """
    inserts, deletes = (capability.operation is o for o in (Operation.INSERT, Operation.DELETE))
    # A row that is only ever added is found by its `dedup` columns, and has no version that could have moved.
    found_by = table.model_copy(update={"key": capability.dedup, "version": None}) if inserts else table
    yield from judge_write(found_by, facts)
    if facts is None:
        return
    where = table.write_to or table.relation
    if facts.kind != "table" and (inserts or deletes):
        yield Finding(
            rule="not_a_table",
            message=f"{where} is a view, and what adding or removing its rows does is not known.",
            fix="Name the base table in `write_to`.",
        )
    for effect in unreviewed(effects, capability.accepts) if deletes else ():
        yield Finding(
            rule="delete_has_effects",
            message=f"Removing a row of {where} does more: {effect.words}.",
            fix=effect.fix,
        )


def unreviewed(effects: Collection[Effect], accepts: Accepts | None) -> tuple[Effect, ...]:
    """Return the effects of a delete that its capability does not name."""
    known = accepts or Accepts()
    return tuple(e for e in effects if e.name not in (known.cascades if e.cascades else known.triggers))
