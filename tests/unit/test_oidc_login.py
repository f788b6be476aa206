"""Logging in with a provider over the network, with nobody misbehaving."""

import anyio
import pytest

from synapsor.approve.identity.oidc import Fetcher, OidcLogin
from synapsor.approve.identity.oidc.refusals import MEANINGS, Rule
from synapsor.errors import ConfigError
from synapsor.testing.idp import Break, IdpClient, new_key
from tests.identities import APPROVALS, CLIENT, CONSOLE, LEO, believing, identities, rule_of


async def test_a_person_logs_in_and_comes_back_to_the_page_they_wanted() -> None:
    async with identities() as here:
        arrived = await here.log_in(back="/proposals/wrp_1?tab=rows")
        assert (arrived.vouched.identity.issuer, arrived.vouched.identity.subject) == (here.idp.issuer, LEO)
        assert (arrived.vouched.roles, arrived.back) == (None, "/proposals/wrp_1?tab=rows")


async def test_the_roles_of_a_token_are_read_where_the_project_says() -> None:
    nested = {"realm_access": {"roles": ["head", "uma_authorization"]}}
    for claim, roles in (
        ("roles", frozenset({"billing_lead", "head"})),
        (["realm_access", "roles"], frozenset({"head", "uma_authorization"})),
        (["realm_access", "none"], frozenset()),
        ("https://example.com/roles", frozenset()),
    ):
        async with identities(roles_claim=claim) as here:
            here.idp.people[LEO] |= nested
            assert (await here.log_in()).vouched.roles == roles


@pytest.mark.requirement("oidc:client-secret")
@pytest.mark.parametrize("methods", [None, ["client_secret_basic"], ["client_secret_post"]])
async def test_a_client_with_a_secret_gives_it_the_way_the_provider_takes_it(
    methods: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIENT_SECRET", "p:w/ü %+")
    async with identities(client_secret="${env:CLIENT_SECRET}") as here:
        here.idp.clients[CLIENT] = IdpClient(id=CLIENT, redirects=(CONSOLE,), secret="p:w/ü %+")
        here.idp.tell = lambda said: {**said, "token_endpoint_auth_methods_supported": methods}
        assert await rule_of(here.log_in()) == "let in"


async def test_a_login_asks_with_a_challenge_and_names_that_are_new_each_time() -> None:
    async with identities() as here:
        one, other = await here.login.begin(session="s1"), await here.login.begin(session="s1")
        assert one.url != other.url
        assert one.sealed != other.sealed
        assert "code_challenge_method=S256" in one.url
        for url in (one.url, other.url):
            assert "code_verifier" not in url


@pytest.mark.parametrize("address", ["http://console.example/cb", "https://console.example/cb?x=1", "ftp://x", ""])
async def test_a_console_whose_answers_could_be_read_on_the_way_does_not_start(address: str) -> None:
    async with identities() as here:
        with pytest.raises(ConfigError):
            OidcLogin(here.config, here.provider, Fetcher(), clock=here.clock, redirect_uri=address)


@pytest.mark.requirement("oidc:rotation")
async def test_a_new_key_counts_at_once_and_asking_for_unknown_ones_is_bounded() -> None:
    async with identities() as here:
        old = here.idp.token(LEO, audience=APPROVALS)
        assert await rule_of(here.enter(old)) == "let in"
        here.ticks.passed += 31
        here.idp.rotate(new_key("second"))
        assert await rule_of(here.enter(here.idp.token(LEO, audience=APPROVALS))) == "let in"
        assert await rule_of(here.enter(old)) == "let in"
        assert here.idp.visits["/keys"] == 2
        here.idp.rotate(new_key("third"))
        for _ in range(20):
            assert await rule_of(here.enter(here.idp.token(LEO, audience=APPROVALS))) == "key_unknown"
        assert here.idp.visits["/keys"] == 2, "within half a minute of the last time it is not asked"
        here.ticks.passed += 30
        assert await rule_of(here.enter(here.idp.token(LEO, audience=APPROVALS))) == "let in"
        assert here.idp.visits["/keys"] == 3


@pytest.mark.requirement("oidc:rotation")
async def test_a_key_that_was_taken_away_stops_counting_within_ten_minutes() -> None:
    async with identities() as here:
        token = here.idp.token(LEO, audience=APPROVALS)
        assert await rule_of(here.enter(token)) == "let in"
        here.idp.rotate(new_key("second"), keep=False)
        here.ticks.passed += 599
        assert await rule_of(here.enter(token)) == "let in"
        here.ticks.passed += 1
        assert await rule_of(here.enter(token)) == "key_unknown"


@pytest.mark.requirement("oidc:rotation")
async def test_keys_that_cannot_be_asked_for_again_in_time_do_not_count() -> None:
    async with identities() as here:
        token = here.idp.token(LEO, audience=APPROVALS)
        assert await rule_of(here.enter(token)) == "let in"
        here.idp.broken["/keys"] = Break.ERROR
        here.ticks.passed += 600
        assert await rule_of(here.enter(token)) == "provider_unreachable"
        seen = here.idp.visits["/keys"]
        for _ in range(20):
            assert await rule_of(here.enter(token)) == "provider_unreachable"
        assert here.idp.visits["/keys"] == seen, "a provider that failed is left alone for a moment"
        here.idp.broken.clear()
        here.ticks.passed += 5
        assert await rule_of(here.enter(token)) == "let in"


@pytest.mark.requirement("oidc:rotation")
async def test_many_who_come_at_once_ask_the_provider_once() -> None:
    async with identities() as here:
        token = here.idp.token(LEO, audience=APPROVALS)
        found: list[str] = []

        async def come() -> None:
            found.append(await rule_of(here.enter(token)))

        async with anyio.create_task_group() as group:
            for _ in range(30):
                group.start_soon(come)
        assert found == ["let in"] * 30
        assert dict(here.idp.visits) == {"/.well-known/openid-configuration": 1, "/keys": 1}


@pytest.mark.requirement("oidc:bearer-audience")
async def test_a_project_without_an_audience_takes_no_bearer_token() -> None:
    async with identities() as here:
        with pytest.raises(ConfigError, match="audience"):
            believing(here.idp, here.ca, here.clock, here.ticks, settings={"audience": None})


def test_every_rule_has_a_meaning_of_its_own() -> None:
    assert set(MEANINGS) == set(Rule)
    assert len(set(MEANINGS.values())) == len(MEANINGS)
    assert all(meaning.endswith(".") for meaning in MEANINGS.values())
