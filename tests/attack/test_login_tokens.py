"""Tokens that are not what they say (case E16): each is refused by its own rule, as a login's token and as a bearer's."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from synapsor.testing.idp import FakeIdp, IdpKey, forged, new_key
from tests.identities import APPROVALS, CLIENT, LEO, SERVE, Identities, identities, rule_of

Make = Callable[[FakeIdp, dict[str, Any]], str]
"""Makes a token of a provider's, from the claims that would do."""


def _header(idp: FakeIdp, **more: Any) -> dict[str, Any]:
    head = {"alg": "ES256", "kid": idp.keys[0].kid, "typ": "JWT", **more}
    return {name: value for name, value in head.items() if value is not None}


def head(**more: Any) -> Make:
    """Change the header and sign it well."""
    return lambda idp, good: forged(_header(idp, **more), good, key=idp.keys[0].private, algorithm="ES256")


def claim(**more: Any) -> Make:
    """Change claims, or leave out those that are None, and sign well."""

    def make(idp: FakeIdp, good: dict[str, Any]) -> str:
        claims = {name: value for name, value in {**good, **more}.items() if value is not None}
        return forged(_header(idp), claims, key=idp.keys[0].private, algorithm="ES256")

    return make


def at(**more: float) -> Make:
    """Move claims to so many seconds from now."""
    return lambda idp, good: claim(**{name: idp.now() + seconds for name, seconds in more.items()})(idp, good)


def raw(payload: bytes) -> Make:
    return lambda idp, _: forged(_header(idp), payload, key=idp.keys[0].private, algorithm="ES256")


def text(change: Callable[[str], str]) -> Make:
    """Change a good token's own text."""
    return lambda idp, good: change(head()(idp, good))


def none(spelling: str) -> Make:
    return lambda idp, good: forged(_header(idp, alg=spelling), good, key=None, algorithm=None)


def hmac_with(secret: Callable[[FakeIdp], bytes], **more: Any) -> Make:
    return lambda idp, good: forged(_header(idp, alg="HS256", **more), good, key=secret(idp), algorithm="HS256")


def public_pem(idp: FakeIdp) -> bytes:
    return rsa(idp).private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def rsa(idp: FakeIdp) -> IdpKey:
    return next(key for key in idp.keys if key.kid == "rsa")


def with_key(kid: str, algorithm: str, named: str | None = None) -> Make:
    """Sign with a key of the provider's, as an algorithm, and name it or another."""

    def make(idp: FakeIdp, good: dict[str, Any]) -> str:
        key = next(each for each in idp.keys if each.kid == kid)
        header = _header(idp, alg=algorithm, kid=named or kid)
        return forged(header, good, key=key.private, algorithm=algorithm)

    return make


def by_a_stranger(**more: Any) -> Make:
    """Sign with a key that the provider does not have, and tell where it is."""

    def make(idp: FakeIdp, good: dict[str, Any]) -> str:
        stranger = new_key(idp.keys[0].kid)
        given = {name: (stranger.jwk if value == "jwk" else value) for name, value in more.items()}
        return forged(_header(idp, **given), good, key=stranger.private, algorithm="ES256")

    return make


def header_text(header: str) -> Make:
    """Write the header's own JSON."""

    def make(idp: FakeIdp, good: dict[str, Any]) -> str:
        def write(_: Any) -> str:
            return header.replace("KID", idp.keys[0].kid)

        with pytest.MonkeyPatch.context() as patch:
            body = json.dumps(good).encode()
            patch.setattr(json, "dumps", write)
            return forged({}, body, key=idp.keys[0].private, algorithm="ES256")

    return make


