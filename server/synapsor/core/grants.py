"""The grants that contracts need of a source's owner, and no others: those that the postures of reader and writer ask for.

What is granted is computed from the same needs that are judged, so that neither can say what the other does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.core.depends import held_hops
from synapsor.core.needs import changes_of, reads_of, writes_of
from synapsor.core.plan import Relation
from synapsor.core.writeback import target


class Right(StrEnum):
    """What may be granted on a relation, as every engine words it."""

    SELECT = "SELECT"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    SHOW_VIEW = "SHOW VIEW"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One right to one relation.

    Attributes:
        columns: those that it is limited to; none for the whole relation.
        why: what the owner may ask about it; "" where the right says it.
    """

    right: Right
    relation: Relation
    columns: tuple[str, ...] = ()
    why: str = ""


def reader_grants(contracts: Sequence[Contract], source: str, *, show_view: bool) -> Iterator[Grant]:
    """Yield what the read credential needs: each column by its name, so that one which comes later is no part of it.

    `show_view` is for engines that tell nobody without that right what a view runs, or which foreign keys there are; what a view runs
    they tell only to who may read all of it.
    """
    written = writes_of(contracts, source)
    for relation, columns in sorted(reads_of(contracts, source).columns.items(), key=_name):
        tables = tuple(_mapped(contracts, source, relation))
        whole = show_view and relation not in written and all(map(_shows_no_more, tables))
        yield Grant(right=Right.SELECT, relation=relation, columns=() if whole else tuple(sorted(columns)))
        # What is written is a table; what is only read may be a view, for all that a contract says.
        if show_view and (relation not in written or any(map(_has_to_prove, tables))):
            why = "shows what a view runs and which foreign keys a table has, and no row"
            yield Grant(right=Right.SHOW_VIEW, relation=relation, why=why)


def writer_grants(contracts: Sequence[Contract], source: str, *, update_to_hold: bool) -> Iterator[Grant]:
    """Yield what the write credential needs for changes; receipts have a script of their own.

    `update_to_hold` is for engines that lock rows for nobody who could not change them.
    """
    held = _held(contracts, source)
    for relation, needs in sorted(writes_of(contracts, source).items(), key=_name):
        reads = needs.reads | needs.updates | needs.inserts
        yield Grant(right=Right.SELECT, relation=relation, columns=tuple(sorted(reads)))
        if needs.updates:
            yield Grant(right=Right.UPDATE, relation=relation, columns=tuple(sorted(needs.updates)))
        if needs.inserts:
            yield Grant(right=Right.INSERT, relation=relation, columns=tuple(sorted(needs.inserts)))
        if needs.deletes:
            yield Grant(right=Right.DELETE, relation=relation)
        if update_to_hold and needs.holds and not (needs.updates or needs.deletes):
            why = "nothing changes it: rows are locked by it; any other column that is harmless does, too"
            yield Grant(right=Right.UPDATE, relation=relation, columns=(_harmless(held[relation]),), why=why)


def _mapped(contracts: Iterable[Contract], source: str, relation: Relation) -> Iterator[Table]:
    tables = (table for contract in contracts for table in contract.tables.values())
    return (table for table in tables if table.source == source and Relation.parse(table.relation) == relation)


def _shows_no_more(table: Table) -> bool:
    """Tell whether a relation is a safe view, which was made to be read whole, or nothing of it is denied."""
    return target(table) != Relation.parse(table.relation) or len(table.allowed) == len(table.columns)


def _has_to_prove(table: Table) -> bool:
    """Tell whether a table has a link that only its foreign keys prove."""
    return any(link.because is None and not link.many for link in table.links.values())


def _held(contracts: Iterable[Contract], source: str) -> dict[Relation, Table]:
    """Return a mapping of each relation whose rows are held."""
    found: dict[Relation, Table] = {}
    for contract in contracts:
        for capability in changes_of(contract, source):
            for hop in held_hops(capability, contract):
                found.setdefault(hop.shape.relation, hop.table)
    return found


def _harmless(table: Table) -> str:
    """Return the column that it does least to be able to set: one that the database sets itself, or else one of the key."""
    version = table.version if table.version != "whole_row" else None
    return next((name for name in (*table.moves, version) if name is not None), table.key[0])


def _name(pair: tuple[Relation, object]) -> str:
    return str(pair[0])
