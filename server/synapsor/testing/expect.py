"""What came of a case against what must: one check for each key of `expect`, and every difference with both values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from synapsor.testing.cases import Change, Expect

NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One thing that is not as it must be."""

    where: str
    expected: Any
    got: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of a call and its steps.

    Attributes:
        status: where the proposal stands, where there is one.
        refused: the rule by which a decision was refused.
        outcome: what the worker reported last.
        row: the proposal's row in the database, where there is one.
    """

    envelope: Mapping[str, Any]
    status: str | None = None
    refused: str | None = None
    outcome: str | None = None
    row: Mapping[str, Any] | None = field(default=None)

    @property
    def data(self) -> Mapping[str, Any]:
        """What was answered."""
        return self.envelope["data"] or {}

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """The rows or groups, or the one row or total."""
        if "totals" in self.data:
            return [] if self.data["totals"] is None else [self.data["totals"]]
        if "groups" in self.data:
            return list(self.data["groups"])
        return [self.data["row"]] if "row" in self.data else list(self.data.get("rows", ()))


def mismatches(expect: Expect, seen: Seen) -> tuple[Mismatch, ...]:
    """Return everything that is not as it must be."""
    return tuple(_found(expect, seen))


def _found(expect: Expect, seen: Seen) -> Iterator[Mismatch]:
    wanted = expect.ok if expect.ok is not None else expect.error is None
    if seen.envelope["ok"] is not wanted:
        error = seen.envelope["error"]
        got = f"{error['code']}: {error['message']}" if error else seen.envelope["summary"]
        yield Mismatch(where="ok", expected=expect.error or wanted, got=got)
        return
    for name, check in CHECKS.items():
        value = getattr(expect, name)
        if value is not None:
            yield from check(value, seen)
    if expect.refused is None and seen.refused is not None:
        yield Mismatch(where="refused", expected=NOTHING, got=seen.refused)


def _same(where: str, expected: Any, got: Any) -> Iterator[Mismatch]:
    if text(expected) != text(got):
        yield Mismatch(where=where, expected=expected, got=got)


def text(value: Any) -> str:
    """Return JSON by which two values are the same only if their types are."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _part(where: str, expected: Mapping[str, Any], got: Mapping[str, Any]) -> Iterator[Mismatch]:
    """Yield each expected value that is not there; others may be."""
    for name, value in expected.items():
        yield from _same(f"{where}.{name}", value, got.get(name, NOTHING))


def _ok(_: Any, __: Seen) -> Iterator[Mismatch]:
    yield from ()  # looked at before all others


def _error(expected: Any, seen: Seen) -> Iterator[Mismatch]:
    yield from _same("error", expected.value, (seen.envelope["error"] or {}).get("code"))


def _rows(expected: tuple[Mapping[str, Any], ...], seen: Seen) -> Iterator[Mismatch]:
    rows = seen.rows
    for index, (one, other) in enumerate(zip(expected, rows, strict=False)):
        for name in dict.fromkeys((*one, *other)):
            yield from _same(f"rows[{index}].{name}", one.get(name, NOTHING), other.get(name, NOTHING))
    for index in range(min(len(expected), len(rows)), max(len(expected), len(rows))):
        wanted, got = (items[index] if index < len(items) else NOTHING for items in (expected, rows))
        yield Mismatch(where=f"rows[{index}]", expected=wanted, got=got)


def _includes(expected: tuple[Mapping[str, Any], ...], seen: Seen) -> Iterator[Mismatch]:
    left = list(seen.rows)
    for index, one in enumerate(expected):
        missed = [list(_part(f"includes[{index}]", one, row)) for row in left]
        best = min(range(len(left)), key=lambda at: len(missed[at]), default=None)
        if best is None:
            yield Mismatch(where=f"includes[{index}]", expected=one, got=NOTHING)
        elif missed[best]:
            yield from missed[best]
        else:
            del left[best]


def _columns(expected: tuple[str, ...], seen: Seen) -> Iterator[Mismatch]:
    for index, row in enumerate(seen.rows):
        yield from _same(f"columns of rows[{index}]", sorted(expected), sorted(row))


def _absent(expected: tuple[str, ...], seen: Seen) -> Iterator[Mismatch]:
    for index, row in enumerate(seen.rows):
        for name in (name for name in expected if name in row):
            yield Mismatch(where=f"rows[{index}].{name}", expected=NOTHING, got=row[name])


def _changes(expected: Mapping[str, Change], seen: Seen) -> Iterator[Mismatch]:
    proposal = seen.envelope["proposal"] or {}
    if proposal.get("members") is not None:
        yield Mismatch(where="changes", expected="of one row", got="a set, whose changes `members` tells")
        return
    yield from _changed("changes", expected, proposal.get("changes") or ())


def _changed(where: str, expected: Mapping[str, Change], changes: Iterable[Mapping[str, Any]]) -> Iterator[Mismatch]:
    got = {change["column"]: {"from": change["before"], "to": change["after"]} for change in changes}
    wanted = {name: {"from": change.from_, "to": change.to} for name, change in expected.items()}
    for name in dict.fromkeys((*wanted, *got)):
        yield from _same(f"{where}.{name}", wanted.get(name, NOTHING), got.get(name, NOTHING))


def _members(expected: tuple[Mapping[str, Change], ...], seen: Seen) -> Iterator[Mismatch]:
    members = (seen.envelope["proposal"] or {}).get("members") or ()
    yield from _same("members", len(expected), len(members))
    for index, (one, member) in enumerate(zip(expected, members, strict=False)):
        yield from _changed(f"members[{index}]", one, member["changes"])


CHECKS: Final[dict[str, Callable[[Any, Seen], Iterator[Mismatch]]]] = {
    "ok": _ok,
    "error": _error,
    "count": lambda expected, seen: _same("count", expected, len(seen.rows)),
    "rows": _rows,
    "includes": _includes,
    "columns": _columns,
    "absent": _absent,
    "truncated": lambda expected, seen: _same("truncated", expected, seen.data.get("truncated", NOTHING)),
    "data": lambda expected, seen: _part("data", expected, seen.data),
    "changes": _changes,
    "members": _members,
    "status": lambda expected, seen: _same("status", expected.value, seen.status or NOTHING),
    "refused": lambda expected, seen: _same("refused", expected, seen.refused or NOTHING),
    "outcome": lambda expected, seen: _same("outcome", expected, seen.outcome or NOTHING),
    "row": lambda expected, seen: _part("row", expected, seen.row or {}),
}
"""How each key of `expect` is looked at; a key without a check would be a promise that nobody keeps."""
