"""The fixed selection of an aggregate or a set as a filter of ours: every column equals one value."""

from __future__ import annotations

from typing import Any

from synapsor.contract.public.draft import Draft
from synapsor.contract.public.numbers import constant_of
from synapsor.contract.public.part import Part
from synapsor.contract.public.subjects import TableDraft, Tables


def fixed_terms(draft: Draft, tables: Tables, owner: Part, table: TableDraft) -> dict[str, Any]:
    """Return the filter, and remember the columns that it uses."""
    selection = owner.child("selection")
    where: dict[str, Any] = {}
    kinds = draft.types.relations.get(table.subject.relation, {})
    for index, term in enumerate(selection.get("all") if selection is not None else ()):
        here = f"{owner.at('selection')}.all[{index}]"
        column = term["column"]
        value = constant_of(draft, term["value"], kinds.get(column), f"{here}.value")
        if column in where and (type(where[column]), where[column]) != (type(value), value):
            draft.refuse(here, "breaks_our_rule", f"`{column}` equals two values, which no row does.")
        where[column] = value
        tables.use(table, (column,), f"{here}.column")
    return where
