"""What the text of a MySQL or MariaDB view says of it: what it reads, what it computes, and whether it runs code of somebody else.

Both servers print a view's definition in one form of their own: every name in backquotes, built-in functions without.
"""

from __future__ import annotations

import re

from synapsor.core.plan import Relation
from synapsor.sources.definitions import split_at_commas

UNSEEN = "a view whose definition this credential may not see, so that nobody can tell what it runs."
STORED = "a view that calls a stored function: reading it may run code with its definer's rights."

SIMPLE = re.compile(
    r"select (?P<items>.+?) from \(?`(?P<schema>[^`]+)`\.`(?P<table>[^`]+)`\)?(?: where .*)?\Z", re.DOTALL
)
ITEM = re.compile(r"`[^`]+`\.`[^`]+`\.`(?P<column>[^`]+)` AS `(?P<name>[^`]+)`\Z")
_SEVERAL = re.compile(r"\b(?:union|intersect|except|minus)\b", re.IGNORECASE)
_STRING = re.compile(r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*\"""", re.DOTALL)
_QUOTED = re.compile(r"`[^`]*`")
_CALL = re.compile(r"`[^`]+`\s*\(")
_READ = re.compile(r"\b(?:from|join)\s+\(*\s*`([^`]+)`\.`([^`]+)`", re.IGNORECASE)
_LIST = re.compile(r"select (?:distinct )?(?P<items>.+?) from ", re.DOTALL | re.IGNORECASE)
_PLAIN = re.compile(r"(?:`[^`]+`\.)+`[^`]+` AS `[^`]+`\Z")
_NAMED = re.compile(r" AS `([^`]+)`\Z")


def over_one_table(definition: str) -> re.Match[str] | None:
    """Return what a view over one table shows of it; None of every other view."""
    bare = _STRING.sub("''", definition)
    return None if _SEVERAL.search(_QUOTED.sub("", bare)) else SIMPLE.match(definition)


def hazards(definition: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is unsafe about a view, and what of that stops it from being served."""
    if not definition:
        return (UNSEEN,), ()
    return ((STORED,), (STORED,)) if _CALL.search(_STRING.sub("''", definition)) else ((), ())


def read_by(definition: str) -> frozenset[Relation]:
    """Return the tables and views that a view reads."""
    found = _READ.findall(_STRING.sub("''", definition))
    return frozenset(Relation(schema=schema, name=name) for schema, name in found)


def computed(definition: str) -> frozenset[str]:
    """Return the columns of a view that are more than a column of what it reads, as far as its text shows."""
    found = _LIST.match(definition)
    items = split_at_commas(_STRING.sub("''", found["items"])) if found else []
    named = ((item, _NAMED.search(item)) for item in items if not _PLAIN.match(item.strip()))
    return frozenset(name[1] for _, name in named if name)
