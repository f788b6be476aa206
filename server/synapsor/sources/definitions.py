"""Reading the text of a trigger or a view, where a catalogue gives nothing better; what is not understood is never taken for granted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A trigger that sets a column of the row that is updated.

    Attributes:
        off: why it fires for no update here, in words; "" where it does.
        some: it fires only for an UPDATE OF some columns.
        when: the condition of its WHEN clause; "" where it has none.
    """

    name: str
    off: str = ""
    some: bool = False
    when: str = ""

    def stays(self, column: str) -> str:
        """Return how an update can change a row and leave the column as it is, in words; "" when none can."""
        some = "fires only for an UPDATE OF some columns" if self.some else ""
        when = "has a WHEN clause" if self.when and not fires_unless_moved(self.when, column) else ""
        why = self.off or some or when
        return f"the trigger {self.name} {why}" if why else ""


def moved_by(triggers: Iterable[Trigger], column: str) -> tuple[bool, str]:
    """Return whether triggers that set a column move it, and how an update can leave it as it is all the same, or ""."""
    setting = tuple(triggers)
    stays = [trigger.stays(column) for trigger in setting]
    return any(not (one.off or one.some) for one in setting), "" if "" in stays or not stays else stays[0]


def fires_unless_moved(condition: str, column: str) -> bool:
    """Tell whether a WHEN clause holds for every update that changes the row and has not moved the column itself.

    Few forms are known, in the spelling of the catalogue, names by case; when in doubt it does not hold.
    """
    while (inner := re.fullmatch(r"\s*\((.*)\)\s*", condition, re.DOTALL)) and _is_closed(inner[1]):
        condition = inner[1]
    name = rf'(?:"{re.escape(column)}"|`{re.escape(column)}`|\[{re.escape(column)}\]|{re.escape(column)})'
    new, old = rf"(?i:NEW)\s*\.\s*{name}", rf"(?i:OLD)\s*\.\s*{name}"
    forms = (
        rf"{new}\s*(?:=|==|<=|(?i:\bIS(?:\s+NOT\s+DISTINCT\s+FROM)?\b))\s*{old}",
        rf"{old}\s*(?:=|==|>=|(?i:\bIS(?:\s+NOT\s+DISTINCT\s+FROM)?\b))\s*{new}",
        rf"(?i:NOT)\s*\(\s*(?:{new}\s+(?i:IS\s+DISTINCT\s+FROM)\s+{old}|{old}\s+(?i:IS\s+DISTINCT\s+FROM)\s+{new})\s*\)",
        r"(?i:OLD\.\*\s+IS\s+DISTINCT\s+FROM\s+NEW\.\*|NEW\.\*\s+IS\s+DISTINCT\s+FROM\s+OLD\.\*)",
    )
    return any(re.fullmatch(rf"\s*{form}\s*", condition) for form in forms)


def _is_closed(text: str) -> bool:
    """Tell whether every parenthesis is closed where it was opened."""
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0
