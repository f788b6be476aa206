"""The story of a proposal as a replay tells it: its steps, and of each what was computed again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was computed again; it holds when it came out as it was stored."""

    what: str
    stored: str
    found: str

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return self.stored == self.found


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One part of the story: `asked`, `seen`, `proposed`, `inquired`, `decided`, `steered`, `done`, `settled`, `resolved` or, of a resolution
    that is not carried out yet, `waits`.
    """

    name: str
    facts: Mapping[str, Any]
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """The whole story of one handle."""

    handle: str
    proposal: str | None
    steps: tuple[Step, ...] = field(default=())

    @property
    def differences(self) -> tuple[Check, ...]:
        """What does not come out as it was stored."""
        return tuple(check for step in self.steps for check in step.checks if not check.holds)

    @property
    def ok(self) -> bool:
        """Whether everything came out the same."""
        return not self.differences

    def document(self) -> dict[str, Any]:
        """Return the report as JSON data."""
        return {
            "handle": self.handle,
            "proposal": self.proposal,
            "steps": [{"step": s.name, **s.facts, "checks": [_check_body(c) for c in s.checks]} for s in self.steps],
            "differences": [_check_body(c) for c in self.differences],
        }


def _check_body(check: Check) -> dict[str, Any]:
    return {"what": check.what, "holds": check.holds, "stored": check.stored, "found": check.found}
