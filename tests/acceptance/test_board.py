"""A person works the inbox by the keyboard, on a real terminal, against a real ledger."""

import fcntl
import os
import pty
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.abc
import pyte
import pytest

from tests.companion import Companion, write_companion
from tests.databases import Database
from tests.projects import opened

ROWS, COLUMNS = 60, 100


class Terminal:
    """A terminal with a command in it; it is looked at as a picture, whatever moved the cursor."""

    def __init__(self, wire: int, process: anyio.abc.Process) -> None:
        self._wire = wire
        self.process = process
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)

    async def see(self, words: str) -> None:
        """Wait until words stand on the screen."""
        with anyio.move_on_after(60) as limit:
            while not any(words in line for line in self._screen.display):
                await anyio.wait_readable(self._wire)
                self._stream.feed(os.read(self._wire, 65_536))
        picture = "\n".join(line for line in self._screen.display if line.strip())
        assert not limit.cancelled_caught, f"{words!r} is not on the screen, but\n{picture}"

    async def press(self, keys: str) -> None:
        """Press keys."""
        await anyio.wait_writable(self._wire)
        os.write(self._wire, keys.encode())


@asynccontextmanager
async def board(companion: Companion) -> AsyncIterator[Terminal]:
    files = companion.files
    wire, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    command = files.command("inbox", "--operator", "leo", "--key", str(files.root / "keys" / "leo.pem"))
    environment = {**files.environment, "TERM": "xterm"}
    process = await anyio.open_process(
        [sys.executable, *command[1:]], stdin=end, stdout=end, stderr=end, env=environment, cwd=files.root
    )
    os.close(end)
    try:
        yield Terminal(wire, process)
        with anyio.fail_after(30):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(wire)


@pytest.fixture
async def companion(tmp_path: Path, sqlite_db: Database) -> Companion:
    made = write_companion(tmp_path / "project", sqlite_db)
    async with opened(made.files):
        return made


@pytest.mark.requirement("board:decides")
async def test_a_person_reads_a_card_and_approves_it_and_rejects_another(companion: Companion) -> None:
    first = await companion.filed()
    second = await companion.filed("INV-3002", "A second one.")
    async with board(companion) as terminal:
        await terminal.see("2 wait for a decision")
        await terminal.press("\r")
        await terminal.see(first["digest"])
        await terminal.press("      a")
        await terminal.see("the digest's first 8 characters")
        await terminal.press(first["digest"][7:15] + "\r")
        await terminal.see(f"{first['id']} is approved.")
        await terminal.press("r")
        await terminal.see("Why is it rejected?")
        await terminal.press("4\r")
        await terminal.see(f"{second['id']} is rejected.")
        await terminal.press("q")
    assert await companion.status(first["id"]) == ("approved", 1, [])
    assert await companion.status(second["id"]) == ("rejected", 1, [])


@pytest.mark.requirement("board:decides")
async def test_what_arrives_shows_by_itself_and_a_wrong_digest_decides_nothing(companion: Companion) -> None:
    async with board(companion) as terminal:
        await terminal.see("Nothing waits for a decision")
        asked = await companion.filed()
        await terminal.see(asked["id"])
        await terminal.press("\r")
        await terminal.see(asked["digest"])
        await terminal.press("      a")
        await terminal.see("the digest's first 8 characters")
        await terminal.press("00000000\r")
        await terminal.see("nothing was signed")
        await terminal.press("qq")
    assert (await companion.status(asked["id"]))[:2] == ("review_required", 0)
