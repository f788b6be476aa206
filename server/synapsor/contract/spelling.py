"""How the parts of a contract are spelled, in one line each: the fix where a part has the wrong shape.

Nothing of the input is repeated but keys and words of closed lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from synapsor.contract.conditions import Operator
from synapsor.contract.document import Path
from synapsor.contract.measures import Function

PARTS: Final[Mapping[str, str]] = {
    "columns": "columns: {id: text, status: {type: text, one_of: [open, paid]}}",
    "key": "key: id` or `key: [order_id, line]",
    "moves": "moves: [updated_at]",
    "links": "links: {buyer: {to: buyers, on: {buyer_id: id}}}",
    "on": "on: {buyer_id: id}` or, of two columns, `on: {order_id: order_id, line: line}",
    "arguments": "arguments: {invoice_id: {type: string, max_length: 64}}",
    "where": "where: {id: $invoice_id}` or `where: {status: open, late_fee_cents: {above: 0}}",
    "only": "only: {deleted: false}",
    "order": "order: [-late_fee_cents, id]",
    "returns": "returns: [id, status, late_fee_cents]",
    "with": "with: {lines: {returns: [sku, pieces], rows: 20}}",
    "measures": "measures: {invoices: count, fees: {sum: late_fee_cents}}",
    "group": "group: {state: status, month: {month: due_date}}",
    "limits": "limits: {rows: 50}",
    "set": "set: {status: closed, note: $note}",
    "bounds": "bounds: {late_fee_cents: {before: {at_most: 10000}}}",
    "before": "before: {at_most: 10000}",
    "after": "after: {at_least: 0}",
    "change": "change: {at_most: 500}",
    "transitions": "transitions: {status: {open: [closed]}}",
    "dedup": "dedup: [order_id, sku]",
    "unchanged": "unchanged: [status]",
    "requires": "requires: {status: open}",
    "approval": "approval: {role: billing_lead}",
    "one_of": "one_of: [open, overdue]",
}
"""A part of a table or a capability, as it is written in one line; it stands between backquotes."""

ENTRIES: Final[Mapping[str, str]] = {
    "contexts": "{}: {{tenant: session.tenant_id, principal: session.user}}",
    "columns": "{}: text` or `{}: {{type: text, max_length: 200}}",
    "links": "{}: {{to: buyers, on: {{buyer_id: id}}}}",
    "on": "{}: id",
    "arguments": "{}: {{type: string, max_length: 64}}",
    "where": "{}: open`, `{}: {{one_of: [open, overdue]}}` or `{}: {{at_least: 100}}",
    "only": "{}: open`, `{}: {{one_of: [open, overdue]}}` or `{}: {{at_least: 100}}",
    "requires": "{}: open`, `{}: {{one_of: [open, overdue]}}` or `{}: {{at_least: 100}}",
    "with": "{}: {{returns: [sku, pieces], rows: 20}}",
    "measures": "{}: count` or `{}: {{sum: late_fee_cents}}",
    "group": "{}: status` or `{}: {{month: due_date}}",
    "set": "{}: closed`, `{}: $argument` or `{}: {{add: $argument}}",
    "bounds": "{}: {{before: {{at_most: 10000}}}}",
    "transitions": "{}: {{open: [closed]}}",
}
"""What stands in a part under a name of the contract's own; `{}` is that name."""

_OPERATORS: Final[Mapping[str, Operator]] = {
    **dict.fromkeys((">", "gt", "greater_than", "more_than", "after"), Operator.ABOVE),
    **dict.fromkeys((">=", "gte", "ge", "min", "from", "since"), Operator.AT_LEAST),
    **dict.fromkeys(("<", "lt", "less_than", "before"), Operator.BELOW),
    **dict.fromkeys(("<=", "lte", "le", "max", "to", "until"), Operator.AT_MOST),
    **dict.fromkeys(("!=", "<>", "ne", "neq", "not_equals", "is_not"), Operator.NOT),
    **dict.fromkeys(("in", "any", "any_of", "or"), Operator.ONE_OF),
    **dict.fromkeys(("like", "ilike", "prefix", "startswith"), Operator.STARTS_WITH),
    **dict.fromkeys(("null", "is_null", "exists", "not_null", "is"), Operator.HAS_VALUE),
}
_VALUES: Final[Mapping[Operator, str]] = {
    Operator.ONE_OF: "[open, overdue]",
    Operator.STARTS_WITH: "INV-",
    Operator.HAS_VALUE: "true",
    Operator.NOT: "open",
}
_CALL: Final = re.compile(r"\s*(" + "|".join(sorted((f.value for f in Function), key=len, reverse=True)) + r")\b")
_OPENING: Final = 2
"""How many steps of a path lead to a table or a capability, whose names are the contract's own."""


def spelled(path: Path, given: Any = None) -> str:
    """Return how what stands at a path is written, as a fix, or "" where the message says it all."""
    inner = path[:-1] if path and isinstance(path[-1], int) else path
    if len(inner) < _OPENING:
        return ""
    holder, name = str(inner[-2]), str(inner[-1])
    if holder == "measures" and isinstance(given, str) and (called := _CALL.match(given)):
        counts = called[1] == Function.COUNT
        return f"Write `{name}: {'count' if counts else f'{{{called[1]}: late_fee_cents}}'}`."
    form = ENTRIES[holder].format(*[name] * 3) if holder in ENTRIES else PARTS.get(name, "")
    return f"Write `{form}`." if form and (len(inner) > _OPENING or holder in ENTRIES) else ""


def operator_meant(column: str, word: str) -> str:
    """Return how a comparison is written whose word is another language's, as a fix, or ""."""
    if word.casefold() in {"=", "==", "eq", "equals"}:
        return f"Write `{column}: value`."
    meant = _OPERATORS.get(word.casefold())
    return f"Write `{column}: {{{meant.value}: {_VALUES.get(meant, '100')}}}`." if meant else ""


def name_meant(given: str) -> str:
    """Return a name as it may be written, as a fix, or "" where none comes to mind."""
    parts = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", given)
    plain = re.sub(r"[^a-z0-9]+", "_", parts.casefold()).strip("_")
    return f"Write it as `{plain}`." if re.fullmatch(r"[a-z][a-z0-9_]{0,62}", plain) else ""
