"""What `synapsor doctor` finds: everything that this user's credentials allow to look at, and what is wrong with it; this is its one door.

One look tells all that it can; nothing is changed, served, applied, decided or sent. A finding names files, names and rules, and no secret.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synapsor.core.facts import Finding
from synapsor.examine.channels import of_channels
from synapsor.examine.codes import of_codes
from synapsor.examine.companion import of_companion
from synapsor.examine.console import of_console
from synapsor.examine.executors import of_executors
from synapsor.examine.keys import of_keys
from synapsor.examine.provider import of_provider
from synapsor.examine.sources import of_sources

if TYPE_CHECKING:
    from synapsor.runtime import Project

__all__ = ["examine"]


async def examine(project: Project, *, approvals: Path | None = None) -> tuple[Finding, ...]:
    """Look at everything, and say what is wrong, one finding per fact; `approvals` is the file of a companion that is elsewhere."""
    config = project.config
    found = [
        *await of_sources(project),
        *of_executors(project),
        *of_keys(config),
        *of_codes(project),
        *of_console(config),
        *await of_provider(project),
        *await of_channels(config),
        *of_companion(project, approvals),
    ]
    return tuple(dict.fromkeys(found))
