"""The rows of a proposal as the read credential sees them now, each by its own statement; the capability's own filters say nothing of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from synapsor.contract.capability import ProposeCapability
from synapsor.core.links import column_of
from synapsor.core.plan import Condition, ReadPlan, ReadShape, Relation
from synapsor.core.posture import natives
from synapsor.core.question import scope_tokens
from synapsor.core.row_security import relied_on, settings_of
from synapsor.core.scope import Scope
from synapsor.flow.prepare import Served


def row_shape(served: Served, columns: Iterable[str], key: Iterable[str]) -> ReadShape:
    """Return the look at one row that `key` names, of the session's own scope."""
    capability, table = served.capability, served.table
    assert isinstance(capability, ProposeCapability)  # noqa: S101  # only proposals are looked for
    facts = served.facts[served.mappings[0]]
    see = partial(column_of, table, natives=natives(facts) if facts is not None else {})
    named = tuple(key)
    wanted = dict.fromkeys((*columns, *named, *table.scope))
    return ReadShape(
        relation=Relation.parse(table.relation),
        columns=tuple(see(name) for name in wanted),
        tenant=see(table.tenant_column) if table.tenant_column else None,
        principal=see(table.principal) if table.principal else None,
        where=tuple(Condition(see(name)) for name in named),
        rows=1,
        bytes=capability.limits.bytes,
        single=True,
    )


def row_plan(served: Served, shape: ReadShape, key: Iterable[tuple[str, str]], scope: Scope) -> ReadPlan:
    """Return the look at one row of a proposal."""
    return ReadPlan(
        shape=shape,
        scope=scope_tokens(shape, scope),
        values=tuple(token for _, token in key),
        time_ms=served.capability.limits.time_ms,
        settings=settings_of(relied_on(served.table), scope),
    )
