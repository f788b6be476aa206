"""The words of what was refused, for a page: a button or a box stands there where a command has an option.

What stays a command is for a terminal, and is set as one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from markupsafe import Markup, escape

from synapsor.core.plain import visible

OPTIONS: Final[Mapping[str, str]] = {
    "approve it by itself with `synapsor approve --stale-anyway`": "approve it on its own page and tick that there",
    "Say why with --reason": "Say why",
    "`synapsor inbox --all` lists them": "the history lists them",
    "See `synapsor inbox --all`": "Look for it in the history",
    "See `synapsor inbox`": "Look for it in the inbox",
    "`synapsor show` names them": "this page names them",
    "See `synapsor jobs list`; `synapsor cancel` keeps it from being applied.": "Look at its page; canceling it there keeps it from being applied.",
    "Reject it with `synapsor reject`.": "Reject it on its own page.",
    "Look at them with `synapsor reconcile inspect`; if you know better, say so with --contrary, which stays on record.": "Look at them below; if you "
    "know better, tick that you say so all the same, which stays on record.",
    "Look at them again with `synapsor reconcile inspect`.": "Look at them again: this page shows them as they are now.",
    "`synapsor reconcile list` names what waits for one.": "The page of unknown outcomes names what waits for one.",
    "Resolve it --as applied,": "Say that it was applied,",
    "Resolve it --as not-applied,": "Say that it was not applied,",
    "what nobody has seen is resolved with --contrary alone.": "what nobody has seen is resolved only by who ticks that they say so all the same.",
    "Review it and run `synapsor activate`.": "Review it and run `synapsor activate`; where that was done since this console was started, start it "
    "again: it holds the contracts of its start.",
}
"""What commands say, and what a page says in its place."""
_CODE: Final = re.compile(r"`([^`]+)`")


def on_a_page(words: str) -> str:
    """Return words that commands share with the pages as a page says them."""
    for option, instead in OPTIONS.items():
        words = words.replace(option, instead)
    return words


def coded(words: object) -> Markup:
    """Return harmless words with what stands in backticks set as code."""
    escaped = str(escape(visible(on_a_page(str(words)))))
    return Markup(_CODE.sub(r"<code>\1</code>", escaped))  # noqa: S704  # it was escaped
