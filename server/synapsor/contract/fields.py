"""One sentence for every key of the contract language; the reference and the editor's schema are rendered from these.

A test sees to it that every key has its sentence, and that no sentence is about a key that is gone.
"""

from __future__ import annotations

from typing import Final

FIELDS: Final[dict[str, str]] = {
    "Contract.synapsor": "The version of the contract language.",
    "Contract.contract": "The contract's name; given once over all contracts of a project.",
    "Contract.contexts": "Which trusted session values give the tenant and the principal.",
    "Contract.tables": "The mappings: the only things that can be read.",
    "Contract.capabilities": "What an agent can do, by name. Each becomes one tool.",
    "Context.tenant": "The session value that every row's tenant column must equal.",
    "Context.principal": "The session value that says who asks; it is recorded, and nobody approves their own request.",
    "Table.source": "The source's name in `synapsor.yaml`.",
    "Table.relation": "The table or view that is read. Prefer a view that hides what is not needed.",
    "Table.write_to": "The base table that an approved change is applied to, when `relation` is a view. Its columns have the same names.",
    "Table.key": "The column that names one row, or the columns that do together. For proposals it must be proven unique.",
    "Table.tenant": "The column that says whose row it is; or the reviewed statement that all rows belong to one tenant.",
    "Table.principal": "The column that says which person a row is assigned to, when everyone sees only their own: it must equal the session's principal.",
    "Table.only": "Filters that hold for every read and proposal of this table, such as `deleted_at: null`. All other rows do not exist.",
    "Table.version": "What shows that a row was changed since it was proposed on: a column that the database moves with every update, or `whole_row`.",
    "Table.moves": "Columns that the database itself changes with every update. Any other change that was not approved rolls an apply back.",
    "Table.columns": "Every column that may be used, with its type; and those that are denied, so that nobody adds them by mistake.",
    "SingleTenant.single_tenant": "All rows of the relation belong to one tenant, and there is no tenant filter.",
    "SingleTenant.because": "Why that is so.",
    "ColumnRule.type": "What the column holds. A type alone, as in `id: text`, is enough.",
    "ColumnRule.denied": "The column is never read. `card_token: denied` is enough.",
    "ColumnRule.one_of": "The only values that may be asked for or set; for text.",
    "ColumnRule.max_length": "The most characters that may be set; for text.",
    "ColumnRule.scale": "The decimal places that are kept; for numeric. A value with more is refused, not rounded.",
    "ColumnRule.minimum": "The least value that may be asked for or set; for integer.",
    "ColumnRule.maximum": "The greatest value that may be asked for or set; for integer.",
    "ColumnRule.unit": "What a number counts, such as `cents`; told to the model.",
    "ColumnRule.description": "What the column means; told to the model.",
    "_Capability.description": "What it is for; the model chooses by it.",
    "_Capability.context": "Which context holds. It may be left out when there is only one.",
    "_Capability.arguments": "What the model fills in.",
    "_Capability.where": "Which rows: columns and what they must equal, or how they must compare. `$name` is an argument, `$$` begins a text with a dollar sign, null asks for rows without a value. The tenant is always added.",
    "_Capability.returns": "Which columns the model sees, in this order. Without it: every allowed column but those that the session decides, in the order of their names.",
    "_Capability.limits": "What one call may take at the most.",
    "ReadCapability.read": "The table that is read: one row when `where` names the key, otherwise a list.",
    "ReadCapability.order": "Which columns a list is ordered by, - for descending. The key is always added as the last.",
    "ReadCapability.pages": "A list that was cut gives a cursor, with which the model may ask for the next page.",
    "ReadCapability.total": "How many rows there are in all is told with the list; it costs a count of them.",
    "ProposeCapability.propose": "`update` and the table whose row is to be changed. Nothing is changed before a person approves.",
    "ProposeCapability.set": "The columns that are changed, with their new values: fixed ones, or arguments.",
    "ProposeCapability.bounds": "What must hold of a number before and after the change; otherwise nothing is proposed.",
    "ProposeCapability.approval": "Who may approve.",
    "Argument.type": "What it is. Decimals, dates and identifiers travel as `string`, so that nothing is lost. `number` fits no column of this version.",
    "Argument.description": "What it means; told to the model.",
    "Argument.optional": "It may be left out, and the filters that use it with it; for lists.",
    "Argument.many": "It is a list of at most this many values, for `one_of`.",
    "Argument.max_length": "The most characters; every string needs this or `one_of`.",
    "Argument.minimum": "The least value. Without it: -(2^53-1), for what JSON readers keep exact.",
    "Argument.maximum": "The greatest value. Without it: 2^53-1.",
    "Argument.one_of": "The only values.",
    "Compare.not": "It is anything but this; a column without a value is.",
    "Compare.at_least": "It is this or more, or not earlier.",
    "Compare.above": "It is more, or later.",
    "Compare.at_most": "It is this or less, or not later.",
    "Compare.below": "It is less, or earlier.",
    "Compare.one_of": "It is one of these; or of the list that an argument with `many` gives.",
    "Compare.starts_with": "The text begins so, letter by letter; upper and lower case differ.",
    "Compare.has_value": "true: it has any value; false: it has none.",
    "Limits.rows": "Rows of a list, or of one page of it. A list that was cut says so.",
    "Limits.bytes": "Bytes of column text.",
    "Limits.time_ms": "Milliseconds in the source.",
    "Limits.calls_per_minute": "How often one principal may call it in a minute; counted by each server process.",
    "Bound.before": "Of the value as it is now.",
    "Bound.after": "Of the value as it would be.",
    "Bound.change": "Of the value as it would be less the value as it is.",
    "Range.at_least": "The least value, itself included.",
    "Range.at_most": "The greatest value, itself included.",
    "Approval.role": "The role that an operator needs in order to decide.",
    "Approval.expires_hours": "How long a proposal waits before it can no longer be approved.",
}


def meaning_of(part: type, field: str) -> str:
    """Return the sentence for a field of a model; shared fields are described once, with the base class."""
    named = (f"{base.__name__}.{field.rstrip('_')}" for base in part.__mro__)
    return next(FIELDS[name] for name in named if name in FIELDS)
