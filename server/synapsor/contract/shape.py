"""What is wrong with a contract's shape, in our words: pydantic finds it, and nothing of its text or of the input is repeated."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from synapsor.contract.approval import Approval, Case, PerDay, Policy, PolicyLimits, Risk, Span, Stricter
from synapsor.contract.base import Model
from synapsor.contract.capability import (
    VERBS,
    AggregateCapability,
    AggregateLimits,
    Argument,
    Child,
    Limits,
    ProposeCapability,
    ReadCapability,
    verb_of,
)
from synapsor.contract.changes import Accepts, Bound, Computed, Members, Range
from synapsor.contract.conditions import Compare
from synapsor.contract.document import Path, Positions
from synapsor.contract.mapping import ColumnRule, Link, RowSecurity, SingleTenant, Table
from synapsor.contract.measures import Bucket, Comparison, Measure, Periods
from synapsor.contract.model import Context, Contract
from synapsor.contract.rules import suggest
from synapsor.contract.spelling import name_meant, operator_meant, spelled
from synapsor.contract.wording import AUTHORITY_FIX, claims_authority
from synapsor.contract.workflow import Workflow
from synapsor.errors import Problem
from synapsor.values import ColumnType

PARTS: dict[Path, type[Model]] = {
    (): Contract,
    ("contexts", "*"): Context,
    ("tables", "*"): Table,
    ("tables", "*", "tenant"): SingleTenant,
    ("tables", "*", "columns", "*"): ColumnRule,
    ("tables", "*", "only", "*"): Compare,
    ("tables", "*", "row_security"): RowSecurity,
    ("tables", "*", "links", "*"): Link,
    ("capabilities", "*"): ReadCapability,
    ("capabilities", "*", "arguments", "*"): Argument,
    ("capabilities", "*", "where", "*"): Compare,
    ("capabilities", "*", "with", "*"): Child,
    ("capabilities", "*", "with", "*", "where", "*"): Compare,
    ("capabilities", "*", "limits"): Limits,
    ("capabilities", "*", "arguments", "*", "fields", "*"): Argument,
    ("capabilities", "*", "set", "*"): Computed,
    ("capabilities", "*", "members"): Members,
    ("capabilities", "*", "members", "totals", "*"): Bound,
    ("capabilities", "*", "members", "totals", "*", "*"): Range,
    ("capabilities", "*", "measures", "*"): Measure,
    ("capabilities", "*", "group", "*"): Bucket,
    ("capabilities", "*", "compare"): Comparison,
    ("capabilities", "*", "compare", "periods"): Periods,
    ("capabilities", "*", "compare", "periods", "*"): Compare,
    ("capabilities", "*", "bounds", "*"): Bound,
    ("capabilities", "*", "bounds", "*", "*"): Range,
    ("capabilities", "*", "risk"): Risk,
    ("capabilities", "*", "risk", "*", "*"): Case,
    ("capabilities", "*", "risk", "*", "*", "*"): Span,
    ("capabilities", "*", "accepts"): Accepts,
    ("capabilities", "*", "approval"): Approval,
    ("capabilities", "*", "approval", "high"): Stricter,
    ("capabilities", "*", "approval", "medium"): Stricter,
    ("policies", "*"): Policy,
    ("policies", "*", "when", "*"): Case,
    ("policies", "*", "when", "*", "*"): Span,
    ("policies", "*", "limits"): PolicyLimits,
    ("policies", "*", "limits", "per_day"): PerDay,
    ("policies", "*", "limits", "per_day", "*"): PerDay,
    ("workflows", "*"): Workflow,
}
"""Which model stands where in a contract; a capability is the model of its verb, and an aggregate has limits of its own."""

UNSUPPORTED: dict[type[Model], frozenset[str]] = {
    Contract: frozenset(
        {
            "settlement",
            "settlements",
            "resources",
            "mirrors",
            "actions",
            "retention",
            "extends",
        }
    ),
    Table: frozenset({"masks", "row_filter", "relationships", "joins", "soft_delete"}),
    ReadCapability: frozenset({"group_by", "join", "distinct", "evidence", "settle", "budget", "offset"}),
    ProposeCapability: frozenset({"evidence", "settle", "auto_approve", "auto_branch", "fresh", "inverse"}),
    AggregateCapability: frozenset({"group_by", "having", "join", "evidence", "settle", "budget", "offset"}),
    Argument: frozenset({"default", "required", "pattern", "format", "items"}),
    Approval: frozenset({"auto", "any_of", "all_of"}),
}
"""Parts of the larger language that this version refuses by name and never ignores."""

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_HELD = {
    "where": "text, a whole number, true, false, null or a comparison",
    "set": "text, a whole number, true, false, null or a computed value",
    "measures": "`count`, or a function and its column",
    "group": "a column, or a unit of time and its column",
}
"""What stands under each name of a part."""

_OF_TABLE = {
    "key": "a column, or a list of columns",
    "tenant": "a column, or `{single_tenant: true, because: …}`",
    "version": "a column, or `whole_row`",
}

_LIMITS = {
    "string_too_short": ("min_length", "at least {} characters long"),
    "string_too_long": ("max_length", "at most {} characters long"),
    "too_short": ("min_length", "at least {} long"),
    "too_long": ("max_length", "at most {} long"),
    "greater_than_equal": ("ge", "at least {}"),
    "less_than_equal": ("le", "at most {}"),
    "less_than": ("lt", "below {}"),
}
_FORMS: dict[str, str] = {
    "contract": "lower-case letters, digits and underscores, beginning with a letter",
    "column": "letters, digits and underscores, at most 63",
    "relation": "`schema.name`",
    "capability": "`area.verb_object` in lower case, such as `billing.inspect_invoice`",
    "setting": "two lower-case names with a dot between them, such as `app.tenant_id`",
    "session": "`session.` and a lower-case name, such as `session.tenant_id`",
    "path": "a column, or up to three links and a column, such as `buyer.region.name`",
    "order": "a column or a path such as `buyer.name`, with - before it for descending order",
    "zone": "an IANA time zone, such as `Europe/Berlin`",
    "argument": "`$` and the name of an argument",
}


def shape_problems(error: ValidationError, data: Any, positions: Positions) -> list[Problem]:
    """Return one finding for each key or value that pydantic finds something about, however many forms it might have had."""
    found: dict[tuple[Path, str], Problem] = {}
    for detail in error.errors(include_url=False, include_input=False):
        path, rest = _resolve(detail["loc"], data)
        apart = rest if detail["type"] == "missing" or rest == "[key]" else ""
        found.setdefault((path, apart), _explain(detail, path, rest, data, positions))
    return list(found.values())


def part_at(path: Path, data: Any) -> type[Model] | None:
    """Return the model that stands at a path."""
    for pattern, part in PARTS.items():
        if len(pattern) == len(path) and all(want in {"*", have} for want, have in zip(pattern, path, strict=True)):
            return _by_verb(path, part, data)
    return None


def _by_verb(path: Path, part: type[Model], data: Any) -> type[Model]:
    if part is ReadCapability:
        return VERBS[verb_of(_at(path, data))]
    return AggregateLimits if part is Limits and verb_of(_at(path[:-1], data)) == "aggregate" else part


def _at(path: Path, data: Any) -> Any:
    for step in path:
        data = data[step]
    return data


def _resolve(loc: tuple[int | str, ...], data: Any) -> tuple[Path, str]:
    """Return the part of a location that is in the data, and the name after it that is not; union tags are neither."""
    path: list[int | str] = []
    rest = ""
    for step in loc:
        here = isinstance(data, dict) and step in data
        if here or (isinstance(data, list) and isinstance(step, int) and step < len(data)):
            path.append(step)
            data = data[step]
            rest = ""
        else:
            rest = str(step)
    return tuple(path), rest


def _explain(detail: ErrorDetails, path: Path, rest: str, data: Any, positions: Positions) -> Problem:
    kind, context = detail["type"], detail.get("ctx", {})
    name = _name(path)
    if kind == "missing":
        return _missing(path, rest, data, positions)
    if kind == "extra_forbidden":
        return _unknown(path, data, positions)
    if kind == "string_pattern_mismatch":
        return _pattern(path, positions, is_key=rest == "[key]")
    if kind in {"literal_error", "enum"}:
        return _closed_word(path, data, positions)
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        return positions.at_value(path, "SYN107", f"{name} must be {words.format(context.get(key))}.")
    return positions.at_value(path, "SYN104", f"{name} must be {_kind(kind, path)}.", spelled(path))


def _name(path: Path) -> str:
    """Return what a value is called, an entry of a list by its place."""
    if not path:
        return "`contract`"
    return f"Entry {path[-1] + 1} of {_name(path[:-1])}" if isinstance(path[-1], int) else f"`{path[-1]}`"


def _kind(kind: str, path: Path) -> str:
    if _is_column(path):
        return "a type such as `text`, the word `denied`, or a mapping"
    if path[-2:-1] and path[-2] in {"where", "only"}:
        return _HELD["where"]
    match path:
        case (_, _, str(part), _) if part in _HELD:
            return _HELD[part]
    if {"where", "only", "compare"} & set(path[2:-1]):
        return "a list or an argument" if path[-1] == "one_of" else "text, a whole number, true or false"
    return _OF_TABLE.get(str(path[-1]) if path else "", _KINDS.get(kind, "of another kind"))


def _is_column(path: Path) -> bool:
    match path:
        case ("tables", _, "columns", _):
            return True
    return False


def _missing(path: Path, rest: str, data: Any, positions: Positions) -> Problem:
    if rest == "read" and part_at(path, data) is ReadCapability:
        return positions.at_key(
            path,
            "SYN108",
            "A capability says what it reads, counts or proposes.",
            "Add `read: <table>`, `aggregate: <table>` or `propose: update <table>`.",
        )
    part = part_at(path, data)
    near = suggest(rest, [k for k in _at(path, data) if part is None or k not in part.model_fields])
    return positions.at_key(path, "SYN103", f"`{rest}` is missing.", near.replace("mean", "write it as"))


def _unknown(path: Path, data: Any, positions: Positions) -> Problem:
    name, part = str(path[-1]), part_at(path[:-1], data)
    if part is None:
        return positions.at_key(path, "SYN101", f"`{name}` is not a key here.")
    if name in UNSUPPORTED.get(part, frozenset()):
        return positions.at_key(path, "SYN102", f"`{name}` is not supported by this version.", "Remove it.")
    if name in VERBS and part in VERBS.values():
        return positions.at_key(path, "SYN108", "A capability has one verb.", "Make two of it.")
    fields = [info.alias or field for field, info in part.model_fields.items()]
    known = [field for field in fields if field not in _at(path[:-1], data)]
    near = suggest(name, known)
    meant = operator_meant(str(path[-2]), name) if part is Compare else ""
    fix = meant or near or f"Known here: {', '.join(fields)}."
    return positions.at_key(path, "SYN101", f"`{name}` is not a key here.", fix)


def _pattern(path: Path, positions: Positions, *, is_key: bool) -> Problem:
    if is_key and path[2:3] == ("arguments",) and claims_authority(str(path[-1])):
        return positions.at_key(
            path,
            "SYN403",
            "This argument's name claims authority.",
            AUTHORITY_FIX,
        )
    if path[-1] == "propose" and path[0] == "capabilities":
        message = "A proposal names its operation and its table."
        fix = "Write `propose: update <table>`, `insert <table>` or `delete <table>`."
        return positions.at_value(path, "SYN105", message, fix)
    form = _FORMS[_form(path, is_key=is_key)]
    message = f"The name does not have the form that is asked for here: {form}."
    if is_key:
        return positions.at_key(
            path, "SYN105", message, name_meant(str(path[-1])) if form == _FORMS["contract"] else ""
        )
    return positions.at_value(path, "SYN105", message, spelled(path))


def _form(path: Path, *, is_key: bool) -> str:
    last = path[-1]
    if is_key:
        return _key_form(path)
    if path[0] in _FIRST:
        return _FIRST[str(path[0])]
    if last in _LAST:
        return _LAST[str(last)]
    parts = (
        ("row_security", "setting"),
        ("cascades", "relation"),
        ("order", "order"),
        ("zone", "zone"),
        ("returns", "path"),
        ("measures", "path"),
        ("group", "path"),
        ("compare", "path"),
    )
    for part, form in parts:
        if part in path[2:]:
            return form
    in_columns = bool(_COLUMN_LISTS & set(path[2:]))
    return "column" if in_columns else "contract"


_COLUMN_LISTS = {
    "key",
    "tenant",
    "principal",
    "version",
    "moves",
    "advances",
    "on",
    "dedup",
    "unchanged",
    "notify",
    "triggers",
}


def _key_form(path: Path) -> str:
    match path:
        case ("capabilities", _) | ("workflows", _, _, *_):
            return "capability"
    inner = set(path[2:-1])
    if inner & {"where", "requires"}:
        return "path"
    return "column" if inner & _OF_COLUMNS else "contract"


_FIRST = {"workflows": "capability", "contexts": "session"}
_LAST = {"reason_code": "argument", "items": "argument", "relation": "relation", "write_to": "relation"}
_OF_COLUMNS = frozenset({"columns", "only", "set", "bounds", "transitions", "totals", "on", "risk", "when", "limits"})


def _closed_word(path: Path, data: Any, positions: Positions) -> Problem:
    given, name = _at(path, data), str(path[-1])
    if name == "synapsor":
        return positions.at_value(path, "SYN102", "This version reads `synapsor: 1`.")
    if path[2:3] == ("measures",):
        message = f"`{name}` must be {_HELD['measures']}."
        return positions.at_value(path, "SYN106", message, spelled(path, given))
    words = list(_words(path, data))
    near = suggest(given, words) if isinstance(given, str) else ""
    return positions.at_value(path, "SYN106", f"`{name}` must be one of: {', '.join(words)}.", near)


def _words(path: Path, data: Any) -> Iterator[str]:
    """Yield the words of a closed list, as its model has them; a column may be its type alone."""
    if _is_column(path):
        yield from (*_listed(ColumnType), "denied")
        return
    owner = path[:-2] if isinstance(path[-1], int) else path[:-1]
    part, name = part_at(owner, data), str(path[len(owner)])
    for field, info in part.model_fields.items() if part else ():
        if name == (info.alias or field):
            yield from _listed(info.annotation)


def _listed(kind: Any) -> Iterator[str]:
    if get_origin(kind) is Literal:
        yield from (str(word).lower() for word in get_args(kind))
    elif isinstance(kind, type) and issubclass(kind, StrEnum):
        yield from (word.value for word in kind)
    else:
        for inner in get_args(kind):
            yield from _listed(inner)
