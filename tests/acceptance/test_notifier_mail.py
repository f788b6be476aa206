"""Letters through a real SMTP server: through TLS to the named server only, and never in clear to another machine."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult

from synapsor.errors import ConfigError
from tests.leaks import tells_number
from tests.ledger_records import at
from tests.notifying import Telling, telling


class Box:
    """Keeps what is handed in, and answers what it is told to."""

    def __init__(self) -> None:
        self.letters: list[Any] = []
        self.answers: list[str] = []
        self.refused: dict[str, str] = {}

    async def handle_RCPT(  # noqa: N802  # the name is aiosmtpd's
        self, _: Any, __: Any, envelope: Any, address: str, ___: Any
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  # as above
        self, _: Any, __: Any, envelope: Any
    ) -> str:
        if self.answers:
            return self.answers.pop(0)
        self.letters.append(envelope)
        return "250 OK"


@asynccontextmanager
async def server(
    box: Box, folder: Path, *, name: str = "127.0.0.1", tls: str = "starttls", **more: Any
) -> AsyncIterator[int]:
    """Run an SMTP server with a certificate of `name`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "mail.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    upgraded: dict[str, Any] = {"tls_context": context, "require_starttls": True} if tls == "starttls" else {}
    loop = asyncio.get_running_loop()
    running = await loop.create_server(
        lambda: SMTP(box, hostname="mail", loop=loop, **upgraded, **more),
        host="127.0.0.1",
        port=0,
        ssl=context if tls == "tls" else None,
    )
    try:
        yield running.sockets[0].getsockname()[1]
    finally:
        running.close()
        await running.wait_closed()


def written(project: Telling, folder: Path, port: int, *, smtp: str = "tls: starttls") -> None:
    project.write(
        "channels: {lead: {email: {to: [ann@example.com, bob@example.com], from: synapsor@example.com}}}\n"
        f"smtp: {{host: 127.0.0.1, port: {port}, ca: {folder / 'mail.pem'}, {smtp}}}\n"
    )


@pytest.mark.parametrize("tls", ["starttls", "tls"])
@pytest.mark.requirement("notify:tls")
async def test_a_letter_goes_through_tls_to_each_of_the_people(tmp_path: Path, tls: str) -> None:
    box = Box()
    async with telling(tmp_path / "project") as project, server(box, tmp_path, tls=tls) as port:
        written(project, tmp_path, port, smtp=f"tls: {tls}")
        filed = await project.file()
        await project.tell(since=0)
    (letter,) = box.letters
    text = letter.content.decode()
    assert letter.rcpt_tos == ["ann@example.com", "bob@example.com"]
    assert "Subject: [Synapsor] billing.propose_late_fee_waiver waits for review\r\n" in text
    assert f"look at it synapsor show {filed.id}\r\n" in text
    assert f"X-Synapsor-Delivery: {project.outcomes[0].message}\r\n" in text
    for value in ("INV-3001", "goodwill", "acme"):
        assert value not in text
    assert not tells_number(text, "5500")


@pytest.mark.requirement("notify:tls")
async def test_a_server_without_tls_or_with_anothers_name_gets_no_letter(tmp_path: Path) -> None:
    box = Box()
    async with telling(tmp_path / "project") as project:
        async with server(box, tmp_path, tls="none") as port:
            written(project, tmp_path, port)
            await project.file()
            await project.tell(since=0)
        async with server(box, tmp_path, name="127.0.0.2") as port:
            written(project, tmp_path, port)
            project.clock.move(minutes=1)
            await project.tell()
        async with server(box, tmp_path, name="127.0.0.2", tls="tls") as port:
            written(project, tmp_path, port, smtp="tls: tls")
            project.clock.move(minutes=1)
            await project.tell()
    assert [(o.why, o.dead) for o in project.outcomes] == [
        ("not_offered", False),
        ("tls_refused", False),
        ("tls_refused", False),
    ]
    assert box.letters == []


async def test_what_the_server_puts_off_comes_again_and_what_it_refuses_is_given_up(tmp_path: Path) -> None:
    box = Box()
    async with telling(tmp_path / "project") as project, server(box, tmp_path) as port:
        written(project, tmp_path, port)
        box.answers += ["451 later", "554 never"]
        await project.file(expires_at=at(99_999))
        await project.tell(since=0)
        project.clock.move(minutes=1)
        await project.tell()
        box.refused |= dict.fromkeys(("ann@example.com", "bob@example.com"), "550 no such person")
        await project.file(expires_at=at(99_999))
        await project.tell()
        del box.refused["bob@example.com"]
        await project.file(expires_at=at(99_999))
        await project.tell()
    assert [(o.why, o.dead) for o in project.outcomes] == [
        ("smtp_451", False),
        ("smtp_554", True),
        ("recipients_refused", True),
        ("some_recipients_refused", True),
    ]
    assert [letter.rcpt_tos for letter in box.letters] == [["bob@example.com"]]


