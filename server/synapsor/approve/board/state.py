"""What a key does to the board: frozen states and pure functions, so that every way through it can be tested.

Nobody approves what they have not seen: a card has to have been on the screen to its end, and its digest is typed by the person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from synapsor.approve.board.asked import Action, Decide, Glance, Quit, Show
from synapsor.approve.board.kept import LEAST, TYPING, Item, Mode, Open, Paste, State
from synapsor.core.plain import hidden
from synapsor.core.presets import REJECT_CODES

TYPED_AT_MOST: Final = 500
_NUMBERS: Final = tuple(str(number) for number in range(1, len(REJECT_CODES) + 1))
_DIGITS: Final = 2
_APPROVING: Final = frozenset({Mode.DIGEST, Mode.CODE})
_FOUND: Final = {
    "same": "The change touches more than its rows:",
    "changed": "A row is not as it was when this was asked for:",
    "untold": "It cannot be told how the rows stand:",
}
_LOUD: Final = frozenset({"changed", "untold"})
GONE: Final = "It waits no more: somebody decided on it, or it expired."
_WAITS: Final = "The source is being looked at; wait, or leave with Esc."
PREFIX: Final = 8
"""How much of a digest a person types."""


Step: TypeAlias = tuple[State, Action | None]


def pressed(state: State, key: str | Paste) -> Step:
    """Return the board after a key, and what is to be done; `key` is a character, or the name of a key such as `enter`."""
    if isinstance(key, Paste):
        return _pasted(state, key), None
    if state.small and key != "escape":
        return state, Quit() if key == "q" and state.mode is Mode.LIST else None
    return _KEYS[state.mode](replace(state, message=""), key)


def fitted(state: State, *, columns: int, rows: int, height: int) -> State:
    """Return the board on a terminal of this size, with `height` lines for a card; an open one is drawn anew where the width changed."""
    sized = replace(state, height=height, small=columns < LEAST[0] or rows < LEAST[1])
    card = state.card
    if sized.small or card is None or card.width == columns:
        return _looked(sized)
    drawn = replace(card, lines=card.draw(columns), width=columns)
    # Its words are the same, so who had read it to its end has read it; who had not begins again.
    seen = len(drawn.lines) if state.seen_whole else 0
    top = min(state.top, max(0, len(drawn.lines) - height)) if state.seen_whole else 0
    return _looked(replace(sized, card=drawn, top=top, seen=seen))


def listed(state: State, items: tuple[Item, ...], *, more: bool = False) -> State:
    """Return the board with a list that was read anew; the cursor stays on its proposal, and what is gone is chosen no more."""
    was, there = state.current, {item.id for item in items}
    fresh = replace(state, items=items, chosen=state.chosen & there, more=more)
    if state.card is not None and state.card.id not in there and not more:
        fresh = replace(fresh, message=GONE)
    ids = [item.id for item in fresh.found]
    return replace(
        fresh, at=ids.index(was.id) if was is not None and was.id in ids else min(state.at, max(0, len(ids) - 1))
    )


def opened(state: State, card: Open) -> State:
    """Return the board with a card on it."""
    fresh = replace(state, mode=Mode.CARD, card=card, top=0, seen=0, typed="", code="", looking=False, as_it_was=False)
    return _looked(fresh)


def met(state: State, card: Open) -> Step:
    """Return the board with a card on it; the source is looked at for whoever may approve it, so that they read all of it at once."""
    fresh = opened(state, card)
    return _glance(fresh) if card.looks and card.approvable and not card.live else (fresh, None)


def glanced(state: State, asked: Open, card: Open) -> State:
    """Return the board with a card for which the source was looked at, if the one that it was asked for is still there and waits for it.

    Who reads it reads on, from the first line that was not there before. Who types the digest types on where nothing was found that
    the card did not show: every row is as it was, and nothing else is touched. Anything else is read before it is approved.
    """
    if not state.looking or not _is_open(state, asked):
        return state
    approving = state.mode in _APPROVING
    if approving and card.stands == "same" and not card.reaches:
        return replace(state, looking=False, as_it_was=True, message="")
    fresh = _read_on(replace(state, looking=False), card)
    if approving:
        words = f"{_FOUND[card.stands]} read it to its end."
        return replace(fresh, mode=Mode.CARD, typed="", code="", message=words)
    if state.mode is not Mode.CARD:
        return fresh
    back = "The source was looked at: read on from here." if fresh.top < state.top else state.message
    return replace(fresh, message=f"{_FOUND[card.stands]} read it to its end." if card.stands in _LOUD else back)


def _is_open(state: State, asked: Open) -> bool:
    """Tell whether a card is still the open one; it may have been drawn anew for another width since."""
    return state.card is not None and state.card.id == asked.id


def _read_on(state: State, card: Open) -> State:
    """Return the board with a new card in the place of the open one, read as far as both are the same."""
    was, now = _shown(state).lines, card.lines
    same = next((at for at, (one, other) in enumerate(zip(was, now, strict=False)) if one != other), len(was))
    seen = min(state.seen, same)
    return _looked(replace(state, card=card, seen=seen, top=max(0, min(state.top, seen, len(now) - state.height))))


def in_vain(state: State, asked: Open, message: str) -> State:
    """Return the board when a look at the source came to nothing."""
    waits = state.looking and _is_open(state, asked)
    return replace(state, looking=False, message=message) if waits else state


def told(state: State, message: str) -> State:
    """Return the list with what came of the last action."""
    return replace(state, mode=Mode.LIST, card=None, typed="", code="", looking=False, message=message)


def stood(state: State, standing: str) -> State:
    """Return the board with what is to be said as long as nothing else is."""
    return replace(state, standing=standing)


def after(state: State) -> Step:
    """Return the board when something was decided: the next of the chosen ones is shown, or the list."""
    if not state.waiting:
        return state, "refresh"
    first, *rest = state.waiting
    return replace(state, waiting=tuple(rest)), Show(id=first)


def _list(state: State, key: str) -> Step:
    moved = {"j": 1, "down": 1, "k": -1, "up": -1, " ": 10, "pagedown": 10, "b": -10, "pageup": -10}.get(key)
    moved = {"home": -len(state.items), "end": len(state.items)}.get(key, moved)
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
    moved = {"home": -len(_shown(state).lines), "end": len(_shown(state).lines)}.get(key, moved)
    if moved is not None:
        last = max(0, len(_shown(state).lines) - state.height)
        return _looked(replace(state, top=max(0, min(state.top + moved, last)))), None
    doing = _ON_CARD.get(key)
    if doing is None:
        return state, None
    if state.looking and doing in _LOOKING:
        return replace(state, message=_WAITS), None
    return doing(state)


def _shown(state: State) -> Open:
    assert state.card is not None  # noqa: S101  # the mode is one of a card
    return state.card


def _leave(state: State) -> Step:
    return replace(state, mode=Mode.LIST, card=None, waiting=(), looking=False), None


def _in_full(state: State) -> Step:
    card = _shown(state)
    return (state, Show(id=card.id, full=True)) if not card.live else _glance(state, full=True)


def _glance(state: State, *, full: bool = False) -> Step:
    card = _shown(state)
    return replace(state, looking=True), Glance(id=card.id, full=full or card.full)


def _next(state: State) -> Step:
    return after(state) if state.waiting else (state, None)


def _ask_digest(state: State) -> Step:
    card = _shown(state)
    if not card.approvable:
        return replace(state, message=card.why_not), None
    if not state.seen_whole:
        return replace(state, message="Read it to its end first (space, j)."), None
    typing = replace(state, mode=Mode.DIGEST, typed="", verdict="approve")
    if card.looks and not card.live and not state.as_it_was and not state.looking:
        return replace(typing, looking=True), Glance(id=card.id, full=card.full)
    return typing, None


def _looked(state: State) -> State:
    """Return the board with what is on the screen counted as seen, if nothing before it was skipped."""
    if state.card is None or state.small or state.top > state.seen:
        return state
    return replace(state, seen=max(state.seen, min(state.top + state.height, len(state.card.lines))))


def _ask_help(state: State) -> Step:
    return replace(state, mode=Mode.HELP, page=0), None


def _help(state: State, key: str) -> Step:
    if key in {" ", "j", "down", "pagedown"}:
        return replace(state, page=state.page + 1), None
    return replace(state, mode=Mode.LIST if state.card is None else Mode.CARD), None


def _search(state: State, key: str) -> Step:
    if key == "enter":
        return replace(state, mode=Mode.LIST), None
    if key == "escape":
        return replace(state, mode=Mode.LIST, search="", at=0), None
    return _searching(replace(state, typed=_with(state.typed, key))), None


def _searching(state: State) -> State:
    return replace(state, search=state.typed, at=0)


def _digest(state: State, key: str) -> Step:
    card = _shown(state)
    if key == "escape":
        return replace(state, mode=Mode.CARD), None
    if key != "enter":
        return replace(state, typed=_with(state.typed, key)), None
    if state.typed.lower() != card.digest.removeprefix("sha256:")[:PREFIX]:
        wrong = "That is not the digest; nothing was signed."
        return replace(state, mode=Mode.CARD, message=wrong), None
    if state.looking:  # nobody signs before they are shown what is found
        return replace(state, message=_WAITS), None
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
    number, said = _numbered(state.typed.strip())
    if not number and not said:
        return replace(state, message="A rejection needs a reason; the agent is told."), None
    if number and number not in _NUMBERS:
        return replace(
            state, message=f"There is no reason {number}: it is one of {_NUMBERS[0]} to {_NUMBERS[-1]}."
        ), None
    if said and _numbered(said) == (said, ""):
        return replace(state, message="One number is taken, and then your own words."), None
    preset = REJECT_CODES[_NUMBERS.index(number)] if number else None
    ids = (state.card.id,) if state.card is not None else _meant(state)
    digest = state.card.digest if state.card is not None else ""
    return state, Decide(ids=ids, verdict="reject", digest=digest, reason=said or preset or "", preset=preset)


def _numbered(said: str) -> tuple[str, str]:
    """Return the number that a reason begins with, "" where there is none, and the words behind it; a long one is a word as any other."""
    first, _, rest = said.partition(" ")
    number = first.rstrip(".):,")
    is_number = number.isascii() and number.isdigit() and len(number) <= _DIGITS
    return (number, rest.strip()) if is_number else ("", said)


def _with(typed: str, key: str) -> str:
    if key == "backspace":
        return typed[:-1]
    return (typed + key)[:TYPED_AT_MOST] if len(key) == 1 and not hidden(key) else typed


def _pasted(state: State, paste: Paste) -> State:
    """Return the board with a pasted text behind what is typed; a line's end in it is a space, and decides nothing."""
    if state.mode not in TYPING or state.small:
        return state
    text = "".join(" " if c.isspace() else c for c in paste.text if c.isspace() or not hidden(c))
    typed = replace(state, typed=(state.typed + text)[:TYPED_AT_MOST])
    return _searching(typed) if state.mode is Mode.SEARCH else typed


_Doing: TypeAlias = Callable[[State], Step]
_IN_LIST: Final[Mapping[str, _Doing]] = {
    "q": lambda state: (state, Quit()),
    "?": _ask_help,
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
    "?": _ask_help,
    "l": _glance,
    "q": _leave,
    "escape": _leave,
    "f": _in_full,
    "n": _next,
    "r": _ask_why,
    "a": _ask_digest,
}
_LOOKING: Final = (_glance, _in_full)
"""What waits for a look that is under way: it would begin another."""
_KEYS: Final[Mapping[Mode, Callable[[State, str], Step]]] = {
    Mode.LIST: _list,
    Mode.SEARCH: _search,
    Mode.CARD: _card,
    Mode.DIGEST: _digest,
    Mode.CODE: _code,
    Mode.REASON: _reason,
    Mode.HELP: _help,
}
