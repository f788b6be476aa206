"""Who acts in a visit: the session's key in its person's name, as that person is trusted now and not as they were when they logged in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from synapsor.approve.console.visit import Visit
from synapsor.core.statements import Operator
from synapsor.errors import DecisionRefused
from synapsor.flow.signing import Signer
from synapsor.refusals import Rule


def signer_of(visit: Visit, operators: Mapping[str, Operator]) -> Signer:
    """Return what signs for the person who visits, with the one-time code that they sent.

    Raises:
        DecisionRefused: by rule `unverified` or `login_invalid`.
    """
    if visit.session.signer is None:
        raise DecisionRefused(Rule.UNVERIFIED, "Nobody has proven who you are.", fix="Log in with your key.")
    person = operators.get(visit.session.name)
    if person is None:
        raise DecisionRefused(Rule.LOGIN_INVALID, "You are not trusted here any more.", fix="Log in again.")
    return replace(visit.session.signer, operator=person, code=visit.sent("code").strip())
