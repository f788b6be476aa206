"""The files that decide: whoever can read one of them can do what its process does, so each is its owner's alone."""

from __future__ import annotations

from collections.abc import Iterator

from synapsor.config import Config
from synapsor.core.facts import Finding
from synapsor.examine.secrets import private


def of_keys(config: Config) -> Iterator[Finding]:
    """Yield what speaks against the files of keys and codes that the project names."""
    tls = config.console.tls
    if config.one_time_codes is not None:
        made = "Have it made with `synapsor operator codes NAME`."
        yield from private(config.one_time_codes, "file of one-time codes", made=made, group=config.codes_group)
    for path, what in (
        (config.voucher_key, "console's voucher key"),
        (config.policy_key, "worker's policy key"),
        (tls.key if tls is not None else None, "private key of the console's certificate"),
    ):
        if path is not None:
            yield from private(path, what)
