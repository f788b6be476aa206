"""What the board shows and what a key does to it: frozen states and one pure function, so that every way through it can be tested.

Nobody approves what they have not seen: a card has to have been on the screen to its end, and its digest is typed by the person.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from synapsor.core.presets import REJECT_CODES, RejectCode
from synapsor.core.statements import Verdict

TYPED_AT_MOST: Final = 500
PREFIX: Final = 8
"""How much of a digest a person types."""


class Mode(StrEnum):
    """What the keys mean now."""

    LIST = "list"
    SEARCH = "search"
    CARD = "card"
    DIGEST = "digest"
    CODE = "code"
    REASON = "reason"
    HELP = "help"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One proposal of the list.

    Attributes:
        lines: its head and what is told of it, harmless and not folded yet.
        words: what a search looks in.
    """

    id: str
    lines: tuple[str, ...]
    words: str
    risky: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A card on the screen.

    Attributes:
        lines: as they are drawn for this width.
        approvable: it is whole and proven; `why_not` says otherwise.
        takes_code: approving it takes a one-time code.
    """

    id: str
    digest: str
    lines: tuple[str, ...]
    approvable: bool
    why_not: str = ""
    takes_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Ask for the card of a proposal; `full` cuts nothing."""

    id: str
    full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Ask for a decision on what was shown, or, of a rejection of several, on each of them by itself."""

    ids: tuple[str, ...]
    verdict: Verdict
    digest: str = ""
    code: str = ""
    reason: str = ""
    preset: RejectCode | None = None


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave."""


