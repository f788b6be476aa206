"""Who is trusted with a role now, by name or by key, and the keys of programs: each is trusted with one thing, and is no person's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator


def has_role(operator: Operator, role: str) -> bool:
    """Tell whether an entry is trusted with a role: a revoked one is with none."""
    return not operator.revoked and role in operator.roles


def trusted(operators: Mapping[str, Operator], name: str, role: str) -> Operator | None:
    """Return who of this name is trusted with a role, or None."""
    known = operators.get(name)
    return known if known is not None and has_role(known, role) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramKey:
    """A program's private key, and the entry of `operators.yaml` that trusted it when it was read: a worker's for what policies approve, a
    console's for who logged in, an approval server's for whose code it saw.
    """

    operator: Operator
    key: Ed25519PrivateKey = field(repr=False)

    def is_trusted(self, operators: Mapping[str, Operator], role: str) -> bool:
        """Tell whether the project trusts the key with a role, as its operators stand now."""
        known = trusted(operators, self.operator.name, role)
        return known is not None and known.key == public_text(self.key)


def program_key(key: Ed25519PrivateKey, operators: Mapping[str, Operator], role: str) -> ProgramKey | None:
    """Return a key with the entry that trusts it with a role, or None where none does."""
    found = (o for o in operators.values() if o.key == public_text(key) and has_role(o, role))
    operator = next(found, None)
    return ProgramKey(operator=operator, key=key) if operator is not None else None
