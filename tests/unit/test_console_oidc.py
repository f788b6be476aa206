"""Logging in to the console with a provider, request by request, as a browser without JavaScript does it."""

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest

from synapsor.approve.console import oidc_login
from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.voucher import vouch
from synapsor.core.signatures import public_text
from synapsor.core.statements import SignedLogin
from tests.console import serving, write_office
from tests.identities import LEO
from tests.serving.oidc_console import OidcConsole, oidc_console, revoked


async def come_back(client: httpx2.AsyncClient, back: str, **headers: str) -> httpx2.Response:
    """Follow an answer into the place of its login, as a browser does."""
    answered = await client.get(back, headers=headers)
    found = re.match(r"/s-[A-Za-z0-9_-]{43}/login/oidc/callback\?", answered.headers.get("location", ""))
    if found is None:
        return answered
    return await client.get(str(httpx2.URL(back).join(answered.headers["location"])), headers=headers)


def inside(here: OidcConsole, entered: httpx2.Response) -> str:
    """Return the address of the page that a login led to."""
    return here.url + str(entered.headers["location"])


@asynccontextmanager
async def browser(here: OidcConsole) -> AsyncIterator[httpx2.AsyncClient]:
    context = ssl.create_default_context(cafile=here.ca)
    agent = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
    async with httpx2.AsyncClient(verify=context, trust_env=False, timeout=60, headers=agent) as made:
        yield made


async def begin(client: httpx2.AsyncClient, here: OidcConsole, onward: str = "/history") -> str:
    """Press the button of the login page, and return where it leads."""
    page = await client.get(here.url + "/login")
    assert "Log in with localhost" in page.text
    left = await client.post(here.url + "/login/oidc/begin", data={"next": onward}, headers={"origin": here.url})
    found = re.search(r'content="0;url=([^"]+)"', left.text)
    assert (left.status_code, bool(found)) == (200, True), left.text
    assert found is not None
    return unescape(found[1])


async def consent(client: httpx2.AsyncClient, address: str, person: str = LEO) -> str:
    """Pick a person at the provider, and return where the browser is sent."""
    return str((await client.post(address, data={"person": person})).headers["location"])


@pytest.mark.requirement("oidc:never-more")
async def test_whom_the_provider_vouches_for_is_logged_in_with_a_login_that_the_console_signed() -> None:
    async with oidc_console() as here, browser(here) as client:
        back = await consent(client, await begin(client, here))
        entered = await come_back(client, back)
        assert re.fullmatch(r"/s-[A-Za-z0-9_-]{43}/history", entered.headers["location"])
        page = await client.get(inside(here, entered))
        assert (page.status_code, "leo" in page.text) == (200, True)
        assert await here.ledger.refused_logins(limit=9) == ()
        here.trusted["leo"] = revoked(here.trusted["leo"])
        assert (await client.get(inside(here, entered))).headers["location"].startswith("/login")


@pytest.mark.requirement("oidc:recorded")
async def test_who_is_refused_sees_why_and_is_on_record() -> None:
    async with oidc_console(roles_claim="roles") as here, browser(here) as client:
        stranger = await come_back(client, await consent(client, await begin(client, here), "vera-77"))
        assert (stranger.status_code, "no operator logs in as them" in stranger.text) == (403, True)
        here.trusted["leo"] = revoked(here.trusted["leo"])
        assert (await come_back(client, await consent(client, await begin(client, here)))).status_code == 403
        assert (await come_back(client, here.url + "/login/oidc/callback?code=x&state=y")).status_code == 403
        client.cookies.clear()
        assert (await client.get(here.url + "/login/oidc/callback")).status_code == 403
        told = [(one.rule, one.way, one.subject) for one in await here.ledger.refused_logins(limit=9)]
        assert told == [
            ("login_unknown", "oidc", ""),
            ("login_unknown", "oidc", ""),
            ("person_revoked", "oidc", LEO),
            ("person_unknown", "oidc", "vera-77"),
        ]
        assert (await client.get(here.url + "/history")).status_code == 303


