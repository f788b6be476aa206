"""The board on a real terminal: keys in, pictures out, and the list read anew every second while nobody types.

Work goes one piece after another in the order of the keys, so that what is on the screen is what a key was pressed for. Only a look at the
source goes on beside it: it may take a while, and whoever waits for it can read on and leave.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Final, TypeVar

from prompt_toolkit.application import Application, run_in_terminal
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import FormattedTextControl, Layout, Window
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style

from synapsor.approve.board.asked import Action, Decide, Glance, Quit, Show
from synapsor.approve.board.kept import Mode, Paste, State
from synapsor.approve.board.picture import picture, room_of
from synapsor.approve.board.state import after, fitted, glanced, in_vain, listed, met, pressed, stood, told
from synapsor.approve.board.work import Mark, Reviewing
from synapsor.errors import SynapsorError
from synapsor.web.loop import on_signals

T = TypeVar("T")

EVERY_S: Final = 1.0
LOOK_S: Final = 20.0
"""How long the board waits for a look at the source; who looks has a limit of their own below that."""

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What asks the board to end: another process, or the terminal that is closed."""
_END = "\0end"
"""What stands among the keys where the board is to end; no key is called so."""
_NAMES = {
    Keys.Enter: "enter",
    Keys.Escape: "escape",
    Keys.Up: "up",
    Keys.Down: "down",
    Keys.PageUp: "pageup",
    Keys.PageDown: "pagedown",
    Keys.Home: "home",
    Keys.End: "end",
    Keys.Backspace: "backspace",
}
_PLAIN = {
    "bar": "reverse bold",
    "cursor": "reverse",
    "title": "bold",
    "warning": "bold",
    "old": "",
    "new": "",
    "quiet": "",
}
_STYLE = Style.from_dict(
    {
        **_PLAIN,
        "quiet": "fg:ansibrightblack",
        "warning": "bold fg:ansiyellow",
        "old": "fg:ansired",
        "new": "fg:ansigreen",
    }
)