@pytest.mark.requirement("notify:each-receiver")
async def test_who_was_refused_among_several_gets_it_later_and_the_others_not_again(tmp_path: Path) -> None:
    box = Box()
    async with telling(tmp_path / "project") as project, server(box, tmp_path) as port:
        written(project, tmp_path, port)
        box.refused["ann@example.com"] = "550 no such person"
        await project.file(expires_at=at(99_999))
        await project.tell(since=0)
        async with project.notifier() as notifier:
            (dead,) = notifier.state.dead()
            assert (dead.why, dead.reached) == ("some_recipients_refused", ("bob@example.com",))
            assert notifier.state.requeue(dead.message.id, now=at())
        text = project.config.read_text(encoding="utf-8")
        project.config.write_text(text.replace("ann@", "anne@"), encoding="utf-8")  # it was misspelled
        await project.tell()
        async with project.notifier() as notifier:
            assert notifier.state.dead() == ()
    assert [letter.rcpt_tos for letter in box.letters] == [["bob@example.com"], ["anne@example.com"]]
    first, second = (letter.content.decode() for letter in box.letters)
    delivery = f"X-Synapsor-Delivery: {project.outcomes[0].message}\r\n"
    assert delivery in first
    assert delivery in second


@pytest.mark.requirement("notify:each-receiver")
async def test_one_whom_the_server_puts_off_is_tried_again_alone(tmp_path: Path) -> None:
    box = Box()
    async with telling(tmp_path / "project") as project, server(box, tmp_path) as port:
        written(project, tmp_path, port)
        box.refused["ann@example.com"] = "451 later"
        await project.file(expires_at=at(99_999))
        await project.tell(since=0)
        project.clock.move(minutes=1)
        box.answers.append("451 nor now")
        del box.refused["ann@example.com"]
        await project.tell()
        project.clock.move(minutes=1)
        await project.tell()
    assert [(o.why, o.dead) for o in project.outcomes] == [
        ("some_recipients_refused", False),
        ("smtp_451", False),
        ("", False),
    ]
    assert [letter.rcpt_tos for letter in box.letters] == [["bob@example.com"], ["ann@example.com"]]


async def test_a_message_for_somebody_who_is_configured_no_more_ends(tmp_path: Path) -> None:
    box = Box()
    async with telling(tmp_path / "project") as project, server(box, tmp_path) as port:
        written(project, tmp_path, port)
        box.refused["ann@example.com"] = "451 later"
        await project.file(expires_at=at(99_999))
        await project.tell(since=0)
        text = project.config.read_text(encoding="utf-8")
        project.config.write_text(text.replace("ann@example.com, ", ""), encoding="utf-8")
        project.clock.move(minutes=1)
        await project.tell()
    assert [o.why for o in project.outcomes] == ["some_recipients_refused", ""]
    assert len(box.letters) == 1


async def test_a_password_is_a_reference_and_one_that_is_refused_gives_up_nothing(tmp_path: Path) -> None:
    box = Box()

    def known(_: Any, __: Any, ___: Any, ____: str, given: Any) -> AuthResult:
        return AuthResult(success=given.password == b"right", handled=False)

    async with telling(tmp_path / "project") as project:
        smtp = server(box, tmp_path, authenticator=known, auth_required=True)
        async with smtp as port:
            login = f"tls: starttls, user: synapsor, password: '{project.secret('mail', 'wrong')}'"
            written(project, tmp_path, port, smtp=login)
            await project.file()
            await project.tell(since=0)
            project.secret("mail", "right")
            project.clock.move(minutes=1)
            await project.tell()
    assert [(o.why, o.dead) for o in project.outcomes] == [("login_refused", False), ("", False)]
    assert len(box.letters) == 1


async def test_nobody_listening_is_tried_again(tmp_path: Path) -> None:
    async with telling(tmp_path / "project") as project:
        with socket.socket() as held:  # and not listened on: nobody else takes it meanwhile
            held.bind(("127.0.0.1", 0))
            written(project, tmp_path, held.getsockname()[1], smtp="tls: none")
            trustme.CA().cert_pem.write_to_path(str(tmp_path / "mail.pem"))
            await project.file()
            await project.tell(since=0)
    assert [(o.why, o.dead) for o in project.outcomes] == [("not_connected", False)]


@pytest.mark.parametrize("host", ["mail.example.com", "10.0.0.1", "localhost.example.com", "127.0.0.1.example.com"])
@pytest.mark.requirement("notify:tls")
async def test_a_letter_in_clear_is_for_this_machine_only(tmp_path: Path, host: str) -> None:
    async with telling(tmp_path / "project") as project:
        project.write(
            "channels: {lead: {email: {to: [ann@example.com], from: synapsor@example.com}}}\n"
            f"smtp: {{host: {host}, tls: none}}\n"
        )
        with pytest.raises(ConfigError, match="TLS only"):
            await project.tell()
