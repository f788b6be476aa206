"""What a proposal needs in order to be approved: its risk, computed by rule from the proposal alone, and what the approval says of it.

Whoever files, approves and applies computes it again from the activated contract; what a record says of it is never believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from synapsor.contract.approval import LEVELS, Case, Level, levels
from synapsor.contract.capability import ProposeCapability
from synapsor.core.measure import Images, holds, together


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What approving a proposal takes.

    Attributes:
        quorum: how many different people.
        policy: the policy that may approve instead, where the project allows that.
        step_up: each of them gives a one-time code, too.
        by_prompt: they may decide through a prompt, by a code that is bound to the proposal.
        shadow: what they approve is measured before.
    """

    risk: Level
    role: str
    quorum: int
    expires_hours: int
    policy: str | None
    step_up: bool
    by_prompt: bool
    shadow: bool


def need_of(capability: ProposeCapability, rows: tuple[Images, ...], reason_code: str | None) -> Need:
    """Return what a change of these rows takes. A set is as risky as the riskiest of its rows."""
    risk: Level = next(
        (
            level
            for level, entry in levels(capability.risk).items()
            if any(_meets(entry, row, reason_code) is not False for row in rows)
        ),
        "low",
    )
    approval = capability.approval.at(risk)
    return Need(
        risk=risk,
        role=approval.role,
        quorum=approval.people,
        expires_hours=approval.expires_hours,
        policy=approval.policy,
        step_up=approval.step_up is not None and LEVELS.index(risk) >= LEVELS.index(approval.step_up),
        by_prompt=approval.by_prompt is not None and LEVELS.index(risk) <= LEVELS.index(approval.by_prompt),
        shadow=approval.shadow,
    )


def need_of_people(capability: ProposeCapability, rows: tuple[Images, ...], reason_code: str | None) -> Need:
    """Return what a change takes that a person edited or extended: what it always does, and always people."""
    return replace(need_of(capability, rows, reason_code), policy=None)


def need_of_undo(
    capability: ProposeCapability, rows: tuple[Images, ...], undone: tuple[Images, ...], reason_code: str | None
) -> Need:
    """Return what an undo takes: what the riskier of the change and its inverse does, and always people."""
    needs = [need_of(capability, images, reason_code) for images in (rows, undone)]
    return replace(max(needs, key=lambda need: LEVELS.index(need.risk)), policy=None)


def reason_of(capability: ProposeCapability, arguments: Mapping[str, object]) -> str | None:
    """Return the reason code that the arguments carry."""
    name = capability.reason_argument
    given = arguments.get(name) if name else None
    return given if isinstance(given, str) else None


def _meets(entry: Mapping[str, Case | tuple[str, ...]], row: Images, reason_code: str | None) -> bool | None:
    return together(
        reason_code in said if isinstance(said, tuple) else holds(said, column, row) for column, said in entry.items()
    )
