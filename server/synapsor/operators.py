"""The people whose public keys this project trusts, read strictly from `operators.yaml`.

One key is one name and one person is one name. Reading them is all that serving and applying need; `approve.operators` writes them.
"""

from __future__ import annotations

import base64
import shlex
from dataclasses import replace
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from synapsor.config import FormatVersion, as_document, read_text, read_yaml, refuse, validated
from synapsor.config.fields import OperatorName, Strict
from synapsor.contract.approvals import NO_PERSON
from synapsor.contract.base import Name
from synapsor.contract.document import hidden
from synapsor.core.review import same_person
from synapsor.core.signatures import is_public_key
from synapsor.core.statements import Identity, Operator
from synapsor.errors import ConfigError
from synapsor.secrets import group_number, private_file_trouble

Principal = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _seen(text: str) -> str:
    if any(hidden(character) or character in "\t\n" for character in text):
        raise ValueError("a character of it cannot be seen")
    return text


class _Login(Strict):
    issuer: Annotated[str, StringConstraints(min_length=1, max_length=512), AfterValidator(_seen)]
    subject: Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_seen)]


class _Entry(Strict):
    key: str | None = None
    login: _Login | None = None
    roles: tuple[Name, ...] = Field(strict=False, min_length=1)
    principals: tuple[Annotated[Principal, AfterValidator(_seen)], ...] = Field(default=(), strict=False)
    revoked: bool = False


class OperatorsFile(Strict):
    """What `operators.yaml` holds."""

    synapsor: FormatVersion
    operators: dict[OperatorName, _Entry] = Field(default_factory=dict)


class CodesFile(Strict):
    """What the file of one-time codes holds: for each operator a secret, as authenticators take it."""

    synapsor: FormatVersion
    codes: dict[OperatorName, Annotated[str, StringConstraints(pattern=r"^[A-Z2-7]{32}$")]] = Field(
        default_factory=dict, repr=False
    )


def read_operators(path: Path) -> dict[str, Operator]:
    """Return the operators by name; a project without the file has none.

    Raises:
        ConfigError: the file is not what this tool writes, or two entries could be one person.
    """
    return dict(_operators_in(read_text(path), path)) if path.exists() else {}


@lru_cache(maxsize=4)  # the file is read for every decision and page, and changes once in a while
def _operators_in(text: str, path: Path) -> dict[str, Operator]:
    file, problems = validated(OperatorsFile, as_document(text, path.name))
    if file is None or problems:
        refuse(path, problems)
    operators = {
        name: Operator(
            name=name,
            key=entry.key,
            roles=entry.roles,
            principals=entry.principals,
            revoked=entry.revoked,
            login=Identity(issuer=entry.login.issuer, subject=entry.login.subject) if entry.login else None,
        )
        for name, entry in file.operators.items()
    }
    check_operators(operators)
    return operators


def with_codes(
    operators: dict[str, Operator], codes: Path | None, group: str | int | None = None
) -> dict[str, Operator]:
    """Return the operators with the secrets of their one-time codes, as far as the project keeps any; `group` is as for `read_codes`.

    Raises:
        ConfigError: the file is not what this tool writes, or others can read it.
    """
    kept = read_codes(codes, group) if codes is not None else {}
    return {name: replace(one, code_secret=kept.get(name)) for name, one in operators.items()}


def read_codes(path: Path, group: str | int | None = None) -> dict[str, bytes]:
    """Return the secret of each operator's one-time codes; a project without the file has none yet.

    Where a `group` shares it, its users may read it, and root writes it.

    Raises:
        ConfigError: the file is not what this tool writes, or others can read it.
    """
    if not path.exists():
        return {}
    number = group_number(group) if group is not None else None
    if trouble := private_file_trouble(path.stat(), group=number):
        raise ConfigError(f"{path.name} cannot be used: {trouble}.", fix=kept_so(path, group))
    file, problems = validated(CodesFile, read_yaml(path))
    if file is None or problems:
        refuse(path, problems)
    return {name: base64.b32decode(secret) for name, secret in file.codes.items()}


def kept_so(path: Path, group: str | int | None) -> str:
    """Return how a file of one-time codes is made what it must be."""
    if group is None:
        return f"Keep it private: chmod 600 {path}"
    return f"As root: chown root:{group} {path} && chmod 640 {path}"


def check_operators(operators: dict[str, Operator]) -> None:
    """Refuse keys that are none, entries by which nobody can be known, and entries that could be one person.

    Raises:
        ConfigError: with the names concerned.
    """
    check_keys_alone(operators)
    for one in operators.values():
        if one.key is None and one.login is None:
            raise ConfigError(
                f"{one.name} has neither a key nor a login.", fix="Add the operator with `synapsor operator add`."
            )
        if one.key is not None and not is_public_key(one.key):
            raise ConfigError(
                f"The key of {one.name} is not an Ed25519 public key.",
                fix="Add the operator with `synapsor operator add`.",
            )
    check_people(operators)


def check_keys_alone(operators: dict[str, Operator]) -> None:
    """Refuse a key that is no person's and is anything else beside: a policy's, or a voucher's for logins.

    Raises:
        ConfigError: with its name.
    """
    for one in operators.values():
        alone = NO_PERSON.intersection(one.roles)
        if alone and (len(one.roles) > 1 or one.principals or one.login or one.key is None):
            raise ConfigError(
                f"{one.name} has the role {min(alone)} and something else.",
                fix="Give such a key an entry of its own: it is no person.",
            )


def check_people(operators: dict[str, Operator]) -> None:
    """Refuse two entries that have one key, two trusted ones that could be one person, and one that follows a revoked one under fewer names.

    Raises:
        ConfigError: with their names.
    """
    for one, other in combinations(operators.values(), 2):
        if one.key is not None and one.key == other.key:
            raise ConfigError(
                f"{one.name} and {other.name} have the same key.", fix="Give every person a key of their own."
            )
        if not any(same_person(a, b) for a in one.names() for b in other.names()):
            continue
        if not (one.revoked or other.revoked):
            raise ConfigError(
                f"{one.name} and {other.name} could be the same person.",
                fix="Give one person one entry, with all their principals.",
            )
        if one.revoked != other.revoked:
            _check_follows(*((other, one) if one.revoked else (one, other)))


def _check_follows(new: Operator, old: Operator) -> None:
    """Check that whoever comes after a revoked entry of theirs is all that it was: they would else decide on requests of their own."""
    lacking = [name for name in old.names() if not any(same_person(name, known) for known in new.names())]
    if lacking:
        raise ConfigError(
            f"{new.name} could be {old.name}, who is revoked, and does not go by all of the same names.",
            fix=f"Give it those too: {' '.join(f'--principal {shlex.quote(name)}' for name in lacking)}.",
        )
