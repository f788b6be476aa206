"""From whom a provider vouches for to an operator of this project: the file says what they may do, and a token can only take away from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from synapsor.approve.identity.oidc.claims import Vouched
from synapsor.approve.identity.oidc.refusals import Rule, refused
from synapsor.core.statements import Operator


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who speaks, and in which of their roles."""

    operator: Operator
    roles: tuple[str, ...]


def speaker(vouched: Vouched, operators: Mapping[str, Operator]) -> Speaker:
    """Return the operator who logs in as this person, with the roles that both the file and the token give them.

    Raises:
        LoginRefused: nobody does, the one who did is revoked, or no role is left.
    """
    subject = vouched.identity.subject
    known = [one for one in operators.values() if one.login == vouched.identity]
    if not known:
        raise refused(Rule.PERSON_UNKNOWN, subject=subject)
    # A revoked entry may be followed by a new one of the same person; two that are trusted, the file cannot have.
    trusted = [one for one in known if not one.revoked]
    if len(trusted) != 1:
        raise refused(Rule.PERSON_REVOKED, subject=subject)
    roles = tuple(role for role in trusted[0].roles if vouched.roles is None or role in vouched.roles)
    if not roles:
        raise refused(Rule.ROLES_MISSING, subject=subject)
    return Speaker(operator=trusted[0], roles=roles)
