"""What `synapsor login` says before it signs, and for which ledger it signs nothing."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.core.signatures import public_text
from synapsor.ledger.chronicle import ledger_id
from tests.console import write_office
from tests.projects import ProjectFiles


@dataclass(kw_only=True)
class Page:
    """Somebody's page that asks for a login, and what it was given."""

    ledger: str
    url: str = ""
    refused: bytes = b""
    taken: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def asking(ledger: str) -> Iterator[Page]:
    """Answer as a console does, in words of its own."""
    page = Page(ledger=ledger)
    key = public_text(Ed25519PrivateKey.generate())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            words = "The console at desk.example for Chrome on Linux"
            self._tell({"ledger": page.ledger, "session": key, "client": words, "lasts_s": 28800})

        def do_POST(self) -> None:
            page.taken.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self._send(403, page.refused) if page.refused else self._tell({"ok": True})

        def _tell(self, told: dict[str, Any]) -> None:
            self._send(200, json.dumps(told).encode())

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    page.url = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield page
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


@pytest.fixture
def office(tmp_path: Path) -> ProjectFiles:
    files = write_office(tmp_path)
    key = str(files.root / "keys" / "rita.pem")
    assert files.run("activate", "--yes", "--operator", "rita", "--key", key).returncode == 0
    return files


@pytest.mark.requirement("login:own-ledger")
def test_nothing_is_signed_for_another_ledger_than_the_projects_own(office: ProjectFiles) -> None:
    who = ("--operator", "leo", "--key", str(office.root / "keys" / "leo.pem"), "--yes")
    with asking("led_other") as page:
        answered = office.run("login", page.url, "AAAA-BBBB-CCCC", *who)
        assert (answered.returncode, "to another ledger" in answered.stderr, page.taken) == (2, True, [])
    own = ledger_id(office.root / ".synapsor" / "ledger.db")
    assert own is not None
    with asking(own) as page:
        assert office.run("login", page.url, "AAAA-BBBB-CCCC", *who).returncode == 0
        assert [one["login"]["ledger"] for one in page.taken] == [own]


@pytest.mark.requirement("login:own-ledger")
def test_the_question_names_the_address_that_was_typed_and_the_ledger_and_only_quotes_the_page(
    office: ProjectFiles,
) -> None:
    ledger = office.root / ".synapsor" / "ledger.db"
    own = ledger_id(ledger)
    who = ("--operator", "leo", "--key", str(office.root / "keys" / "leo.pem"))
    with asking(str(own)) as page:
        asked = " ".join(office.run("login", page.url, "AAAA-BBBB-CCCC", *who).stderr.split())
        assert f"What answers at {page.url} asks to speak for leo" in asked
        assert f"in the ledger {own}, which is this project's own." in asked
        assert "It calls itself: The console at desk.example for Chrome on Linux" in asked
        for file in ledger.parent.glob("ledger.db*"):
            file.unlink()
        asked = " ".join(office.run("login", page.url, "AAAA-BBBB-CCCC", *who).stderr.split())
        assert "which this project has not here to compare" in asked
        assert page.taken == []


@pytest.mark.requirement("login:clocks-apart")
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            b'{"error": "login_to_come"}',
            "The login was of a moment that the clock there had not reached. fix: Set the clocks",
        ),
        (b'{"error": "operator_revoked"}', "This person is not trusted any more. fix: Look at the address"),
        (b'{"error": "\\u001b[2Jtyped"}', "it answered 403. fix: Look at the address"),
        (b'{"error": ["login_to_come"]}', "it answered 403. fix: Look at the address"),
        (b"[" * 70_000, "it answered 403. fix: Look at the address"),
        (b"no JSON", "it answered 403. fix: Look at the address"),
    ],
    ids=["clocks", "revoked", "foreign", "list", "long", "text"],
)
def test_why_a_console_did_not_take_a_login_is_told_in_our_own_words(
    office: ProjectFiles, answer: bytes, words: str
) -> None:
    own = ledger_id(office.root / ".synapsor" / "ledger.db")
    who = ("--operator", "leo", "--key", str(office.root / "keys" / "leo.pem"), "--yes")
    with asking(str(own)) as page:
        page.refused = answer
        answered = office.run("login", page.url, "AAAA-BBBB-CCCC", *who)
    assert answered.returncode == 2
    assert f"The console did not take it: {words}" in " ".join(answered.stderr.split())
    assert "typed" not in answered.stderr
