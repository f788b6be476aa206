"""What to do about a proposal whose end nobody knows: by how its rows look, and by why nobody knows it.

Of an effect outside of the database rows tell nothing, so where there may be one the application and the outside system are asked first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from synapsor.core.outcome import Why
from synapsor.core.reconcile import ADVICE, Match

_FIRST: Final[Mapping[str, str]] = {
    Why.HANDLER_OVERDUE: "Ask whoever runs the application, and the outside system, whether it was done; the rows do not tell.",
    Why.HANDLER_FORGOT: "The application has lost what it knew: ask the outside system whether it was done; the rows do not tell.",
    Why.HANDLER_DIFFERS: "Ask whoever runs the application what it has done, and compare that with what was approved.",
    Why.EFFECT_STANDS: "The effect outside of the database was made, and the rows were not changed with it.",
    Why.INTENT_UNRESOLVED: "See first that no transaction of the worker is open in the source any more.",
}
"""What is to be known before the rows are gone by."""
_OUTSIDE: Final[Mapping[str, str]] = {
    Match.MATCHES_PROPOSED: "Resolve it --as applied, where it was done.",
    Match.MATCHES_BEFORE: "Resolve it --as not-applied, where it was not done; that counts when the application has given it up.",
}
_STANDS: Final[Mapping[str, str]] = {
    Match.MATCHES_PROPOSED: "Resolve it --as applied, for the rows are as approved by now.",
    Match.MATCHES_BEFORE: "Have the rows changed as approved by their owner, or the effect taken back outside. "
    "Resolve it --as not-applied, only where it was taken back.",
}
_THEN: Final[Mapping[str, Mapping[str, str]]] = {
    Why.HANDLER_OVERDUE: _OUTSIDE,
    Why.HANDLER_FORGOT: _OUTSIDE,
    Why.HANDLER_DIFFERS: _OUTSIDE,
    Why.EFFECT_STANDS: _STANDS,
}
WORDS: Final = frozenset(
    {*ADVICE.values(), *_FIRST.values(), *(word for then in _THEN.values() for word in then.values())}
)
"""All that may be advised."""


def advice_of(found: str, codes: Iterable[str]) -> str:
    """Return what to do where this was found of all rows; `codes` are why nobody knows the end, of a proposal and its group."""
    reasons = tuple(dict.fromkeys(code for code in codes if code in _FIRST))
    then = next((_THEN[code][found] for code in reasons if found in _THEN.get(code, {})), ADVICE[found])
    return " ".join((*(_FIRST[code] for code in reasons), then))
