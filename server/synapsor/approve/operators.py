"""The people whose public keys this project trusts: `operators.yaml`, written by this tool and read strictly.

One key is one name and one person is one name; revoking keeps the entry, so that old decisions can still be checked.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import tempfile
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from synapsor.config import FormatVersion, read_yaml, refuse, validated
from synapsor.contract.document import hidden
from synapsor.contract.model import Name
from synapsor.core.review import Operator, key_fingerprint, same_person
from synapsor.errors import ConfigError, UsageError

HEADER = "# The operators of this project. Written by `synapsor operator`; their keys decide, so review every change of this file.\n"

OperatorName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,62}$")]
Principal = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _seen(text: str) -> str:
    if any(hidden(character) or character in "\t\n" for character in text):
        raise ValueError("a character of it cannot be seen")
    return text


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    key: str
    roles: tuple[Name, ...] = Field(strict=False, min_length=1)
    principals: tuple[Annotated[Principal, AfterValidator(_seen)], ...] = Field(default=(), strict=False)
    revoked: bool = False


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    synapsor: FormatVersion
    operators: dict[OperatorName, _Entry] = Field(default_factory=dict)


def read_operators(path: Path) -> dict[str, Operator]:
    """Return the operators by name; a project without the file has none.

    Raises:
        ConfigError: the file is not what this tool writes, or two entries could be one person.
    """
    if not path.exists():
        return {}
    file, problems = validated(_File, read_yaml(path))
    if file is None or problems:
        refuse(path, problems)
    operators = {
        name: Operator(name=name, key=entry.key, roles=entry.roles, principals=entry.principals, revoked=entry.revoked)
        for name, entry in file.operators.items()
    }
    _check(operators)
    return operators


def add_operator(path: Path, operator: Operator) -> dict[str, Operator]:
    """Add an operator to the file and return all of them.

    Raises:
        UsageError: the name is taken.
        ConfigError: the key is no public key or belongs to another name, or the person has an entry already.
    """
    operators = check_new(path, operator)
    if not _is_public_key(operator.key):
        raise ConfigError(
            f"The key of {operator.name} is not an Ed25519 public key.",
            fix="Give the raw key in base64, as `operators.yaml` has it.",
        )
    _write(path, operators)
    return operators


def check_new(path: Path, operator: Operator) -> dict[str, Operator]:
    """Return all operators with a new one among them, whose key may still be made.

    Raises:
        UsageError: the name is taken or cannot be used, or a role cannot be.
        ConfigError: the person has an entry already.
    """
    operators = read_operators(path)
    if operator.name in operators:
        raise UsageError(
            f"There is an operator {operator.name} already.",
            fix="Choose another name; a revoked name is not used again.",
        )
    operators[operator.name] = operator
    try:
        _File.model_validate(_body(operators))
    except ValidationError:
        raise UsageError(
            "This name, role or principal cannot be used.",
            fix="Names and roles are lower case: letters, digits and underscores, a letter first.",
        ) from None
    _check_people(operators)
    return operators


def revoke_operator(path: Path, name: str) -> dict[str, Operator]:
    """Mark an operator's key as revoked: nothing that it signed and that is not applied yet counts any more.

    Raises:
        UsageError: there is no such operator.
    """
    operators = read_operators(path)
    if name not in operators:
        raise UsageError("There is no such operator.", fix="See `synapsor operator list`.")
    operators[name] = replace(operators[name], revoked=True)
    _write(path, operators)
    return operators


def _check(operators: dict[str, Operator]) -> None:
    for one in operators.values():
        if not _is_public_key(one.key):
            raise ConfigError(
                f"The key of {one.name} is not an Ed25519 public key.",
                fix="Add the operator with `synapsor operator add`.",
            )
    _check_people(operators)


def _check_people(operators: dict[str, Operator]) -> None:
    for one, other in combinations(operators.values(), 2):
        if one.key == other.key:
            raise ConfigError(
                f"{one.name} and {other.name} have the same key.", fix="Give every person a key of their own."
            )
        # A revoked entry may be followed by a new one of the same person.
        trusted = not (one.revoked or other.revoked)
        if trusted and any(
            same_person(a, b) for a in (one.name, *one.principals) for b in (other.name, *other.principals)
        ):
            raise ConfigError(
                f"{one.name} and {other.name} could be the same person.",
                fix="Give one person one entry, with all their principals.",
            )


def _is_public_key(text: str) -> bool:
    try:
        raw = base64.b64decode(text, validate=True)
        Ed25519PublicKey.from_public_bytes(raw)
    except (binascii.Error, ValueError):
        return False
    # One spelling only, so that equal keys are equal texts.
    return base64.b64encode(raw).decode() == text


def _write(path: Path, operators: dict[str, Operator]) -> None:
    _check(operators)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_text(operators))
            file.flush()
            os.fchmod(handle, 0o644)
            os.fsync(handle)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _text(operators: dict[str, Operator]) -> str:
    """Return the file. Every text is quoted, since YAML reads some plain ones, `no` or `1e5`, as something else."""
    lines = [HEADER.rstrip("\n"), "synapsor: 1", "operators:" if operators else "operators: {}"]
    for name, entry in _body(operators)["operators"].items():
        lines.append(f"  {json.dumps(name)}:")
        lines += [f"    {field}: {json.dumps(value, ensure_ascii=False)}" for field, value in entry.items()]
    return "\n".join(lines) + "\n"


def _body(operators: dict[str, Operator]) -> dict[str, Any]:
    return {"synapsor": 1, "operators": {name: _entry(o) for name, o in sorted(operators.items())}}


def _entry(operator: Operator) -> dict[str, Any]:
    entry: dict[str, Any] = {"key": operator.key, "roles": list(operator.roles)}
    if operator.principals:
        entry["principals"] = list(operator.principals)
    if operator.revoked:
        entry["revoked"] = True
    return entry


def describe(operator: Operator) -> dict[str, Any]:
    """Return what may be shown of an operator."""
    return {
        "name": operator.name,
        "fingerprint": key_fingerprint(operator.key),
        "roles": list(operator.roles),
        "principals": list(operator.principals),
        "revoked": operator.revoked,
    }
