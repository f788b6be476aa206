"""The project's wiring, `synapsor.yaml`, as frozen models: it holds references to secrets, never a secret."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr

from synapsor.config import console, executors, notify, oidc, sources
from synapsor.config.console import ConsoleConfig
from synapsor.config.executors import ExecutorConfig
from synapsor.config.fields import (
    ContractDigest,
    FilePath,
    Finding,
    FormatVersion,
    GroupName,
    Loc,
    Model,
    SessionValue,
    SessionValues,
    TokenHash,
)
from synapsor.config.links import Link
from synapsor.config.notify import Notify
from synapsor.config.oidc import OidcConfig
from synapsor.config.reading import place, read_yaml, refuse, validated
from synapsor.config.sources import IN_LEDGER, Mode, SourceConfig
from synapsor.contract.base import CapabilityName, Name
from synapsor.errors import ConfigError
from synapsor.secrets import SecretRef, resolve

FILE_NAME = "synapsor.yaml"


class TokenConfig(Model):
    """One bearer token of the HTTP transports, as a hash, and the session it stands for."""

    name: Name
    sha256: TokenHash
    session: SessionValues = Field(min_length=1)


class Supervised(Model):
    """What a supervised worker may apply of one version of a contract."""

    contract: ContractDigest
    capabilities: tuple[CapabilityName, ...] = Field(strict=False, min_length=1)


class HttpConfig(Model):
    """Who may come in over HTTP."""

    tokens: tuple[TokenConfig, ...] = Field(default=(), strict=False)


class Config(Model):
    """A project. Every path is absolute."""

    synapsor: FormatVersion
    profile: Literal["development", "production"] = "development"
    policies: tuple[FilePath, ...] = Field(strict=False, min_length=1)
    ledger: FilePath = Field(default=Path(".synapsor/ledger.db"), validate_default=True)
    ledger_key: FilePath | None = None
    ledger_group: GroupName | int | None = None
    operators: FilePath = Field(default=Path("operators.yaml"), validate_default=True)
    sources: dict[Name, SourceConfig] = Field(min_length=1)
    session: SessionValues = Field(default_factory=dict)
    names: Literal["dotted", "underscore"] = "dotted"
    console_url: Link | None = None
    http: HttpConfig = Field(default_factory=HttpConfig)
    oidc: OidcConfig | None = None
    console: ConsoleConfig = Field(default_factory=ConsoleConfig)
    one_time_codes: FilePath | None = None
    codes_group: GroupName | int | None = None
    automatic_approval: bool = False
    policy_key: FilePath | None = None
    voucher_key: FilePath | None = None
    supervised: tuple[Supervised, ...] = Field(default=(), strict=False)
    executors: dict[Name, ExecutorConfig] = Field(default_factory=dict)
    notify: Notify | None = None
    _root: Path = PrivateAttr(default_factory=Path)

    def model_post_init(self, context: Any, /) -> None:
        """Keep the directory that the file's paths are relative to."""
        if context:
            self._root = context["root"]

    @property
    def root(self) -> Path:
        """The directory of the configuration file."""
        return self._root

    @property
    def modes(self) -> dict[str, Mode]:
        """How far up the ladder each source is."""
        return {name: source.mode for name, source in self.sources.items()}

    @property
    def receiptless(self) -> frozenset[str]:
        """The sources that keep no receipts of what is applied to them: the ledger alone does."""
        return frozenset(name for name, source in self.sources.items() if source.receipts == IN_LEDGER)


def find_config(start: Path | None = None) -> Path:
    """Return the nearest `synapsor.yaml` in a directory or above it.

    Raises:
        ConfigError: there is none.
    """
    here = (start or Path.cwd()).absolute()
    for directory in (here, *here.parents):
        if (found := directory / FILE_NAME).is_file():
            return found
    raise ConfigError(
        f"There is no {FILE_NAME} here or in any directory above.",
        fix="Go to the project or name it with --config; docs/quickstart.md makes one.",
    )


def load_config(path: Path | None = None) -> Config:
    """Return the project's configuration; without a path, of the project that the current directory is in.

    Raises:
        ConfigError: the file cannot be read or has problems; every problem is listed with its line.
    """
    file = (path or find_config()).absolute()
    document = read_yaml(file)
    config, problems = validated(Config, document, {"root": file.parent})
    if config is not None:
        problems = [*problems, *(place(document.positions, finding) for finding in _contradictions(config))]
    if config is None or problems:
        refuse(file, problems)
    return config


def session_values(values: Mapping[str, SessionValue]) -> dict[str, str | int]:
    """Return a session's values with its references resolved.

    Raises:
        ConfigError: a reference cannot be resolved.
    """
    return {name: resolve(value).reveal() if isinstance(value, SecretRef) else value for name, value in values.items()}


def _of_codes(config: Config) -> Iterator[Finding]:
    if config.codes_group is None:
        return
    if config.one_time_codes is None:
        yield (
            ("codes_group",),
            "codes_not_kept",
            "there is no `one_time_codes` that a group could share",
            "Add `one_time_codes`, or remove it.",
        )
    elif config.codes_group == config.ledger_group:
        yield (
            ("codes_group",),
            "codes_open_to_server",
            "the ledger's group has the server in it, which models reach, and who reads the codes can make them",
            "Make a group of its own, of the worker, the console and who decides at a terminal.",
        )


def _contradictions(config: Config) -> Iterator[Finding]:
    yield from _of_codes(config)
    for name, source in config.sources.items():
        yield from (
            ((("sources", name, *loc)), rule, message, fix)
            for loc, rule, message, fix in sources.contradictions(source)
        )
    if config.notify is not None:
        found = notify.contradictions(config.notify)
        yield from (((("notify", *loc)), rule, message, fix) for loc, rule, message, fix in found)
    if config.oidc is not None:
        yield from (
            (("oidc", *loc), rule, message, fix) for loc, rule, message, fix in oidc.contradictions(config.oidc)
        )
        if config.oidc.redirect_uri is not None and config.voucher_key is None:
            yield (
                ("oidc", "redirect_uri"),
                "voucher_key_missing",
                "the console needs `voucher_key`, the private key with which it says who logged in",
                "Make one with `synapsor operator add NAME --role login_voucher --key FILE`.",
            )
    yield from (
        ((("console", *loc)), rule, message, fix)
        for loc, rule, message, fix in console.contradictions(config.console, config.profile)
    )
    yield from (
        ((("executors", *loc)), rule, message, fix)
        for loc, rule, message, fix in executors.contradictions(config.executors, config.profile)
    )
    if config.automatic_approval and config.policy_key is None:
        yield (
            ("automatic_approval",),
            "policy_key_missing",
            "automatic approval needs `policy_key`, the private key that the worker signs with",
            "Make one with `synapsor operator add NAME --role policy_signer --key FILE`.",
        )
    seen: set[str] = set()
    for index, token in enumerate(config.http.tokens):
        at: Loc = ("http", "tokens", index)
        if token.sha256 == hashlib.sha256(b"").hexdigest():
            yield (
                (*at, "sha256"),
                "token_empty",
                "this is the hash of an empty token",
                "Make one with `synapsor token new`.",
            )
        if seen & {token.name, token.sha256}:
            yield (at, "token_twice", "this token's name or hash is used before", "Give every client its own token.")
        seen |= {token.name, token.sha256}
