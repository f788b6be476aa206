"""The executors that are configured and those that contracts name: their secrets and addresses. None of them is asked to do anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from synapsor.config import CommandExecutor, ExecutorConfig
from synapsor.core.facts import Finding
from synapsor.core.needs import executors_of
from synapsor.errors import ConfigError
from synapsor.examine.secrets import looked_up
from synapsor.wiring import open_handler

if TYPE_CHECKING:
    from synapsor.runtime import Project


def of_executors(project: Project) -> list[Finding]:
    """Return what keeps an executor from being asked, and which of them nothing asks."""
    configured = project.config.executors
    needed = executors_of(loaded.contract for loaded in project.contracts())
    found = [
        Finding(
            rule="executor_missing",
            message=f"No executor {name} is configured, which {capability} names: no worker starts.",
            fix="Add it under `executors:` in synapsor.yaml, or have the contract reviewed without it.",
        )
        for name, capability in sorted(needed.items())
        if name not in configured
    ]
    for name, wired in sorted(configured.items()):
        if name not in needed:
            message = f"No contract names the executor {name}, so nothing is handed to it."
            found.append(Finding(rule="executor_unused", message=message, fix="Take it out.", fatal=False))
        found += _one(project, name, wired)
    return found


def _one(project: Project, name: str, wired: ExecutorConfig) -> Iterator[Finding]:
    references = {"signing secret": wired.secret}
    if isinstance(wired, CommandExecutor):
        references |= {f"variable {variable}": ref for variable, ref in wired.environment.items()}
        yield from _program(name, Path(wired.run[0]))
    here = True
    for what, ref in references.items():
        secret, missing = looked_up(ref, f"{what} of executor {name}")
        here = here and secret is not None
        yield from missing
    if not here:
        return
    try:
        open_handler(name, wired, project.clock)
    except ConfigError as wrong:
        yield Finding(rule="executor_unusable", message=wrong.message, fix=wrong.fix)


def _program(name: str, program: Path) -> Iterator[Finding]:
    if not program.is_file():
        message = f"The program of executor {name} is not here, as it should be where the worker does not run."
        fix = "Run `synapsor doctor` where the worker runs, too."
        yield Finding(rule="executor_program", message=message, fix=fix, fatal=False)
