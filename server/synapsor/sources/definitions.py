"""Reading the text of a trigger or a view, where a catalogue gives nothing better; what is not understood is never taken for granted."""

from __future__ import annotations


def split_at_commas(text: str) -> list[str]:
    """Return the pieces between commas that stand outside parentheses."""
    pieces, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += character
    return pieces
