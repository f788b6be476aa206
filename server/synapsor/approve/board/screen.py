"""The board on a real terminal: keys in, pictures out, and the list read anew every second while nobody types.

Work goes one piece after another in the order of the keys, so that what is on the screen is what a key was pressed for.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from dataclasses import replace

from prompt_toolkit.application import Application
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import FormattedTextControl, Layout, Window
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style

from synapsor.approve.board.picture import CHROME, picture
from synapsor.approve.board.state import Action, Decide, Mode, Quit, Show, State, after, listed, opened, pressed, told
from synapsor.approve.board.work import Reviewing
from synapsor.errors import SynapsorError
from synapsor.web.loop import on_signals

EVERY_S = 1.0
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
    Keys.Backspace: "backspace",
}
_STYLE = Style.from_dict(
    {
        "bar": "reverse bold",
        "cursor": "reverse",
        "quiet": "fg:ansibrightblack",
        "warning": "bold fg:ansiyellow",
        "title": "bold",
    }
)
_NO_COLOUR = Style.from_dict({"bar": "reverse", "cursor": "reverse", "quiet": "", "warning": "bold", "title": "bold"})


class Screen:
    """One run of the board."""

    def __init__(
        self, reviewing: Reviewing, *, colour: bool = True, source: Input | None = None, sink: Output | None = None
    ) -> None:
        self.state = State()
        self._reviewing = reviewing
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._ending = False
        bindings = KeyBindings()
        for key in _NAMES:
            bindings.add(key, eager=True)(self._pressed)
        bindings.add(Keys.Any)(self._pressed)
        bindings.add(Keys.ControlC)(lambda _: self._finish())
        self.app: Application[None] = Application(
            layout=Layout(Window(FormattedTextControl(self._drawn, show_cursor=False), wrap_lines=False)),
            key_bindings=bindings,
            full_screen=True,
            style=_STYLE if colour else _NO_COLOUR,
            input=source,
            output=sink,
        )
        self.app.ttimeoutlen = 0.05

    async def run(self) -> None:
        """Show the board until the person leaves.

        Raises:
            LedgerFailure: the list cannot be read at the start.
        """
        self._put(listed(self.state, await self._reviewing.items()))
        working = [asyncio.ensure_future(self._work()), asyncio.ensure_future(self._follow())]
        try:
            with on_signals(self._finish, self._finish, _ENDING):
                await self._shown()
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)

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

    async def _done(self, action: Action) -> Action | None:
        if isinstance(action, Quit):
            self._leave()
            return None
        try:
            if isinstance(action, Show):
                card = await self._reviewing.card(action.id, width=self._size()[0], full=action.full)
                self._put(opened(self._fitted(), card))
                return None
            if isinstance(action, Decide):
                words = await self._reviewing.decide(action)
                state, following = after(told(self.state, words))
                self._put(state)
                return following or "refresh"
            self._put(listed(self.state, await self._reviewing.items()))
        except SynapsorError as error:
            self._put(told(self.state, error.message))
        return None

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            if self.state.mode is Mode.LIST:
                with suppress(SynapsorError):
                    items = await self._reviewing.items()
                    self._put(listed(self.state, items))

    def _size(self) -> tuple[int, int]:
        size = self.app.output.get_size()
        return size.columns, size.rows

    def _fitted(self) -> State:
        """Return the board with the terminal's height, which may have changed since."""
        return pressed(replace(self.state, height=self._room()), "resize")[0]

    def _room(self) -> int:
        return max(1, self._size()[1] - CHROME)

    def _put(self, state: State) -> None:
        self.state = state
        self.app.invalidate()

    def _drawn(self) -> StyleAndTextTuples:
        width, height = self._size()
        lines = picture(self.state, width=width, height=height)
        pieces: StyleAndTextTuples = []
        for number, line in enumerate(lines):
            pieces += [(f"class:{style}" if style else "", text) for style, text in line]
            if number + 1 < len(lines):
                pieces.append(("", "\n"))
        return pieces
