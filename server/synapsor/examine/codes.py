"""One-time codes: what the contracts take of those who decide, held against what this project keeps and who has any."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from synapsor.contract.approval import LEVELS, Level
from synapsor.core.facts import Finding
from synapsor.core.needs import proposals_of
from synapsor.errors import ConfigError
from synapsor.examine.secrets import private
from synapsor.operators import read_codes

if TYPE_CHECKING:
    from synapsor.runtime import Project

ENROL: Final = "Name a file under `one_time_codes:`, and run `synapsor operator codes NAME`."
NO_PROMPTS: Final = Finding(
    rule="codes_not_kept",
    message="The project keeps no one-time codes, so nothing can be decided through prompts.",
    fix=ENROL,
    fatal=False,
)


@dataclass(slots=True)
class _Taken:
    """What approvals with a one-time code take of one role."""

    people: int = 1
    risks: set[Level] = field(default_factory=set)

    def told(self) -> str:
        """Return of which changes it is."""
        return f"changes of {' or '.join(level for level in LEVELS if level in self.risks)} risk"


def of_codes(project: Project) -> Iterator[Finding]:
    """Yield why nobody could give the code that an approval takes."""
    taken, path = _taken(project), project.config.one_time_codes
    if path is None:
        for role, need in sorted(taken.items()):
            message = f"An approval in the role {role} takes a one-time code, and the project keeps none, so nobody can approve {need.told()}."
            yield Finding(rule="codes_not_kept", message=message, fix=ENROL, fatal=False)
        if _by_prompt(project):
            yield NO_PROMPTS
        return
    try:
        if any(finding.fatal for finding in private(path, "", group=project.config.codes_group)):
            return  # what is wrong with the file is told beside the others
        kept = read_codes(path, project.config.codes_group) if path.exists() else None
    except OSError:
        return  # it is kept from this user
    except ConfigError as wrong:
        yield Finding(rule="codes_unreadable", message=wrong.message, fix=wrong.fix)
        return
    if kept is not None:
        yield from _unheld(project, taken, kept)


def _unheld(project: Project, taken: dict[str, _Taken], kept: Collection[str]) -> Iterator[Finding]:
    trusted = [one for one in project.operators().values() if not one.revoked]
    for role, need in sorted(taken.items()):
        have = sum(role in one.roles and one.name in kept for one in trusted)
        if have < need.people:
            who = "Nobody" if not have else f"Only {have} of {need.people} people"
            verb = "has" if not have else "have"
            message = f"{who} with the role {role} {verb} one-time codes, so nobody can approve what takes one of it: {need.told()}."
            fix = "synapsor operator codes NAME"
            yield Finding(rule="codes_unheld", message=message, fix=fix, fatal=False)


def _taken(project: Project) -> dict[str, _Taken]:
    """Return what approvals with a code take, by role."""
    found: dict[str, _Taken] = {}
    for approval in (c.approval for loaded in project.contracts() for c in proposals_of(loaded.contract)):
        beginning = LEVELS.index(approval.step_up) if approval.step_up is not None else len(LEVELS)
        for level in LEVELS[beginning:]:
            at = approval.at(level)
            one = found.setdefault(at.role, _Taken())
            one.people = max(one.people, at.people)
            one.risks.add(level)
    return found


def _by_prompt(project: Project) -> bool:
    contracts = (loaded.contract for loaded in project.contracts())
    return any(c.approval.by_prompt is not None for contract in contracts for c in proposals_of(contract))
