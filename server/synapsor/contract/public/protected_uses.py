"""What a protected read may name: fields that are not hidden, relationships that it declares, and arguments, each of which it must use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from synapsor.contract.public.forms import is_identifier, is_scalar
from synapsor.contract.public.part import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """The names of one protected read; `relationships` and `used` are filled while it is judged."""

    hidden: frozenset[str]
    kept_out: frozenset[str]
    arguments: Mapping[str, Any]
    organized: bool
    relationships: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)

    def judge_field(self, part: Part) -> None:
        """Report what is wrong with the `field` and `relationship` of a part."""
        name = part.get("field")
        if not is_identifier(name):
            part.wrong("INVALID_PROTECTED_FIELD", "field")
        elif "relationship" not in part and name in self.hidden:
            part.wrong("PROTECTED_FIELD_FORBIDDEN", "field")
        self.judge_relationship(part)

    def judge_relationship(self, part: Part) -> None:
        """Report what is wrong with the `relationship` of a part."""
        known = self.relationships
        part.may(("relationship", lambda name: is_identifier(name) and name in known, "UNKNOWN_PROTECTED_RELATIONSHIP"))

    def judge_value(self, owner: Part, key: str) -> None:
        """Report what is wrong with a value that is fixed or an argument."""
        value = owner.inner(key, "PROTECTED_VALUE_REQUIRED", "fixed", "from_arg")
        if value is None:
            return
        if ("fixed" in value) == ("from_arg" in value):
            value.wrong("PROTECTED_VALUE_EXACTLY_ONE_SOURCE")
        elif "fixed" in value:
            value.needs(("fixed", is_scalar, "INVALID_PROTECTED_FIXED_VALUE"))
        else:
            name = value.get("from_arg")
            argument = self.arguments.get(name) if is_identifier(name) else None
            if not isinstance(argument, dict) or argument.get("type") == "object_array":
                value.wrong("UNKNOWN_PROTECTED_VALUE_ARG", "from_arg")
            else:
                self.used.add(name)
