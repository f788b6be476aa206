"""Where commands meet a person or a pipe: one answer on stdout, questions on a terminal only, colours only where they are wanted."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
from argparse import Namespace
from typing import Any, TextIO

from synapsor.core.plain import hanging, hidden
from synapsor.errors import DecisionRefused, UsageError
from synapsor.refusals import Rule

WIDTH = 100
PREFIX = 8
"""How much of a digest a person types."""
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_ODD = re.compile(r"[^\n -~]")


def answer(arguments: Namespace, schema: str, document: dict[str, Any], text: str, *, ok: bool = True) -> None:
    """Print the command's one answer: a versioned document with --json, else text."""
    if arguments.json:
        print(as_json({"schema": f"synapsor.{schema}/1", "ok": ok, **document}))
    else:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")


def as_json(document: Any, *, indent: int | None = None) -> str:
    """Return JSON in which letters are letters, and what a terminal would obey or an eye would miss is written out."""

    def written(found: re.Match[str]) -> str:
        return json.dumps(found[0])[1:-1] if hidden(found[0]) else found[0]

    plain = str(getattr(sys.stdout, "encoding", "")).lower() not in {"utf-8", "utf8"}
    return _ODD.sub(written, json.dumps(document, ensure_ascii=plain, indent=indent))


def width() -> int:
    """Return how wide a text for people may be."""
    return min(WIDTH, shutil.get_terminal_size((WIDTH, 0)).columns)


def coloured(arguments: Namespace) -> bool:
    """Tell whether stdout is a terminal that wants colours."""
    unwanted = arguments.no_color or arguments.json or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not unwanted and sys.stdout.isatty()


def ask(question: str, *, otherwise: str) -> str:
    """Ask a person at the terminal for a line.

    Raises:
        UsageError: nobody is there; `otherwise` says what to do then.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("There is no terminal to ask on.", fix=otherwise)
    print(question, end=" ", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def have_digest_named(arguments: Namespace, digest: str, *, verb: str, of: str, where: str) -> None:
    """Have a person name the digest `of` what they have seen: the whole of it by `--digest`, which they find `where`, or its beginning
    as they are asked.

    Raises:
        DecisionRefused: `--digest` is another one (`digest_differs`).
        UsageError: they typed something else, or nobody is there.
    """
    if arguments.digest:
        given = _DIGEST.fullmatch(arguments.digest.strip().lower())
        if given is None:
            raise UsageError(f"--digest takes the full digest{of}.", fix=f"Copy it from {where}.")
        if f"sha256:{given[1]}" != digest:
            raise DecisionRefused(
                Rule.DIGEST_DIFFERS,
                f"The digest{of} is another one than was given.",
                fix=f"Look again with {where}.",
            )
        return
    otherwise = f"Give the full digest{of} that you have seen with --digest."
    if arguments.json:
        raise UsageError("With --json nobody is asked.", fix=otherwise)
    confirm_digest(digest, verb=verb, otherwise=otherwise)


def confirm_digest(digest: str, *, verb: str, otherwise: str) -> None:
    """Have a person type the beginning of the digest that they have seen.

    Raises:
        UsageError: they typed something else, or nobody is there; `otherwise` says what to do then.
    """
    start = digest.removeprefix("sha256:")[:PREFIX]
    typed = ask(f"To {verb} it, type the first {PREFIX} characters of the digest (after sha256:):", otherwise=otherwise)
    if typed.lower() != start:
        raise UsageError("That is not the digest; nothing was signed.", fix="Read it again, and type what it shows.")


def mute_if_gone() -> None:
    """Say nothing more where the terminal was closed: the interpreter would fail to flush its output, and end with a code of its own."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        os.close(nowhere)


def interrupt_at_once() -> None:
    """Let Ctrl-C end a question; asyncio's own handler only cancels the task, which a blocking question never notices."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def note(text: str, *, indent: int = 0) -> None:
    """Tell a person something beside the answer: folded where a person looks at it, and a line where a program reads it."""
    print("\n".join(part for line in text.split("\n") for part in listed(line, indent, sys.stderr)), file=sys.stderr)


def looked_at(stream: TextIO) -> bool:
    """Tell whether a person looks at a stream, or has said by COLUMNS how wide it is to be."""
    return stream.isatty() or "COLUMNS" in os.environ


def listed(text: str, indent: int, stream: TextIO) -> list[str]:
    """Return one line of a list: folded where a person looks at it, and whole where a program takes each line for one finding.

    What is copied into a shell stays whole as well.
    """
    whole = not looked_at(stream) or text.lstrip().startswith(("--", "synapsor "))
    return [text] if whole else list(hanging(text, indent, width()))


def paragraph(text: str) -> str:
    """Return sentences for people, folded where a person looks at them."""
    return "\n".join(part for line in text.split("\n") for part in listed(line, 2, sys.stdout))
