"""The forms of single values in the public format. A boolean is no number here, and a name is ASCII."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

Test: TypeAlias = Callable[[Any], bool]

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_QUALIFIED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_EXTENSION: Final = re.compile(r"x-(?:cloud|runner|experimental)-[A-Za-z0-9_.-]+", re.ASCII)
_DIGEST: Final = re.compile(r"sha256:[a-f0-9]{64}", re.ASCII)
_ORGANIZATION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}", re.ASCII)
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", re.ASCII)
_SAFE: Final = 2**53 - 1


def is_identifier(value: Any) -> bool:
    """Tell whether this is a plain name."""
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


def is_qualified(value: Any) -> bool:
    """Tell whether this is two plain names with a dot between them."""
    return isinstance(value, str) and _QUALIFIED.fullmatch(value) is not None


def is_name(value: Any) -> bool:
    """Tell whether this is a plain name, or two with a dot between them."""
    return is_identifier(value) or is_qualified(value)


def is_extension(key: str) -> bool:
    """Tell whether a key is an extension that every reader may pass over."""
    return _EXTENSION.fullmatch(key) is not None


def is_text(value: Any) -> bool:
    """Tell whether this is a text that is not blank."""
    return isinstance(value, str) and value.strip().strip("\ufeff") != ""


def is_true(value: Any) -> bool:
    """Tell whether this is true and not merely 1."""
    return value is True


def is_boolean(value: Any) -> bool:
    """Tell whether this is true or false."""
    return isinstance(value, bool)


def is_list(value: Any) -> bool:
    """Tell whether this is a list."""
    return isinstance(value, list)


def is_number(value: Any) -> bool:
    """Tell whether this is a finite number; to Python a boolean is one, and here it is not."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def is_amount(value: Any) -> bool:
    """Tell whether this is a number from 0."""
    return is_number(value) and value >= 0


def is_scalar(value: Any) -> bool:
    """Tell whether this is null, a text, a boolean or a finite number."""
    return value is None or isinstance(value, str | bool) or is_number(value)


def is_digest(value: Any) -> bool:
    """Tell whether this is a SHA-256 digest as the format writes it."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def is_organization(value: Any) -> bool:
    """Tell whether this is the id of an organization."""
    return isinstance(value, str) and _ORGANIZATION.fullmatch(value) is not None


def is_instant(value: Any) -> bool:
    """Tell whether this is an instant in UTC, written out to the millisecond."""
    if not isinstance(value, str) or _INSTANT.fullmatch(value) is None:
        return False
    try:
        dt.datetime.fromisoformat(value.removesuffix("Z"))
    except ValueError:
        return False
    return True


def whole(low: int, high: int = _SAFE) -> Test:
    """Return the test of a whole number within a range."""
    return lambda value: is_number(value) and value == math.floor(value) and low <= value <= high


is_whole: Final = whole(-_SAFE)


def one_of(*words: str) -> Test:
    """Return the test of a closed list of words."""
    return lambda value: isinstance(value, str) and value in words


def texts(value: Any) -> bool:
    """Tell whether this is a list of texts that are not blank."""
    return isinstance(value, list) and all(is_text(item) for item in value)


def sized(low: int, high: int) -> Test:
    """Return the test of a list of so many items."""
    return lambda value: isinstance(value, list) and low <= len(value) <= high
