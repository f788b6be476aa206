"""A project that tells: its ledger on disk, receivers that are real servers with certificates, and a clock that a test moves."""

import base64
import json
import ssl
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme

from synapsor.config import load_config
from synapsor.contract.digest import canonical_body, contract_digest
from synapsor.contract.load import load
from synapsor.core.proposal import Proposal
from synapsor.ledger.open import open_ledger
from synapsor.ledger.store import Ledger
from synapsor.notify.notifier import Delivered, Notifier
from synapsor.notifying import open_notifier
from synapsor.testing.clock import TestClock
from tests.ledger_records import START, an_activation, file_one
from tests.projects import environment_of

ROOT = Path(__file__).parents[1]
HOST = "hooks.example.com"
KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()
_CONFIG = """\
synapsor: 1
policies: [billing.yaml]
sources:
  shop: {engine: sqlite, schema: main, read: "sqlite:///shop.db"}
notify:
"""


@dataclass(frozen=True, kw_only=True)
class Got:
    """One request that arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(kw_only=True)
class Receiver:
    """A server that keeps what it is sent, and answers what it is told to: 204 unless there is more to say.

    Attributes:
        answers: status and headers of the next answers; status 0 closes the connection instead.
        arrived: is set with each request, before it is answered.
        holds: keeps every answer back until it is set.
    """

    port: int
    ca: Path
    name: str = HOST
    got: list[Got] = field(default_factory=list)
    answers: deque[tuple[int, dict[str, str]]] = field(default_factory=deque)
    arrived: threading.Event = field(default_factory=threading.Event)
    holds: threading.Event | None = None

    @property
    def url(self) -> str:
        """Its address by its name."""
        return f"https://{self.name}:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        """The delivery ids that arrived."""
        return [got.headers["webhook-id"] for got in self.got]


@contextmanager
def receiver(folder: Path, *, name: str = HOST, tls: bool = True) -> Iterator[Receiver]:
    """Run a receiver on the loopback, with a certificate of `name`."""
    authority = trustme.CA()
    ca = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    receiver_ = Receiver(port=0, ca=ca, name=name)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:  # whoever sent it was killed: no request arrived
                return
            headers = {key.lower(): value for key, value in self.headers.items()}
            receiver_.got.append(Got(path=self.path, headers=headers, body=body))
            receiver_.arrived.set()
            if receiver_.holds is not None:
                receiver_.holds.wait()
            status, more = receiver_.answers.popleft() if receiver_.answers else (204, {})
            if status == 0:
                self.connection.close()
                return
            self.send_response(status)
            for key, value in more.items():
                self.send_header(key, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    receiver_.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver_
    finally:
        if receiver_.holds is not None:
            receiver_.holds.set()
        server.shutdown()
        thread.join()
        server.server_close()


async def loopback(_: str, __: int) -> Sequence[str]:
    """A resolver to which every name is this machine."""
    return ["127.0.0.1"]


@dataclass(kw_only=True)
class Telling:
    """A project that tells."""

    root: Path
    ledger: Ledger
    clock: TestClock
    outcomes: list[Delivered] = field(default_factory=list)

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.root / "synapsor.yaml"

    def write(self, notify: str) -> None:
        """Write what `notify:` of the configuration says."""
        body = "".join(f"  {line}\n" for line in notify.splitlines())
        self.config.write_text(_CONFIG + body, encoding="utf-8")

    def secret(self, name: str, value: str) -> str:
        """Write a secret into a file, and return the reference to it."""
        path = self.root / name
        path.touch(mode=0o600)
        path.write_text(value, encoding="utf-8")
        return "${file:" + name + "}"

    def webhook(self, to: Receiver, more: str = "", *, channel: str = "") -> None:
        """Write a configuration with one webhook."""
        self.write(
            f"channels:\n  desk:\n    webhook:\n      url: {to.url}\n      secret: {self.secret('hook', SECRET)}\n"
            f"      allow_private: [127.0.0.0/8]\n      ca: {to.ca}\n{channel}{more}"
        )

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a synapsor command on this project."""
        return [sys.executable, "-m", "synapsor.cli.main", "--config", str(self.config), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """What a process of this project runs in."""
        return environment_of(self.root)

    @asynccontextmanager
    async def notifier(self, **options: Any) -> AsyncIterator[Notifier]:
        """Open the notifier, as its command does."""
        options = {"resolver": loopback, "clock": self.clock, "report": self.outcomes.append, **options}
        async with open_notifier(load_config(self.config), **options) as opened:
            opened.jitter = lambda: 1.0
            yield opened

    async def tell(self, since: int | None = None, **options: Any) -> None:
        """Run the notifier once."""
        async with self.notifier(**options) as notifier:
            await notifier.start(since)
            await notifier.once()

    async def activate(self, **notify: Sequence[str]) -> str:
        """Activate the billing contract, with these columns of its capabilities told, and return its digest."""
        contract = load(ROOT / "policies" / "billing.yaml").contract
        found = {
            name: capability.model_copy(update={"notify": tuple(notify[name.partition(".")[2]])})
            if name.partition(".")[2] in notify
            else capability
            for name, capability in contract.capabilities.items()
        }
        body = canonical_body(contract.model_copy(update={"capabilities": found}))
        digest = contract_digest(contract.model_copy(update={"capabilities": found}))
        if await self.ledger.active_contract_by_digest(digest) is None:
            await self.ledger.activate(an_activation(self.ledger, body, digest=digest))
        return digest

    async def file(self, **changed: Any) -> Proposal:
        """File a proposal under the billing contract."""
        return await file_one(self.ledger, **{"contract": await self.activate(), **changed})


@asynccontextmanager
async def telling(root: Path) -> AsyncIterator[Telling]:
    """Make a project that tells, with an open ledger."""
    _begin(root)
    clock = TestClock(START)
    ledger = open_ledger(root / ".synapsor" / "ledger.db", create=True, clock=clock)
    try:
        yield Telling(root=root, ledger=ledger, clock=clock)
    finally:
        await ledger.aclose()


def _begin(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "billing.yaml").write_bytes((ROOT / "policies" / "billing.yaml").read_bytes())
