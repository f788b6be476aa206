"""Whether an answer is as a published schema says, when the schema is one."""

import functools
import json
from collections.abc import Mapping
from typing import Any

import jsonschema


def conforms(answer: Any, schema: Mapping[str, Any]) -> None:
    """Fail unless the answer is as the schema says; a schema is itself checked once, which takes longer than an answer."""
    _check(json.dumps(schema, sort_keys=True))
    jsonschema.Draft202012Validator(schema).validate(answer)


def holds(schema: Mapping[str, Any], value: Any) -> bool:
    """Tell whether a value is as the schema says."""
    _check(json.dumps(schema, sort_keys=True))
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


@functools.cache
def _check(schema: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema))
