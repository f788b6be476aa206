"""Whether a text tells a value that it must not: a number by itself, and no part of a handle, a digest, a moment or a longer number."""

import re


def tells_number(text: str, number: str) -> bool:
    """Tell whether a text has such a number in it."""
    return re.search(rf"(?<![0-9A-Za-z.]){re.escape(number)}(?![0-9A-Za-z])", text) is not None
