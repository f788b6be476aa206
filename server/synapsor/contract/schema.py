"""JSON Schemas (draft 2020-12) of what a capability takes: closed, and made of reviewed words only."""

from __future__ import annotations

from typing import Any

from synapsor.contract.arguments import CURSOR, MAX_CURSOR, integer_range
from synapsor.contract.capability import Argument, Capability, ReadCapability

Schema = dict[str, Any]

_CURSOR: Schema = {
    "type": "string",
    "maxLength": MAX_CURSOR,
    "description": "To go on: the `next_cursor` of the page before, with all other arguments as they were.",
}


def closed(properties: Schema, **more: Any) -> Schema:
    """Return an object schema in which every property is required and no other is allowed."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        **more,
    }


def input_schema(capability: Capability) -> Schema:
    """Return the schema of a capability's arguments."""
    properties = {name: _argument(rule) for name, rule in capability.arguments.items()}
    needed = [name for name, rule in capability.arguments.items() if not rule.optional]
    if isinstance(capability, ReadCapability) and capability.pages:
        properties[CURSOR] = _CURSOR
    return {**closed(properties), "required": needed}


def _argument(rule: Argument) -> Schema:
    if rule.type == "items":
        item = closed({name: _argument(inner) for name, inner in (rule.fields or {}).items()})
        one: Schema = {"type": "array", "items": item, "minItems": 1, "maxItems": rule.many}
    else:
        one = _scalar(rule)
    if rule.many is not None and rule.type != "items":
        one = {"type": "array", "items": one, "minItems": 1, "maxItems": rule.many, "uniqueItems": True}
    return {**one, "description": rule.description} if rule.description else one


def _scalar(rule: Argument) -> Schema:
    schema: Schema = {"type": rule.type}
    if rule.type == "integer":
        schema["minimum"], schema["maximum"] = integer_range(rule)
    else:
        said = {"minimum": rule.minimum, "maximum": rule.maximum, "maxLength": rule.max_length}
        schema.update({name: limit for name, limit in said.items() if limit is not None})
    if rule.one_of is not None:
        schema["enum"] = list(rule.one_of)
    return schema
