"""The companion approval server's own file, `approvals.yaml`: whose prompts it serves, with which key it says whose code it saw, and with
which credentials it looks at the sources.

It stands beside the project's file and never in an agent's configuration.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from synapsor.config.fields import FilePath, Finding, FormatVersion, Model, OperatorName, SourceUrl, TokenHash
from synapsor.config.project import Config
from synapsor.config.reading import place, read_yaml, refuse, validated
from synapsor.contract.base import Name
from synapsor.errors import ConfigError

FILE_NAME = "approvals.yaml"


class VoucherConfig(Model):
    """The key with which a server says who decided."""

    operator: OperatorName
    key: FilePath


class ApprovalToken(Model):
    """One bearer token of the HTTP transport, as a hash, and the person who holds it."""

    operator: OperatorName
    sha256: TokenHash


class ApprovalsConfig(Model):
    """A companion approval server.

    Attributes:
        read: the readers' URLs that it looks at the sources with; it resolves none of the project's file.
    """

    synapsor: FormatVersion
    project: FilePath = Field(default=Path("synapsor.yaml"), validate_default=True)
    voucher: VoucherConfig
    operator: OperatorName | None = None
    read: dict[Name, SourceUrl] = Field(default_factory=dict)
    tokens: tuple[ApprovalToken, ...] = Field(default=(), strict=False)


def load_approvals(path: Path) -> ApprovalsConfig:
    """Return the configuration of a companion approval server.

    Raises:
        ConfigError: the file cannot be read or has problems; every problem is listed with its line.
    """
    file = path.absolute()
    document = read_yaml(file)
    config, problems = validated(ApprovalsConfig, document, {"root": file.parent})
    if config is not None:
        problems = [*problems, *(place(document.positions, finding) for finding in _contradictions(config))]
    if config is None or problems:
        refuse(file, problems)
    return config


def looking_with(project: Config, approvals: ApprovalsConfig) -> Config:
    """Return the project with the companion's own credentials to read with, in the place of those that the project's file names.

    Raises:
        ConfigError: they are not for every source, are for another one, or one of them is a writer's.
    """
    for name in sorted({*project.sources} ^ {*approvals.read}):
        said = "is no source of the project" if name in approvals.read else "has no credential in approvals.yaml"
        raise ConfigError(
            f"{name} {said}, so nothing can be looked at.",
            fix="Name every source of the project under `read:`, or leave `read:` out.",
        )
    writers = {
        source.write.target for source in project.sources.values() if source.write and source.write.scheme != "sqlite"
    }
    if any(ref.target in writers for ref in approvals.read.values()):
        raise ConfigError(
            "The approval server is to look with the worker's credential.", fix="Give it one that can only read."
        )
    own = {name: source.model_copy(update={"read": approvals.read[name]}) for name, source in project.sources.items()}
    return project.model_copy(update={"sources": own})


def _contradictions(config: ApprovalsConfig) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, token in enumerate(config.tokens):
        if token.sha256 == hashlib.sha256(b"").hexdigest():
            yield (
                ("tokens", index, "sha256"),
                "token_empty",
                "this is the hash of an empty token",
                "Make one with `synapsor token new`.",
            )
        if token.sha256 in seen:
            yield (("tokens", index), "token_twice", "this token is used before", "Give every person their own token.")
        seen.add(token.sha256)
