"""Who carries out approved changes in the worker's stead: an application's handler over HTTP, or a command; each with its signing secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints

from synapsor.config.fields import FilePath, Finding, Model, Reference
from synapsor.contract.base import Name

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_KEPT: Final = frozenset({"PATH", "SYNAPSOR_SIGNATURE", "LD_PRELOAD", "LD_LIBRARY_PATH"})

HandlerUrl = Annotated[
    str,
    StringConstraints(
        pattern=r"^https?://([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]{0,1000})?$"
    ),
]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")]


class HttpExecutor(Model):
    """An application's handler at an address."""

    kind: Literal["http"]
    url: HandlerUrl
    secret: Reference
    timeout_ms: int = Field(default=10_000, ge=100, le=60_000)
    accepted_hours: int = Field(default=72, ge=1, le=720)
    ca: FilePath | None = None


class CommandExecutor(Model):
    """A program of the application's."""

    kind: Literal["command"]
    run: Annotated[tuple[Word, ...], Field(strict=False, min_length=1, max_length=32)]
    secret: Reference
    timeout_ms: int = Field(default=10_000, ge=100, le=60_000)
    accepted_hours: int = Field(default=72, ge=1, le=720)
    environment: dict[VariableName, Reference] = Field(default_factory=dict, max_length=64)


ExecutorConfig = Annotated[HttpExecutor | CommandExecutor, Field(discriminator="kind")]


def contradictions(executors: Mapping[Name, ExecutorConfig], profile: str) -> Iterator[Finding]:
    """Yield what may not stand, at its place below `executors`."""
    for name, executor in executors.items():
        found = _http(executor, profile) if isinstance(executor, HttpExecutor) else _command(executor)
        yield from (((name, *loc), rule, message, fix) for loc, rule, message, fix in found)


def _http(executor: HttpExecutor, profile: str) -> Iterator[Finding]:
    parts = urlsplit(executor.url)
    if parts.scheme == "http" and (profile == "production" or parts.hostname not in LOOPBACK):
        yield (("url",), "executor_in_clear", *_in_clear(parts.hostname))
    if not _has_port(executor.url):
        yield (("url",), "executor_port", "there is no such port", "Write a port from 1 to 65535, or none.")


def _in_clear(host: str | None) -> tuple[str, str]:
    """Return what is wrong with an address without TLS, and what helps."""
    if host in LOOPBACK:
        words = "in production a job goes through TLS even to this machine's own address; `http://` there is for the development profile alone"
        return (
            words,
            "Write https://…, and name the authority of the handler's certificate with `ca:`; or use `kind: command`.",
        )
    return "a job leaves this machine through TLS only", "Write https://…"


def _has_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _command(executor: CommandExecutor) -> Iterator[Finding]:
    program = PurePosixPath(executor.run[0])
    if not program.is_absolute() or ".." in program.parts:
        message = "a program is named by its absolute path, so that no other one is found in its place"
        yield (("run", 0), "executor_program", message, "Write the path from / on.")
    for name in executor.environment:
        if name in _KEPT:
            message = "this variable says which code runs, or is the worker's own"
            yield (("environment", name), "executor_variable", message, "Leave it out.")
