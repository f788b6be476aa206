"""The project's wiring, `synapsor.yaml`, as frozen models.

The file is read strictly: unknown keys, duplicate keys, YAML tricks and values in clear where a secret belongs stop the program, all
problems at once. It holds references to secrets, never a secret.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeAlias, TypeVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from synapsor.contract.base import CapabilityName, Name, RelationName
from synapsor.contract.document import Document, Positions, hidden_characters, read_document
from synapsor.errors import ConfigError, Problem
from synapsor.secrets import SecretRef, resolve

FILE_NAME = "synapsor.yaml"
MAX_FILE_BYTES = 1_048_576

Mode: TypeAlias = Literal["evidence", "review", "writeback"]
Engine: TypeAlias = Literal["postgres", "mariadb", "mysql", "sqlite"]
Loc: TypeAlias = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)


def _root(info: ValidationInfo) -> Path:
    root: Path = (info.context or {})["root"]
    return root


def _reference(value: Any, info: ValidationInfo) -> Any:
    return _parsed(value, info, sqlite=False)


def _source_url(value: Any, info: ValidationInfo) -> Any:
    return _parsed(value, info, sqlite=True)


def _parsed(value: Any, info: ValidationInfo, *, sqlite: bool) -> Any:
    if not isinstance(value, str):
        raise PydanticCustomError("secret_reference", "this must be a reference such as ${env:NAME}")
    try:
        return SecretRef.parse(value, root=_root(info), sqlite=sqlite)
    except ConfigError as error:
        raise PydanticCustomError(
            "secret_in_clear", "{message}", {"message": error.message, "fix": error.fix}
        ) from None


def _path(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, str | Path) or not str(value):
        raise PydanticCustomError("path", "this must be a path")
    return Path(os.path.normpath(_root(info) / value))


def _session_value(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, str) and value.startswith("${"):
        return _reference(value, info)
    if type(value) not in {str, int} or value == "":
        raise PydanticCustomError(
            "session_value", "this must be a text, a whole number or a reference such as ${env:NAME}"
        )
    return value


def _whole_number(value: Any) -> Any:
    if type(value) is not int:  # to Python, True is 1
        raise PydanticCustomError("version", "this must be the number 1")
    return value


ContractDigest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
TokenHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FilePath = Annotated[Path, BeforeValidator(_path)]
SourceUrl = Annotated[SecretRef, BeforeValidator(_source_url)]
SessionValue = Annotated[str | int | SecretRef, BeforeValidator(_session_value)]
FormatVersion = Annotated[Literal[1], BeforeValidator(_whole_number)]
SessionValues = dict[Name, SessionValue]


class Model(BaseModel):
    """What every part of the configuration is: immutable, strict and closed."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, arbitrary_types_allowed=True
    )


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
    receipts: RelationName | None = None
    tls: Tls | None = None
    pool: Pool = Field(default_factory=Pool)
    timeouts: Timeouts = Field(default_factory=Timeouts)


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
    operators: FilePath = Field(default=Path("operators.yaml"), validate_default=True)
    sources: dict[Name, SourceConfig] = Field(min_length=1)
    session: SessionValues = Field(default_factory=dict)
    names: Literal["dotted", "underscore"] = "dotted"
    http: HttpConfig = Field(default_factory=HttpConfig)
    automatic_approval: bool = False
    policy_key: FilePath | None = None
    supervised: tuple[Supervised, ...] = Field(default=(), strict=False)
    _root: Path = PrivateAttr(default_factory=Path)

    def model_post_init(self, context: Any, /) -> None:
        """Keep the directory that the file's paths are relative to."""
        if context:
            self._root = context["root"]

    @property
    def root(self) -> Path:
        """The directory of the configuration file."""
        return self._root


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
        problems = [*problems, *(_place(document.positions, finding) for finding in _contradictions(config))]
    if config is None or problems:
        refuse(file, problems)
    return config


def session_values(values: Mapping[str, SessionValue]) -> dict[str, str | int]:
    """Return a session's values with its references resolved.

    Raises:
        ConfigError: a reference cannot be resolved.
    """
    return {name: resolve(value).reveal() if isinstance(value, SecretRef) else value for name, value in values.items()}


Finding: TypeAlias = "tuple[Loc, str, str, str]"


