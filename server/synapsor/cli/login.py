"""`synapsor login`: a person's own key signs that the session of a console may speak for them for a while.

The page shows a code, the person types it here, and the key never leaves this process. The console is asked for its challenge with GET
/login/challenge/CODE and told the signed login with POST /login/key.
"""

from __future__ import annotations

import datetime as dt
import json
from argparse import Namespace
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationError

from synapsor.cli.signer import signer
from synapsor.cli.terminal import answer, ask, interrupt_at_once, note, paragraph
from synapsor.config import load_config
from synapsor.config.fields import Strict
from synapsor.core.login import LASTS_AT_MOST
from synapsor.core.plain import visible
from synapsor.core.records import to_body
from synapsor.core.signatures import is_public_key
from synapsor.core.statements import SignedLogin
from synapsor.errors import UsageError
from synapsor.flow.signing import SessionKey, signed_login
from synapsor.operators import read_operators
from synapsor.ports import SystemClock

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SECONDS = 10.0
_AGAIN = "Look at the address and the code; a code is good for some minutes and once. Open its login page again."
_CLOCKS = "Set the clocks of both machines right, and open its login page again."
_MOST_BYTES = 65_536


class Challenge(Strict):
    """What a console asks to be signed.

    Attributes:
        session: the session's public key; its private half is in the console's memory alone.
        lasts_s: seconds for which it asks.
    """

    ledger: str = Field(max_length=64)
    session: str = Field(max_length=64)
    client: str = Field(max_length=200)
    lasts_s: int = Field(ge=60, le=int(LASTS_AT_MOST.total_seconds()))


def run(arguments: Namespace) -> int:
    """Sign the login, hand it over and return 0."""
    interrupt_at_once()
    base = _checked(arguments.url)
    challenge = _challenge(base, arguments.challenge)
    config = load_config(arguments.config)
    compared = _check_ledger(config.ledger, challenge.ledger)
    operator, unlock = signer(arguments, read_operators(config.operators), roles=())
    lasts = dt.timedelta(seconds=challenge.lasts_s)
    hours = f"{challenge.lasts_s / 3600:.3g} hours"
    if not arguments.yes:
        note(
            f"What answers at {visible(base)} asks to speak for {operator.name} as {', '.join(operator.roles)}, for {hours}, in the ledger "
            f"{visible(challenge.ledger)}, {compared}. It calls itself: {visible(challenge.client)}"
        )
        if ask("Type yes to let it:", otherwise="Run again with --yes.").lower() != "yes":
            raise UsageError("Nothing was signed.", fix="Run it again when you want to log in.")
    signed = signed_login(
        operator,
        unlock(),
        SessionKey(key=challenge.session, ledger=challenge.ledger, client=challenge.client, lasts=lasts),
        now=SystemClock().now(),
    )
    _hand_over(base, arguments.challenge, signed)
    document = {"operator": operator.name, "expires_at": signed.login.expires_at, "client": challenge.client}
    answer(
        arguments, "login", document, paragraph(f"The page is logged in as {operator.name}, for {hours} at the most.")
    )
    return 0


def _check_ledger(path: Path, asked: str) -> str:
    """Check that a login is asked for the project's own ledger, where it is here; return in words whether it was."""
    from synapsor.ledger.chronicle import ledger_id

    own = ledger_id(path)
    if own is None:
        return "which this project has not here to compare"
    if own != asked:
        raise UsageError(
            "The page asks for a login to another ledger than this project's; nothing was signed.",
            fix="Look at the address, and run this in the project that the console serves.",
        )
    return "which is this project's own"


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise UsageError("A console on another machine is reached by https alone.", fix="Write https://…")
    if parts.username or parts.password or not parts.hostname:
        raise UsageError("This is no address of a console.", fix="Copy the one that the page shows.")
    return f"{parts.scheme}://{parts.netloc}"


def _challenge(base: str, code: str) -> Challenge:
    answered = _asked("GET", f"{base}/login/challenge/{code.strip().upper()}", None)
    try:
        challenge = Challenge.model_validate(answered)
    except ValidationError:
        raise UsageError("What answers there is no console of this version.", fix="Look at the address.") from None
    if not is_public_key(challenge.session):
        raise UsageError("What answers there is no console of this version.", fix="Look at the address.")
    return challenge


def _hand_over(base: str, code: str, signed: SignedLogin) -> None:
    body = {"code": code.strip().upper(), "login": to_body(signed.login), "signature": signed.signature}
    _asked("POST", f"{base}/login/key", body)


def _asked(method: str, url: str, body: dict[str, Any] | None) -> Any:
    import httpx2

    trouble, rule = "", ""
    try:
        # No proxy of the environment: what is signed goes to the address that was typed.
        with httpx2.Client(trust_env=False, follow_redirects=False, timeout=_SECONDS) as client:
            answered = client.request(method, url, json=body)
            if answered.status_code == HTTPStatus.OK and len(answered.content) <= _MOST_BYTES:
                return answered.json()
            rule = _rule(answered.content)
            trouble = _words(rule) or f"it answered {answered.status_code}"
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        trouble = type(error).__name__
    raise UsageError(f"The console did not take it: {trouble}.", fix=_CLOCKS if rule == "login_to_come" else _AGAIN)


def _rule(content: bytes) -> str:
    """Return by which rule a console says that it refused; "" where it names none."""
    try:
        told = json.loads(content) if len(content) <= _MOST_BYTES else None
    except ValueError:
        return ""
    rule = told.get("error") if isinstance(told, dict) else None
    return rule if isinstance(rule, str) else ""


def _words(rule: str) -> str:
    """Return a rule in our own words: of what answers there nothing is repeated."""
    from synapsor.approve.refused_words import words_of

    return words_of(rule).rstrip(".")
