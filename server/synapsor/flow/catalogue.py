"""What the live catalogues say of the tables of a contract, through the read credentials; asked in one way by whoever judges it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from synapsor.core.facts import RelationFacts
from synapsor.core.plan import Relation
from synapsor.errors import naming
from synapsor.ports import ReadSource

if TYPE_CHECKING:
    from synapsor.contract.model import Contract

Facts: TypeAlias = Mapping[str, RelationFacts | None]
"""What the live catalogue says of each table of a contract; None of one that is not there."""


async def facts_of(contract: Contract, reader: Callable[[str], ReadSource]) -> Facts:
    """Return what is said of each table; `reader` gives a source by its name.

    Raises:
        SourceFailure: a catalogue cannot be read; it names the source.
    """
    found: dict[str, RelationFacts | None] = {}
    for name, table in contract.tables.items():
        with naming(table.source):
            found[name] = await reader(table.source).describe(Relation.parse(table.relation))
    return found
