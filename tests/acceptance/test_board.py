"""A person works the inbox by the keyboard, on a real terminal, against a real ledger."""

import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.abc
import pyte
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.approve.identity import keys as keys_module
from synapsor.approve.identity.keys import load_key
from synapsor.cli.inbox import TRIES, patiently
from synapsor.errors import UsageError
from synapsor.secrets import Secret
from tests.companion import Companion, write_companion
from tests.databases import Database, execute, table
from tests.projects import opened

ROWS, COLUMNS = 60, 100


class Terminal:
    """A terminal with a command in it; it is looked at as a picture, whatever moved the cursor."""

    def __init__(self, wire: int, process: anyio.abc.Process) -> None:
        self._wire = wire
        self.process = process
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)

    async def see(self, words: str, *, times: int = 1) -> None:
        """Wait until words stand on the screen."""
        await self._until(lambda: sum(words in line for line in self._screen.display) >= times, words)

    async def see_colours(self, *wanted: str) -> None:
        """Wait until colours are on the screen; a picture may come in several parts."""
        await self._until(lambda: {*wanted} <= set(self.colours), wanted)

    async def _until(self, there: Callable[[], bool], what: object) -> None:
        with anyio.move_on_after(60) as limit:
            while not there():
                await anyio.wait_readable(self._wire)
                self._stream.feed(os.read(self._wire, 65_536))
        picture = "\n".join(line for line in self._screen.display if line.strip())
        assert not limit.cancelled_caught, f"{what!r} is not on the screen, but\n{picture}"

    @property
    def colours(self) -> dict[str, set[str]]:
        """The colours on the screen, and the words in each."""
        found: dict[str, set[str]] = {}
        for row in range(self._screen.lines):
            for cell in (self._screen.buffer[row][column] for column in range(self._screen.columns)):
                if cell.data.strip():
                    found.setdefault(cell.fg, set()).add(cell.data)
        return found

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        self._screen.resize(rows, columns)
        fcntl.ioctl(self._wire, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    async def read_on(self) -> None:
        """Read what is still drawn, for who draws waits for that, until the terminal is gone."""
        try:
            while True:
                await anyio.wait_readable(self._wire)
                self._stream.feed(os.read(self._wire, 65_536))
        except OSError:
            return

    async def press(self, keys: str) -> None:
        """Press keys."""
        await anyio.wait_writable(self._wire)
        os.write(self._wire, keys.encode())


# The terminal becomes the process's own, as a shell makes it: a passphrase is asked for there.
_WITH_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@asynccontextmanager
async def board(companion: Companion, *, key: str = "leo.pem", **environment_: str) -> AsyncIterator[Terminal]:
    files = companion.files
    wire, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    command = files.command("inbox", "--operator", "leo", "--key", str(files.root / "keys" / key))
    environment = {**files.environment, "TERM": "xterm", **environment_}
    process = await anyio.open_process(
        [sys.executable, "-c", _WITH_A_TERMINAL, sys.executable, *command[1:]],
        stdin=end,
        stdout=end,
        stderr=end,
        env=environment,
        cwd=files.root,
    )
    os.close(end)
    terminal = Terminal(wire, process)
    try:
        yield terminal
        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                group.start_soon(terminal.read_on)
                ended = await process.wait()
                group.cancel_scope.cancel()
        assert ended == 0
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
        await terminal.see("What it touches beside")
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
        await terminal.see("What it touches beside")
        await terminal.press("      a")
        await terminal.see("the digest's first 8 characters")
        await terminal.press("00000000\r")
        await terminal.see("nothing was signed")
        await terminal.press("qq")
    assert (await companion.status(asked["id"]))[:2] == ("review_required", 0)


@pytest.mark.requirement("board:looks", "board:no-colour-alone")
async def test_a_person_looks_at_the_source_and_approves_what_stands_there(companion: Companion) -> None:
    asked = await companion.filed()
    async with board(companion) as terminal:
        await terminal.see("1 wait for a decision")
        await terminal.press("\r")
        await terminal.see("What the agent sent")
        await terminal.see_colours("red", "green")
        await terminal.see("The rows as they are now")
        await terminal.see("still as it was")
        await terminal.see("look twice")
        await terminal.press("      a")
        await terminal.see("the digest's first 8 characters")
        await terminal.press(f"\x1b[200~{asked['digest'][7:15]}\x1b[201~\r")
        await terminal.see(f"{asked['id']} is approved.")
        await terminal.press("q")
    assert (await companion.status(asked["id"]))[0] == "approved"


@pytest.mark.requirement("board:looks-before")
async def test_who_begins_to_approve_a_row_that_moved_is_shown_that_before_they_sign(companion: Companion) -> None:
    asked = await companion.filed()
    fees = table(companion.files.database, "invoices")
    execute(companion.files.database, f"UPDATE {fees} SET row_version = row_version + 1 WHERE id = 'INV-3001'")
    async with board(companion) as terminal:
        await terminal.see("1 wait for a decision")
        await terminal.press("\r")
        await terminal.see("What the agent sent")
        await terminal.press("      a")
        await terminal.see("A row is not as it was when this was asked for")
        await terminal.see("The rows as they are now")
        await terminal.press("qq")
    assert (await companion.status(asked["id"]))[:2] == ("review_required", 0)


@pytest.mark.requirement("board:no-colour-alone")
async def test_who_wants_no_colours_gets_none_and_the_same_words(companion: Companion) -> None:
    await companion.filed()
    async with board(companion, NO_COLOR="1") as terminal:
        await terminal.see("1 wait for a decision")
        await terminal.press("\r")
        await terminal.see("What the agent sent")
        assert set(terminal.colours) == {"default"}
        await terminal.press("qq")


@pytest.mark.requirement("board:decides")
async def test_a_passphrase_is_asked_for_on_the_bare_terminal_again_after_a_slip(
    companion: Companion,
) -> None:
    keys = companion.files.root / "keys"
    locked(keys / "leo.pem", keys / "locked.pem")
    asked = await companion.filed()
    async with board(companion, key="locked.pem") as terminal:
        await terminal.see("1 wait for a decision")
        await terminal.press("r")
        await terminal.see("Why is it rejected?")
        await terminal.press("4\r")
        for number, passphrase in enumerate(("wrong", "open sesame"), start=1):
            await terminal.see("Passphrase of locked.pem:", times=number)
            await terminal.press(f"{passphrase}\n")
        await terminal.see("is rejected.")
        await terminal.press("q")
    assert (await companion.status(asked["id"]))[:2] == ("rejected", 1)


@pytest.mark.requirement("board:decides")
def test_wrong_passphrases_unlock_nothing_however_often_they_are_asked_for() -> None:
    asked: list[int] = []

    def wrong() -> Ed25519PrivateKey:
        asked.append(1)
        raise UsageError("The passphrase is wrong.")

    with pytest.raises(UsageError):
        patiently(wrong)
    assert len(asked) == TRIES


def locked(path: Path, other: Path) -> None:
    """Write a key once more, under a passphrase."""
    key = load_key(path)
    other.touch(mode=0o600)
    other.write_bytes(keys_module._encode(key, Secret("open sesame")))


@pytest.mark.requirement("board:fits")
async def test_another_size_of_the_window_is_followed_at_once(companion: Companion) -> None:
    asked = await companion.filed()
    async with board(companion) as terminal:
        await terminal.see("1 wait for a decision")
        await terminal.press("\r")
        await terminal.see(asked["digest"])
        terminal.resize(29, 9)
        await terminal.see("This window is too small")
        terminal.resize(44, 12)
        await terminal.see("1 to 9 of")
        await terminal.press("?")
        await terminal.see("what the keys do")
        await terminal.press("qqq")


@pytest.mark.requirement("notify:silence-told")
async def test_the_board_says_that_no_notifier_runs_where_somebody_should_be_told(companion: Companion) -> None:
    config = companion.files.config_path
    notify = "notify: {channels: {desk: {webhook: {url: https://desk.example.com/x, secret: '${env:DESK}'}}}}\n"
    config.write_text(config.read_text(encoding="utf-8") + notify, encoding="utf-8")
    async with board(companion) as terminal:
        await terminal.see("No notifier has run yet, so nobody is told")
        await terminal.press("q")
