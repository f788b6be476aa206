"""What a key of the board asks to be done beyond the board itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from synapsor.core.presets import RejectCode
from synapsor.core.statements import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Ask for the card of a proposal; `full` cuts nothing."""

    id: str
    full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """Ask for the card with a look at the source, as it is now."""

    id: str
    full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Ask for a decision on what was shown, or, of a rejection of several, on each of them by itself."""

    ids: tuple[str, ...]
    verdict: Verdict
    digest: str = ""
    code: str = ""
    reason: str = ""
    preset: RejectCode | None = None


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave."""


Action: TypeAlias = Show | Glance | Decide | Quit | Literal["refresh"]
