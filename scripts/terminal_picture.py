r"""Make a picture of a program on a terminal: run it, press keys, and draw the screen's cells with a real browser.

    python scripts/terminal_picture.py OUT.png --size 80x24 --keys '\r' --keys l -- synapsor inbox

Each `--keys` is pressed some seconds after the one before it. For the pages; no test runs it.
"""

from __future__ import annotations

import argparse
import fcntl
import html
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
from playwright.sync_api import sync_playwright
from pyte.screens import Char

BEGIN_S = 15.0
KEY_S = 6.0
_COLOURS = {
    "default": "#d8dee9",
    "black": "#3b4252",
    "red": "#ff8a80",
    "green": "#9ee493",
    "brown": "#ffd75f",
    "yellow": "#ffd75f",
    "blue": "#8ab4f8",
    "magenta": "#d7a6ff",
    "cyan": "#7fdbca",
    "white": "#eceff4",
    "brightblack": "#9aa5b8",
}
_GROUND = "#1d2330"
_PAGE = """<!doctype html><meta charset=utf-8><style>
body {{ margin: 0; background: {ground}; }}
pre {{ margin: 0; padding: 14px 16px; display: inline-block; font: 14px/20px "DejaVu Sans Mono", monospace; color: {text}; }}
span {{ display: inline-block; height: 20px; vertical-align: top; }}
</style><pre>{lines}</pre>"""


def main() -> None:
    """Run the program and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", default="80x24")
    parser.add_argument("--keys", action="append", default=[])
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    columns, rows = (int(part) for part in given.size.split("x"))
    keys = [text.encode().decode("unicode_escape") for text in given.keys]
    screen = shown(given.command, keys, columns=columns, rows=rows)
    draw(_PAGE.format(ground=_GROUND, text=_COLOURS["default"], lines="\n".join(_lines(screen))), given.out)


def shown(command: list[str], keys: list[str], *, columns: int, rows: int) -> pyte.Screen:
    """Return the screen of a program after these keys; the program is ended then."""
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    process, wire = pty.fork()
    if process == 0:
        os.execvpe(command[0], command, {**os.environ, "TERM": "xterm-256color"})  # noqa: S606  # what the caller named
    try:
        fcntl.ioctl(wire, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.kill(process, signal.SIGWINCH)
        _follow(wire, stream, BEGIN_S)
        for pressed in keys:
            os.write(wire, pressed.encode())
            _follow(wire, stream, KEY_S)
    finally:
        os.kill(process, signal.SIGTERM)
        os.waitpid(process, 0)
        os.close(wire)
    return screen


def _follow(wire: int, stream: pyte.ByteStream, seconds: float) -> None:
    """Follow the screen for a while; a program may draw for ever."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and select.select([wire], [], [], left)[0]:
        stream.feed(os.read(wire, 65_536))


def _lines(screen: pyte.Screen) -> Iterator[str]:
    for row in range(screen.lines):
        cells = (screen.buffer[row][column] for column in range(screen.columns))
        yield "".join(_cell(cell) for cell in cells)


def _cell(cell: Char) -> str:
    text, ground = (_colour(cell.fg, _COLOURS["default"]), _colour(cell.bg, _GROUND))
    if cell.reverse:
        text, ground = ground, text
    weight = ";font-weight:bold" if cell.bold else ""
    return f'<span style="color:{text};background:{ground}{weight}">{html.escape(cell.data or "")}</span>'


def _colour(name: str, default: str) -> str:
    if name == "default":
        return default
    return _COLOURS.get(name, f"#{name}" if len(name) == 6 else default)  # noqa: PLR2004  # digits of a colour


def draw(page: str, out: Path) -> None:
    """Draw a page in a browser, and write what it shows of the terminal."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        tab = browser.new_page(viewport={"width": 1400, "height": 1200})
        tab.set_content(page)
        tab.locator("pre").screenshot(path=str(out))
        browser.close()


if __name__ == "__main__":
    main()