def _contradictions(config: Config) -> Iterator[Finding]:
    for name, source in config.sources.items():
        yield from (
            ((("sources", name, *loc)), rule, message, fix)
            for loc, rule, message, fix in _source_contradictions(source)
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


def _source_contradictions(source: SourceConfig) -> Iterator[Finding]:
    sqlite = source.engine == "sqlite"
    if source.mode == "writeback":
        for key, value in (("write", source.write), ("receipts", source.receipts)):
            if value is None:
                yield (
                    (),
                    "writeback_incomplete",
                    f"mode writeback needs `{key}`",
                    f"Add `{key}`, or set mode: review.",
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


def read_yaml(file: Path) -> Document:
    """Return a file's data with the places of its parts and the problems of its YAML.

    Raises:
        ConfigError: the file cannot be read, or everybody may write it.
    """
    trouble = ""
    try:
        with file.open("rb") as stream:
            open_to_all = os.fstat(stream.fileno()).st_mode & 0o002
            text = stream.read(MAX_FILE_BYTES + 1).decode()
    except OSError as error:
        trouble = os.strerror(error.errno or 0).lower()
    except UnicodeDecodeError:
        trouble = "it is not UTF-8 text"
    if trouble:
        raise ConfigError(f"{file.name} cannot be read: {trouble}.", fix=f"Look at {file}.")
    if open_to_all:
        raise ConfigError(f"Everybody may write {file.name}, so it cannot be trusted.", fix=f"chmod o-w {file}")
    if len(text) > MAX_FILE_BYTES:
        raise ConfigError(f"{file.name} is larger than {MAX_FILE_BYTES} bytes.", fix=f"Look at {file}.")
    document = read_document(text, file.name)
    return replace(document, problems=[*hidden_characters(text, file.name), *document.problems])


def validated(
    model: type[M], document: Document, context: Mapping[str, Any] | None = None
) -> tuple[M | None, list[Problem]]:
    """Return the model of a document, or None, and every problem that was found."""
    if document.data is None:
        return None, document.problems
    try:
        return model.model_validate(document.data, context=context), document.problems
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return None, [*document.problems, *(_problem(model, document.positions, detail) for detail in found)]


def refuse(file: Path, problems: list[Problem]) -> NoReturn:
    """Raise the problems of a file.

    Raises:
        ConfigError: always.
    """
    raise ConfigError("\n".join(str(p) for p in sorted(problems)), fix=f"Mend the listed problems in {file.name}.")


def _problem(model: type[BaseModel], positions: Positions, detail: ErrorDetails) -> Problem:
    loc: Loc = tuple(part for part in detail["loc"] if part != "[key]")
    rule, message, fix = detail["type"], detail["msg"], str(detail.get("ctx", {}).get("fix", ""))
    if rule == "extra_forbidden":
        rule, message, fix = "unknown_key", "this key is not known", _did_you_mean(model, loc)
    elif rule == "missing":
        return _place(positions, (loc[:-1], "missing_key", f"`{loc[-1]}` is missing", ""))
    elif rule == "string_pattern_mismatch":
        message = _FORMS.get(detail.get("ctx", {}).get("pattern", ""), message)
    return _place(positions, (loc, rule, message, fix))


def _place(positions: Positions, finding: Finding) -> Problem:
    loc, rule, message, fix = finding
    # A key is repeated only when it looks like one: what was pasted in its place may be a secret.
    shown = ".".join(str(part) for part in loc if isinstance(part, int) or _KEY.fullmatch(part))
    return positions.at_key(loc, rule, f"{shown}: {message}" if shown else message, fix)


_FORMS = {
    get_args(form)[1].pattern: words
    for form, words in (
        (Name, "this must be a plain name: lower-case letters, digits and underscores, a letter first"),
        (RelationName, "this must be `schema.name`, such as billing.synapsor_receipts"),
        (ContractDigest, "this must be the digest of a contract, as `synapsor check --json` tells it"),
        (CapabilityName, "this must be the name of a capability, such as billing.propose_note"),
        (TokenHash, "this must be 64 hexadecimal digits in lower case, as `synapsor token new` prints them"),
    )
}
"""What a form is in words, by the pattern that a value did not match."""
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,40}")


def _did_you_mean(root: type[BaseModel], loc: Loc) -> str:
    model: type[BaseModel] | None = root
    for part in loc[:-1]:
        # A part that is no field is a name or an index in a collection of this same model.
        fields = model.model_fields if model else {}
        model = next((_inner_model(f.annotation) for n, f in fields.items() if part == (f.alias or n)), model)
    known = [f.alias or name for name, f in model.model_fields.items()] if model else []
    close = difflib.get_close_matches(str(loc[-1]), known, n=1)
    return f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(known)}."


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _inner_model(part))), None)