class Screen:
    """One run of the board."""

    def __init__(
        self, reviewing: Reviewing, *, colour: bool = True, source: Input | None = None, sink: Output | None = None
    ) -> None:
        self.state = State()
        self._reviewing = reviewing
        reviewing.aside = self._aside
        self._keys: asyncio.Queue[str | Paste] = asyncio.Queue()
        self._look: asyncio.Task[None] | None = None
        self._ending = False
        self._mark: Mark | None = None
        bindings = KeyBindings()
        for key in _NAMES:
            bindings.add(key, eager=True)(self._pressed)
        bindings.add(Keys.Any)(self._pressed)
        bindings.add(Keys.BracketedPaste)(lambda event: self._keys.put_nowait(Paste(event.data)))
        bindings.add(Keys.ControlC)(lambda _: self._finish())
        self.app: Application[None] = Application(
            layout=Layout(Window(FormattedTextControl(self._drawn, show_cursor=False), wrap_lines=False)),
            key_bindings=bindings,
            full_screen=True,
            style=_STYLE if colour else Style.from_dict(_PLAIN),
            input=source,
            output=sink,
        )
        self.app.ttimeoutlen = 0.05

    async def run(self) -> None:
        """Show the board until the person leaves.

        Raises:
            LedgerFailure: the list cannot be read at the start.
        """
        await self._refresh()
        working = [asyncio.ensure_future(self._work()), asyncio.ensure_future(self._follow())]
        for task in working:
            task.add_done_callback(self._ended)
        with on_signals(self._finish, self._finish, _ENDING):
            try:
                await self._shown()
            finally:
                tasks = [*working, *([self._look] if self._look is not None else [])]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _shown(self) -> None:
        try:
            await self.app.run_async(handle_sigint=False)
        except (EOFError, OSError):  # the terminal is gone, and nobody is there to be told
            return

    def _finish(self) -> None:
        """Leave when what is being done is done, so that nobody wonders whether their last decision counts; asked again, leave at once."""
        if self._ending:
            self._leave()
        self._ending = True
        self._keys.put_nowait(_END)

    def _leave(self) -> None:
        if self.app.is_running and not self.app.is_done:
            self.app.exit()

    def _pressed(self, event: KeyPressEvent) -> None:
        press = event.key_sequence[0]
        name = _NAMES.get(press.key) if isinstance(press.key, Keys) else press.key
        self._keys.put_nowait(name or press.data)

    async def _work(self) -> None:
        while True:
            key = await self._keys.get()
            if key == _END:
                self._leave()
                return
            state, action = pressed(self._fitted(), key)
            self._put(state)
            while action is not None:
                action = await self._done(action)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """End the board with what ended its work: one that no longer hears its keys must not stay on the screen."""
        error = None if task.cancelled() else task.exception()
        if error is not None and self.app.is_running:
            self.app.exit(exception=error)

    async def _done(self, action: Action) -> Action | None:
        if isinstance(action, Quit):
            self._leave()
            return None
        try:
            if isinstance(action, Glance):
                self._glance(action)
            elif isinstance(action, Show):
                card = await self._reviewing.card(action.id, width=self._size()[0], full=action.full)
                state, following = met(self._fitted(), card)
                self._put(state)
                return following
            elif isinstance(action, Decide):
                words = await self._reviewing.decide(action)
                state, following = after(told(self.state, words))
                self._put(state)
                return following or "refresh"
            else:
                await self._refresh()
        except SynapsorError as error:
            self._put(told(self.state, error.message))
        return None

    def _glance(self, asked: Glance) -> None:
        """Look at the source beside the board; an earlier look that nobody waits for any more ends."""
        if self._look is not None:
            self._look.cancel()
        self._look = asyncio.ensure_future(self._looked(asked))
        self._look.add_done_callback(self._ended)

    async def _looked(self, asked: Glance) -> None:
        was = self.state.card
        assert was is not None  # noqa: S101  # the key is one of a card
        try:
            async with asyncio.timeout(LOOK_S):
                card = await self._reviewing.glance(asked.id, width=self._size()[0], full=asked.full)
            self._put(glanced(self._fitted(), was, card))
        except TimeoutError:
            self._put(in_vain(self.state, was, "The source did not answer in time."))
        except SynapsorError as error:
            self._put(in_vain(self.state, was, error.message))

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            if self.state.mode in {Mode.LIST, Mode.CARD}:
                try:
                    await self._refresh()
                except SynapsorError as error:
                    self._put(stood(self.state, f"The list is not read anew: {error.message}"))

    async def _refresh(self) -> None:
        """Show the list as it is; up to hundreds of whole proposals are read only where it may be another one."""
        mark = await self._reviewing.mark()
        if mark != self._mark:
            items, more = await self._reviewing.items()
            self._put(listed(self.state, items, more=more))
            self._mark = mark
        self._put(stood(self.state, await self._reviewing.standing()))

    async def _aside(self, ask: Callable[[], T]) -> T:
        """Let somebody be asked on the bare terminal, which the board gives back meanwhile."""
        return await run_in_terminal(ask)

    def _size(self) -> tuple[int, int]:
        size = self.app.output.get_size()
        return size.columns, size.rows

    def _fitted(self) -> State:
        """Return the board on the terminal as it is, which may have another size since."""
        columns, rows = self._size()
        return fitted(self.state, columns=columns, rows=rows, height=room_of(columns, rows))

    def _put(self, state: State) -> None:
        self.state = state
        self.app.invalidate()

    def _drawn(self) -> StyleAndTextTuples:
        width, height = self._size()
        self.state = self._fitted()
        lines = picture(self.state, width=width, height=height)
        pieces: StyleAndTextTuples = []
        for number, line in enumerate(lines):
            pieces += [(f"class:{style}", text) for style, text in line]
            if number + 1 < len(lines):
                pieces.append(("", "\n"))
        return pieces
