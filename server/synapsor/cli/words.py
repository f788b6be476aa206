"""What a contract says, as text for a person at a terminal: the same words for who explains, compares and signs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from synapsor.core.plain import fold, visible

LABEL: Final = 13


def words_of(name: str, description: str, told: Mapping[str, Sequence[str]], wide: int) -> Iterator[str]:
    """Yield a capability: its name, what the model is told of it, and each section with its sentences."""
    yield name
    yield from labelled(description, "  ", wide)
    for label, sentences in told.items():
        for number, sentence in enumerate(sentences):
            yield from labelled(sentence, f"  {'' if number else label:<{LABEL}}", wide)


def labelled(text: str, label: str, wide: int) -> Iterator[str]:
    """Yield a text behind its label, and below that only the text."""
    first, *more = fold(visible(text), max(wide - len(label), LABEL))
    yield label + first.rstrip()
    yield from (" " * len(label) + part.strip() for part in more)
