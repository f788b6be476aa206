"""The lines of a pipe: whatever the pieces they come in, each comes once, in order, and within the limit."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synapsor.serve.lines import Lines, TooLong

pytestmark = pytest.mark.requirement("stdio:lines")
LIMIT = 8


class _Pipe(asyncio.ReadTransport):
    def __init__(self) -> None:
        super().__init__()
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        assert self.flowing.is_set()
        self.flowing.clear()

    def resume_reading(self) -> None:
        assert not self.flowing.is_set()
        self.flowing.set()


def _expected(text: bytes) -> list[bytes | None]:
    """What a reader gets, None where a line is too long; a last line may lack its newline."""
    whole = text.split(b"\n")
    if not whole[-1]:
        whole.pop()
    return [None if len(line) > LIMIT else line for line in whole]


async def _read(lines: Lines, into: list[bytes | None]) -> None:
    while True:
        try:
            line = await lines.next()
        except TooLong:
            into.append(None)
        else:
            if line is None:
                return
            into.append(line)


@given(
    text=st.lists(st.text("ab", max_size=2 * LIMIT), max_size=6).map(lambda lines: "\n".join(lines).encode()),
    cuts=st.sets(st.integers(0, 100)),
    taking=st.booleans(),
    turns=st.integers(0, 2),
)
@example(text=b"a" * (LIMIT + 1) + b"\nb", cuts=set(), taking=True, turns=1)
@example(text=b"b" * (LIMIT + 1) + b"\nb" * 3, cuts={5, LIMIT + 4}, taking=False, turns=0)
@example(text=b"b" * 5 * LIMIT + b"\nb", cuts={5, 3 * LIMIT}, taking=False, turns=1)
async def test_every_line_comes_once_in_order_and_within_the_limit_however_the_bytes_are_cut(
    text: bytes, cuts: set[int], taking: bool, turns: int
) -> None:
    lines, pipe = Lines(LIMIT), _Pipe()
    got: list[bytes | None] = []

    def take(line: bytes) -> bool:
        if taking and line.startswith(b"a"):
            got.append(line)
            return True
        return False

    lines.offer = take
    lines.connection_made(pipe)
    reading = asyncio.get_running_loop().create_task(_read(lines, got))
    await asyncio.sleep(0)
    for start, end in pairwise(sorted({0, len(text), *(c for c in cuts if c < len(text))})):
        lines.data_received(text[start:end])
        assert pipe.flowing.is_set() is (len(lines._kept) <= LIMIT)
        async with asyncio.timeout(30):
            await pipe.flowing.wait()
        for _ in range(turns):
            await asyncio.sleep(0)  # a turn for the reader
    lines.eof_received()
    async with asyncio.timeout(30):
        await reading
    assert got == _expected(text)
    assert pipe.flowing.is_set()


async def test_a_line_is_offered_only_while_its_reader_waits_and_nothing_waits_before_it() -> None:
    lines = Lines(LIMIT)
    offered: list[bytes] = []

    def take(line: bytes) -> bool:
        offered.append(line)
        return line != b"no"

    lines.offer = take
    lines.data_received(b"early\n")
    assert offered == [], "nobody waits yet"
    assert await lines.next() == b"early"
    reading = asyncio.get_running_loop().create_task(lines.next())
    await asyncio.sleep(0)
    lines.data_received(b"one\ntwo\nno\nthree\n")
    lines.data_received(b"four\n")
    assert offered == [b"one", b"two", b"no"], "what follows a line that was left waits behind it"
    assert [await reading, await lines.next(), await lines.next()] == [b"no", b"three", b"four"]


async def test_a_line_is_not_offered_while_the_one_before_it_is_in_hand() -> None:
    lines, offered = Lines(LIMIT), list[bytes]()

    def leave(line: bytes) -> bool:
        offered.append(line)
        return False

    lines.offer = leave
    reading = asyncio.get_running_loop().create_task(lines.next())
    await asyncio.sleep(0)
    lines.data_received(b"no\n")
    assert await reading == b"no"
    lines.data_received(b"two\n")
    assert offered == [b"no"]


async def test_lines_that_were_closed_before_their_pipe_came_close_it_and_are_at_their_end() -> None:
    lines, pipe = Lines(LIMIT), _Pipe()
    lines.close()
    lines.connection_made(pipe)
    assert pipe.closed
    assert await lines.next() is None


async def test_a_line_without_end_is_not_kept_and_stops_the_pipe_until_it_is_read() -> None:
    lines, pipe = Lines(LIMIT), _Pipe()
    lines.connection_made(pipe)
    lines.data_received(b"x" * 100)
    assert not pipe.flowing.is_set()
    with pytest.raises(TooLong):
        await lines.next()
    assert pipe.flowing.is_set()
    assert lines._kept == b""
    reading = asyncio.get_running_loop().create_task(lines.next())
    await asyncio.sleep(0)
    for _ in range(100):
        lines.data_received(b"x" * 100)
        await asyncio.sleep(0)
        assert len(lines._kept) <= 100
    lines.data_received(b"\nnext\n")
    assert await reading == b"next"
