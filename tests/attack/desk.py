"""A console in this process, and clients of it in raw requests: as a browser would send them, and as an attacker would."""

import asyncio
import datetime as dt
import html
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import Any

import anyio
import httpx2

from synapsor.approve.console.listen import serve_console
from synapsor.approve.console.needs import Held
from synapsor.approve.console.room import Given
from synapsor.approve.console.way import way_of
from synapsor.config.console import ConsoleConfig
from synapsor.core.records import to_body
from synapsor.core.statements import SignedLogin
from synapsor.flow.signing import SessionKey, signed_login
from synapsor.looking import SourceLooks
from tests.attack.shop import Shop

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36"


@dataclass(kw_only=True)
class Hall:
    """A console that serves in this process."""

    shop: Shop
    given: Given
    port: int

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, **headers: str) -> httpx2.AsyncClient:
        """Return a browser without its pages: it sends what a browser sends, and keeps cookies."""
        given = {"user-agent": BROWSER, "origin": self.url, "sec-fetch-site": "same-origin", **headers}
        client = httpx2.AsyncClient(base_url=self.url, headers=given, timeout=60, trust_env=False)
        client.event_hooks = {"response": [staying(client, self.url)]}
        return client

    async def login(self, client: httpx2.AsyncClient, who: str = "leo") -> str:
        """Log somebody in, and return the word of the session's forms."""
        code = await self.begin(client)
        assert (await self.hand_over(code, await self.sign(code, who))).status_code == 200
        entered = await client.get("/login/wait")
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        return word_of((await client.get("/settings")).text)

    async def begin(self, client: httpx2.AsyncClient) -> str:
        """Begin to log in, and return the code."""
        assert (await client.post("/login/key/begin", data={"next": "/"})).status_code == 303
        found = re.search(r'class="code" aria-label="Code ([A-Z0-9-]+)"', (await client.get("/login/wait")).text)
        assert found is not None
        return found[1]

    async def challenge(self, code: str) -> dict[str, Any]:
        """Return what the console asks to be signed for a code."""
        async with self.machine() as machine:
            answered = await machine.get(f"/login/challenge/{code}")
        assert answered.status_code == 200
        asked: dict[str, Any] = answered.json()
        return asked

    async def sign(self, code: str, who: str, **other: Any) -> SignedLogin:
        """Return the login that somebody signs for a code, with other words where they are given."""
        asked = {**await self.challenge(code), **other}
        return signed_login(
            self.shop.files.operators[who],
            self.shop.files.keys[who],
            SessionKey(
                key=asked["session"],
                ledger=asked["ledger"],
                client=asked["client"],
                lasts=dt.timedelta(seconds=asked["lasts_s"]),
            ),
            now=other.get("now", self.shop.project.clock.now()),
        )

    async def hand_over(self, code: str, login: SignedLogin, **headers: str) -> httpx2.Response:
        """Hand a signed login over, as `synapsor login` does."""
        async with self.machine() as machine:
            body = {"code": code, "login": to_body(login.login), "signature": login.signature}
            return await machine.post("/login/key", json=body, headers=headers)

    def machine(self) -> httpx2.AsyncClient:
        """Return a client that is no browser."""
        return httpx2.AsyncClient(base_url=self.url, timeout=60, trust_env=False)


def staying(client: httpx2.AsyncClient, url: str) -> Callable[[httpx2.Response], Awaitable[None]]:
    """Return what lets a client stay where it was led, as the links of its pages do; tests name pages without the place."""

    async def stay(response: httpx2.Response) -> None:
        found = re.match(r"/s-[A-Za-z0-9_-]{43}(?=/)", response.headers.get("location", ""))
        if found is not None:
            client.base_url = url + found[0]
            response.headers["location"] = response.headers["location"].removeprefix(found[0])

    return stay


@asynccontextmanager
async def hall(shop: Shop, *, silence: str = "", **config: Any) -> AsyncIterator[Hall]:
    """Serve a console over a shop, and end in an orderly way."""
    settings = ConsoleConfig.model_validate(config, context={"root": shop.files.root})
    stop, started = anyio.Event(), anyio.Event()
    port = 0

    def ready(found: int) -> None:
        nonlocal port
        port = found
        started.set()

    async def verify() -> Held:
        report = await shop.ledger.verify()
        return Held(events=report.events, checkpoints=report.checkpoints, head=report.head, broken="")

    given = Given(
        ledger=shop.ledger,
        clock=shop.project.clock,
        operators=shop.project.deciders,
        config=settings,
        way=way_of(settings, "127.0.0.1:0"),
        profile="production",
        modes={name: source.mode for name, source in shop.project.config.sources.items()},
        automatic=shop.project.config.automatic_approval,
        looks=SourceLooks(project=shop.project, client="console"),
        activated=shop.project.activated,
        contracts=shop.project.contracts,
        verify=verify,
        silence=lambda: silence,
        policies=tuple(shop.project.config.policies),
        receiptless=shop.project.config.receiptless,
    )
    serving = asyncio.create_task(serve_console(given, ready=ready, stop=stop))
    begun = asyncio.create_task(started.wait())
    await asyncio.wait({serving, begun}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if serving.done():
            begun.cancel()
            await serving
        yield Hall(shop=shop, given=given, port=port)
    finally:
        stop.set()
        if not serving.done():
            await serving


def word_of(text: str) -> str:
    """Return the word that the forms of a page carry."""
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found is not None
    return html.unescape(found[1])


def approval(word: str, digest: str, **other: str) -> Mapping[str, str]:
    """Return the form of an approval, with other fields where they are given."""
    return {"csrf": word, "digest": digest, "seen": "yes", "reason": "", **other}


def refusals(shop: Shop, proposal: str) -> list[tuple[str, str]]:
    """Return who was refused what about a proposal, in order."""
    query = "SELECT operator, rule FROM refused_decision WHERE proposal = ? ORDER BY seq"
    with closing(sqlite3.connect(shop.ledger_path)) as raw:
        return [(who, rule) for who, rule in raw.execute(query, (proposal,))]