def _swapped(token: str) -> str:
    """Put another subject under a signature."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    other = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "vera-77"}).encode()).rstrip(b"=").decode()
    return f"{header}.{other}.{signature}"


HOSTILE: dict[str, tuple[Make, str]] = {
    "no algorithm": (none("none"), "algorithm_refused"),
    "no algorithm, in capitals": (none("NONE"), "algorithm_refused"),
    "no algorithm, half spelled": (none("nOnE"), "algorithm_refused"),
    "an algorithm that is a list": (head(alg=["ES256"]), "algorithm_refused"),
    "a header without an algorithm": (head(alg=None), "algorithm_refused"),
    "HS256 with the public key as its secret": (hmac_with(public_pem, kid="rsa"), "algorithm_refused"),
    "HS256 with a secret of one byte": (hmac_with(lambda _: b"x"), "algorithm_refused"),
    "HS256 with no secret": (hmac_with(lambda _: b""), "algorithm_refused"),
    "HS256 with the provider's own shared secret": (hmac_with(lambda _: b"k" * 32, kid="shared"), "algorithm_refused"),
    "an algorithm that is not allowed": (head(alg="ES512"), "algorithm_refused"),
    "the name of another algorithm's key": (with_key("rsa", "RS256", named="ec"), "key_unfit"),
    "the elliptic key's algorithm with the RSA key": (head(kid="rsa"), "key_unfit"),
    "EdDSA with the elliptic key's name": (with_key("ed", "EdDSA", named="ec"), "key_unfit"),
    "another algorithm than the key is for": (with_key("ps-only", "RS256"), "key_unfit"),
    "a key for encryption": (with_key("for-encryption", "ES256"), "key_unfit"),
    "a key that is there twice": (with_key("twice", "ES256"), "key_unfit"),
    "a key whose use is not to verify": (with_key("ops", "ES256"), "key_unfit"),
    "a symmetric key": (head(kid="shared"), "key_unfit"),
    "a key whose private half was published": (with_key("private", "ES256"), "key_unfit"),
    "a key on another curve": (head(kid="other-curve"), "key_unfit"),
    "a key with an exponent of 3": (head(kid="weak-exponent", alg="RS256"), "key_unfit"),
    "a key of 1024 bits": (with_key("small", "RS256"), "key_too_small"),
    "a key of another provider": (head(kid="stranger"), "key_unknown"),
    "a key whose name is a path": (head(kid="../../../../dev/null"), "key_unknown"),
    "a key whose name is a file": (head(kid="file:///etc/passwd"), "key_unknown"),
    "a key whose name is a query": (head(kid="x' UNION SELECT 'k"), "key_unknown"),
    "a key whose name is a command": (head(kid="| id"), "key_unknown"),
    "a key whose name is long": (head(kid="k" * 9000), "key_unknown"),
    "a key whose name is nothing": (head(kid=""), "key_unnamed"),
    "a key whose name is a list": (head(kid=["ec"]), "key_unnamed"),
    "a key whose name is a number": (head(kid=0), "key_unnamed"),
    "no key's name": (head(kid=None), "key_unnamed"),
    "a stranger's signature under a known name": (by_a_stranger(), "signature_wrong"),
    "a key that the token brings": (by_a_stranger(jwk="jwk"), "header_refused"),
    "a set of keys that the token points to": (by_a_stranger(jku="https://evil.example/keys"), "header_refused"),
    "a certificate that the token points to": (by_a_stranger(x5u="https://evil.example/c.pem"), "header_refused"),
    "a certificate that the token brings": (by_a_stranger(x5c=["MIIB"]), "header_refused"),
    "a well-signed token that points elsewhere too": (head(jku="https://evil.example/keys"), "header_refused"),
    "a demand that is not understood": (head(crit=["exp"]), "header_refused"),
    "a payload that is not encoded": (head(b64=False, crit=["b64"]), "header_refused"),
    "a payload that is compressed": (head(zip="DEF"), "header_refused"),
    "a token of another type": (head(typ="logout+jwt"), "token_type"),
    "a type that is a list": (head(typ=["JWT"]), "token_type"),
    "a header with two algorithms": (header_text('{"alg":"none","alg":"ES256","kid":"KID"}'), "token_malformed"),
    "a header that is a list": (header_text('["ES256"]'), "token_malformed"),
    "a claim that is there twice": (raw(b'{"sub":"vera-77","sub":"leo-5f3c"}'), "token_malformed"),
    "a payload that is a list": (raw(b'["sub"]'), "token_malformed"),
    "a payload that is no JSON": (raw(b"sub=leo"), "token_malformed"),
    "a payload without an end": (raw(b"[" * 20_000), "token_malformed"),
    "a number that is none": (raw(b'{"exp":NaN}'), "token_malformed"),
    "a number without an end": (raw(b'{"exp":1e999}'), "token_malformed"),
    "bytes that are no text": (raw(b'{"sub":"\xff"}'), "token_malformed"),
    "a changed signature": (text(lambda t: t[:-8] + "AAAAAAAA"), "signature_wrong"),
    "no signature": (text(lambda t: t[: t.rindex(".") + 1]), "signature_wrong"),
    "another payload under the signature": (text(_swapped), "signature_wrong"),
    "two parts": (text(lambda t: t[: t.rindex(".")]), "token_malformed"),
    "five parts": (text(lambda t: t + ".AAAA.AAAA"), "token_malformed"),
    "a padded part": (text(lambda t: t.replace(".", "=.", 1)), "token_malformed"),
    "a line break at the end": (text(lambda t: t + "\n"), "token_malformed"),
    "letters of another alphabet": (text(lambda t: "е" + t[1:]), "token_malformed"),
    "a token of a megabyte": (text(lambda t: t + "A" * 1_000_000), "token_too_large"),
    "no exp": (claim(exp=None), "claim_missing"),
    "no iat": (claim(iat=None), "claim_missing"),
    "no iss": (claim(iss=None), "claim_missing"),
    "no aud": (claim(aud=None), "claim_missing"),
    "no sub": (claim(sub=None), "claim_missing"),
    "another issuer": (claim(iss="https://evil.example"), "issuer_wrong"),
    "the issuer with a slash": (lambda idp, good: claim(iss=idp.issuer + "/")(idp, good), "issuer_wrong"),
    "the issuer in capitals": (lambda idp, good: claim(iss=idp.issuer.upper())(idp, good), "issuer_wrong"),
    "a list of issuers": (lambda idp, good: claim(iss=[idp.issuer])(idp, good), "claim_form"),
    "for somebody else": (claim(aud="https://other.example"), "audience_wrong"),
    "for a longer name": (lambda idp, good: claim(aud=good["aud"] + "/x")(idp, good), "audience_wrong"),
    "for nobody": (claim(aud=[]), "claim_form"),
    "for a list in a list": (lambda idp, good: claim(aud=[[good["aud"]]])(idp, good), "claim_form"),
    "for a name that is an object": (lambda idp, good: claim(aud={good["aud"]: 1})(idp, good), "claim_form"),
    "a list of subjects": (claim(sub=[LEO]), "claim_form"),
    "a subject that is a number": (claim(sub=1), "claim_form"),
    "a subject that is nothing": (claim(sub=""), "claim_form"),
    "a subject with a line break": (claim(sub=f"{LEO}\n"), "claim_form"),
    "a subject with a hidden letter": (claim(sub=f"{LEO}\u200b"), "claim_form"),
    "a subject of 300 letters": (claim(sub="s" * 300), "claim_form"),
    "an end that is a text": (claim(exp="9999999999"), "claim_form"),
    "an end that is true": (claim(exp=True), "claim_form"),
    "an end in a list": (claim(exp=[9_999_999_999]), "claim_form"),
    "an end that is beyond all numbers": (claim(exp=10**30), "claim_form"),
    "an issue before all time": (claim(iat=-1), "claim_form"),
    "its time over": (at(exp=-31), "token_expired"),
    "its time over at this very moment": (at(exp=-30), "token_expired"),
    "not before an hour from now": (at(nbf=3600), "token_early"),
    "not before 31 seconds from now": (at(nbf=31), "token_early"),
    "not before a text": (claim(nbf="now"), "claim_form"),
    "issued tomorrow": (at(iat=86_400, exp=90_000), "token_future"),
    "good for a year": (at(exp=31_536_000), "token_too_long"),
    "good for a second longer than may be": (at(exp=43_201), "token_too_long"),
    "roles that are one text": (claim(roles="head"), "claim_form"),
    "roles that are an object": (claim(roles={"head": True}), "claim_form"),
    "roles that are lists": (claim(roles=[["head"]]), "claim_form"),
    "a person who will prove who they are tomorrow": (at(auth_time=86_400), "authentication_future"),
}


def odd_keys() -> list[IdpKey]:
    """Return a key set with everything in it that a provider might get wrong, the good key first."""
    twice = new_key("twice")
    shared: dict[str, Any] = {"kty": "oct", "k": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s"}
    return [
        new_key("ec"),
        new_key("rsa", "RS256"),
        new_key("ed", "EdDSA"),
        new_key("ps-only", "RS256", alg="PS256"),
        new_key("for-encryption", use="enc"),
        new_key("ops", key_ops=["sign"]),
        new_key("shared", **shared),
        new_key("private", d="AAAA"),
        new_key("other-curve", crv="P-384"),
        new_key("weak-exponent", "RS256", e="Aw"),
        new_key("small", "RS256", bits=1024),
        twice,
        new_key("twice"),
    ]


async def as_bearer(here: Identities, make: Make) -> str:
    good = here.idp.claims(LEO, audience=APPROVALS)
    return await rule_of(here.enter(make(here.idp, good)))


async def as_login(here: Identities, make: Make) -> str:
    begun = await here.login.begin(session="s1")
    answer = await here.visit(begun)
    login = next(iter(here.idp.codes.values()))
    good = here.idp.claims(LEO, audience=CLIENT, nonce=login.nonce)
    here.idp.instead = make(here.idp, good)
    return await rule_of(here.login.finish(answer, begun.sealed, session="s1"))


@pytest.mark.requirement("oidc:token")
async def test_a_bearer_that_is_not_what_it_says_is_refused_by_its_own_rule() -> None:
    await _tried(as_bearer)


@pytest.mark.requirement("oidc:token")
async def test_a_login_whose_token_is_not_what_it_says_is_refused_by_its_own_rule() -> None:
    await _tried(as_login)


async def _tried(way: Callable[[Identities, Make], Any]) -> None:
    async with identities(roles_claim="roles") as here:
        here.idp.keys = odd_keys()
        assert await way(here, head()) == "let in"
        found = {case: await way(here, make) for case, (make, _) in HOSTILE.items()}
    assert found == {case: rule for case, (_, rule) in HOSTILE.items()}


@pytest.mark.requirement("oidc:token")
@pytest.mark.parametrize("kind", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_a_token_of_each_algorithm_is_good_where_it_is_allowed_and_not_elsewhere(kind: str) -> None:
    others = sorted({"RS256", "PS256", "ES256", "EdDSA"} - {kind})
    for allowed, rule in (([kind], "let in"), (others, "algorithm_refused")):
        async with identities(algorithms=allowed) as here:
            key = here.idp.rotate(new_key("k", kind, alg=kind))
            header = {"alg": kind, "kid": "k"}
            token = forged(header, here.idp.claims(LEO, audience=APPROVALS), key=key.private, algorithm=kind)
            assert await rule_of(here.enter(token)) == rule


@pytest.mark.requirement("oidc:bearer-audience")
async def test_a_bearer_token_is_for_the_approval_server_alone() -> None:
    async with identities() as here:
        token = here.idp.token
        tried = {
            "its own": token(LEO, audience=APPROVALS),
            "its own, in a list": token(LEO, audience=[APPROVALS]),
            "the model's server": token(LEO, audience=SERVE),
            "both": token(LEO, audience=[APPROVALS, SERVE]),
            "the console, as a login": token(LEO, audience=CLIENT, nonce="n"),
            "a login for it": token(LEO, audience=APPROVALS, nonce="n"),
            "the provider": token(LEO, audience=here.idp.issuer),
        }
        assert {case: await rule_of(here.enter(each)) for case, each in tried.items()} == {
            "its own": "let in",
            "its own, in a list": "let in",
            "the model's server": "audience_wrong",
            "both": "audience_shared",
            "the console, as a login": "audience_wrong",
            "a login for it": "token_type",
            "the provider": "audience_wrong",
        }
