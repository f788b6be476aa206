"""What the provider for tests knows and answers: its people, keys, codes and tokens. `server` puts it on the network."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any
from urllib.parse import unquote_plus

from synapsor.ports import Clock, SystemClock
from synapsor.testing.idp.keys import IdpKey, algorithm_of, forged, new_key

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/keys"
AUTHORIZE = "/authorize"
TOKEN = "/token"  # noqa: S105  # a path

Claims = dict[str, Any]


class Break(StrEnum):
    """How a page of the provider can misbehave."""

    GARBAGE = auto()
    HUGE = auto()
    REDIRECT = auto()
    ERROR = auto()
    SILENT = auto()
    DRIBBLE = auto()
    COMPRESSED = auto()
    CALLED_COMPRESSED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class IdpClient:
    """A client that the provider knows; one without a secret is public."""

    id: str
    redirects: tuple[str, ...]
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What a code stands for."""

    client: str
    redirect: str
    challenge: str
    nonce: str
    person: str
    authenticated_at: int


class Rejected(Exception):
    """The provider refuses a request, by an OAuth error code."""


@dataclass(slots=True, kw_only=True)
class FakeIdp:
    """The provider. Everything may be changed while it runs.

    Attributes:
        people: subjects, with the claims of each.
        broken: pages that misbehave.
        tell, show: change what the provider says of itself, and its key set.
        claim, head: change the claims and the header of the next tokens of logins.
        instead: if set, the token of every login is this one.
        names_itself: it says in every answer whose it is.
        ignores_prompt_for_s: how long ago everybody is said to have proven who they are, whatever is asked; None for now.
        visits: how often each page was asked for.
    """

    issuer: str = ""
    clients: dict[str, IdpClient] = field(default_factory=dict)
    people: dict[str, Claims] = field(default_factory=dict)
    keys: list[IdpKey] = field(default_factory=lambda: [new_key("first")])
    clock: Clock = field(default_factory=SystemClock)
    broken: dict[str, Break] = field(default_factory=dict)
    tell: Callable[[Claims], Claims] = lambda said: said
    show: Callable[[Claims], Claims] = lambda said: said
    claim: Callable[[Claims], Claims] = lambda said: said
    head: Callable[[Claims], Claims] = lambda said: said
    instead: str | None = None
    names_itself: bool = True
    ignores_prompt_for_s: int | None = None
    lifetime_s: int = 300
    visits: Counter[str] = field(default_factory=Counter)
    codes: dict[str, Login] = field(default_factory=dict)

    def now(self) -> int:
        """Return the time in seconds."""
        return int(self.clock.now().timestamp())

    def rotate(self, key: IdpKey | None = None, *, keep: bool = True) -> IdpKey:
        """Sign with a new key from now on, and keep the others for what they signed, or take them away."""
        made = key or new_key(f"key-{secrets.token_hex(4)}")
        self.keys = [made, *self.keys] if keep else [made]
        return made

    def discovery(self) -> Claims:
        """Return what the provider says of itself."""
        said: Claims = {
            "issuer": self.issuer,
            "authorization_endpoint": self.issuer + AUTHORIZE,
            "token_endpoint": self.issuer + TOKEN,
            "jwks_uri": self.issuer + JWKS,
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        }
        if self.names_itself:
            said["authorization_response_iss_parameter_supported"] = True
        return self.tell(said)

    def key_set(self) -> Claims:
        """Return the public keys."""
        return self.show({"keys": [key.jwk for key in self.keys]})

    def ask(self, query: Mapping[str, str]) -> IdpClient:
        """Return the client of a request to log somebody in.

        Raises:
            Rejected: it is no request that may be answered, and not by sending the browser anywhere.
        """
        client = self.clients.get(query.get("client_id", ""))
        if client is None or query.get("redirect_uri") not in client.redirects:
            raise Rejected("invalid_client")
        if query.get("response_type") != "code" or "openid" not in query.get("scope", "").split():
            raise Rejected("invalid_request")
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            raise Rejected("invalid_request")
        return client

    def consent(self, query: Mapping[str, str], person: str) -> dict[str, str]:
        """Log somebody in, and return what the browser takes back."""
        self.ask(query)
        if person not in self.people:
            return self._answer({"error": "access_denied", "state": query.get("state", "")})
        ago = self.ignores_prompt_for_s or 0
        code = secrets.token_urlsafe(24)
        self.codes[code] = Login(
            client=query["client_id"],
            redirect=query["redirect_uri"],
            challenge=query["code_challenge"],
            nonce=query.get("nonce", ""),
            person=person,
            authenticated_at=self.now() - ago,
        )
        return self._answer({"code": code, "state": query.get("state", "")})

    def exchange(self, form: Mapping[str, str], authorization: str) -> Claims:
        """Take a code back, once, from the client that it was given to.

        Raises:
            Rejected: it is not that.
        """
        client = self._client(form, authorization)
        login = self.codes.pop(form.get("code", ""), None)
        if form.get("grant_type") != "authorization_code" or login is None:
            raise Rejected("invalid_grant")
        if (login.client, login.redirect) != (client.id, form.get("redirect_uri")):
            raise Rejected("invalid_grant")
        if not hmac.compare_digest(_challenge(form.get("code_verifier", "")), login.challenge):
            raise Rejected("invalid_grant")
        token = self.instead or self.token(
            login.person, audience=client.id, nonce=login.nonce, auth_time=login.authenticated_at
        )
        return {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 300, "id_token": token}

    def claims(self, person: str, *, audience: str | list[str], **more: Any) -> Claims:
        """Return the claims of a token about a person; one that is given as None is left out."""
        now = self.now()
        own = {"iss": self.issuer, "sub": person, "aud": audience, "iat": now, "exp": now + self.lifetime_s}
        return {
            name: value for name, value in {**own, **self.people.get(person, {}), **more}.items() if value is not None
        }

    def token(self, person: str, *, audience: str | list[str], **more: Any) -> str:
        """Return a token about a person, signed with the newest key."""
        key = self.keys[0]
        algorithm = algorithm_of(key)
        header = self.head({"alg": algorithm, "kid": key.kid, "typ": "JWT"})
        claims = self.claim(self.claims(person, audience=audience, **more))
        return forged(header, claims, key=key.private, algorithm=algorithm)

    def _answer(self, said: dict[str, str]) -> dict[str, str]:
        return {**said, "iss": self.issuer} if self.names_itself else said

    def _client(self, form: Mapping[str, str], authorization: str) -> IdpClient:
        from_header = _basic(authorization)
        name, secret = from_header or (form.get("client_id", ""), form.get("client_secret", ""))
        client = self.clients.get(name)
        if client is None or not hmac.compare_digest((client.secret or "").encode(), secret.encode()):
            raise Rejected("invalid_client")
        way = "client_secret_basic" if from_header else "client_secret_post" if secret else "none"
        taken = self.discovery().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if client.secret is not None and way not in taken:
            raise Rejected("invalid_client")
        return client


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    name, _, secret = base64.b64decode(given).decode().partition(":")
    return unquote_plus(name), unquote_plus(secret)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
