"""Which outcomes a table of receipts takes in: one that was made for fewer of them cannot keep that a change was canceled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from synapsor.core.facts import ReceiptsTable

OUTCOMES: Final = ("applied", "conflict", "failed", "canceled")
"""What a receipt may tell, as the scripts that make its table say it."""

LISTED: Final = f"CHECK (outcome IN {OUTCOMES})"
"""The check under which a table takes all of them in."""

_WORD = re.compile(r"'(\w+)'")


def refused_outcomes(table: ReceiptsTable) -> Iterator[tuple[str, list[str]]]:
    """Yield each check of the table that lists outcomes and lacks some, with those that it lacks."""
    for name, text in table.checks.items():
        words = set(_WORD.findall(text))
        if OUTCOMES[0] in words and (lacking := [one for one in OUTCOMES if one not in words]):
            yield name, lacking
