"""The console's way in: who could overhear it, who may speak for whom, and whether the links that people are given lead there."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from synapsor.approve.console.way import Way, way_of
from synapsor.config import Config
from synapsor.config.console import ConsoleTls
from synapsor.core.facts import Finding
from synapsor.errors import ConfigError


def of_console(config: Config) -> Iterator[Finding]:
    """Yield what is wrong with how the console is reached."""
    console = config.console
    try:
        way = way_of(console, None)
    except ConfigError as wrong:
        yield Finding(rule="console_way", message=wrong.message, fix=wrong.fix)
        return
    if console.development_identity is not None:
        message = "Anybody who reaches the console may look around without a login: `development_identity` is set."
        yield Finding(rule="console_unverified", message=message, fix="Remove it where others work.", fatal=False)
    for network in console.proxy.trusted if console.proxy is not None else ():
        if ipaddress.ip_network(network).prefixlen == 0:
            message = f"The console takes {network} for its proxy, so that anybody may speak for one, in clear."
            yield Finding(rule="proxy_anybody", message=message, fix="Name the proxy's own address under `trusted:`.")
    if console.tls is not None:
        yield from _certificate(console.tls)
    yield from _names(config, way)


def _certificate(tls: ConsoleTls) -> Iterator[Finding]:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key, password="")
    except (FileNotFoundError, PermissionError):
        return  # told beside the other keys, or kept from this user
    except (OSError, ssl.SSLError, ValueError):
        message = "The console's certificate cannot be used, or its key is of another one or has a passphrase."
        yield Finding(rule="console_certificate", message=message, fix="Look at both files under `console: {tls: …}`.")


def _names(config: Config, way: Way) -> Iterator[Finding]:
    """Yield the addresses that lead people to a name that the console does not answer to, or in clear to where it does not speak so."""
    redirect = config.oidc.redirect_uri if config.oidc is not None else None
    for url, key in ((config.console_url, "console_url"), (redirect, "oidc: {redirect_uri}")):
        parts = urlsplit(url or "")
        if url is None or parts.hostname is None:
            continue
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        if host not in way.hosts:
            message = f"`{key}` leads to {host}, and the console answers to no request for that name."
            fix = "List the name in `console: {hosts: …}`, or write the console's own address."
            yield Finding(rule="console_name", message=message, fix=fix)
        elif parts.scheme != way.scheme:
            message = f"`{key}` is an {parts.scheme} address, and the console is reached by {way.scheme}."
            yield Finding(rule="console_scheme", message=message, fix=f"Write it with {way.scheme}://.")
