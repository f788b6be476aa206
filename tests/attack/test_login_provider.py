"""A provider that is somebody else, or slow, huge, elsewhere or broken: nothing is let in, and nothing of it is repeated."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from synapsor.approve.identity.oidc.fetch import Fetcher
from synapsor.testing.idp import Break
from synapsor.testing.idp.provider import DISCOVERY, JWKS, TOKEN
from synapsor.web.asking import Resolver
from tests.identities import APPROVALS, LEO, Identities, identities, rule_of
from tests.silence import silent

BROKEN = {
    Break.GARBAGE: "provider_malformed",
    Break.HUGE: "provider_too_large",
    Break.REDIRECT: "provider_redirects",
    Break.ERROR: "provider_unreachable",
    Break.COMPRESSED: "provider_malformed",
    Break.CALLED_COMPRESSED: "provider_malformed",
}


async def broken_at(page: str, how: Break, *, limit_s: float = 10.0) -> str:
    async with identities(limit_s) as here:
        here.idp.broken[page] = how
        return await rule_of(here.log_in())


@pytest.mark.requirement("oidc:provider")
@pytest.mark.parametrize("page", [DISCOVERY, JWKS, TOKEN])
async def test_a_page_of_the_provider_that_misbehaves_lets_nobody_in(page: str) -> None:
    assert {how: await broken_at(page, how) for how in BROKEN} == BROKEN


@pytest.mark.requirement("oidc:provider")
@pytest.mark.parametrize("page", [DISCOVERY, JWKS, TOKEN])
async def test_a_page_that_never_comes_or_never_ends_is_given_up(page: str) -> None:
    for how in (Break.SILENT, Break.DRIBBLE):
        assert await broken_at(page, how, limit_s=0.5) == "provider_slow"


async def saying(here: Identities, **changed: Any) -> str:
    """Log in at a provider that says something else of itself."""

    def tell(said: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in {**said, **changed}.items() if value is not None}

    here.idp.tell = tell
    here.ticks.passed += 601
    return await rule_of(here.log_in())


@pytest.mark.requirement("oidc:provider")
async def test_a_provider_is_who_it_is_configured_to_be_and_can_do_what_is_needed() -> None:
    async with identities() as here:
        issuer = here.idp.issuer
        assert await saying(here) == "let in"
        for other in (issuer + "/", issuer.upper(), "https://evil.example", [issuer], None):
            assert await saying(here, issuer=other) == "provider_issuer"
        for page in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            for unsafe in (
                "http://idp.example/keys",
                "file:///etc/passwd",
                "https://leo@idp.example/",
                "https://idp.example/#x",
                "https://idp.example\\@evil.example/",
                "javascript:alert(1)",
                "//evil.example/",
                "https://",
                "https://idp.example:99999/",
                "https://idp.example/\nX",
                "",
            ):
                assert await saying(here, **{page: unsafe}) == "provider_unsafe", (page, unsafe)
            for wrong in (None, 1, [issuer]):
                assert await saying(here, **{page: wrong}) == "provider_malformed"
        assert await saying(here, code_challenge_methods_supported=["plain"]) == "provider_unfit"
        assert await saying(here, code_challenge_methods_supported="S256") == "provider_malformed"
        assert await saying(here, code_challenge_methods_supported=None) == "let in"
        assert await saying(here, id_token_signing_alg_values_supported=["HS256", "none"]) == "provider_unfit"
        assert await saying(here, response_types_supported=["id_token"]) == "provider_unfit"


def answered(answer: Any, _: Any) -> Any:
    return answer


@pytest.mark.requirement("oidc:provider")
async def test_a_key_set_that_is_none_lets_nobody_in() -> None:
    async with identities() as here:
        token = here.idp.token(LEO, audience=APPROVALS)
        odd: Any
        for odd in ({}, {"keys": {}}, {"keys": "all"}, {"keys": [here.idp.keys[0].jwk] * 101}):
            here.idp.show = partial(answered, odd)
            here.ticks.passed += 601
            assert await rule_of(here.enter(token)) == "provider_malformed"
        none: Any
        for none in ({"keys": []}, {"keys": [1, None, {"kid": 1}, {}]}):
            here.idp.show = partial(answered, none)
            here.ticks.passed += 601
            assert await rule_of(here.enter(token)) == "key_unknown"


@pytest.mark.requirement("oidc:provider")
async def test_a_provider_with_a_certificate_of_an_unknown_authority_is_not_believed() -> None:
    async with identities(ca=None) as here:
        assert await rule_of(here.log_in()) == "provider_unreachable"


@pytest.mark.requirement("oidc:private-address")
async def test_a_provider_at_a_private_address_is_asked_for_nothing_unless_that_is_allowed() -> None:
    async with identities(allow_private=False) as here:
        assert await rule_of(here.log_in()) == "provider_private"
        assert here.idp.visits == {}


def leading_to(address: str, asked: list[str] | None = None) -> Resolver:
    """Return a resolver by which every name leads to one address."""

    async def resolve(host: str, _: int) -> Sequence[str]:
        if asked is not None:
            asked.append(host)
        return [address]

    return resolve


@pytest.mark.requirement("oidc:private-address")
async def test_the_address_that_was_judged_is_the_one_that_is_asked_with_the_name_still_proven() -> None:
    async with identities() as here:
        port = urlsplit(here.idp.issuer).port
        asked: list[str] = []
        fetcher = Fetcher(ca=here.ca, allow_private=True, resolver=leading_to("127.0.0.1", asked))
        assert b"first" in await fetcher.get(f"https://idp.example:{port}/keys"), (
            "no system resolves this name, so nothing but the judged address was asked"
        )
        assert asked == ["idp.example"]
        assert await rule_of(fetcher.get(f"https://other.example:{port}/keys")) == "provider_unreachable"


@pytest.mark.requirement("oidc:private-address")
async def test_a_name_that_ends_with_a_dot_is_proven_as_the_same_without_it() -> None:
    async with identities() as here:
        fetcher = Fetcher(ca=here.ca, allow_private=True, resolver=leading_to("127.0.0.1"))
        assert b"first" in await fetcher.get(f"https://idp.example.:{urlsplit(here.idp.issuer).port}/keys")


@pytest.mark.requirement("oidc:provider")
async def test_a_provider_that_never_shakes_hands_costs_its_time_and_leaves_nothing_open() -> None:
    with silent() as port:
        fetcher = Fetcher(allow_private=True, limit_s=0.5)
        assert await rule_of(fetcher.get(f"https://127.0.0.1:{port}/keys")) == "provider_slow"


@pytest.mark.requirement("oidc:private-address")
@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("169.254.169.254", "provider_private"),
        ("168.63.129.16", "provider_private"),
        ("192.0.0.192", "provider_private"),
        ("64:ff9b::7f00:1", "provider_private"),
        ("::ffff:127.0.0.1", "provider_private"),
        ("fe80::1%eth0", "provider_private"),
        ("127.0.0.1", "provider_unreachable"),
    ],
)
async def test_some_addresses_are_asked_in_no_case(address: str, rule: str) -> None:
    fetcher = Fetcher(allow_private=True, resolver=leading_to(address))
    assert await rule_of(fetcher.get("https://idp.example:9/keys")) == rule
