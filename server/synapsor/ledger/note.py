"""A sealed note beside the ledger of how far its chain was proven, so that a command begins there and not at the first event.

Who holds the ledger's key wrote it, or it counts for nothing. It spares work and proves nothing that a process which runs since then
would not know: where it is gone, altered, or of another chain than this one, the whole chain is read.
"""

from __future__ import annotations

import hmac
import logging
import os
import stat
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson

from synapsor.ledger.believed import Proven
from synapsor.ledger.private import OWNER, Access, locked
from synapsor.values import canonical

log = logging.getLogger("synapsor.ledger")

_LARGEST: Final = 16 * 1024 * 1024
_FORM: Final = 3
"""Of what is remembered and how: a program that remembers more takes no note of one that remembered less."""


@dataclass(frozen=True, slots=True)
class Note:
    """The note of one ledger; several processes may write it, and any of theirs will do.

    Attributes:
        secret: what it is sealed with, 32 bytes of the ledger's key for this ledger's name.
        access: who may use it.
    """

    path: Path
    secret: bytes = field(repr=False)
    access: Access = OWNER

    def read(self) -> Proven | None:
        """Return what the note tells, or None where there is none that was written with the ledger's key."""
        try:
            seal, _, text = self._bytes().partition(b"\n")
        except OSError:
            return None
        if not hmac.compare_digest(seal, self._seal(text)):
            return None
        return _proven(orjson.loads(text))

    def write(self, proven: Proven) -> None:
        """Write down how far the chain is proven; the log tells where that fails."""
        text = canonical(_told(proven))
        try:
            if len(text) < _LARGEST:
                self._put(self._seal(text) + b"\n" + text)
        except BlockingIOError:
            # Most likely another process writes one just now, and any of theirs will do.
            log.info("%s is left to who holds its directory", self.path.name, extra={"action": "note_left"})
        except OSError:
            log.warning("%s could not be written", self.path.name, extra={"action": "note_failed"})

    def _bytes(self) -> bytes:
        handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe would keep it waiting
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            return b""
        with os.fdopen(handle, "rb") as stream:
            return stream.read(_LARGEST + 128)

    def _put(self, data: bytes) -> None:
        building = self.path.with_name(f"{self.path.name}.new")
        with locked(self.path.parent, waits=False):  # whoever follows the chain waits for it
            building.unlink(missing_ok=True)
            handle = os.open(building, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as stream:
                self.access.give(handle, self.access.of_files)
                stream.write(data)
            building.replace(self.path)

    def _seal(self, text: bytes) -> bytes:
        return hmac.new(self.secret, text, sha256).hexdigest().encode()


def _told(proven: Proven) -> dict[str, Any]:
    return {
        "form": _FORM,
        "seq": proven.seq,
        "hash": proven.hash,
        "activated": dict(proven.activated),
        "decided": {handle: list(told) for handle, told in proven.decided.items()},
        "switched": proven.switched,
        "paused": dict(proven.paused),
        "open": dict(proven.open),
        "used": [[policy, day, seen] for (policy, day), seen in sorted(proven.used.items())],
    }


def _proven(told: dict[str, Any]) -> Proven | None:
    if told["form"] != _FORM:
        return None
    return Proven(
        seq=told["seq"],
        hash=told["hash"],
        activated=told["activated"],
        decided={handle: (at, digest) for handle, (at, digest) in told["decided"].items()},
        switched=told["switched"],
        paused=told["paused"],
        open=told["open"],
        used={(policy, day): seen for policy, day, seen in told["used"]},
    )
