"""A server that never shakes hands, and whether anything to it is left open when somebody has given it up."""

import gc
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def silent() -> Iterator[int]:
    """Listen and take nothing in; at the end as many sockets are open as before, without the collector's having closed any."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        gc.collect()
        gc.disable()
        try:
            before = _sockets()
            yield listening.getsockname()[1]
            assert _sockets() == before
        finally:
            gc.enable()


def _sockets() -> int:
    found = 0
    for held in Path("/proc/self/fd").iterdir():
        try:
            found += stat.S_ISSOCK(os.fstat(int(held.name)).st_mode)
        except OSError:
            continue  # that of the listing itself
    return found
