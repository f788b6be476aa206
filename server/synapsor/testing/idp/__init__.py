"""An identity provider for tests: a real HTTPS server on this machine whose people log in without a password, and which misbehaves on request."""

from synapsor.testing.idp.keys import IdpKey, algorithm_of, forged, new_key
from synapsor.testing.idp.provider import Break, FakeIdp, IdpClient, Login
from synapsor.testing.idp.server import Certificate, serve_idp

__all__ = [
    "Break",
    "Certificate",
    "FakeIdp",
    "IdpClient",
    "IdpKey",
    "Login",
    "algorithm_of",
    "forged",
    "new_key",
    "serve_idp",
]