Action: TypeAlias = Show | Decide | Quit | Literal["refresh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The board.

    Attributes:
        seen: how many lines of the open card have been on the screen.
        waiting: cards that are still to be shown, one after another, of those that were chosen.
    """

    items: tuple[Item, ...] = ()
    at: int = 0
    chosen: frozenset[str] = frozenset()
    search: str = ""
    mode: Mode = Mode.LIST
    card: Open | None = None
    top: int = 0
    seen: int = 0
    typed: str = ""
    code: str = ""
    verdict: Verdict = "approve"
    waiting: tuple[str, ...] = ()
    message: str = ""
    height: int = 20

    @property
    def found(self) -> tuple[Item, ...]:
        """What the search leaves of the list."""
        words = self.search.casefold().split()
        return tuple(item for item in self.items if all(word in item.words for word in words))

    @property
    def current(self) -> Item | None:
        """The proposal that the cursor is on."""
        found = self.found
        return found[min(self.at, len(found) - 1)] if found else None

    @property
    def seen_whole(self) -> bool:
        """Whether the open card has been on the screen to its end."""
        return self.card is not None and self.seen >= len(self.card.lines)


Step: TypeAlias = tuple[State, Action | None]


def pressed(state: State, key: str) -> Step:
    """Return the board after a key, and what is to be done; `key` is a character, or the name of a key such as `enter`."""
    if key == "resize":
        return _looked(state), None
    return _KEYS[state.mode](replace(state, message=""), key)


def listed(state: State, items: tuple[Item, ...]) -> State:
    """Return the board with a list that was read anew; the cursor stays on its proposal, and what is gone is chosen no more."""
    was, there = state.current, {item.id for item in items}
    fresh = replace(state, items=items, chosen=state.chosen & there)
    ids = [item.id for item in fresh.found]
    return replace(
        fresh, at=ids.index(was.id) if was is not None and was.id in ids else min(state.at, max(0, len(ids) - 1))
    )


def opened(state: State, card: Open) -> State:
    """Return the board with a card on it."""
    return _looked(replace(state, mode=Mode.CARD, card=card, top=0, seen=0, typed="", code=""))


def told(state: State, message: str) -> State:
    """Return the list with what came of the last action."""
    return replace(state, mode=Mode.LIST, card=None, typed="", code="", message=message)


def after(state: State) -> Step:
    """Return the board when something was decided: the next of the chosen ones is shown, or the list."""
    if not state.waiting:
        return state, "refresh"
    first, *rest = state.waiting
    return replace(state, waiting=tuple(rest)), Show(id=first)


def _list(state: State, key: str) -> Step:
    moved = {"j": 1, "down": 1, "k": -1, "up": -1, "pagedown": 10, "pageup": -10}.get(key)
    if moved is not None:
        return replace(state, at=max(0, min(state.at + moved, len(state.found) - 1))), None
    doing = _IN_LIST.get(key) or (_ON_ITEM.get(key) if state.current is not None else None)
    return doing(state) if doing is not None else (state, None)


def _choose(state: State) -> Step:
    return replace(state, chosen=state.chosen ^ set(_here(state))), None


def _open(state: State) -> Step:
    return replace(state, waiting=()), Show(id=_here(state)[0])


def _open_chosen(state: State) -> Step:
    first, *rest = _meant(state)
    return replace(state, waiting=tuple(rest)), Show(id=first)


def _ask_why(state: State) -> Step:
    return replace(state, mode=Mode.REASON, typed="", verdict="reject"), None


def _here(state: State) -> tuple[str, ...]:
    return (state.current.id,) if state.current is not None else ()


def _meant(state: State) -> tuple[str, ...]:
    """Return the chosen proposals in the order of the list, or the one that the cursor is on."""
    return tuple(item.id for item in state.found if item.id in state.chosen) or _here(state)


def _card(state: State, key: str) -> Step:
    page = max(1, state.height - 2)
    moved = {"j": 1, "down": 1, "k": -1, "up": -1, " ": page, "pagedown": page, "b": -page, "pageup": -page}.get(key)
    if moved is not None:
        last = max(0, len(_shown(state).lines) - state.height)
        return _looked(replace(state, top=max(0, min(state.top + moved, last)))), None
    doing = _ON_CARD.get(key)
    return doing(state) if doing is not None else (state, None)


def _shown(state: State) -> Open:
    assert state.card is not None  # noqa: S101  # the mode is one of a card
    return state.card


def _leave(state: State) -> Step:
    return replace(state, mode=Mode.LIST, card=None, waiting=()), None


def _in_full(state: State) -> Step:
    return state, Show(id=_shown(state).id, full=True)


def _next(state: State) -> Step:
    return after(state) if state.waiting else (state, None)


def _ask_digest(state: State) -> Step:
    card = _shown(state)
    if not card.approvable:
        return replace(state, message=card.why_not), None
    if not state.seen_whole:
        return replace(state, message="Read it to its end first (space, j)."), None
    return replace(state, mode=Mode.DIGEST, typed="", verdict="approve"), None


def _looked(state: State) -> State:
    """Return the board with what is on the screen counted as seen, if nothing before it was skipped."""
    if state.card is None or state.top > state.seen:
        return state
    return replace(state, seen=max(state.seen, min(state.top + state.height, len(state.card.lines))))


def _help(state: State, _: str) -> Step:
    return replace(state, mode=Mode.LIST if state.card is None else Mode.CARD), None


def _search(state: State, key: str) -> Step:
    if key == "enter":
        return replace(state, mode=Mode.LIST), None
    if key == "escape":
        return replace(state, mode=Mode.LIST, search="", at=0), None
    typed = _with(state.typed, key)
    return replace(state, typed=typed, search=typed, at=0), None


def _digest(state: State, key: str) -> Step:
    card = _shown(state)
    if key == "escape":
        return replace(state, mode=Mode.CARD), None
    if key != "enter":
        return replace(state, typed=_with(state.typed, key)), None
    if state.typed.lower() != card.digest.removeprefix("sha256:")[:PREFIX]:
        return replace(state, mode=Mode.CARD, message="That is not the digest; nothing was signed."), None
    if card.takes_code:
        return replace(state, mode=Mode.CODE, typed=""), None
    return state, Decide(ids=(card.id,), verdict="approve", digest=card.digest)


def _code(state: State, key: str) -> Step:
    card = _shown(state)
    if key == "escape":
        return replace(state, mode=Mode.CARD), None
    if key != "enter":
        return replace(state, typed=_with(state.typed, key)), None
    return state, Decide(ids=(card.id,), verdict="approve", digest=card.digest, code=state.typed)


def _reason(state: State, key: str) -> Step:
    if key == "escape":
        return replace(state, mode=Mode.LIST if state.card is None else Mode.CARD), None
    if key != "enter":
        return replace(state, typed=_with(state.typed, key)), None
    said = state.typed.strip()
    number = int(said) if said.isascii() and said.isdigit() and len(said) == 1 else 0
    preset = REJECT_CODES[number - 1] if 1 <= number <= len(REJECT_CODES) else None
    if not said or (number and preset is None):
        return replace(state, message="A rejection needs a reason; the agent is told."), None
    ids = (state.card.id,) if state.card is not None else _meant(state)
    digest = state.card.digest if state.card is not None else ""
    return state, Decide(ids=ids, verdict="reject", digest=digest, reason=preset or said, preset=preset)


def _with(typed: str, key: str) -> str:
    if key == "backspace":
        return typed[:-1]
    printable = len(key) == 1 and unicodedata.category(key)[0] != "C"
    return (typed + key)[:TYPED_AT_MOST] if printable else typed


_Doing: TypeAlias = Callable[[State], Step]
_IN_LIST: Final[Mapping[str, _Doing]] = {
    "q": lambda state: (state, Quit()),
    "?": lambda state: (replace(state, mode=Mode.HELP), None),
    "/": lambda state: (replace(state, mode=Mode.SEARCH, typed=state.search), None),
    "g": lambda state: (state, "refresh"),
    "escape": lambda state: (replace(state, search="", chosen=frozenset()), None),
}
_ON_ITEM: Final[Mapping[str, _Doing]] = {
    "x": _choose,
    "enter": _open,
    "o": _open,
    "a": _open_chosen,
    "r": _ask_why,
}
_ON_CARD: Final[Mapping[str, _Doing]] = {
    "q": _leave,
    "escape": _leave,
    "f": _in_full,
    "n": _next,
    "r": _ask_why,
    "a": _ask_digest,
}
_KEYS: Final[Mapping[Mode, Callable[[State, str], Step]]] = {
    Mode.LIST: _list,
    Mode.SEARCH: _search,
    Mode.CARD: _card,
    Mode.DIGEST: _digest,
    Mode.CODE: _code,
    Mode.REASON: _reason,
    Mode.HELP: _help,
}
