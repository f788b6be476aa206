"""A chat channel that is told, through an incoming webhook of Slack or of what understands the same.

What others wrote stands in code spans, escaped, without a letter that could mention somebody or begin a link.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator
from typing import Any, Final

from synapsor.notify.message import Message
from synapsor.notify.notice import Notice
from synapsor.notify.posting import Outcome, Poster
from synapsor.notify.wording import details, everything, headline, named, where

_MOST_BLOCKS: Final = 45
_MOST_TEXT: Final = 2900
_HARMLESS: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "\uff20", "`": "\u02cb", "|": "\u00a6"})
"""What stands for the letters that a chat would obey: an entity, or one that looks the same to an eye."""


class SlackChannel:
    """Posts each message as text and blocks."""

    def __init__(self, poster: Poster, console_url: str | None) -> None:
        self._poster = poster
        self._console_url = console_url

    async def send(self, message: Message, now: dt.datetime, *, reached: Collection[str] = ()) -> Outcome:
        """Post a message once."""
        del reached  # there is one receiver
        headers = {"content-type": "application/json", "user-agent": "synapsor"}
        return await self._poster.post(self.shown(message, now).encode(), headers)

    def shown(self, message: Message, now: dt.datetime) -> str:
        """Return the body."""
        lines = [f"*{harmless(headline(message))}*"]
        if message.is_digest:
            lines.append(_link(everything(self._console_url)))
        told = [_fitting(list(self._lines(n, now, digest=message.is_digest))) for n in message.notices]
        parts = ["\n".join(lines), *told]
        if message.total > len(message.notices):
            parts.append(f"and {message.total - len(message.notices)} more")
        blocks = [_section(part) for part in parts[:_MOST_BLOCKS]]
        plain: dict[str, Any] = {"link_names": False, "parse": "none", "unfurl_links": False, "unfurl_media": False}
        return json.dumps({"text": harmless(headline(message)), "blocks": blocks, **plain})

    def _lines(self, notice: Notice, now: dt.datetime, *, digest: bool) -> Iterator[str]:
        if digest:
            yield _subject(notice)
        for words in details(notice, now):
            yield f"{harmless(words.label)}: {_code(words.text) if words.foreign else harmless(words.text)}"
        yield _link(where(notice, self._console_url))


def _subject(notice: Notice) -> str:
    event = f"*{harmless(notice.event.replace('_', ' '))}*"
    return f"{event} {_code(named(notice.capability))}" if notice.proposal else event


def _fitting(lines: list[str]) -> str:
    """Return as many whole lines as a block takes, the last one, which says where to look, among them."""
    *said, last = lines
    kept = list(said)
    while kept and len("\n".join([*kept, last])) > _MOST_TEXT:
        kept.pop()
    return "\n".join([*kept, *(["…"] if len(kept) < len(said) else []), last])


def harmless(text: str) -> str:
    """Return text in which nothing is markup, a mention or the end of a code span."""
    return text.translate(_HARMLESS)


def _code(text: str) -> str:
    return f"`{harmless(text) or '-'}`"


def _link(target: str) -> str:
    # Ours alone: the configured address and a handle, which hold nothing that would have to be escaped.
    return f"<{target}|Look at it>" if target.startswith(("https://", "http://")) else f"`{target}`"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
