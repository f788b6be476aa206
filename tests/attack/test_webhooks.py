"""G09: a webhook is no way into the network behind it, and no way to be listened to. Real servers, and a resolver that lies."""

import base64
import hashlib
import hmac
import ipaddress
import json
import logging
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from synapsor.errors import ConfigError
from synapsor.notify.posting import Poster
from tests.notifying import HOST, KEY, SECRET, Receiver, Telling, loopback, receiver, telling
from tests.silence import silent

SECRET_PATH = "T0KEN-in-the-path"
_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@pytest_asyncio.fixture
async def project(tmp_path: Path) -> AsyncIterator[Telling]:
    async with telling(tmp_path / "project") as made:
        yield made


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Receiver]:
    with receiver(tmp_path) as running:
        yield running


class Names:
    """A resolver that answers what it is told to, and counts how often it is asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.mark.parametrize(
    "address",
    [
        f"http://{HOST}/{SECRET_PATH}",
        f"http://10.0.0.1/{SECRET_PATH}",
        f"http://localhost/{SECRET_PATH}",
        f"file:///etc/{SECRET_PATH}",
        f"ftp://{HOST}/{SECRET_PATH}",
        f"https:///{SECRET_PATH}",
        f"https://user@{HOST}/{SECRET_PATH}",
        f"https://user:word@{HOST}/{SECRET_PATH}",
        f"https://@{HOST}/{SECRET_PATH}",
        f"https://{HOST}\\@127.0.0.1/{SECRET_PATH}",
        f"https://{HOST}%00.example.com/{SECRET_PATH}",
        f"https://{HOST}/{SECRET_PATH}#fragment",
        f"https://{HOST}/{SECRET_PATH}\r\nX-Header: 1",
        f"https://{HOST}/{SECRET_PATH} x",
        f"https://{HOST}:99999/{SECRET_PATH}",
        f"https://[fe80::1%25eth0]/{SECRET_PATH}",
        f"gopher://{HOST}/{SECRET_PATH}",
        SECRET_PATH,
        f"https://{HOST}/{'x' * 3000}{SECRET_PATH}",
    ],
)
@pytest.mark.requirement("notify:addresses")
async def test_an_address_of_another_form_stops_the_start_and_is_not_repeated(project: Telling, address: str) -> None:
    project.write(f"channels: {{desk: {{slack: {{url: '{project.secret('url', address)}'}}}}}}\n")
    with pytest.raises(ConfigError) as refused:
        await project.tell()
    assert SECRET_PATH not in str(refused.value) + str(refused.value.fix) + str(refused.value.__context__)


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["10.0.0.7"],
        ["fd00:ec2::254"],
        ["fe80::1%lo"],
        ["93.184.216.34", "127.0.0.1"],
        [],
    ],
)
@pytest.mark.requirement("notify:addresses")
async def test_a_name_with_any_address_that_is_not_allowed_is_not_connected_to(
    project: Telling, desk: Receiver, answer: list[str]
) -> None:
    project.webhook(desk)
    text = project.config.read_text(encoding="utf-8")
    project.config.write_text(text.replace("[127.0.0.0/8]", "[]"), encoding="utf-8")
    await project.file()
    await project.tell(since=0, resolver=Names(answer))
    assert [o.why for o in project.outcomes] == ["address_refused"]
    assert desk.got == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:0001]",
        "[::127.0.0.1]",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "localhost",
        "localhost.",
    ],
)
@pytest.mark.requirement("notify:addresses")
async def test_however_the_loopback_is_spelled_it_is_not_connected_to(desk: Receiver, host: str) -> None:
    try:
        poster = Poster(f"https://{host}:{desk.port}/", ca=desk.ca)
    except ConfigError:
        return  # it is no address to begin with
    assert (await poster.post(b"{}", {})).why in {"address_refused", "name_not_resolved"}
    assert desk.got == []


@pytest.mark.requirement("notify:addresses")
async def test_a_name_is_asked_for_once_and_the_connection_goes_to_what_was_judged(
    project: Telling, desk: Receiver
) -> None:
    # The name does not exist outside of this resolver, so whoever asked again would not find it.
    project.webhook(desk)
    await project.file()
    names = Names(["127.0.0.1"], ["10.9.9.9"])
    await project.tell(since=0, resolver=names)
    assert (names.asked, [o.why for o in project.outcomes]) == ([HOST], [""])
    assert desk.got[0].headers["host"] == f"{HOST}:{desk.port}"
    await project.file()
    await project.tell(resolver=names)  # it has moved, and is judged anew
    assert (len(names.asked), project.outcomes[-1].why) == (2, "address_refused")


@pytest.mark.requirement("notify:addresses")
async def test_a_redirect_is_not_followed(project: Telling, desk: Receiver, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    with receiver(tmp_path / "inner", tls=False) as inner:
        project.webhook(desk)
        desk.answers.append((307, {"location": f"http://127.0.0.1:{inner.port}/"}))
        await project.file()
        await project.tell(since=0)
        assert [(o.why, o.dead) for o in project.outcomes] == [("redirect_refused", True)]
        assert inner.got == []


@pytest.mark.requirement("notify:addresses")
async def test_a_proxy_of_the_environment_is_not_taken(
    project: Telling, desk: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "proxy").mkdir()
    with receiver(tmp_path / "proxy", tls=False) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        project.webhook(desk)
        await project.file()
        await project.tell(since=0)
        assert (len(desk.got), proxy.got) == (1, [])


@pytest.mark.requirement("notify:tls")
async def test_a_server_that_is_not_the_named_one_gets_nothing(project: Telling, tmp_path: Path) -> None:
    with receiver(tmp_path, name="other.example.com") as other:
        other.name = HOST
        project.webhook(other)
        await project.file()
        await project.tell(since=0)
        assert [o.why for o in project.outcomes] == ["tls_refused"]
        assert other.got == []


@pytest.mark.requirement("notify:tls")
async def test_a_name_that_ends_with_a_dot_is_proven_as_the_same_without_it(desk: Receiver) -> None:
    poster = Poster(desk.url.replace(HOST, f"{HOST}."), private=_LOOPBACK, ca=desk.ca, resolver=loopback)
    assert (await poster.post(b"{}", {})).arrived


@pytest.mark.requirement("notify:tls")
async def test_a_certificate_of_an_unknown_authority_gets_nothing(desk: Receiver) -> None:
    poster = Poster(desk.url, private=_LOOPBACK, resolver=loopback)
    assert (await poster.post(b"{}", {})).why == "tls_refused"
    assert desk.got == []


async def test_in_clear_is_for_the_loopback_and_only_where_that_is_allowed(tmp_path: Path) -> None:
    with receiver(tmp_path, tls=False) as plain:
        address = f"http://127.0.0.1:{plain.port}/"
        assert (await Poster(address).post(b"{}", {})).why == "address_refused"
        assert plain.got == []
        assert (await Poster(address, private=_LOOPBACK).post(b"{}", {})).arrived
    everything = await Poster(address, private=_LOOPBACK, resolver=Names(["10.0.0.1"])).post(b"{}", {})
    assert everything.why == "address_refused"


@contextmanager
def answering(answer: bytes, *, over_and_over: bytes = b"", drops: bytes = b"") -> Iterator[int]:
    """Answer every connection with these bytes, and then with others until it breaks; `drops` go out a byte at a time, and slowly."""
    listener = socket.create_server(("127.0.0.1", 0))

    ended = threading.Event()

    def serve() -> None:
        nonlocal drops
        while True:
            try:
                taken, _ = listener.accept()
            except OSError:
                return
            with taken:
                try:
                    taken.recv(65_536)
                    taken.sendall(answer)
                    while over_and_over:
                        taken.sendall(over_and_over)
                    while drops and not ended.wait(0.02):
                        taken.sendall(drops[:1])
                        drops = drops[1:] + drops[:1]
                    while taken.recv(4096):
                        pass
                except OSError:
                    pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.requirement("notify:bounded")
@pytest.mark.parametrize(
    ("answer", "more", "why"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536, ""),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 65_536, "connection_lost"),
        (b"HTTP/1.1 200 OK\r\n", b"X-Many: yes\r\n" * 1000, "connection_lost"),
        (b"", b"", "timeout"),
        (b"HTTP/1.1 2", b"", "timeout"),
        (b"nonsense\r\n\r\n", b"", "connection_lost"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, "timeout"),
    ],
)
async def test_an_answer_that_does_not_end_costs_neither_time_nor_memory(answer: bytes, more: bytes, why: str) -> None:
    with answering(answer, over_and_over=more) as port:
        poster = Poster(f"http://127.0.0.1:{port}/", private=_LOOPBACK, seconds=0.5 if why == "timeout" else 20)
        assert (await poster.post(b"{}", {})).why == why


@pytest.mark.requirement("notify:bounded")
async def test_a_receiver_that_never_shakes_hands_or_answers_drop_by_drop_costs_no_more_than_its_time(
    desk: Receiver,
) -> None:
    with silent() as port:
        stalled = Poster(f"https://127.0.0.1:{port}/", private=_LOOPBACK, ca=desk.ca, seconds=0.5)
        assert (await stalled.post(b"{}", {})).why == "timeout"
    with answering(b"HTTP/1.1 200 OK\r\n", drops=b"X-Drop: 1\r\n") as port:
        slow = Poster(f"http://127.0.0.1:{port}/", private=_LOOPBACK, seconds=0.5)
        assert (await slow.post(b"{}", {})).why == "timeout"


@pytest.mark.requirement("notify:bounded")
async def test_a_receiver_that_takes_nothing_in_costs_no_more_than_its_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        poster = Poster(f"http://127.0.0.1:{deaf.getsockname()[1]}/", private=_LOOPBACK, seconds=0.5)
        assert (await poster.post(b"x" * 20_000_000, {})).why == "timeout"


@pytest.mark.requirement("notify:signed", "notify:hostile-words")
async def test_no_word_of_others_is_a_header_and_the_signature_is_over_the_bytes_that_arrive(
    project: Telling, desk: Receiver
) -> None:
    project.webhook(desk)
    evil = 'x\r\nX-Evil: 1\r\n\r\n{"type":"proposal.approved"}\u202e\U0001f600\ufeff"'
    await project.file(principal=evil, client=evil)
    await project.tell(since=0)
    (got,) = desk.got
    assert set(got.headers) == {
        "accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent",
        "webhook-id", "webhook-signature", "webhook-timestamp",
    }  # fmt: skip
    assert (got.data["type"], got.data["data"]["principal"]) == ("proposal.filed", evil)
    said = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode()
    assert got.headers["webhook-signature"] == signature_of(said + got.body)
    assert got.headers["webhook-signature"] != signature_of(said + json.dumps(got.data, separators=(",", ":")).encode())
    assert int(got.headers["content-length"]) == len(got.body)


def signature_of(signed: bytes) -> str:
    return f"v1,{base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()}"


@pytest.mark.requirement("notify:no-secret-told")
async def test_neither_an_address_nor_a_secret_is_in_any_log_or_state(
    project: Telling, desk: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = project.secret("url", f"{desk.url}/{SECRET_PATH}")
    project.write(f"channels: {{desk: {{webhook: {{url: {url!r}, secret: {project.secret('hook', SECRET)!r}}}}}}}\n")
    await project.file()
    await project.tell(since=0)
    assert [o.why for o in project.outcomes] == ["address_refused"]
    shown = project.config.read_text(encoding="utf-8").replace(
        "secret:", f"allow_private: [127.0.0.0/8], ca: {desk.ca}, secret:"
    )
    project.config.write_text(shown, encoding="utf-8")
    project.clock.move(minutes=1)
    await project.tell()
    assert project.outcomes[-1].why == ""
    state = b"".join(file.read_bytes() for file in (project.root / ".synapsor").glob("notify.db*"))
    for told in (caplog.text, state.decode("latin-1")):
        assert SECRET_PATH not in told
        assert SECRET.removeprefix("whsec_") not in told


@pytest.mark.parametrize(
    "secret", ["short", "whsec_", "whsec_" + "A" * 20, "not base64 at all, however long it may be!", "A" * 200]
)
async def test_a_secret_that_could_be_guessed_stops_the_start_and_is_not_repeated(
    project: Telling, desk: Receiver, secret: str
) -> None:
    project.webhook(desk)
    project.secret("hook", secret)
    with pytest.raises(ConfigError) as refused:
        await project.tell()
    assert secret not in str(refused.value)


def test_tls_is_at_least_of_version_1_2(desk: Receiver) -> None:
    assert Poster(desk.url, ca=desk.ca)._pinned.tls.minimum_version is ssl.TLSVersion.TLSv1_2
