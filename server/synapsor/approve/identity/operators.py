"""Changing who is trusted: `operators.yaml` is written by this tool only.

Revoking keeps the entry, so that old decisions can still be checked and the key is never used again.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from synapsor.approve.identity.files import write_public
from synapsor.core.signatures import is_public_key
from synapsor.core.statements import Identity, Operator, key_fingerprint
from synapsor.errors import ConfigError, UsageError
from synapsor.operators import OperatorsFile, check_keys_alone, check_operators, check_people, read_operators

HEADER = "# The operators of this project. Written by `synapsor operator`; their keys decide, so review every change of this file.\n"


def add_operator(path: Path, operator: Operator) -> dict[str, Operator]:
    """Add an operator to the file and return all of them.

    Raises:
        UsageError: the name is taken.
        ConfigError: the key is no public key or belongs to another name, or the person has an entry already.
    """
    operators = check_new(path, operator)
    if operator.key is not None and not is_public_key(operator.key):
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
            fix="Choose another name; a revoked name is not used again."
            if operators[operator.name].revoked
            else f"To change roles: `synapsor operator change {operator.name} --role ROLE`. A new person needs another name.",
        )
    operators[operator.name] = operator
    _check_entries(operators)
    return operators


def _check_entries(operators: dict[str, Operator]) -> None:
    try:
        OperatorsFile.model_validate(_body(operators))
    except ValidationError:
        raise UsageError(
            "This name, role, principal or login cannot be used.",
            fix="Names and roles are lower case: letters, digits and underscores, a letter first.",
        ) from None
    check_keys_alone(operators)
    check_people(operators)


def change_operator(
    path: Path,
    name: str,
    *,
    roles: tuple[str, ...] | None = None,
    principals: tuple[str, ...] | None = None,
    login: Identity | Literal["none"] | None = None,
) -> tuple[Operator, Operator]:
    """Give an operator other roles, principals or another login, None for as they are, and return the entry before and after; the key stays.

    Raises:
        UsageError: there is no such operator, the key is revoked, or a role or principal cannot be used.
        ConfigError: the person would have two entries, or a policy's key another role.
    """
    operators = read_operators(path)
    before = _known(operators, name)
    if before.revoked:
        raise UsageError(
            f"{name} is revoked, and nothing gives that trust back.",
            fix="Add the person under another name, with a new key where they had one.",
        )
    after = replace(
        before,
        roles=before.roles if roles is None else tuple(dict.fromkeys(roles)),
        principals=before.principals if principals is None else tuple(dict.fromkeys(principals)),
        login=before.login if login is None else None if login == "none" else login,
    )
    if after.key is None and after.login is None:
        raise UsageError(
            f"Without the login nobody would be {name}.",
            fix=f"To stop trusting the person: `synapsor operator revoke {name}`.",
        )
    operators[name] = after
    _check_entries(operators)
    if after != before:
        _write(path, operators)
    return before, after


def _known(operators: dict[str, Operator], name: str) -> Operator:
    if name not in operators:
        raise UsageError("There is no such operator.", fix="See `synapsor operator list`.")
    return operators[name]


def revoke_operator(path: Path, name: str) -> dict[str, Operator]:
    """Mark an operator's key as revoked: nothing that it signed and that is not applied yet counts any more.

    Raises:
        UsageError: there is no such operator.
    """
    operators = read_operators(path)
    operators[name] = replace(_known(operators, name), revoked=True)
    _write(path, operators)
    return operators


def _write(path: Path, operators: dict[str, Operator]) -> None:
    check_operators(operators)
    write_public(path, _text(operators).encode())


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
    entry: dict[str, Any] = {"key": operator.key} if operator.key is not None else {}
    entry["roles"] = list(operator.roles)
    if operator.login:
        entry["login"] = {"issuer": operator.login.issuer, "subject": operator.login.subject}
    if operator.principals:
        entry["principals"] = list(operator.principals)
    if operator.revoked:
        entry["revoked"] = True
    return entry


def describe(operator: Operator) -> dict[str, Any]:
    """Return what may be shown of an operator."""
    return {
        "name": operator.name,
        "fingerprint": key_fingerprint(operator.key) if operator.key else None,
        "login": {"issuer": operator.login.issuer, "subject": operator.login.subject} if operator.login else None,
        "roles": list(operator.roles),
        "principals": list(operator.principals),
        "revoked": operator.revoked,
    }
