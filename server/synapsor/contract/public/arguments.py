"""The arguments of a public capability: what the model fills in, and never what it may not decide."""

from __future__ import annotations

import json
from typing import Any, Final

from synapsor.contract.public.forms import is_identifier, is_number, is_text, one_of, sized, whole
from synapsor.contract.public.part import Part

_KEYS: Final = ("type", "description", "required", "max_length", "minimum", "maximum", "enum", "max_items", "fields")
_OF_SCALARS: Final = ("max_length", "minimum", "maximum", "enum")
_MOST: Final = 64
_TRUSTED: Final = frozenset(
    {
        *("tenant_id", "tenantId", "principal", "principal_id", "principalId"),
        *("schema", "table", "column", "columns", "database_url", "write_url", "read_url"),
        *("expected_version", "row_version"),
    }
)


def judge_arguments(owner: Part, key: str, *, may_be_empty: bool = False) -> None:
    """Report what is wrong with the arguments under a key, or with the fields of an object_array."""
    arguments = owner.child(key)
    if arguments is None or (not arguments.data and not may_be_empty):
        owner.wrong("ARGS_REQUIRED", key)
        return
    for name in arguments.data:
        if not is_identifier(name):
            arguments.wrong("INVALID_ARG_NAME", name)
        if name in _TRUSTED:
            arguments.wrong("MODEL_CONTROLLED_TRUST_ARG", name)
        argument = arguments.inner(name, "ARG_NOT_OBJECT", *_KEYS)
        if argument is not None:
            _judge(argument)


def _judge(argument: Part) -> None:
    argument.needs(("type", one_of("string", "number", "boolean", "object_array"), "INVALID_ARG_TYPE"))
    argument.may(("description", is_text, "INVALID_ARG_DESCRIPTION"))
    if argument.get("type") == "object_array":
        _judge_list(argument)
        return
    if "max_items" in argument or "fields" in argument:
        argument.wrong("OBJECT_ARRAY_OPTIONS_REQUIRE_OBJECT_ARRAY")
    argument.may(
        ("max_length", whole(1), "INVALID_MAX_LENGTH"),
        ("minimum", is_number, "INVALID_MINIMUM"),
        ("maximum", is_number, "INVALID_MAXIMUM"),
        ("enum", sized(1, _MOST), "INVALID_ARG_ENUM"),
    )
    low, high = argument.get("minimum"), argument.get("maximum")
    if ("minimum" in argument or "maximum" in argument) and argument.get("type") != "number":
        argument.wrong("NUMERIC_BOUNDS_REQUIRE_NUMBER")
    if is_number(low) and is_number(high) and low > high:
        argument.wrong("INVALID_ARG_NUMERIC_RANGE")
    if sized(1, _MOST)(argument.get("enum")):
        _judge_enum(argument)


def _judge_enum(argument: Part) -> None:
    seen: set[str] = set()
    for index, value in enumerate(argument.get("enum")):
        if value is None or kind_of(value) != argument.get("type"):
            argument.wrong("ARG_ENUM_TYPE_MISMATCH", f"enum[{index}]")
        same = f"{kind_of(value)}:{json.dumps(value, sort_keys=True)}"
        if same in seen:
            argument.wrong("ARG_ENUM_DUPLICATE_VALUE", f"enum[{index}]")
        seen.add(same)


def _judge_list(argument: Part) -> None:
    argument.needs(("max_items", whole(1, 100), "INVALID_OBJECT_ARRAY_MAX_ITEMS"))
    argument.forbids("OBJECT_ARRAY_SCALAR_OPTION_FORBIDDEN", *_OF_SCALARS)
    fields = argument.child("fields")
    if fields is None or not 1 <= len(fields.data) <= _MOST:
        argument.wrong("OBJECT_ARRAY_FIELDS_REQUIRED", "fields")
        return
    flat = Part({"fields": {name: _flat(field) for name, field in fields.data.items()}}, argument.path, argument.found)
    judge_arguments(flat, "fields")
    for name in fields.data:
        field = fields.child(name)
        if field is not None and field.get("type") == "object_array":
            fields.wrong("NESTED_OBJECT_ARRAY_FORBIDDEN", name)


def _flat(field: Any) -> Any:
    """Return a field without lists below lists, which are reported as such, so that no depth is too deep."""
    nested = isinstance(field, dict) and field.get("type") == "object_array" and isinstance(field.get("fields"), dict)
    return {**field, "fields": {"nested": {"type": "string"}}} if nested else field


def kind_of(value: Any) -> str:
    """Return a single value's type as the format names it."""
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number" if isinstance(value, int | float) else "object"
