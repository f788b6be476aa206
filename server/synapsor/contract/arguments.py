"""A call's arguments against their declaration: exact types, no coercion, nothing unknown, nothing missing.

A refusal names the argument and the rule that it breaks, and never repeats a value that the model sent.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from synapsor.contract.capability import Argument, Capability, ReadCapability
from synapsor.errors import Code, Refusal
from synapsor.values import SAFE_INTEGER, lone_surrogate

CURSOR = "cursor"
"""The argument that asks for the next page; only the server fills it, and no capability may declare it."""

MAX_CURSOR = 4096
_CURSOR = Argument(type="string", max_length=MAX_CURSOR, optional=True)

Test: TypeAlias = Callable[[Any], str]
"""Returns the rule that a value breaks, or ""."""

_SAFE_TO_REPEAT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}\Z", re.ASCII)
_MOST_FINDINGS = 8
_MOST_LISTED = 8


@dataclass(frozen=True, slots=True)
class ArgumentCheck:
    """The declared arguments of one capability, made ready to check calls."""

    names: frozenset[str]
    tests: tuple[tuple[str, Test], ...]
    optional: frozenset[str] = frozenset()

    def check(self, arguments: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the arguments, exactly as given, in declared order; those left out that may be are absent.

        Raises:
            Refusal: `invalid_arguments`, with the names and the rules.
        """
        given: Any = {} if arguments is None else arguments
        if not isinstance(given, Mapping):
            raise Refusal(Code.INVALID_ARGUMENTS, "The arguments must be an object.")
        if given.keys() == self.names or (self.names - self.optional <= given.keys() <= self.names):
            checked = {name: given[name] for name, _ in self.tests if name in given}
            for name, test in self.tests:
                if name in checked and test(checked[name]):
                    break
            else:
                return checked
        raise Refusal(Code.INVALID_ARGUMENTS, " ".join(self._findings(given)))

    def _findings(self, given: Mapping[Any, Any]) -> list[str]:
        unknown = sorted({_quoted(name) for name in given if name not in self.names})
        found = [f"{name}: {reason}." for name, reason in self.broken(given)]
        findings = [*(f"{name} is not an argument of this capability." for name in unknown), *found]
        more = len(findings) - _MOST_FINDINGS
        return [*findings[:_MOST_FINDINGS], f"And {more} more."] if more > 0 else findings

    def broken(self, given: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
        """Yield each argument that breaks its declaration, and how."""
        for name, test in self.tests:
            reason = test(given[name]) if name in given else "" if name in self.optional else "is required"
            if reason:
                yield name, reason


def compile_arguments(capability: Capability) -> ArgumentCheck:
    """Return the check of a capability's arguments; made once at start."""
    if isinstance(capability, ReadCapability) and capability.pages:
        return check_of({**capability.arguments, CURSOR: _CURSOR})
    return check_of(capability.arguments)


def check_of(declared: Mapping[str, Argument]) -> ArgumentCheck:
    """Return the check of declared arguments."""
    tests = tuple((name, _test_of(rule)) for name, rule in declared.items())
    return ArgumentCheck(frozenset(declared), tests, frozenset(n for n, rule in declared.items() if rule.optional))


def _test_of(rule: Argument) -> Test:
    test = _TESTS[rule.type](rule)
    return test if rule.many is None or rule.type == "items" else partial(_test_list, test, rule.many)


def _test_list(test: Test, most: int, value: Any) -> str:
    if type(value) is not list or not 1 <= len(value) <= most:
        return f"must be a list of 1 to {most} values"
    if len({(type(item), item) for item in value if isinstance(item, str | int | float)}) != len(value):
        return "must hold each value once, and only single values"
    return next((f"holds one that {reason}" for item in value if (reason := test(item))), "")


def _quoted(name: Any) -> str:
    """Return a name that the model sent if it is harmless to repeat."""
    return name if type(name) is str and _SAFE_TO_REPEAT.match(name) else "One name"


def _string(rule: Argument) -> Test:
    return partial(_test_string, rule.one_of, rule.max_length)


def _test_string(allowed: tuple[str, ...] | None, longest: int | None, value: Any) -> str:
    if type(value) is not str:
        return "must be a string"
    if longest is not None and len(value) > longest:
        return f"must be at most {longest} characters long"
    if "\0" in value:
        return "must not hold a NUL character"
    if lone_surrogate(value):
        return "must not hold half of a surrogate pair"
    if allowed is not None and value not in allowed:
        return f"must be one of {_listed(allowed)}"
    return ""


def _listed(allowed: tuple[str, ...]) -> str:
    """Return what may be sent, as the tool's own schema lists it."""
    if len(allowed) > _MOST_LISTED:
        return f"the {len(allowed)} values that the input schema lists"
    return ", ".join(json.dumps(word, ensure_ascii=False) for word in allowed)


def _integer(rule: Argument) -> Test:
    return partial(_test_integer, *integer_range(rule))


def integer_range(rule: Argument) -> tuple[int, int]:
    """Return the inclusive range of an integer argument: what is declared, within what JSON readers keep exact.

    A larger integer may have been rounded by the client on its way, and would then name another row than the model meant.
    """
    low = -SAFE_INTEGER if rule.minimum is None else rule.minimum
    return low, SAFE_INTEGER if rule.maximum is None else rule.maximum


def _test_integer(low: int, high: int, value: Any) -> str:
    # type(), because True is an int to isinstance, and 1.0 is an int to a comparison.
    if type(value) is not int:
        return "must be a whole number"
    return "" if low <= value <= high else f"must be from {low} to {high}"


def _number(rule: Argument) -> Test:
    return partial(_test_number, rule.minimum, rule.maximum)


def _test_number(low: int | None, high: int | None, value: Any) -> str:
    if type(value) is int:
        if not -SAFE_INTEGER <= value <= SAFE_INTEGER:
            return "must be a number that JSON keeps exact"
    elif type(value) is not float or not math.isfinite(value):
        return "must be a number"
    if (low is not None and value < low) or (high is not None and value > high):
        return "must be " + " and ".join(
            f"{word} {end}" for word, end in (("at least", low), ("at most", high)) if end is not None
        )
    return ""


def _boolean(_: Argument) -> Test:
    return _test_boolean


def _test_boolean(value: Any) -> str:
    return "" if type(value) is bool else "must be true or false"


def _items(rule: Argument) -> Test:
    fields = {name: _test_of(inner) for name, inner in (rule.fields or {}).items()}
    return partial(_test_items, fields, rule.many or 1)


def _test_items(fields: Mapping[str, Test], most: int, value: Any) -> str:
    if type(value) is not list or not 1 <= len(value) <= most:
        return f"must be a list of 1 to {most} items"
    for item in value:
        if type(item) is not dict or item.keys() != fields.keys():
            return "holds an item that has not exactly the declared fields"
        for name, test in fields.items():
            if reason := test(item[name]):
                return f"holds an item whose {name} {reason}"
    return ""


_TESTS: dict[str, Callable[[Argument], Test]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "items": _items,
}
