"""Logging in with the provider: authorization code flow with PKCE (RFC 7636), state, nonce, and the provider's name (RFC 9207).

The browser carries a code and nothing else; the token comes from the provider itself, is judged, and is not kept.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

import httpx2

from synapsor.approve.identity.oidc import claims, pending
from synapsor.approve.identity.oidc.claims import Expected, Vouched
from synapsor.approve.identity.oidc.fetch import Answer, Fetcher
from synapsor.approve.identity.oidc.metadata import Metadata
from synapsor.approve.identity.oidc.pending import Answered, Pending, Pendings
from synapsor.approve.identity.oidc.provider import Provider
from synapsor.approve.identity.oidc.refusals import Rule, refused
from synapsor.approve.identity.oidc.strict import Unreadable, json_object
from synapsor.approve.identity.oidc.tokens import LOGIN_TYPES, claims_of
from synapsor.config import OidcConfig
from synapsor.config.oidc import address_trouble
from synapsor.errors import ConfigError
from synapsor.ports import Clock
from synapsor.secrets import resolve

_PARAMETERS = frozenset(
    {"code", "state", "iss", "error", "error_description", "error_uri", "session_state", "response"}
)
_CODE = re.compile(r"[\x20-\x7e]{1,4096}")
_BACK = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@%?-][A-Za-z0-9._~!$&'()*+,;=:@%?/-]*)?")
_MAX_BACK = 500


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the browser, what it is to carry in a cookie until it is back, and the state with which it comes back."""

    url: str
    sealed: str = field(repr=False)
    state: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Arrived:
    """Who logged in, and where they wanted to go."""

    vouched: Vouched
    back: str


class OidcLogin:
    """Logins of one console.

    Args:
        redirect_uri: the console's own address that answers come to; the provider knows it, and compares it whole.

    Raises:
        ConfigError: it is not an address that answers may come to.
    """

    def __init__(
        self, config: OidcConfig, provider: Provider, fetcher: Fetcher, *, clock: Clock, redirect_uri: str
    ) -> None:
        if address_trouble(redirect_uri) or urlsplit(redirect_uri).query:
            raise ConfigError(
                "Logins cannot come back to the console's address.",
                fix="Serve it over https, or on a loopback address.",
            )
        self._config = config
        self._provider = provider
        self._fetcher = fetcher
        self._clock = clock
        self._redirect = redirect_uri
        self._seal = Pendings()
        self._answered = Answered()
        self._expected = Expected(
            issuer=config.issuer,
            audience=config.client_id,
            client=config.client_id,
            leeway_s=config.leeway_s,
            max_lifetime_s=config.max_lifetime_s,
            roles_claim=config.roles_claim,
        )

    @property
    def issuer(self) -> str:
        """Whose logins they are."""
        return self._config.issuer

    @property
    def redirect_uri(self) -> str:
        """The address that answers come to."""
        return self._redirect

    async def begin(self, *, session: str, back: str = "/") -> Begun:
        """Begin a login for a session.

        Raises:
            LoginRefused: the provider fails.
        """
        metadata = await self._provider.metadata()
        begun = pending.begin(
            session=session,
            back=local_page(back),
            max_age_s=self._config.max_age_s,
            now=self._now(),
        )
        parts = urlsplit(metadata.authorization)
        query = "&".join(filter(None, (parts.query, urlencode(self._asked(begun)))))
        return Begun(parts._replace(query=query).geturl(), self._seal.close(begun), begun.state)

    async def finish(self, answer: Iterable[tuple[str, str]], sealed: str | None, *, session: str) -> Arrived:
        """Take what the browser brought back from the provider, once.

        Raises:
            LoginRefused: by its rule; the login has to be begun again.
        """
        begun = self._seal.open(sealed)
        if not hmac.compare_digest(begun.session.encode(), session.encode()):
            raise refused(Rule.SESSION_WRONG)
        given = _parameters(answer)
        if not hmac.compare_digest(given.get("state", "").encode(), begun.state.encode()):
            raise refused(Rule.STATE_WRONG)
        self._answered.take(begun, now=self._now())
        try:
            return await self._arrived(given, begun)
        except BaseException:
            self._answered.give_back(begun)
            raise

    async def _arrived(self, given: dict[str, str], begun: Pending) -> Arrived:
        metadata = await self._provider.metadata()
        code = _code(given, metadata)
        vouched = await self._vouched(await self._exchange(code, begun, metadata), begun)
        return Arrived(vouched, begun.back)

    def _asked(self, begun: Pending) -> dict[str, str]:
        asked = {
            "response_type": "code",
            "client_id": self._config.client_id,
            "redirect_uri": self._redirect,
            "scope": " ".join(self._config.scopes),
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": _challenge(begun.verifier),
            "code_challenge_method": "S256",
        }
        if begun.max_age_s is not None:
            # It also makes the provider say when the person proved who they are.
            asked["max_age"] = str(begun.max_age_s)
        return {**asked, "prompt": "login"} if begun.max_age_s == 0 else asked

    async def _exchange(self, code: str, begun: Pending, metadata: Metadata) -> str:
        """Give the code to the provider, and return the token of the login."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "code_verifier": begun.verifier,
        }
        headers: dict[str, str] = {}
        secret = self._config.client_secret
        if secret is None or metadata.secret_in_form:
            form["client_id"] = self._config.client_id
        if secret is not None and metadata.secret_in_form:
            form["client_secret"] = resolve(secret).reveal()
        elif secret is not None:
            headers["Authorization"] = _basic(self._config.client_id, resolve(secret).reveal())
        return _id_token(await self._fetcher.post(metadata.token, form, headers))

    async def _vouched(self, token: str, begun: Pending) -> Vouched:
        found = await claims_of(token, self._provider, algorithms=self._config.algorithms, types=LOGIN_TYPES)
        since = None if begun.max_age_s is None else begun.begun - begun.max_age_s
        return claims.of_login(found, self._expected, nonce=begun.nonce, now=self._now(), since=since)

    def _now(self) -> float:
        return self._clock.now().timestamp()


def local_page(back: str) -> str:
    """Return a page of the console that was asked for, or its first one where that could lead anywhere else."""
    return back if len(back) <= _MAX_BACK and _BACK.fullmatch(back) else "/"


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _basic(client: str, secret: str) -> str:
    pair = f"{quote(client, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _parameters(answer: Iterable[tuple[str, str]]) -> dict[str, str]:
    pairs = [(name, value) for name, value in answer if name in _PARAMETERS]
    found = dict(pairs)
    if len(found) != len(pairs):
        raise refused(Rule.ANSWER_MALFORMED)
    return found


def _code(given: dict[str, str], metadata: Metadata) -> str:
    """Return the code of an answer, once it is clear whose answer it is."""
    if given.get("iss", metadata.issuer) != metadata.issuer or (metadata.names_itself and "iss" not in given):
        raise refused(Rule.ANSWER_ISSUER)
    if "error" in given:
        raise refused(Rule.ANSWER_REFUSED)
    code = given.get("code", "")
    if "response" in given or not _CODE.fullmatch(code):
        raise refused(Rule.ANSWER_MALFORMED)
    return code


def _id_token(answer: Answer) -> str:
    if answer.status != httpx2.codes.OK:
        raise refused(Rule.CODE_REFUSED)
    try:
        found = json_object(answer.body)
    except Unreadable:
        raise refused(Rule.PROVIDER_MALFORMED) from None
    token, kind = found.get("id_token"), found.get("token_type")
    if not isinstance(token, str) or not isinstance(kind, str) or kind.lower() != "bearer":
        raise refused(Rule.CODE_REFUSED)
    return token
