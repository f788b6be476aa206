"""The forms of single values in `synapsor.yaml`: references to secrets, paths, names and hashes, each with a message of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from synapsor.contract.base import Name
from synapsor.errors import ConfigError
from synapsor.secrets import SecretRef

Loc: TypeAlias = tuple[str | int, ...]
Finding: TypeAlias = "tuple[Loc, str, str, str]"
"""Where something is contradictory, by which rule, what is wrong, and what to do."""


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
GroupName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]
OperatorName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,62}$")]
TokenHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FilePath = Annotated[Path, BeforeValidator(_path)]
Reference = Annotated[SecretRef, BeforeValidator(_reference)]
SourceUrl = Annotated[SecretRef, BeforeValidator(_source_url)]
SessionValue = Annotated[str | int | SecretRef, BeforeValidator(_session_value)]
FormatVersion = Annotated[Literal[1], BeforeValidator(_whole_number)]
SessionValues = dict[Name, SessionValue]


class Strict(BaseModel):
    """What anything that is read from outside is: immutable, strict and closed; what is wrong with it repeats nothing of it."""

    model_config = ConfigDict(
        defer_build=True,
        frozen=True,
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
    )


class Model(Strict):
    """A part of the configuration."""
