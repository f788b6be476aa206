"""Two JSON documents place by place: what came, what went, and what is another value now.

Numbers are compared by their text, so that `1.0` and `1` differ. A document that says a key twice has no one reading, and is not compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from synapsor.core.textdiff import changes
from synapsor.values import Token, too_deep

Kind: TypeAlias = Literal["added", "removed", "changed"]
MOST_TEXT: Final = 200_000
"""Characters of a document that is compared at all."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


_END: Final = ("same", None)


class Place(NamedTuple):
    """A place of which two documents say something else; `before` and `after` are JSON, and None where nothing is there."""

    path: str
    kind: Kind
    before: str | None
    after: str | None


class _Number(NamedTuple):
    """A number by its text, so that nothing is lost to a float."""

    text: str


def places_of(before: Token, after: Token) -> list[Place] | None:
    """Return where two documents differ; None where one of them is no object or list, is too long, or can be read in two ways."""
    one, other = _read(before), _read(after)
    return None if one is None or other is None else list(_places("$", one, other))


def _read(token: Token) -> Any:
    text = (token or "").strip()
    if len(text) > MOST_TEXT or not text.startswith(("{", "[")) or too_deep(text):
        return None
    try:
        return json.loads(
            text, parse_int=_Number, parse_float=_Number, parse_constant=_refuse, object_pairs_hook=_object
        )
    except (ValueError, RecursionError):
        return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _places(path: str, one: Any, other: Any) -> Iterator[Place]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys((*one, *other)):
            yield from _entry(path + _step(key), one, other, key)
    elif isinstance(one, list) and isinstance(other, list):
        yield from _items(path, one, other)
    elif one != other:
        yield Place(path, "changed", _text(one), _text(other))


def _entry(path: str, one: dict[str, Any], other: dict[str, Any], key: str) -> Iterator[Place]:
    if key not in one:
        yield Place(path, "added", None, _text(other[key]))
    elif key not in other:
        yield Place(path, "removed", _text(one[key]), None)
    else:
        yield from _places(path, one[key], other[key])


def _items(path: str, one: list[Any], other: list[Any]) -> Iterator[Place]:
    """Yield what differs in a list. An item that went where another one came is looked into."""
    before = after = 0
    gone: list[int] = []
    come: list[int] = []
    for kind, _ in (*changes(one, other), _END):
        if kind == "removed":
            gone.append(before)
            before += 1
        elif kind == "added":
            come.append(after)
            after += 1
        else:
            for left, right in zip(gone, come, strict=False):
                yield from _places(f"{path}[{right}]", one[left], other[right])
            yield from (Place(f"{path}[{at}]", "removed", _text(one[at]), None) for at in gone[len(come) :])
            yield from (Place(f"{path}[{at}]", "added", None, _text(other[at])) for at in come[len(gone) :])
            gone, come = [], []
            before, after = before + 1, after + 1


def _step(key: str) -> str:
    return f".{key}" if _NAME.match(key) else f"[{json.dumps(key, ensure_ascii=False)}]"


def _text(value: Any) -> str:
    """Return the JSON of a value, with the numbers as they were written and the keys in one order."""
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {_text(v)}" for k, v in sorted(value.items())) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    return value.text if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False)
