"""The garbage collector around start-up and at the end: what is imported stays, so looking through it again and again is waste."""

from __future__ import annotations

import atexit
import gc

_SELDOM = 100_000


def collect_seldom() -> None:
    """Let a short command, or the start of a long one, make many objects before the collector looks at them, and end without a last look."""
    gc.set_threshold(_SELDOM, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)


def collect_as_usual(usual: tuple[int, int, int] = gc.get_threshold()) -> None:  # as it was before `collect_seldom`
    """Leave everything that start-up made out of all later collections, and collect young objects as often as Python does."""
    gc.freeze()
    gc.set_threshold(*usual)
