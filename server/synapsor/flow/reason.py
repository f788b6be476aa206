"""The reason that a person gives for what they sign: one line that can be shown to whoever reads it, and for some acts not left out."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Final, Literal

from synapsor.core.presets import REJECT_CODES, known_code
from synapsor.errors import UsageError

Act = Literal[
    "approve",
    "reject",
    "switch",
    "undo",
    "reveal",
    "edit",
    "extend",
    "question",
    "pause",
    "cancel",
    "requeue",
    "discard",
    "resolve",
]

MAX_REASON: Final = 500

_NEEDED: Final[Mapping[Act, tuple[str, str]]] = {
    "reject": ("A rejection", "the agent is told"),
    "undo": ("An undo", "those who decide are told"),
    "reveal": ("A look", "it stays on record"),
    "edit": ("An edit", "those who decide are told, and the agent is"),
    "extend": ("More time", "those who decide are told, and the agent is"),
    "question": ("A question", "the agent is asked"),
    "resolve": ("A resolution", "it stays on record"),
    "pause": ("A pause, or its end,", "it stays on record"),
    "cancel": ("A cancel", "it stays on record"),
    "requeue": ("Another try", "it stays on record"),
    "discard": ("A discard", "it stays on record"),
}
"""What nobody does without a reason, and who learns it."""


def check_reason(act: Act, reason: str) -> None:
    """Refuse a reason that is missing where one is needed, too long, or could not be shown.

    Raises:
        UsageError: it is.
    """
    if act in _NEEDED and not reason.strip():
        what, told = _NEEDED[act]
        raise UsageError(f"{what} needs a reason.", fix=f"Say why with --reason; {told}.")
    if trouble := _trouble(reason):
        raise UsageError("The reason cannot be recorded.", fix=trouble)


def _trouble(reason: str) -> str:
    """Return why a reason could not be shown, and what helps; "" where it can."""
    if len(reason) > MAX_REASON:
        return f"Write at most {MAX_REASON} characters; it has {len(reason)}."
    unseen = next((c for c in reason if unicodedata.category(c)[0] == "C"), None)
    if unseen is None:
        return ""
    if unseen in "\r\n":
        return "Write it in one line."
    return f"It holds an invisible character (U+{ord(unseen):04X}), which some emoji do, too: write it without."


def check_code(code: str | None) -> None:
    """Refuse a word that is none of those that say why something is rejected.

    Raises:
        UsageError: it is not one of them.
    """
    if code is not None and known_code(code) is None:
        raise UsageError("There is no such word for a rejection.", fix=f"One of: {', '.join(REJECT_CODES)}.")
