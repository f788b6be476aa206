"""Checkpoints once more, in a text file beside the ledger, one JSON line each: a cut tail of the ledger leaves them ahead of it.

Copies of this file elsewhere (another volume, a log host, a repository) make the same true for whoever can write here.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import stat
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from synapsor.core.records import to_body
from synapsor.ledger.chain import Checkpoint, checkpoint_of
from synapsor.ledger.private import OWNER, Access, create_private
from synapsor.values import canonical

log = logging.getLogger("synapsor.ledger")

_TAIL = 4096
_AT_REST = 100_000_000
"""Nanoseconds after which a change of a file cannot have the time of the one before it: file systems count in steps of a few milliseconds."""
_Marks: TypeAlias = tuple[int, int, int, int, int]


class Anchor:
    """The checkpoint file; several processes may add to it."""

    def __init__(self, path: Path, access: Access = OWNER) -> None:
        self.path = path
        self._access = access
        self._read: tuple[_Marks, int, tuple[Checkpoint, ...]] | None = None
        """How the file was when it was read last, after which event, and what it held."""

    def create(self) -> None:
        """Make the file.

        Raises:
            LedgerFailure: there is one already, so a ledger was here.
        """
        create_private(self.path, access=self._access)

    def keep(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Add what was committed, which stands even if this fails; the log tells."""
        try:
            self.append(checkpoints)
        except OSError:
            log.error("checkpoints could not be copied to %s", self.path.name, extra={"action": "anchor_failed"})  # noqa: TRY400  # no driver text

    def append(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Add checkpoints, durably.

        Raises:
            OSError: the file is missing or cannot be written; it is never made anew, since its absence is a finding.
        """
        lines = b"".join(canonical(to_body(c)) + b"\n" for c in checkpoints)
        handle = self._opened(os.O_RDWR | os.O_APPEND)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            _drop_torn_line(handle)
            while lines:  # a disk that fills up takes a part first, and tells the next time
                lines = lines[os.write(handle, lines) :]
            os.fsync(handle)
        finally:
            os.close(handle)

    def lines(self) -> Iterator[tuple[int, Checkpoint | None]]:
        """Yield each line's number and checkpoint, None for a line that is none; a torn last line was never acknowledged.

        Raises:
            OSError: the file cannot be read.
        """
        with os.fdopen(self._opened(os.O_RDONLY), "rb") as stream:
            for number, line in enumerate(stream, start=1):
                if line.endswith(b"\n"):
                    yield number, _parse(line[:-1])
                elif b"}" in line[:-1]:
                    yield number, None

    def after(self, seq: int) -> tuple[Checkpoint, ...]:
        """Return the checkpoints of the events after one, by their numbers; a file at rest that is as it was is not read again.

        Nothing where the file is gone: that is for `verify` to find.
        """
        try:
            marks = _marks(self.path)
            if self._read is not None and self._read[0] == marks and self._read[1] <= seq:
                found = self._read[2]
            else:
                lines = self._end(seq) if seq else [line for _, line in self.lines()]
                found = tuple(one for one in lines if one is not None and one.seq > seq)
                self._read = (marks, seq, found) if time.time_ns() - marks[-1] > _AT_REST else None
        except OSError:
            return ()
        return tuple(sorted((one for one in found if one.seq > seq), key=lambda one: one.seq))

    def _opened(self, how: int) -> int:
        """Return a handle of the file, and of nothing else: a pipe would keep whoever reads it, and a device whatever is written."""
        handle = os.open(self.path, how | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError(errno.EINVAL, "not a file")
        return handle

    def _end(self, seq: int) -> list[Checkpoint | None]:
        """Return the last lines, a few at least and back to one of an event that is not after this one."""
        with os.fdopen(self._opened(os.O_RDONLY), "rb") as stream:
            size, length = stream.seek(0, os.SEEK_END), _TAIL
            while True:
                stream.seek(max(0, size - length))
                lines = [_parse(line) for line in stream.read().split(b"\n")[:-1]]
                first = next((one for one in lines if one is not None), None)
                if length >= size or (first is not None and first.seq <= seq):
                    return lines
                length *= 4


def _marks(path: Path) -> _Marks:
    """Return what is another in every file that was written since: the time of its last change is nobody's to set."""
    facts = path.stat()
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


@lru_cache(maxsize=64)
def _parse(line: bytes) -> Checkpoint | None:
    try:
        found = checkpoint_of(json.loads(line))
        return found if canonical(to_body(found)) == line else None
    except (ValueError, TypeError, RecursionError):
        return None


def _drop_torn_line(handle: int) -> None:
    """Cut what a crash left of a line, so that the next line does not grow out of it."""
    size = os.fstat(handle).st_size
    tail = os.pread(handle, min(size, _TAIL), max(0, size - _TAIL))
    if tail and not tail.endswith(b"\n"):
        os.ftruncate(handle, size - len(tail) + tail.rfind(b"\n") + 1)
