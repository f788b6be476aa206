"""Whether the files of a contract that is being served still say it: whatever else they say is not served, and this is refused.

The files are looked at without being read; they are read again only when they were touched. An edit that keeps the digest counts for nothing.
"""

from __future__ import annotations

from typing import Final

from synapsor.contract.load import UNREADABLE, LoadedContract, load, marks_of
from synapsor.errors import ContractError

_FIX: Final = "put the version that is served back, or review and activate the new one and start the server again"


class ContractFiles:
    """The files of one contract, as somebody may edit them while it is served."""

    def __init__(self, loaded: LoadedContract) -> None:
        """Begin with the files as they were when they were loaded."""
        self._loaded = loaded
        self._marks = loaded.marks
        self._why = ""

    def why(self) -> str:
        """Return why the files do not stand for what is served, or "" when they do; it reads files, so it is for a thread of its own."""
        marks = marks_of(self._loaded.path)
        if marks is None or marks != self._marks:
            self._marks = None  # should the reading be broken off, the next one begins anew
            self._why, sure = self._read()
            self._marks = marks if sure else None
        return self._why

    def _read(self) -> tuple[str, bool]:
        """Return why not, and whether that holds until the files are touched again: what keeps a file from being read may leave no mark."""
        file = self._loaded.path
        try:
            found = load(file)
        except ContractError as error:
            first = error.problems[0]
            if first.rule == UNREADABLE:
                return f"its file {first.file} cannot be read; {_FIX}", False
            return f"its file does not check: {first}; {_FIX}", True
        if found.digest == self._loaded.digest:
            return "", True
        return f"its file {file} was edited and says another version, {found.digest[:19]}…; {_FIX}", True
