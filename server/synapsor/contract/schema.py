"""JSON Schemas (draft 2020-12) of what a capability takes: closed, and made of reviewed words only."""

from __future__ import annotations

from typing import Any

from synapsor.contract.arguments import integer_range
from synapsor.contract.model import Argument, Capability

Schema = dict[str, Any]


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
    return closed({name: _argument(rule) for name, rule in capability.arguments.items()})


def _argument(rule: Argument) -> Schema:
    schema: Schema = {"type": rule.type}
    if rule.description:
        schema["description"] = rule.description
    if rule.type == "integer":
        schema["minimum"], schema["maximum"] = integer_range(rule)
    else:
        said = {"minimum": rule.minimum, "maximum": rule.maximum, "maxLength": rule.max_length}
        schema.update({name: limit for name, limit in said.items() if limit is not None})
    if rule.one_of is not None:
        schema["enum"] = list(rule.one_of)
    return schema
