"""A disk of a ledger's own, which is full whenever a test says so: its size is what is used of it, until there is room again."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ROOM = "4g"


@dataclass(frozen=True)
class Disk:
    """A file system in memory that is mounted on a folder."""

    place: Path

    def fill(self) -> bool:
        """Let nothing more be written to it; tell whether that was so at once, for somebody may just have written more."""
        found = os.statvfs(self.place)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        return self._remounted(str(used))

    def fill_now(self) -> None:
        """Let nothing more be written to it, whoever writes meanwhile."""
        while not self.fill():
            pass

    def make_room(self) -> None:
        """Let it have room again."""
        assert self._remounted(_ROOM)

    def _remounted(self, size: str) -> bool:
        return _mount("-o", f"remount,size={size}", str(self.place))


@contextmanager
def own_disk(place: Path) -> Iterator[Disk | None]:
    """Let a folder be a disk of its own; None for whoever may not mount one."""
    place.mkdir(parents=True, mode=0o700)
    if os.geteuid() != 0 or not _mount("-t", "tmpfs", "-o", f"size={_ROOM},mode=700", "tmpfs", str(place)):
        yield None
        return
    try:
        yield Disk(place)
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def _mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode == 0
