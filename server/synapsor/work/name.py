"""What a worker calls itself where nobody has named it: in leases, receipts and logs. It is told to people, and no promise rests on it."""

from __future__ import annotations

import os
import secrets
import socket
from typing import Final

_MOST_HOST: Final = 40


def own_name() -> str:
    """Return a name that no other worker has: containers may share a host's name, and the first process of each has one number."""
    return f"{socket.gethostname()[:_MOST_HOST]}.{os.getpid()}.{secrets.token_hex(4)}"
