"""The board is told to end, or its terminal is closed: the terminal is as it was before, and a decision under way is whole."""

import os
import pty
import signal
import sqlite3
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import anyio
import anyio.abc
import pytest

from tests.acceptance.test_board import Terminal
from tests.chaos.deciders import KILLED, command, environment
from tests.companion import Companion, write_companion
from tests.databases import Database
from tests.projects import opened

pytestmark = pytest.mark.chaos

LEFT = b"\x1b[?1049l"
"""What leaves the screen that a program has taken for itself."""
SHOWN = b"\x1b[?25h"
"""What shows the cursor again."""


@pytest.fixture
async def companion(tmp_path: Path, sqlite_db: Database) -> Companion:
    made = write_companion(tmp_path / "project", sqlite_db)
    async with opened(made.files):
        return made


@asynccontextmanager
async def session(companion: Companion, point: str | None = None) -> AsyncIterator[tuple[anyio.abc.Process, int, int]]:
    """Run the board as the leader of a session on a terminal of its own, as a shell in a window would; yields both ends."""
    files = companion.files
    wire, end = pty.openpty()
    termios.tcsetwinsize(end, (40, 100))
    line = command(files, point, "inbox", "--operator", "leo", "--key", str(files.root / "keys" / "leo.pem"))
    process = await anyio.open_process(
        [sys.executable, "-c", "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])", *line],
        stdin=end,
        stdout=end,
        stderr=end,
        env={**environment(files), "TERM": "xterm"},
        cwd=files.root,
    )
    try:
        yield process, wire, end
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(end)


async def ended(process: anyio.abc.Process) -> int:
    with anyio.fail_after(60):
        return await process.wait()


def rest(wire: int) -> bytes:
    os.set_blocking(wire, False)
    said = b""
    try:
        while more := os.read(wire, 65_536):
            said += more
    except OSError:
        pass
    return said


@pytest.mark.requirement("board:leaves-terminal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda n: str(n.name))
async def test_a_board_that_is_told_to_end_leaves_the_terminal_as_it_was(
    companion: Companion, number: signal.Signals
) -> None:
    async with session(companion) as (process, wire, end):
        before = termios.tcgetattr(end)
        await Terminal(wire, process).see("Nothing waits for a decision")
        assert termios.tcgetattr(end) != before
        process.send_signal(number)
        assert await ended(process) == 0
        said = rest(wire)
        assert (LEFT in said, SHOWN in said, b"Traceback" in said) == (True, True, False)
        assert termios.tcgetattr(end) == before
        os.close(wire)


async def rejecting(terminal: Terminal, lock: sqlite3.Connection) -> None:
    """Let the person reject the one proposal, while another process holds the ledger: the decision is under way, and no further."""
    await terminal.see("1 wait for a decision")
    await terminal.press("r")
    await terminal.see("Why is it rejected?")
    lock.execute("BEGIN IMMEDIATE")
    await terminal.press("4\r")
    await terminal.see("4▏")  # both keys came at once, so that the second waits for its turn by now


@pytest.mark.requirement("board:leaves-terminal", "decide:survives-kill")
async def test_a_board_that_is_told_to_end_in_the_middle_of_a_decision_finishes_that_first(
    companion: Companion,
) -> None:
    asked = await companion.filed()
    async with session(companion) as (process, wire, _):
        with closing(sqlite3.connect(companion.files.config.ledger, isolation_level=None)) as lock:
            await rejecting(Terminal(wire, process), lock)
            process.send_signal(signal.SIGTERM)
            lock.execute("ROLLBACK")
        assert await ended(process) == 0
        os.close(wire)
    assert (await companion.status(asked["id"]))[:2] == ("rejected", 1)


@pytest.mark.requirement("board:leaves-terminal", "decide:survives-kill")
async def test_a_board_whose_terminal_is_closed_in_the_middle_of_a_decision_ends_and_leaves_nothing_half(
    companion: Companion,
) -> None:
    asked = await companion.filed()
    async with session(companion) as (process, wire, _):
        with closing(sqlite3.connect(companion.files.config.ledger, isolation_level=None)) as lock:
            await rejecting(Terminal(wire, process), lock)
            os.close(wire)
            lock.execute("ROLLBACK")
        assert await ended(process) == 0
    assert (await companion.status(asked["id"]))[:2] in {("rejected", 1), ("review_required", 0)}


@pytest.mark.requirement("decide:survives-kill")
async def test_a_board_that_is_killed_over_an_approval_has_it_whole_or_not_at_all_and_the_next_one_shows_which(
    companion: Companion,
) -> None:
    asked = await companion.filed()
    for point, kept in (("decision.written", False), ("decision.recorded", True)):
        async with session(companion, point) as (process, wire, _):
            terminal = Terminal(wire, process)
            await terminal.see("1 wait for a decision")
            await terminal.press("\r")
            await terminal.see("What it touches beside")
            await terminal.press("      a")
            await terminal.see("the digest's first 8 characters")
            await terminal.press(asked["digest"][7:15] + "\r")
            assert await ended(process) == KILLED
            os.close(wire)
        assert (await companion.status(asked["id"]))[:2] == (("approved", 1) if kept else ("review_required", 0))
    async with session(companion) as (process, wire, _):
        await Terminal(wire, process).see("Nothing waits for a decision")
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == 0
        os.close(wire)
    async with opened(companion.files) as project:
        record = await (await project.ledger()).proposal(asked["id"])
        assert (record is not None and record.job is not None, (await project.verify()).ok) == (True, True)
