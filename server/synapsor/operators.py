"""The people whose public keys this project trusts, read strictly from `operators.yaml`.

One key is one name and one person is one name. Reading them is all that serving and applying need; `approve.operators` writes them.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from synapsor.config import FormatVersion, read_yaml, refuse, validated
from synapsor.contract.approvals import POLICY_SIGNER
from synapsor.contract.base import Name
from synapsor.contract.document import hidden
from synapsor.core.review import Operator, same_person
from synapsor.core.signatures import is_public_key
from synapsor.errors import ConfigError

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


class OperatorsFile(BaseModel):
    """What `operators.yaml` holds."""

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
    file, problems = validated(OperatorsFile, read_yaml(path))
    if file is None or problems:
        refuse(path, problems)
    operators = {
        name: Operator(name=name, key=entry.key, roles=entry.roles, principals=entry.principals, revoked=entry.revoked)
        for name, entry in file.operators.items()
    }
    check_operators(operators)
    return operators


def check_operators(operators: dict[str, Operator]) -> None:
    """Refuse keys that are none, and entries that could be one person.

    Raises:
        ConfigError: with the names concerned.
    """
    check_policy_keys(operators)
    for one in operators.values():
        if not is_public_key(one.key):
            raise ConfigError(
                f"The key of {one.name} is not an Ed25519 public key.",
                fix="Add the operator with `synapsor operator add`.",
            )
    check_people(operators)


def check_policy_keys(operators: dict[str, Operator]) -> None:
    """Refuse a policy's key that is anything else beside.

    Raises:
        ConfigError: with its name.
    """
    for one in operators.values():
        if POLICY_SIGNER in one.roles and (len(one.roles) > 1 or one.principals):
            raise ConfigError(
                f"{one.name} has the role {POLICY_SIGNER} and something else.",
                fix="Give a policy's key an entry of its own: it is no person.",
            )


def check_people(operators: dict[str, Operator]) -> None:
    """Refuse two trusted entries that have one key or could be one person.

    Raises:
        ConfigError: with their names.
    """
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
