"""The forms of a page as a browser would send them back: every field with what it holds."""

import re
from html.parser import HTMLParser

PLACE = re.compile(r"/s-[A-Za-z0-9_-]{43}(?=/)")
"""Where a session's pages are; tests name pages without it."""


def placeless(text: str) -> str:
    """Return a page or an address with every address as it is without the place of its session."""
    return PLACE.sub("", text)


class _Forms(HTMLParser):
    def __init__(self, action: str) -> None:
        super().__init__()
        self._action = action
        self._inside = False
        self._area: str | None = None
        self._select: str | None = None
        self.found = False
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = placeless(given.get("action", "")) == self._action
            self.found = self.found or self._inside
        if not self._inside or (given.get("type") in {"checkbox", "radio"} and "checked" not in given):
            return
        if tag == "input":
            self.fields[given["name"]] = given.get("value", "")
        elif tag == "textarea":
            self._area = given["name"]
            self.fields[self._area] = ""
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and self._select and ("selected" in given or self._select not in self.fields):
            self.fields[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "textarea" and self._area:
            # A browser leaves out the line end right behind the tag, and sends every other one as two characters.
            text = self.fields[self._area].removeprefix("\n")
            self.fields[self._area] = text.replace("\n", "\r\n")
            self._area = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data


def form_of(page: str, action: str) -> dict[str, str]:
    """Return the fields of the form of a page that is sent to an address."""
    read = _Forms(action)
    read.feed(page)
    assert read.found, action
    return read.fields
