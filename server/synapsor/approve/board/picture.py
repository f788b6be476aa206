"""The board as lines of a terminal: a bar, the list or a card, and what the keys do now. Every text in it is harmless already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

from synapsor.approve.board.state import Item, Mode, State
from synapsor.core.plain import cells, fold, padded
from synapsor.core.presets import REJECT_CODES, REJECT_WORDS

Style = Literal["", "bar", "cursor", "quiet", "warning", "title"]
Piece: TypeAlias = tuple[Style, str]
Row: TypeAlias = list[Piece]

CHROME: Final = 3
"""Lines that are not the list's or the card's: the bar, and two at the bottom."""

HELP: Final = (
    "j k ↓ ↑      move",
    "Enter o      open the card",
    "space b      a page on, a page back",
    "f            show long values in full",
    "a            approve: the card first, then its digest, and your code where one is needed",
    "r            reject, with a reason that the agent is told",
    "x            choose several: a shows one after another, r rejects each of them",
    "n            leave this one of several as it is, and go on",
    "/            search",
    "g            look again; the list also follows by itself",
    "Esc          back; in the list, forget the search and what is chosen",
    "q            leave",
)
_KEYS: Final = {
    Mode.LIST: "j/k move  Enter open  a approve  r reject  x choose  / search  ? help  q leave",
    Mode.CARD: "space on  a approve  r reject  f in full  n next  Esc back",
    Mode.SEARCH: "type to search  Enter keep  Esc forget",
    Mode.DIGEST: "the digest's first 8 characters, after sha256:  Enter approve  Esc back",
    Mode.CODE: "the one-time code of your authenticator  Enter approve  Esc back",
    Mode.REASON: "a number, or your own words  Enter reject  Esc back",
    Mode.HELP: "any key goes back",
}


def picture(state: State, *, width: int, height: int) -> list[Row]:
    """Return the lines of the screen, each at most `width` cells and `height` of them at most."""
    room = max(1, height - CHROME)
    body = list(_body(state, width, room))[:room]
    body += [[("", "")]] * (room - len(body))
    return [
        [("bar", _fitted(_bar(state), width))],
        *body,
        [_below(state, width)],
        [("quiet", _fitted(_KEYS[state.mode], width))],
    ]


def _bar(state: State) -> str:
    many = f"{len(state.found)} of {len(state.items)}" if state.search else str(len(state.items))
    chosen = f", {len(state.chosen)} chosen" if state.chosen else ""
    return f" Synapsor inbox: {many} wait for a decision{chosen}"


def _below(state: State, width: int) -> Piece:
    if state.mode in {Mode.SEARCH, Mode.DIGEST, Mode.REASON}:
        return ("title", _fitted(f"> {state.typed}▏", width))
    if state.mode is Mode.CODE:
        return ("title", _fitted(f"> {'•' * len(state.typed)}▏", width))
    return ("warning", _fitted(state.message, width))


def _body(state: State, width: int, room: int) -> Iterator[Row]:
    if state.mode is Mode.HELP:
        yield from (_row("", _fitted(line, width)) for line in HELP)
    elif state.mode is Mode.REASON:
        yield [("title", "Why is it rejected?")]
        for number, code in enumerate(REJECT_CODES, start=1):
            yield [("", _fitted(f"  {number}  {code.replace('_', ' ')}: {REJECT_WORDS[code]}", width))]
        if state.card is None:
            yield [("", "")]
            yield from (_row("", _fitted(f"  {item.lines[0]}", width)) for item in _rejected(state))
    elif state.card is not None:
        yield from (_row("", line) for line in state.card.lines[state.top : state.top + room])
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


def _rejected(state: State) -> tuple[Item, ...]:
    chosen = tuple(item for item in state.found if item.id in state.chosen)
    current = state.current
    return chosen or ((current,) if current is not None else ())


def _listed(state: State, width: int, room: int) -> Iterator[Row]:
    """Yield the entries around the cursor, as many as there is room for."""
    current, drawn = state.current, [(item, _entry(item, state, width)) for item in state.found]
    at = next((n for n, (item, _) in enumerate(drawn) if item is current), 0)
    first, used = at, len(drawn[at][1])
    while first and used + len(drawn[first - 1][1]) <= room:
        first -= 1
        used += len(drawn[first][1])
    for item, lines in drawn[first:]:
        for number, line in enumerate(lines):
            style: Style = (
                "cursor"
                if item is current
                else ("warning" if item.risky and not number else "" if not number else "quiet")
            )
            yield [(style, padded(line, width) if item is current else line)]


def _entry(item: Item, state: State, width: int) -> list[str]:
    mark = "[x] " if item.id in state.chosen else "    "
    lines = [part for told in item.lines for part in fold(told, max(10, width - len(mark)))]
    return [(mark if not number else "    ") + line.rstrip() for number, line in enumerate(lines)]


def _fitted(text: str, width: int) -> str:
    return text if cells(text) <= width else fold(text, max(1, width - 1))[0] + "…"
