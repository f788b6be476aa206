"""How long is waited for what never comes: not long here, and longer on a busy machine, on which what does come takes longer."""

from dataclasses import dataclass

import pytest

from synapsor.sources import mysql, mysql_connection, postgres, postgres_connection

QUICK = 0.15
"""Seconds in which a proposal is filed and approved where the machine has little else to do."""
MOST = 10.0
"""So many times as long is waited at most."""
LIMIT_MS = 300


@dataclass
class Impatience:
    """The limits of both adapters, as they are from the first time on that they are set."""

    patch: pytest.MonkeyPatch

    def after(self, seconds: float, proposals: int) -> int:
        """Set the limits by how long it took to file and approve some proposals; return the milliseconds of a statement."""
        slow = min(max(seconds / (QUICK * proposals), 1.0), MOST)
        for adapter in (postgres, mysql):
            self.patch.setattr(adapter, "GRACE_SECONDS", 0.1 * slow)
        for connection in (postgres_connection, mysql_connection):
            self.patch.setattr(connection, "SIDE_SECONDS", 0.4 * slow)
            self.patch.setattr(connection, "CONNECT_SECONDS", 1.0 * slow)
        self.patch.setattr(mysql, "COMMIT_SECONDS", 0.4 * slow)
        return round(LIMIT_MS * slow)
