"""The stdio transport survives what clients send, and ends without losing an answer."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import termios
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.serving.messages import INITIALIZE, INITIALIZED, call, legacy, line, request
from tests.serving.process import ROOT, Talk, command, converse, environment, talk

MIB = 1024 * 1024


@pytest.mark.requirement("stdio:survives")
def test_each_hostile_line_gets_its_error_and_the_server_goes_on() -> None:
    lines = [
        b"garbage\n",
        b"\x00\xff\xfe\x80\n",
        b"\n",
        b"  \n",
        line([call(1, "x")]),
        b'{"jsonrpc":"2.0","id":2,"id":3,"method":"ping"}\n',
        b'{"jsonrpc":"2.0","id":4,"method":"ping","params":{"a":' + b"[" * 4_000 + b"]" * 4_000 + b"}}\n",
        line({"jsonrpc": "2.0", "id": True, "method": "ping"}),
        line({"jsonrpc": "2.0", "id": 99, "result": {}}),
        line({"jsonrpc": "2.0", "method": "notifications/nonsense"}),
        line({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 12345}}),
        line(request(5, "no/such/method")),
        line(request(6, "tools/call", name=7)),
        line(call(8, "alive")),
    ]
    answers, _ = converse(b"".join(lines), started=True)
    assert sorted((str(a["id"]), a["error"]["code"]) for a in answers if "error" in a) == [
        ("5", -32601),
        ("6", -32602),
        ("None", -32700),
        ("None", -32700),
        ("None", -32700),
        ("None", -32700),
        ("None", -32600),
        ("None", -32600),
    ]
    assert [a["id"] for a in answers if "result" in a] == [8]


def test_a_call_before_the_handshake_is_refused_and_the_handshake_still_works() -> None:
    with talk() as server:
        early = server.ask(legacy(1, "tools/call", name="billing.inspect_invoice", arguments={"invoice_id": "1"}))
        assert early["error"] == {"code": -32602, "message": "Invalid request parameters", "data": ""}
        assert server.ask(INITIALIZE)["result"]["protocolVersion"] == "2025-11-25"
        server.send(INITIALIZED)
        late = server.ask(legacy(2, "tools/call", name="billing.inspect_invoice", arguments={"invoice_id": "1"}))
        assert late["result"]["isError"] is False


def test_wrong_protocol_versions_are_answered_as_each_era_prescribes() -> None:
    with talk() as server:
        unknown = {**INITIALIZE, "params": {**INITIALIZE["params"], "protocolVersion": "1999-01-01"}}
        assert server.ask(unknown)["result"]["protocolVersion"] == "2025-11-25"
    with talk() as server:
        message = request(1, "tools/list")
        message["params"]["_meta"] = {
            **message["params"]["_meta"],
            "io.modelcontextprotocol/protocolVersion": "2099-01-01",
        }
        assert server.ask(message)["error"]["code"] == -32022


def test_the_same_id_twice_gets_two_answers() -> None:
    answers, _ = converse(line(call(1, "a")) + line(call(1, "b")))
    assert sorted(a["result"]["structuredContent"]["data"]["invoice_id"] for a in answers) == ["a", "b"]


@pytest.mark.requirement("stdio:survives")
def test_a_line_over_the_limit_is_skipped_without_being_kept() -> None:
    with talk(started=True) as server:
        assert server.ask(call(1, "before"))["id"] == 1
        peak_before = _peak_kib(server.process.pid)
        for _ in range(16):
            server.send(b"x" * (4 * MIB))
        refused = server.ask(b"\n")
        assert refused == {
            "jsonrpc": "2.0",
            "id": None,
            "error": {"code": -32600, "message": "The message is too large"},
        }
        assert server.ask(call(2, "after"))["id"] == 2
        assert _peak_kib(server.process.pid) - peak_before < 32 * 1024


def test_a_long_line_under_the_limit_is_read_even_without_its_newline() -> None:
    answers, _ = converse(line(call(1, "x" * (2 * MIB))).rstrip())
    assert len(answers[0]["result"]["structuredContent"]["data"]["invoice_id"]) == 2 * MIB


def test_a_uri_of_a_megabyte_is_as_unknown_as_any_other() -> None:
    answers, _ = converse(
        b"".join(
            line(request(n, "resources/read", uri=u))
            for n, u in enumerate(["synapsor://evidence/" + "a" * MIB, "synapsor://evidence/zz"])
        )
    )
    assert answers[0]["error"] == answers[1]["error"] == {"code": -32602, "message": "Resource not found"}


def test_a_thousand_calls_at_once_are_all_answered() -> None:
    answers, _ = converse(b"".join(line(call(n, "x" * 5000)) for n in range(1000)))
    assert sorted(a["id"] for a in answers) == list(range(1000))


@pytest.mark.requirement("stdio:clean-wire")
def test_stray_output_goes_to_stderr_and_a_child_reads_nothing_from_the_wire() -> None:
    answers, err = converse(line(call(1, "print")) + line(call(2, "x")))
    assert sorted(a["id"] for a in answers) == [1, 2]
    # In any order: what Python prints waits in a buffer until the wire is given back.
    noise = {"printed to stdout", "written to descriptor 1", "printed by a child", "done"}
    assert (set(err.splitlines()), len(err.splitlines())) == (noise, 4)


def test_the_end_of_input_lets_a_call_finish() -> None:
    answers, err = converse(line(call(1, "slow")))
    assert (answers[0]["id"], answers[0]["result"]["isError"], err) == (1, False, "done\n")


def test_a_call_that_outlasts_the_grace_is_canceled_and_answered() -> None:
    answers, err = converse(line(call(1, "wait")), grace_s=1.0)
    assert (answers[0]["id"], answers[0]["error"]["message"], err) == (1, "Connection closed", "canceled\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_server(number: signal.Signals) -> None:
    with talk(started=True) as server:
        server.ask(call(1, "x"))
        server.process.send_signal(number)
        assert server.end() == ([], ["done"], 0)


@pytest.mark.requirement("serve:orderly-end")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_calls_in_flight_finish(number: signal.Signals) -> None:
    with talk() as server:
        server.ask(call(1, "x"))
        server.send(call(2, "slow"), call(3, "x"))
        first = server.receive()
        server.process.send_signal(number)
        answers, err, code = server.end()
        # On a busy machine the slow one may be the first.
        assert (sorted(a["id"] for a in (first, *answers)), err, code) == ([2, 3], ["done"], 0)


def test_a_second_signal_ends_it_at_once() -> None:
    with talk(grace_s=3600) as server:
        server.send(call(1, "wait"), call(2, "x"))
        server.receive()
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(0.3)
        server.end_now(signal.SIGTERM)
        answers, err, code = server.end()
        assert (answers[0]["error"]["message"], err, code) == ("Connection closed", ["canceled"], 0)


def test_a_client_that_stops_listening_ends_it_and_its_calls() -> None:
    with talk(grace_s=3600) as server:
        server.send(call(1, "wait"), call(2, "x"))
        server.receive()
        assert server.process.stdout is not None
        server.process.stdout.close()
        server.process.wait(60)
        assert server.process.stderr is not None
        assert (server.process.stderr.read(), server.process.returncode) == (b"canceled\n", 0)


@pytest.mark.requirement("stdio:ends")
@pytest.mark.parametrize(
    "flood", [b"{not json\n" * 20_000, b"".join(line(call(n, "x")) for n in range(2000))], ids=["malformed", "calls"]
)
def test_signals_end_a_server_whose_client_sends_and_does_not_read(flood: bytes) -> None:
    with talk(grace_s=0.1) as server:
        server.ask(call("first", "x"))
        threading.Thread(target=_push, args=(server, flood), daemon=True).start()
        _wait_until_full(server)
        for _ in range(2):
            server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0


def _push(server: Talk, data: bytes) -> None:
    with suppress(OSError):
        server.send(data)


def _wait_until_full(server: Talk) -> None:
    """Return when the pipe of answers holds nearly all it can."""
    assert server.process.stdout is not None
    kept = 0
    while kept < 60_000:
        assert server.process.poll() is None
        kept = int.from_bytes(fcntl.ioctl(server.process.stdout, termios.FIONREAD, bytes(4)), sys.byteorder)


@pytest.mark.requirement("stdio:ends")
def test_a_server_whose_reader_left_before_it_started_ends() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process_ = subprocess.Popen(
        command(3600, started=True),
        stdin=subprocess.PIPE,
        stdout=writing,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=ROOT,
    )
    os.close(writing)
    with process_ as process:
        try:
            assert process.wait(60) == 0
        finally:
            process.kill()


@pytest.mark.requirement("serve:cancelable")
@pytest.mark.parametrize("era", ["2025", "2026"])
def test_a_canceled_call_is_canceled_in_the_desk_and_never_answered(era: str) -> None:
    with talk(grace_s=3600) as server:
        if era == "2025":
            server.ask(INITIALIZE)
            waiting = legacy(1, "tools/call", name="billing.inspect_invoice", arguments={"invoice_id": "wait"})
            after = legacy(2, "tools/call", name="billing.inspect_invoice", arguments={"invoice_id": "x"})
        else:
            waiting, after = call(1, "wait"), call(2, "x")
        server.send(waiting, {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
        assert server.ask(after)["id"] == 2
        assert server.process.stdin is not None
        answers, err, code = server.end()
        assert (answers, err, code) == ([], ["canceled"], 0)


def test_files_in_place_of_pipes_are_served_to_their_end(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(line(call(1, "slow")) + b"garbage\n" + line(call(2, "print")))
    with (tmp_path / "in").open("rb") as given, (tmp_path / "out").open("wb") as out:
        subprocess.run(
            command(),
            stdin=given,
            stdout=out,
            stderr=subprocess.DEVNULL,
            env=environment(),
            cwd=ROOT,
            timeout=60,
            check=True,
        )
    answers = [json.loads(answer) for answer in (tmp_path / "out").read_bytes().splitlines()]
    assert sorted(str(a["id"]) for a in answers) == ["1", "2", "None"]


@pytest.mark.parametrize("shared", [False, True])
def test_sockets_in_place_of_pipes_are_served(shared: bool) -> None:
    ours_in, theirs_in = socket.socketpair()
    ours_out, theirs_out = (ours_in, theirs_in) if shared else socket.socketpair()
    process = subprocess.Popen(
        command(),
        stdin=theirs_in.fileno(),
        stdout=theirs_out.fileno(),
        stderr=subprocess.DEVNULL,
        env=environment(),
        cwd=ROOT,
    )
    theirs_in.close()
    theirs_out.close()
    with ours_in, ours_out, ours_out.makefile("rb") as answers:
        for number in range(3):
            ours_in.sendall(line(call(number, "x")))
            assert json.loads(answers.readline())["id"] == number
        ours_in.shutdown(socket.SHUT_WR)
        assert answers.read() == b""
    assert process.wait(60) == 0


def test_a_closed_stdin_is_a_usage_error() -> None:
    script = f"exec {' '.join(command(started=True))} <&-"
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, env=environment(), cwd=ROOT, timeout=60, check=False
    )
    assert done.returncode != 0
    assert b"stdin and stdout must be open" in done.stderr


def _peak_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(row.split()[1]) for row in status.splitlines() if row.startswith("VmHWM"))
