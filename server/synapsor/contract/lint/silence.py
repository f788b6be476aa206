"""Comments that let one finding pass at one place: `# lint: allow LNT101 because …`, behind a line or above it.

A comment is no part of what is reviewed, so it changes no digest; it needs a reason, and one that lets nothing pass is a finding itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import yaml

from synapsor.contract.document import printable
from synapsor.contract.lint.lints import LINTS, Remark

_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#(.*)$", re.MULTILINE)
_LINT = re.compile(r"\s*lint\s*:", re.IGNORECASE)
_ALLOW = re.compile(r"\s*lint:\s*allow\s+(LNT[0-9]{3})\s+because\s+(\S.{4,})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """One comment: where it is, and the line whose findings it is about."""

    line: int
    column: int
    about: int
    rule: str
    reason: str


def silenced(found: Iterable[Remark], text: str, file: str) -> Iterator[Remark]:
    """Yield the findings of a file, those that a comment lets pass with its reason, and what is wrong with the comments."""
    allowed: list[Allowed] = []
    for line, column, comment, about in _comments(text):
        said = _ALLOW.match(comment)
        if said and said[1] in LINTS and not said[1].startswith("LNT0"):
            one = Allowed(line=line, column=column, about=about, rule=said[1], reason=printable(said[2].strip()))
            allowed.append(one)
        elif _LINT.match(comment):
            fix = "Write `# lint: allow LNT101 because …`, with the lint's own number and a reason."
            yield _about_comment(file, line, column, "LNT001", "This lets nothing pass.", fix)
    used: set[Allowed] = set()
    for remark in found:
        by = next((a for a in allowed if (a.about, a.rule) == (remark.line, remark.rule)), None)
        if by is not None:
            used.add(by)
        yield replace(remark, allowed=by.reason) if by else remark
    for one in allowed:
        if one not in used:
            message = f"There is no {one.rule} in line {one.about}."
            yield _about_comment(file, one.line, one.column, "LNT002", message, "Remove the comment, or move it.")


def _about_comment(file: str, line: int, column: int, rule: str, message: str, fix: str) -> Remark:
    return Remark(file, line, column, rule, LINTS[rule].severity, message, fix)


def _comments(text: str) -> Iterator[tuple[int, int, str, int]]:
    """Yield line, column, text and the line that it is about of each comment: its own, or the next that is not a comment."""
    lines = text.split("\n")
    inside = [
        (token.start_mark.index, token.end_mark.index)
        for token in yaml.scan(text, Loader=yaml.SafeLoader)
        if isinstance(token, yaml.ScalarToken) and token.style is not None
    ]
    for found in _COMMENT.finditer(text):
        at = found.start()
        if any(start <= at < end for start, end in inside):
            continue
        line = text.count("\n", 0, at) + 1
        column = at - (text.rfind("\n", 0, at) + 1) + 1
        about = line
        if not lines[line - 1][: column - 1].strip():
            later = (n for n in range(line, len(lines)) if lines[n].strip() and not lines[n].lstrip().startswith("#"))
            about = next(later, line - 1) + 1
        yield line, column, found[1].rstrip(), about
