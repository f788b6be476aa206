"""Why a person rejects a proposal, in one word of a closed list: what a reviewer picks, what is signed, and what the agent is told.

The words name no capability and no row, so that they may stand in statistics and messages where a free text may not.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

RejectCode: TypeAlias = Literal[
    "wrong_scope", "odd_arguments", "wrong_environment", "not_needed", "needs_information", "other"
]

REJECT_CODES: Final[tuple[RejectCode, ...]] = get_args(RejectCode)
"""In the order in which a person is offered them."""

REJECT_WORDS: Final[Mapping[RejectCode, str]] = MappingProxyType(
    {
        "wrong_scope": "It is about the wrong record, or about more or fewer than it should be.",
        "odd_arguments": "A value that was asked for looks wrong.",
        "wrong_environment": "It was asked for in the wrong place, such as the real database instead of a trial one.",
        "not_needed": "The change is not needed.",
        "needs_information": "Something must be known before anybody can decide.",
        "other": "Another reason.",
    }
)
"""What each word means, in a sentence for people and agents alike."""


def in_words(preset: str | None, reason: str) -> str:
    """Return why something is rejected: in the person's own words, or else in those of the word that they chose."""
    code = known_code(preset)
    return reason.strip() or (REJECT_WORDS[code] if code else "")


def known_code(word: str | None) -> RejectCode | None:
    """Return a word of the closed list, or None for any other one: what was signed need not have been checked."""
    return next((code for code in REJECT_CODES if code == word), None)
