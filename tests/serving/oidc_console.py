"""A console on a free port that offers logins with a provider for tests, and what stands around both."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import anyio

from synapsor.approve.card.looks import Looks
from synapsor.approve.console.listen import serve_console
from synapsor.approve.console.needs import Held
from synapsor.approve.console.oidc_login import OidcMethod
from synapsor.approve.console.room import Given
from synapsor.approve.console.way import way_of
from synapsor.approve.identity.attempts import Attempts
from synapsor.approve.identity.oidc import Fetcher, OidcLogin, Provider
from synapsor.config import OidcConfig
from synapsor.config.console import ConsoleConfig
from synapsor.config.oidc import CALLBACK
from synapsor.core.statements import Identity, Operator
from synapsor.core.trust import ProgramKey
from synapsor.flow.prepare import Served
from synapsor.ledger.store import Ledger
from synapsor.testing import TestClock, open_memory_ledger
from synapsor.testing.idp import FakeIdp, IdpClient, serve_idp
from tests.identities import CLIENT, LEO, Ticks, certificate_in, people
from tests.sessions import voucher


@dataclass(kw_only=True)
class OidcConsole:
    """The console and the provider; `trusted` may be changed while they run."""

    idp: FakeIdp
    ledger: Ledger
    clock: TestClock
    ticks: Ticks
    trusted: dict[str, Operator]
    url: str
    ca: Path


@asynccontextmanager
async def oidc_console(**settings: Any) -> AsyncIterator[OidcConsole]:
    """Serve a console that trusts leo, who logs in with the provider, and nobody else of it."""
    clock, ticks, port = TestClock(), Ticks(), free_port()
    url = f"http://127.0.0.1:{port}"
    client = IdpClient(id=CLIENT, redirects=(url + CALLBACK,))
    idp = FakeIdp(clients={CLIENT: client}, people=people(), clock=clock)
    ledger, seal = open_memory_ledger(clock=clock), voucher()
    with TemporaryDirectory() as folder:
        certificate, ca = certificate_in(Path(folder))
        async with serve_idp(idp, certificate=certificate):
            leo = Operator(
                name="leo",
                key=None,
                roles=("billing_lead", "head"),
                login=Identity(issuer=idp.issuer, subject=LEO),
            )
            trusted = {"leo": leo, seal.operator.name: seal.operator}
            here = OidcConsole(idp=idp, ledger=ledger, clock=clock, ticks=ticks, trusted=trusted, url=url, ca=ca)
            method = _method(here, ProgramKey(operator=seal.operator, key=seal.key), settings)
            async with _served(here, port, method):
                yield here
    await ledger.aclose()


def _method(here: OidcConsole, seal: ProgramKey, settings: dict[str, Any]) -> OidcMethod:
    document = {
        "issuer": here.idp.issuer,
        "client_id": CLIENT,
        "redirect_uri": here.url + CALLBACK,
        "ca": str(here.ca),
        "allow_private": True,
        **settings,
    }
    config = OidcConfig.model_validate(document, context={"root": here.ca.parent})
    fetcher = Fetcher(ca=config.ca, allow_private=True)
    provider = Provider(fetcher, issuer=config.issuer, algorithms=config.algorithms, ticks=here.ticks)
    login = OidcLogin(config, provider, fetcher, clock=here.clock, redirect_uri=here.url + CALLBACK)
    attempts = Attempts(ledger=here.ledger, clock=here.clock, door="console", issuer=config.issuer)
    return OidcMethod(login, voucher=seal, attempts=attempts)


async def _nothing_activated(capability: str) -> Served:
    raise AssertionError(capability)  # nobody gets as far as to edit


@asynccontextmanager
async def _served(here: OidcConsole, port: int, method: OidcMethod) -> AsyncIterator[None]:
    config = ConsoleConfig(listen=f"127.0.0.1:{port}")
    given = Given(
        ledger=here.ledger,
        clock=here.clock,
        operators=lambda: here.trusted,
        config=config,
        way=way_of(config, None),
        profile="production",
        modes={"shop": "writeback"},
        automatic=False,
        looks=cast("Looks", None),  # nobody gets as far as to look
        activated=_nothing_activated,
        contracts=tuple,
        verify=_held,
    )
    started, stop = anyio.Event(), anyio.Event()

    async def serve() -> None:
        await serve_console(given, methods=(method,), ready=lambda _: started.set(), stop=stop)

    async with anyio.create_task_group() as group:
        group.start_soon(serve)
        await started.wait()
        try:
            yield
        finally:
            stop.set()


async def _held() -> Held:
    return Held(events=0, checkpoints=0, head=(0, ""), broken="")


def revoked(operator: Operator) -> Operator:
    return replace(operator, revoked=True)


def free_port() -> int:
    """Return a port that was free a moment ago; the provider has to know the console's address before there is one."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
