"""A fixed selection of a public contract: columns that equal values which the contract writes out."""

from __future__ import annotations

from synapsor.contract.public.forms import is_identifier, is_scalar, one_of, sized
from synapsor.contract.public.part import Part


def judge_selection(owner: Part, code: str) -> None:
    """Report what is wrong with the `selection` of an aggregate or of a set; `code` is for one that is no object."""
    selection = owner.inner("selection", code, "all")
    if selection is None:
        return
    if not sized(1, 8)(selection.get("all")):
        selection.wrong("INVALID_FIXED_SELECTION", "all")
        return
    for term in selection.items("all", "PREDICATE_TERM_NOT_OBJECT"):
        term.closed("column", "operator", "value")
        term.needs(
            ("column", is_identifier, "INVALID_PREDICATE_COLUMN"),
            ("operator", one_of("eq"), "INVALID_PREDICATE_OPERATOR"),
        )
        if "value" not in term or not is_scalar(term.get("value")):
            term.wrong("FIXED_PREDICATE_VALUE_REQUIRED", "value")
