"""Who decides at this terminal: a trusted operator together with the private key that proves it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection, Mapping

from synapsor.approve.identity.keys import Unlock, default_path, load_key, locked_key
from synapsor.contract.approvals import NO_PERSON
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from synapsor.errors import DecisionRefused, UsageError
from synapsor.refusals import Rule


def named(arguments: Namespace, operators: Mapping[str, Operator], *, roles: Collection[str]) -> Operator | None:
    """Return whom --operator names, or the one whose key this user has; None when only the key itself can tell.

    Of several keys that this user has, the only one whose operator has one of the roles is meant. A key that is no person's never is.

    Raises:
        UsageError: nobody, or more than one, could be meant.
    """
    if not operators:
        raise UsageError(
            "Nobody is trusted in this project yet.",
            fix=f"Begin with `synapsor operator add NAME --role {min(roles, default='ROLE')}`.",
        )
    if arguments.operator:
        operator = operators.get(arguments.operator)
        if operator is None:
            raise UsageError("There is no such operator.", fix="See `synapsor operator list`.")
        return operator
    if arguments.key:
        return None
    people = [o for o in operators.values() if not o.revoked and NO_PERSON.isdisjoint(o.roles)]
    mine = [o for o in people if default_path(o.name).is_file()]
    meant = mine if len(mine) == 1 else [o for o in mine if not set(roles).isdisjoint(o.roles)]
    if len(meant) != 1:
        raise UsageError(
            f"Several keys are here, and it is not clear who you are: {' or '.join(o.name for o in meant or mine)}."
            if mine
            else "You have no operator's key here.",
            fix="Say it with --operator NAME, and --key FILE if needed.",
        )
    return meant[0]


def signer(
    arguments: Namespace, operators: Mapping[str, Operator], *, roles: Collection[str]
) -> tuple[Operator, Unlock]:
    """Return the operator and what unlocks their key, as named by --operator and --key, or found by the key that this user has.

    Unlocking may ask for a passphrase and comes last, so that nobody types one for what is refused afterwards. Where --key alone
    tells who somebody is, it is unlocked here.

    Raises:
        UsageError: nobody, or more than one, could be meant.
        DecisionRefused: the key belongs to nobody who is trusted here.
    """
    operator = named(arguments, operators, roles=roles)
    if operator is not None:
        return operator, locked_key(arguments.key or default_path(operator.name))
    key = load_key(arguments.key)
    found = next((o for o in operators.values() if o.key == public_text(key)), None)
    if found is None:
        raise DecisionRefused(
            Rule.UNKNOWN_KEY,
            "This key is nobody's who is trusted here.",
            fix="Add it with `synapsor operator add`.",
        )
    return found, lambda: key
