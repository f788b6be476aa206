"""What a reviewer asks about a proposal, and what the agent answers, before anybody decides.

A question is a person's, signed over the proposal's digest. An answer is the agent's own words: nothing follows from it by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from synapsor.core.moment import Instant
from synapsor.core.statements import SignedInquiry
from synapsor.values import lone_surrogate

MOST_QUESTIONS: Final = 5
"""How often people may ask about one proposal; each question is answered once."""
MOST_CHARACTERS: Final = 2000
"""How long an answer may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An agent's answer to one question, untrusted; `client` is where it came through."""

    id: str
    question: str
    proposal: str
    text: str
    client: str
    run: str
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A question with its answer, or without one so far."""

    asked: SignedInquiry
    answer: Answer | None = None


def open_questions(exchanges: Iterable[Exchange]) -> tuple[str, ...]:
    """Return the handles of the questions that nobody has answered."""
    return tuple(one.asked.question.id for one in exchanges if one.answer is None)


def why_no_answer(text: object) -> str:
    """Return why this cannot be an answer, as the end of a sentence about it; "" where it can."""
    if type(text) is not str or not text.strip():
        return "must be a text"
    if len(text) > MOST_CHARACTERS:
        return f"must be at most {MOST_CHARACTERS} characters long"
    return "must hold no NUL and no half of a surrogate pair" if "\0" in text or lone_surrogate(text) else ""
