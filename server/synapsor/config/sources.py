"""One application database of a project: where its two credentials are kept, how it is reached, and how far up the ladder it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, StringConstraints

from synapsor.config.fields import FilePath, Finding, Model, SourceUrl
from synapsor.contract.base import Name
from synapsor.errors import ConfigError

Mode: TypeAlias = Literal["evidence", "review", "writeback"]
Allowed: TypeAlias = Literal["writer_owns", "writer_writes_more", "writer_can_create", "writer_can_alter"]
IN_LEDGER: Final = "ledger"
"""What `receipts` says where the source's owner has no table of them."""
ReceiptsPlace = Annotated[
    str,
    StringConstraints(pattern=rf"^(?:{IN_LEDGER}|[A-Za-z_][A-Za-z0-9_]{{0,62}}\.[A-Za-z_][A-Za-z0-9_]{{0,62}})$"),
]
Engine: TypeAlias = Literal["postgres", "mariadb", "mysql", "sqlite"]


LANES = 4
"""How many lanes a worker has for a source that does not say it."""
MOST_LANES = 64


class Tls(Model):
    """How a remote server proves who it is."""

    ca: FilePath


class Pool(Model):
    """How many connections to a source, and how long a call waits for one."""

    size: int = Field(default=8, ge=1, le=256)
    wait_ms: int = Field(default=500, ge=0, le=60_000)


class Timeouts(Model):
    """Limits that are the source's and not a capability's."""

    lock_ms: int = Field(default=3000, ge=10, le=60_000)


class SourceConfig(Model):
    """One application database: where its two credentials are kept, and how far up the ladder it is."""

    engine: Engine
    mode: Mode = "evidence"
    read: SourceUrl
    write: SourceUrl | None = None
    schema_: Name | None = Field(default=None, alias="schema")
    receipts: ReceiptsPlace | None = None
    allow: tuple[Allowed, ...] = Field(default=(), strict=False)
    tls: Tls | None = None
    pool: Pool = Field(default_factory=Pool)
    lanes: int | None = Field(default=None, ge=1, le=MOST_LANES)
    timeouts: Timeouts = Field(default_factory=Timeouts)

    @property
    def dialect(self) -> Literal["postgres", "mysql", "sqlite"]:
        """The language of its engine."""
        return "mysql" if self.engine == "mariadb" else self.engine

    @property
    def at_once(self) -> int:
        """How many changes a worker applies at the same time: its lanes."""
        return self.lanes or (LANES if self.has_many_writers else 1)

    @property
    def has_many_writers(self) -> bool:
        """Whether several transactions may write at the same time; a SQLite file has one writer."""
        return self.engine != "sqlite"

    @property
    def receipts_table(self) -> str | None:
        """The table of receipts in the source; None where there is none, or the ledger alone keeps what came of each change."""
        return None if self.receipts == IN_LEDGER else self.receipts

    @property
    def has_writer(self) -> bool:
        """Whether the worker writes it; where not, applications carry out all of its changes, and keep the receipts of them."""
        return self.write is not None

    @property
    def has_row_security(self) -> bool:
        """Whether its engine filters rows by itself."""
        return self.engine == "postgres"

    @property
    def has_roles(self) -> bool:
        """Whether whoever connects is a role with grants of its own; a file is opened by whoever may open it."""
        return self.engine != "sqlite"


def with_lanes(name: str, source: SourceConfig, lanes: int | None) -> SourceConfig:
    """Return a source with so many lanes, whatever it says itself; as it is where nobody says how many.

    Raises:
        ConfigError: its engine has one writer.
    """
    if lanes is None:
        return source
    if lanes > 1 and not source.has_many_writers:
        raise ConfigError(
            f"Source {name} is a SQLite file, which has one writer and so one lane.",
            fix="Leave out --lanes, and set `lanes` for the other sources in synapsor.yaml.",
        )
    return source.model_copy(update={"lanes": lanes})


def contradictions(source: SourceConfig) -> Iterator[Finding]:
    """Yield what does not fit together, at its place in the source."""
    sqlite = source.engine == "sqlite"
    if source.mode == "writeback" and (source.write is None) != (source.receipts is None):
        key, other = ("write", "receipts") if source.write is None else ("receipts", "write")
        yield (
            (),
            "writeback_incomplete",
            f"mode writeback with `{other}` needs `{key}`",
            f"Add `{key}`; or remove `{other}`, where applications carry out every change of this source.",
        )
    if source.write is None and source.allow:
        yield (
            ("allow",),
            "allow_without_writer",
            "there is no `write`, whose credential it could be about",
            "Remove `allow`.",
        )
    if source.read == source.write and source.read.scheme != "sqlite":
        yield (
            ("write",),
            "one_credential",
            "reader and writer are the same secret",
            "Give the worker a credential of its own.",
        )
    for key, ref in (("read", source.read), ("write", source.write)):
        if ref and ref.scheme == "sqlite" and not sqlite:
            yield (
                (key,),
                "engine_mismatch",
                f"a sqlite address does not fit engine {source.engine}",
                "Write ${env:NAME} or ${file:path}.",
            )
    if (source.lanes or 1) > 1 and not source.has_many_writers:
        yield (
            ("lanes",),
            "lanes_of_a_file",
            "a SQLite file has one writer, and so one lane",
            "Remove `lanes`.",
        )
    if sqlite and source.schema_ is None:
        yield (
            (),
            "schema_missing",
            "engine sqlite needs `schema`, the name that its file is attached as",
            "Add `schema: main`.",
        )
    if not sqlite and source.schema_ is not None:
        yield (
            ("schema",),
            "schema_unused",
            "only engine sqlite has `schema`",
            "Remove it; contracts name the schema of each relation.",
        )
    if sqlite and source.tls is not None:
        yield (("tls",), "tls_unused", "a file has no TLS", "Remove it.")