@pytest.mark.requirement("oidc:one-answer")
async def test_an_answer_that_was_begun_in_another_browser_is_refused() -> None:
    async with oidc_console() as here, browser(here) as mine, browser(here) as other:
        back = await consent(mine, await begin(mine, here))
        await begin(other, here)
        assert (await come_back(other, back)).status_code == 403
        other.cookies = mine.cookies
        taken = await come_back(other, back, **{"user-agent": "another"})
        assert taken.status_code == 403
        assert (await come_back(mine, back)).headers["location"].endswith("/history")
        assert (await come_back(mine, back)).status_code == 403
        told = [one.rule for one in await here.ledger.refused_logins(limit=9)]
        assert told == ["login_unknown", "session_wrong", "login_unknown"]


@pytest.mark.requirement("oidc:never-more")
async def test_a_voucher_that_is_not_trusted_any_more_lets_nobody_in_and_ends_sessions() -> None:
    async with oidc_console() as here, browser(here) as client:
        back = await consent(client, await begin(client, here))
        entered = await come_back(client, back)
        here.trusted["console"] = revoked(here.trusted["console"])
        assert (await client.get(inside(here, entered))).headers["location"].startswith("/login")
        assert (await come_back(client, await consent(client, await begin(client, here)))).status_code == 403
        assert [one.rule for one in await here.ledger.refused_logins(limit=9)] == ["voucher_untrusted"]


async def test_a_console_under_another_name_says_where_logins_come_back() -> None:
    async with oidc_console() as here, browser(here) as client:
        other = here.url.replace("127.0.0.1", "localhost")
        left = await client.post(other + "/login/oidc/begin", data={"next": "/"}, headers={"origin": other})
        assert (left.status_code, f"Open the console at {here.url}" in left.text) == (421, True)


@pytest.mark.requirement("oidc:provider")
async def test_a_provider_that_cannot_be_asked_is_told_and_nothing_of_it_shown() -> None:
    async with oidc_console() as here, browser(here) as client:
        here.idp.tell = lambda said: {**said, "issuer": "https://canary.example"}
        await client.get(here.url + "/login")
        left = await client.post(here.url + "/login/oidc/begin", data={"next": "/"}, headers={"origin": here.url})
        assert (left.status_code, "canary" in left.text) == (503, False)
        assert [one.rule for one in await here.ledger.refused_logins(limit=9)] == ["provider_issuer"]


@pytest.mark.requirement("oidc:never-more")
async def test_a_session_carries_the_roles_that_the_token_leaves_and_is_the_identity_that_was_proven(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logins: list[SignedLogin] = []

    def watched(*about: Any, **more: Any) -> SignedLogin:
        logins.append(vouch(*about, **more))
        return logins[-1]

    monkeypatch.setattr(oidc_login, "vouch", watched)
    async with oidc_console(roles_claim="roles") as here, browser(here) as client:
        here.idp.people[LEO] = {"roles": ["head", "contract_reviewer", "login_voucher"]}
        assert (await come_back(client, await consent(client, await begin(client, here)))).status_code == 303
        (signed,) = logins
        login = signed.login
        assert (login.operator, login.voucher, login.method) == ("leo", "console", "oidc")
        assert (login.issuer, login.subject, login.roles) == (here.idp.issuer, LEO, ("head",))
        assert login.client.endswith("for Firefox on Linux")


_OIDC = """
voucher_key: keys/console.pem
oidc: {{issuer: 'https://idp.example', client_id: console, redirect_uri: '{uri}'}}
"""


@pytest.mark.requirement("oidc:never-more")
def test_a_console_with_nobodys_key_does_not_start_and_one_that_is_trusted_offers_the_provider(tmp_path: Path) -> None:
    uri = "http://127.0.0.1:8750/login/oidc/callback"
    files = write_office(tmp_path, console=_OIDC.format(uri=uri))
    key = create_key(files.root / "keys" / "console.pem", passphrase=None)
    reviewer = ("--operator", "rita", "--key", str(files.root / "keys" / "rita.pem"))
    assert files.run("activate", "--yes", *reviewer).returncode == 0
    add = ("operator", "add", "helper", "--role", "billing_lead", "--public-key", public_text(key))
    assert files.run(*add).returncode == 0
    refused = files.run("console", "--listen", "127.0.0.1:0")
    assert (refused.returncode, "trusted to vouch for logins" in refused.stderr) == (2, True)
    change = ("operator", "change", "helper", "--role", "login_voucher")
    assert files.run(*change).returncode == 0
    with serving(files) as console:
        assert "Log in with idp.example" in httpx2.get(console.url + "/login", trust_env=False, timeout=60).text
