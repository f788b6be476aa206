"""The board as lines of a terminal: a bar, the list or a card, what is said, and what the keys do now. Every text in it is harmless already.

Nothing is told by a colour alone: what is chosen, risky, old, new or a warning says so in words or signs as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeAlias

from synapsor.approve.board.help import PROMPTS, help_lines, key_lines, lines_of_keys
from synapsor.approve.board.kept import LEAST, TYPING, Item, Mode, State
from synapsor.approve.terminal.drawing import Tone
from synapsor.core.plain import cells, fold, hanging, padded
from synapsor.core.presets import REJECT_CODES, REJECT_WORDS, RejectCode

Style: TypeAlias = Literal["bar", "cursor"] | Tone
Piece: TypeAlias = tuple[Style, str]
Row: TypeAlias = Sequence[Piece]

_WIDE: Final = 80
_HIGH: Final = 14
_SET_IN: Final = 5


def room_of(width: int, height: int) -> int:
    """Return how many lines there are for the list or a card, on a terminal of this size."""
    return max(1, height - 1 - _said_lines(width, height) - _key_lines(width, height))


def picture(state: State, *, width: int, height: int) -> list[Row]:
    """Return the lines of the screen: `height` of them, each at most `width` cells."""
    if state.small:
        words = f"This window is too small: {LEAST[0]} columns and {LEAST[1]} rows at the least."
        return [_row("warning", line) for line in fold(words, max(1, width))][: max(1, height)]
    room = room_of(width, height)
    body, least = list(_body(state, width, room))[:room], _said_lines(width, height)
    # What is said takes what is free, and of the list more: of a card nothing may be hidden that counts as seen.
    said = _said(state, width, least, least + room - (0 if state.mode is Mode.LIST else len(body)))
    body += [_row("plain", "")] * (room - len(body))
    body = body[: max(0, room - (len(said) - least))]
    keys = key_lines(state.mode, width, _key_lines(width, height))
    keys += [""] * (_key_lines(width, height) - len(keys))
    found = [_row("bar", padded(_fitted(_bar(state, room, width), width), width)), *body, *said]
    return [*found[: height - len(keys)], *(_row("quiet", _fitted(line, width)) for line in keys)]


def _said_lines(width: int, height: int) -> int:
    return 1 if width >= _WIDE or height < _HIGH else 2


def _key_lines(width: int, height: int) -> int:
    return 1 if height < _HIGH else lines_of_keys(width)


def _bar(state: State, room: int, width: int) -> str:
    if state.mode is Mode.HELP:
        return " Synapsor inbox: what the keys do"
    if state.card is not None:
        of = len(state.card.lines)
        read = ", all read" if state.seen_whole else ""
        place = f"{state.top + 1} to {min(state.top + room, of)} of {of} lines{read}"
        looked = "looking at the source, " if state.looking else "rows as they were, " if state.as_it_was else ""
        # On a narrow terminal first what must not be cut off.
        return f" {state.card.id}: {looked}{place}" if width >= _WIDE else f" {looked}{place}: {state.card.id}"
    number = f"{len(state.items)}{' and more' if state.more else ''}"
    many = f"{len(state.found)} of {number}" if state.search else number
    chosen = f", {len(state.chosen)} chosen" if state.chosen else ""
    search = f", search: {state.search}" if state.search and state.mode is not Mode.SEARCH else ""
    return f" Synapsor inbox: {many} wait for a decision{chosen}{search}"


def _said(state: State, width: int, least: int, most: int) -> list[Row]:
    """Return what is said: what is typed, what came of the last key, or what stands; in as many lines as there may be."""
    if state.mode in TYPING and not state.message:
        typed = "•" * len(state.typed) if state.mode is Mode.CODE else state.typed
        rows = [_row("title", _end(f"{PROMPTS[state.mode]}: {typed}▏", width))]
    else:
        words = state.message or ("Looking at the source…" if state.looking else state.standing)
        folded = [part.rstrip() for part in fold(words, width)]
        if len(folded) > most:
            folded = [*folded[: most - 1], _fitted("".join(fold(words, width)[most - 1 :]), width)]
        rows = [_row("warning", part) for part in folded]
    return [*rows, *(_row("plain", "") for _ in range(least - len(rows)))]


def _body(state: State, width: int, room: int) -> Iterator[Row]:
    if state.mode is Mode.HELP:
        lines = help_lines(width)
        page = state.page % max(1, -(-len(lines) // room))
        yield from (_row("plain", line) for line in lines[page * room : (page + 1) * room])
    elif state.mode is Mode.REASON:
        yield from _reasons(state, width, room)
    elif state.card is not None:
        yield from (line for line in state.card.lines[state.top : state.top + room])
    elif not state.found:
        empty = (
            "Nothing is found."
            if state.search
            else "Nothing waits for a decision. When an agent proposes a change, it shows here."
        )
        yield from (_row("quiet", part) for part in fold(empty, width))
    else:
        yield from _listed(state, width, room)


def _row(style: Style, text: str) -> Row:
    return [(style, text)]


def _reasons(state: State, width: int, room: int) -> Iterator[Row]:
    yield _row("title", "Why is it rejected?")
    reasons = _numbered(width)
    if len(reasons) >= room:  # every number stays to be chosen, if not all of its words
        reasons = [_fitted(f"  {number}  {_reason(code)}", width) for number, code in enumerate(REJECT_CODES, start=1)]
    if len(reasons) >= room:
        named = (f"{number} {code.replace('_', ' ')}" for number, code in enumerate(REJECT_CODES, start=1))
        reasons = [part.strip() for part in fold(", ".join(named), width)]
    yield from (_row("plain", line) for line in reasons)
    if state.card is not None:
        ask = f"To ask the agent and keep it open: `synapsor question {state.card.id}`"
        yield from (_row("quiet", line) for line in ["", *fold(ask, width)][: max(0, room - len(reasons) - 1)])
        return
    meant = _rejected(state)
    left = max(0, room - len(reasons) - 1)
    told = meant if len(meant) <= left else meant[: max(0, left - 1)]
    yield from (_row("plain", _fitted(f"  {item.lines[0]}", width)) for item in told)
    if len(told) < len(meant):
        yield _row("warning", _fitted(f"  and {len(meant) - len(told)} more, each of which is rejected", width))


def _numbered(width: int) -> list[str]:
    return [
        line
        for number, code in enumerate(REJECT_CODES, start=1)
        for line in hanging(f"  {number}  {_reason(code)}", _SET_IN, width)
    ]


def _reason(code: RejectCode) -> str:
    return f"{code.replace('_', ' ')}: {REJECT_WORDS[code]}"


def _rejected(state: State) -> tuple[Item, ...]:
    chosen = tuple(item for item in state.found if item.id in state.chosen)
    current = state.current
    return chosen or ((current,) if current is not None else ())


def _listed(state: State, width: int, room: int) -> Iterator[Row]:
    """Yield the entries around the cursor, as many as there is room for."""
    found, current = state.found, state.current
    at = next((n for n, item in enumerate(found) if item is current), 0)
    first, used = at, len(_entry(found[at], state, width))
    while first and used + (lines := len(_entry(found[first - 1], state, width))) <= room:
        first -= 1
        used += lines
    drawn = 0
    for item in found[first:]:
        if drawn >= room:
            return
        for number, line in enumerate(_entry(item, state, width)):
            drawn += 1
            if item is current:
                yield _row("cursor", padded(_fitted(line, width), width))
            else:
                yield _row("quiet" if number else "warning" if item.risky else "plain", _fitted(line, width))


def _entry(item: Item, state: State, width: int) -> list[str]:
    """Return an entry as lines; what goes on is marked, as on a card, so that no word of others begins a line of its own."""
    here = ">" if item is state.current else " "
    mark = f"{here}[x] " if item.id in state.chosen else f"{here}    "
    return [
        (mark if not line and not part else "     ") + ("┆ " if part else "") + text.strip()
        for line, told in enumerate(item.lines)
        for part, text in enumerate(fold(told, max(10, width - len(mark) - len("┆ "))))
    ]


def _fitted(text: str, width: int) -> str:
    return text if cells(text) <= width else fold(text, max(1, width - 1))[0] + "…"


def _end(text: str, width: int) -> str:
    """Return the end of a text that is too long, which is where somebody types."""
    if cells(text) <= width:
        return text
    while cells(text) > max(1, width - 1):
        text = text[1:]
    return f"…{text}"
