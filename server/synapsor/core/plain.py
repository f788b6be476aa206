"""Untrusted text for a person's eyes: what a terminal or an eye could be fooled by is written out, and nothing is cut in silence."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

CUT_AT = 240
_MARKS_IN_A_ROW = 2
_WIDE = 2
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), 0x16FE4, 0x1D159, *range(0xE0100, 0xE01F0))))
)
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as it is shown, and whether all of it is."""

    text: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Text:
    """A text from outside, made harmless; `characters` and `digest` are those of the whole one, where it was cut."""

    text: str
    whole: bool = True
    characters: int | None = None
    digest: str | None = None


def hidden(character: str) -> bool:
    """Tell whether a terminal would obey a character, or an eye would miss it or take it for a plain space."""
    kind = unicodedata.category(character)
    return kind[0] == "C" or kind in {"Zl", "Zp"} or character in _INVISIBLE or (kind == "Zs" and character != " ")


def is_right_to_left(text: str) -> bool:
    """Tell whether a text holds letters or digits that make a terminal, or a page, order a line from its right end."""
    return not text.isascii() and any(unicodedata.bidirectional(one) in _RIGHT_TO_LEFT for one in text)


def visible(text: str) -> str:
    """Return the text with every control, direction, invisible and line-breaking character written out; a backslash is doubled."""
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    # A text may be very long, and has few characters that differ: each of those is looked at once.
    letters = set(text)
    odd = {ord(one): _written_out(one) for one in letters if one in _SHORT or hidden(one)}
    marks = "".join(one for one in letters if unicodedata.category(one)[0] == "M")
    if not marks:
        return text.translate(odd)
    row = re.compile(f"(?<=[{marks}]{{{_MARKS_IN_A_ROW}}})[{marks}]+")  # a mark is nothing to an expression
    out, at = [], 0
    for crowd in row.finditer(text):
        out += [text[at : crowd.start()].translate(odd), *map(_written_out, crowd[0])]
        at = crowd.end()
    return "".join((*out, text[at:].translate(odd)))


def told(text: str, *, most: int | None = CUT_AT) -> Text:
    """Return a text harmless; one of more than `most` characters is cut, and says how long it is and which hash the whole of it has."""
    # What is written out is never shorter, so a long text needs not be written out to be known as one.
    inside = visible(text) if most is None or len(text) <= most else None
    if inside is not None and (most is None or len(inside) <= most):
        return Text(inside)
    assert most is not None  # noqa: S101  # else it was told whole
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return Text(visible(text[: most // 2])[:most], whole=False, characters=len(text), digest=digest)


def brief(text: str, most: int) -> str:
    """Return the beginning of a text harmless, in `most` characters; no more of it is looked at than is told."""
    inside = visible(text[: most + 1])
    return inside if len(inside) <= most else inside[: most - 1] + "…"


def line_of(text: Text, *, quoted: bool = False) -> str:
    """Return a text in one line, in quotes that it cannot end itself, and with a marker where it was cut."""
    quote = '"' if quoted else ""
    inside = quote + (text.text.replace('"', '\\"') if quoted else text.text) + quote
    if text.whole:
        return inside
    return f"{inside} […cut: {text.characters} characters in all, sha256 {text.digest}…; see --full]"


def shown(text: str, *, full: bool = False, quoted: bool = False) -> Shown:
    """Return a text for display; a long one is cut with a marker that says how much is missing and gives the whole text's hash."""
    found = told(text, most=None if full else CUT_AT)
    return Shown(line_of(found, quoted=quoted), found.whole)


def cells(text: str) -> int:
    """Return how many cells of a terminal a text without hidden characters takes."""
    return sum(_cells(character) for character in text)


def padded(text: str, width: int) -> str:
    """Return the text with spaces behind it, up to `width` cells."""
    return text + " " * (width - cells(text))


def fold(text: str, width: int) -> list[str]:
    """Return the text in lines of at most `width` cells, broken at spaces and between wide characters where there are any.

    Nothing is lost or added, so no value can place words of its own where a line of the card would begin.
    """
    lines: list[str] = []
    start = used = seam = 0
    for at, character in enumerate(text):
        taken = _cells(character)
        if character == " " or taken == _WIDE:
            seam = at
        elif taken == 0 and seam == at:
            seam += 1  # a mark stays with what it marks
        while used + taken > width and at > start:
            end = seam if seam > start else at
            lines.append(text[start:end])
            start, used = end, cells(text[end:at])
        used += taken
        if character == " " or taken == _WIDE:
            seam = at + 1
    return [*lines, text[start:]]


def hanging(text: str, indent: int, wide: int) -> Iterator[str]:
    """Yield a text whose further lines are set in."""
    first = fold(text, wide)[0]
    yield first.rstrip()
    rest = text[len(first) :].lstrip()
    yield from (" " * indent + part.strip() for part in (fold(rest, wide - indent) if rest else ()))


def _cells(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return _WIDE if unicodedata.east_asian_width(character) in "WF" else 1


def span(delta: dt.timedelta) -> str:
    """Return a length of time in words, such as `3 min` or `2 d 4 h`."""
    seconds = int(abs(delta).total_seconds())
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def _written_out(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    point = ord(character)
    if point > 0xFFFF:  # noqa: PLR2004  # the edge of Python's own escapes
        return f"\\U{point:08x}"
    return f"\\u{point:04x}"
