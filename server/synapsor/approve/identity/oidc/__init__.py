"""Operators who log in with an OpenID Connect provider; this is its one door.

A token says who a person is and never what they may decide: that is in `operators.yaml`, and a token can only take away from it.
"""

from synapsor.approve.identity.oidc.bearer import BearerVerifier
from synapsor.approve.identity.oidc.claims import Vouched
from synapsor.approve.identity.oidc.fetch import Fetcher
from synapsor.approve.identity.oidc.login import Arrived, Begun, OidcLogin
from synapsor.approve.identity.oidc.people import Speaker, speaker
from synapsor.approve.identity.oidc.provider import Provider
from synapsor.approve.identity.oidc.refusals import MEANINGS, Rule, fails

__all__ = [
    "MEANINGS",
    "Arrived",
    "BearerVerifier",
    "Begun",
    "Fetcher",
    "OidcLogin",
    "Provider",
    "Rule",
    "Speaker",
    "Vouched",
    "fails",
    "speaker",
]
