"""The fields of a form for a capability's arguments: what each takes in words, what it holds now, and what a person made of it.

A browser gives texts alone. What a person left as it was shown stays exactly what it was; what they changed is what they saw in the field,
in which every character that an eye would miss is written out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from synapsor.contract.arguments import integer_range
from synapsor.contract.capability import Argument
from synapsor.core.plain import hidden, visible
from synapsor.core.words import many
from synapsor.values import SAFE_INTEGER

BEGINS: Final = "arg."
"""How the field of an argument is called in a form, so that no argument has the name of something else in it."""
_ONE_LINE: Final = 80

Shape = Literal["choice", "line", "lines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One argument in a form.

    Attributes:
        text: what the field holds, harmless.
        choices: of a closed list, each value; the first one may be "", for an argument that is not given.
        asks: what it takes, in words, and `about` what the contract says of it.
        odd: whether it holds characters that are written out.
        wrong: what is wrong with it, "" where nothing is known to be.
    """

    name: str
    shape: Shape
    text: str
    choices: tuple[str, ...]
    asks: str
    about: str
    odd: bool
    wrong: str


def fields_of(
    declared: Mapping[str, Argument], held: Mapping[str, Any], sent: Mapping[str, str], wrong: Mapping[str, str]
) -> tuple[Field, ...]:
    """Return the fields of a form: what a proposal holds, or what a person has sent before and what was wrong with that."""
    return tuple(_field(name, rule, held, sent.get(name), wrong.get(name, "")) for name, rule in declared.items())


def sent_in(form: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the texts that a form carries for arguments, whatever names it makes up; a browser's line ends become plain ones."""
    return {
        name.removeprefix(BEGINS): values[0].replace("\r\n", "\n")
        for name, values in form.items()
        if name.startswith(BEGINS)
    }


def changed_in(declared: Mapping[str, Argument], held: Mapping[str, Any], sent: Mapping[str, str]) -> dict[str, str]:
    """Return the texts that are others than those which the form showed."""
    return {n: text for n, text in sent.items() if n not in declared or text != _shown(declared[n], held, n)}


def _field(name: str, rule: Argument, held: Mapping[str, Any], sent: str | None, wrong: str) -> Field:
    was = _shown(rule, held, name)
    text = was if sent is None else harmless(sent)
    choices = _choices(rule)
    if choices:
        choices = tuple(dict.fromkeys((*([""] if name not in held else []), *choices, was, text)))
    long = is_structured(rule) or rule.max_length is None or rule.max_length > _ONE_LINE or "\n" in text
    line = rule.type in {"integer", "number"} and not is_structured(rule)
    return Field(
        name=name,
        shape="choice" if choices else "line" if line or not long else "lines",
        text=text,
        choices=choices,
        asks=_asks(rule),
        about=rule.description or "",
        odd=sent is None and isinstance(held.get(name), str) and was != held[name],
        wrong=wrong,
    )


def is_structured(rule: Argument) -> bool:
    """Tell whether an argument takes more than one single value, and is written as JSON."""
    return rule.many is not None or rule.type == "items"


def harmless(text: str) -> str:
    """Return a text as a field holds it: line by line as it is, but for lines with something that an eye would miss, which is written out.

    What it returns it returns again, so that a text that comes back unchanged is known as such.
    """
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    told = visible(line)
    return line if told == line.replace("\\", "\\\\") else told


def _shown(rule: Argument, held: Mapping[str, Any], name: str) -> str:
    if name not in held:
        return ""
    value = held[name]
    if isinstance(value, str):
        return harmless(value)
    text = json.dumps(value, ensure_ascii=False, indent=1 if rule.type == "items" else None)
    return "".join(c if c == "\n" or not hidden(c) else json.dumps(c)[1:-1] for c in text)


def _choices(rule: Argument) -> tuple[str, ...]:
    if is_structured(rule):
        return ()
    return ("true", "false") if rule.type == "boolean" else rule.one_of or ()


def _asks(rule: Argument) -> str:
    words = _WORDS[rule.type](rule)
    if is_structured(rule):
        words = f"a JSON list of 1 to {rule.many or 1}, each {words}"
    return f"{words[0].upper()}{words[1:]}{', or not given' if rule.optional else ''}"


def _text(rule: Argument) -> str:
    if rule.one_of is not None:
        return "one of the list" if not is_structured(rule) else f"one of {', '.join(rule.one_of)}"
    return "a text" if rule.max_length is None else f"a text of at most {many(rule.max_length, 'character')}"


def _integer(rule: Argument) -> str:
    low, high = integer_range(rule)
    if (low, high) == (-SAFE_INTEGER, SAFE_INTEGER):
        return "a whole number"
    return f"a whole number from {low} to {high}"


def _number(rule: Argument) -> str:
    ends = (("at least", rule.minimum), ("at most", rule.maximum))
    return " ".join(["a number", " and ".join(f"{word} {end}" for word, end in ends if end is not None)]).rstrip()


def _boolean(_: Argument) -> str:
    return "true or false"


def _items(rule: Argument) -> str:
    return f"with {', '.join(rule.fields or {})}"


_WORDS: Final[Mapping[str, Callable[[Argument], str]]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "items": _items,
}
