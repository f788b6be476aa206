"""The board is told to end while a decision is under way: it finishes that first, and leaves at once when it is told again."""

import asyncio
from typing import Any

import anyio
import pytest
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from synapsor.approve.board.kept import Item
from synapsor.approve.board.screen import Screen

ONE = Item(id="wrp_1", lines=("wrp_1",), words="wrp_1", risky=False)


class Slow:
    """A reviewing whose decision waits."""

    def __init__(self) -> None:
        self.begun, self.goes_on, self.done = asyncio.Event(), asyncio.Event(), False

    async def items(self) -> tuple[tuple[Item, ...], bool]:
        return (ONE,), False

    async def standing(self) -> str:
        return ""

    async def decide(self, _: Any) -> str:
        self.begun.set()
        await self.goes_on.wait()
        self.done = True
        return "wrp_1 is rejected."


@pytest.mark.requirement("board:leaves-terminal")
@pytest.mark.parametrize("asked", [1, 2])
async def test_a_board_that_is_told_to_end_finishes_its_decision_first_unless_it_is_told_again(asked: int) -> None:
    slow: Any = Slow()
    with create_pipe_input() as keys:
        screen = Screen(slow, source=keys, sink=DummyOutput())
        running = asyncio.create_task(screen.run())
        keys.send_text("r4\r")
        with anyio.fail_after(30):
            await slow.begun.wait()
            for _ in range(asked):
                screen._finish()
            if asked == 1:
                for _ in range(50):
                    await asyncio.sleep(0)
                assert not running.done()
                slow.goes_on.set()
            await running
    assert slow.done is (asked == 1)
