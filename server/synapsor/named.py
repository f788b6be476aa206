"""SQL of our own files, by name: every statement lives in a `.sql` file with its name and one line that says what it is for."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: ([a-z_]+)\n-- (.+)\n", re.MULTILINE)


@cache
def queries(package: str) -> dict[str, str]:
    """Return every statement of `queries/*.sql` in a package under its name."""
    found: dict[str, str] = {}
    for file in sorted((files(package) / "queries").iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".sql"):
            continue
        text = file.read_text(encoding="utf-8")
        heads = list(_NAME.finditer(text))
        for head, after in zip(heads, [*heads[1:], None], strict=True):
            if head[1] in found:
                raise ValueError(f"two queries are named {head[1]}")
            found[head[1]] = text[head.end() : after.start() if after else None].strip().rstrip(";")
    return found
