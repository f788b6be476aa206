"""The secret that jobs are signed with: one that nobody guesses."""

from __future__ import annotations

from synapsor.errors import ConfigError
from synapsor.handler.wire import LEAST_SECRET
from synapsor.secrets import Secret


def proper(name: str, secret: Secret) -> Secret:
    """Return a signing secret that cannot be guessed.

    Raises:
        ConfigError: it is too short.
    """
    if len(secret.reveal()) < LEAST_SECRET:
        raise ConfigError(
            f"The secret of executor {name} is shorter than {LEAST_SECRET} characters.",
            fix="Make one with: openssl rand -base64 32",
        )
    return secret
