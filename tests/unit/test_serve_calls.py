"""Calls that are answered beside the SDK's dispatcher: the same answers, and nothing else is taken."""

import asyncio
import json
import signal
import subprocess
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from mcp.shared.dispatcher import coerce_request_id
from mcp.shared.message import ServerMessageMetadata

from synapsor.serve.calls import Calls, Way
from synapsor.serve.lines import Lines
from synapsor.serve.stdio import MAX_LINE, Inbox, Outbox
from tests.serving.messages import INITIALIZE, call, legacy, line, request
from tests.serving.process import Talk, talk

TOOL = "billing.inspect_invoice"
WAITS = "synapsor.wait_for_decision"
PLAIN = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": TOOL, "arguments": {"invoice_id": "x"}}}


ANSWER: dict[str, Any] = {"content": [], "structuredContent": {}, "isError": False}
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


class _Way:
    def __init__(self) -> None:
        self.lines: list[Any] = []
        self.ended: list[str | int] = []
        self.owed: list[str | int] = []
        self.said = asyncio.Event()

    def begin(self, request_id: str | int) -> None:
        self.owed.append(coerce_request_id(request_id))

    def owes(self, request_id: str | int) -> bool:
        return coerce_request_id(request_id) in self.owed

    def end(self, request_id: str | int) -> None:
        self.owed.remove(coerce_request_id(request_id))
        self.ended.append(request_id)

    async def answer(self, line: bytes, answered: str | int) -> None:
        assert json.loads(line)["id"] == answered
        self.lines.append(json.loads(line))
        self.owed.remove(coerce_request_id(answered))
        self.said.set()


@dataclass(frozen=True)
class _Tool:
    name: str
    waits: bool = False


class _Caller:
    def __init__(self) -> None:
        self.called: list[Any] = []
        self.canceled = asyncio.Event()

    def tool(self, name: str) -> Any:
        return {TOOL: _Tool(TOOL), WAITS: _Tool(WAITS, waits=True)}.get(name)

    async def call(self, tool: Any, arguments: dict[str, Any] | None) -> tuple[dict[str, Any], bytes]:
        self.called.append(arguments)
        if arguments == {"wait": 1}:
            try:
                await anyio.sleep_forever()
            finally:
                self.canceled.set()
        return {"ok": True, "tool": tool.name}, b'{"ok":true,"tool":"x"}'


def _calls(caller: _Caller | None = None, way: Way | None = None, meta: dict[str, Any] | None = None) -> Calls:
    """Return the calls of a connection whose first call was answered by the SDK."""
    calls = Calls(caller or _Caller(), way or _Way())
    assert not calls.take(_with(id=0, params={"name": TOOL, "_meta": meta or {}}))
    calls.learn(
        "0", {"content": [], "structuredContent": {}, "isError": False, **({"resultType": "x"} if meta else {})}
    )
    return calls


def _with(**changes: Any) -> dict[str, Any]:
    return {**PLAIN, **changes}


def _params(**changes: Any) -> dict[str, Any]:
    return _with(params={"name": TOOL, **changes})


@pytest.mark.parametrize(
    "message",
    [
        PLAIN,
        _with(id="a"),
        _params(),
        _params(arguments={}),
        _params(_meta={}),
        _params(_meta={"progressToken": 7}),
        _params(_meta={"progressToken": "t", "somebody/else": [1]}),
    ],
)
async def test_a_plain_call_is_answered_on_the_spot(message: dict[str, Any]) -> None:
    way, caller = _Way(), _Caller()
    assert _calls(caller, way).take(message)
    await way.said.wait()
    assert way.lines == [
        {
            "jsonrpc": "2.0",
            "id": message["id"],
            "result": {
                "content": [{"type": "text", "text": '{"ok":true,"tool":"x"}'}],
                "structuredContent": {"ok": True, "tool": "x"},
                "isError": False,
            },
        }
    ]
    assert caller.called == [message["params"].get("arguments")]


@pytest.mark.requirement("serve:one-answer")
@pytest.mark.parametrize(
    "message",
    [
        [PLAIN],
        "tools/call",
        None,
        _with(method="tools/list"),
        _with(method="resources/read"),
        _with(jsonrpc="1.0"),
        _with(id=True),
        _with(id=None),
        _with(id=1.5),
        _with(id="x" * 100_000),
        _with(id=2**64),
        _with(id=[1]),
        _with(extra=1),
        {k: v for k, v in PLAIN.items() if k != "id"},
        {k: v for k, v in PLAIN.items() if k != "params"},
        _with(params=[TOOL]),
        _with(params=None),
        _with(params={}),
        _with(params={"name": 7}),
        _with(params={"name": "no.such_tool"}),
        _params(arguments=None),
        _params(arguments=[1]),
        _params(arguments="{}"),
        _params(task={}),
        _params(_meta=None),
        _params(_meta=[]),
        _params(_meta={"progressToken": True}),
        _params(_meta={"progressToken": None}),
        _params(_meta={"io.modelcontextprotocol/protocolVersion": "2026-07-28"}),
        _params(_meta={"io.modelcontextprotocol/anything": 1}),
        _params(_meta={"progressToken": [1]}),
    ],
)
async def test_whatever_is_not_a_plain_call_of_a_known_tool_is_left_to_the_sdk(message: Any) -> None:
    caller = _Caller()
    assert not _calls(caller).take(message)
    assert caller.called == []


@pytest.mark.requirement("serve:one-answer")
async def test_only_what_the_sdk_has_accepted_on_this_connection_is_taken() -> None:
    calls = Calls(_Caller(), _Way())
    assert not calls.take(_with(id="a"))
    assert not calls.take(_with(id="b")), "the first one is not answered yet"
    calls.learn("a", None)
    assert not calls.take(_with(id="a")), "an error accepts nothing"
    calls.learn("other", ANSWER)
    assert not calls.take(_with(id="c"))
    calls.cancel("c")
    calls.learn("c", ANSWER)
    assert not calls.take(_with(id="d")), "what was canceled is not answered"
    calls.learn("d", ANSWER)
    assert calls.take(_with(id="e"))
    await calls.aclose()


@pytest.mark.requirement("serve:one-answer")
async def test_the_protocol_s_own_fields_must_be_those_that_were_accepted_and_come_back_as_they_did() -> None:
    way = _Way()
    calls = _calls(way=way, meta=META)
    assert not calls.take(PLAIN)
    assert not calls.take(_params(_meta={**META, "io.modelcontextprotocol/protocolVersion": "2099-01-01"}))
    assert not calls.take(_params(_meta={**META, "io.modelcontextprotocol/logLevel": "debug"}))
    assert calls.take(_params(_meta={**META, "progressToken": 1, "somebody/else": 2}))
    await way.said.wait()
    assert way.lines[0]["result"]["resultType"] == "x"


async def test_an_id_that_is_in_use_is_left_to_the_sdk() -> None:
    calls = _calls()
    assert calls.take(_params(arguments={"wait": 1}))
    assert not calls.take(PLAIN)
    assert not calls.take(_with(id="1"))
    await calls.aclose()


@pytest.mark.requirement("serve:cancelable")
async def test_a_call_that_is_canceled_as_soon_as_it_came_is_still_heard_of_and_not_answered() -> None:
    way, caller = _Way(), _Caller()
    calls = _calls(caller, way)
    assert calls.take(_params(arguments={"wait": 1}))
    calls.cancel("1")
    assert way.ended == [], "it is open until it has ended"
    await caller.canceled.wait()
    await asyncio.sleep(0)
    assert (caller.called, way.lines, way.ended) == ([{"wait": 1}], [], [1])
    calls.cancel(1)
    assert calls.take(PLAIN), "its id is free again"
    await way.said.wait()


@pytest.mark.requirement("stdio:survives")
async def test_a_canceled_request_of_the_sdk_counts_as_open_until_it_has_ended() -> None:
    lines, outbox = Lines(MAX_LINE), Outbox()
    inbox = Inbox(lines, outbox, Calls(_Caller(), outbox), grace_s=0, max_open=9)
    lines.data_received(
        line(call(1, "x")) + line({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
    )
    asked, _ = await inbox.receive(), await inbox.receive()
    assert dict(outbox._open) == {1: 1}
    assert isinstance(asked.metadata, ServerMessageMetadata)
    assert asked.metadata.on_request_unanswered is not None
    await asked.metadata.on_request_unanswered()
    assert dict(outbox._open) == {}


@pytest.mark.requirement("stdio:survives")
async def test_a_call_is_begun_on_the_spot_only_below_the_limit_on_open_ones_and_before_the_end() -> None:
    lines, outbox = Lines(MAX_LINE), Outbox()
    calls = _calls(_Caller(), outbox)
    inbox = Inbox(lines, outbox, calls, grace_s=0, max_open=2)
    taken = [inbox.take(line({**PLAIN, "id": number})) for number in range(3)]
    assert (taken, outbox.owed) == ([True, True, False], 2)
    assert not inbox.take(b"{not json\n"), "answered when it is read in its turn"
    await calls.aclose()
    inbox.finish()
    assert not inbox.take(line({**PLAIN, "id": 3}))


# ---- through a real process ----------------------------------------------------------------------------------------------------


def _call(number: int, wish: str, **more: Any) -> dict[str, Any]:
    return legacy(number, "tools/call", name=TOOL, arguments={"invoice_id": wish}, **more)


def _established(server: Talk) -> None:
    assert server.ask(INITIALIZE)["result"]["protocolVersion"] == "2025-11-25"
    assert server.ask(_call(0, "x"))["id"] == 0


@pytest.mark.requirement("serve:one-answer")
@pytest.mark.parametrize(
    "wish", ["x", "refuse", "raise", "group", '\u202e\u00e4\ud83d\ude00\u0000\\"\n', "y" * 100_000]
)
def test_the_sdk_and_the_short_way_give_the_same_answer(wish: str) -> None:
    with talk() as server:
        _established(server)
        short = server.ask(_call(1, wish))
        long = server.ask(_call(1, wish, no_such_parameter=1))
        assert short == long
        assert json.loads(short["result"]["content"][0]["text"]) == short["result"]["structuredContent"]


@pytest.mark.requirement("serve:one-answer")
@pytest.mark.parametrize("wish", ["x", "refuse", "raise"])
def test_in_the_2026_era_too(wish: str) -> None:
    with talk() as server:
        first = server.ask(call(1, wish))
        assert server.ask(call(1, wish)) == first
        unknown = call(1, wish)
        unknown["params"]["_meta"] = {
            **unknown["params"]["_meta"],
            "io.modelcontextprotocol/protocolVersion": "2099-01-01",
        }
        assert server.ask(unknown)["error"]["code"] == -32022
        assert server.ask(legacy(1, "tools/call", name=TOOL, arguments={}))["error"]["code"] == -32602


@pytest.mark.requirement("serve:learns-from-its-own-answer")
@pytest.mark.parametrize("other", [legacy(1, "ping"), legacy("1", "ping")], ids=["number", "text"])
@pytest.mark.parametrize("first", [True, False])
def test_the_answer_to_another_request_of_the_same_id_teaches_nothing(other: dict[str, Any], first: bool) -> None:
    with talk() as server:
        both = [line(other), line(_call(1, "x"))]
        server.send(b"".join(both if first else reversed(both)))
        server.receive(), server.receive()
        assert server.ask(_call(2, "x"))["error"]["code"] == -32602, "nobody has shaken hands"


@pytest.mark.requirement("serve:learns-from-its-own-answer")
def test_a_resource_that_is_read_under_the_id_of_a_call_is_in_no_later_answer() -> None:
    with talk() as server:
        read = request(1, "resources/read", uri="synapsor://evidence/ev_1")
        server.send(line(read) + line(call(1, "raise")))
        server.receive(), server.receive()
        assert "contents" not in server.ask(call(2, "x"))["result"]


@pytest.mark.requirement("serve:learns-from-its-own-answer")
async def test_of_two_open_calls_of_one_id_neither_teaches_anything() -> None:
    way = _Way()
    calls = Calls(_Caller(), way)
    strange = {"io.modelcontextprotocol/protocolVersion": "9999-01-01"}
    assert not calls.take(_params(_meta=META))
    way.begin(1)
    assert not calls.take(_params(_meta=strange))
    calls.learn(1, ANSWER)
    way.end(1)
    for meta in (strange, META):
        assert not calls.take(_params(_meta=meta))
        calls.learn(1, None)


def test_an_answer_that_is_no_tools_teaches_nothing() -> None:
    calls = Calls(_Caller(), _Way())
    assert not calls.take(PLAIN)
    calls.learn(1, {"contents": []})
    assert not calls.take(PLAIN)


def test_what_the_sdk_refuses_is_refused_in_its_words() -> None:
    with talk() as server:
        _established(server)
        invalid = {"code": -32602, "message": "Invalid request parameters"}
        wrong: list[dict[str, Any]] = [{"name": 7}, {"name": TOOL, "arguments": [1]}, {"arguments": {}}]
        for params in wrong:
            answer = server.ask(legacy(1, "tools/call", **params))
            assert {name: answer["error"][name] for name in invalid} == invalid
        assert server.ask(legacy(2, "tools/call", name="no.such"))["error"] == {
            "code": -32602,
            "message": "Unknown tool",
        }
        enveloped = server.ask(request(3, "tools/call", name=TOOL, arguments={"invoice_id": "x"}))
        assert enveloped["error"]["code"] == -32600


def test_a_thousand_calls_at_once_are_all_answered() -> None:
    with talk() as server:
        _established(server)
        server.send(*(_call(number, "x" * 5000) for number in range(1000)))
        assert sorted(server.receive()["id"] for _ in range(1000)) == list(range(1000))


def test_a_call_that_outlasts_the_grace_is_canceled_and_answered() -> None:
    with talk(grace_s=0.1) as server:
        _established(server)
        server.send(_call(1, "wait"))
        answers, err, code = server.end()
        assert (answers[0]["error"]["message"], err, code) == ("Connection closed", ["canceled"], 0)


@pytest.mark.requirement("serve:orderly-end")
def test_a_signal_lets_calls_in_flight_finish_and_a_second_one_ends_them() -> None:
    with talk(grace_s=3600) as server:
        _established(server)
        server.send(_call(1, "wait"), _call(2, "slow"))
        server.process.send_signal(signal.SIGTERM)
        assert server.receive()["id"] == 2
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(0.1)
        server.end_now(signal.SIGTERM)
        answers, err, code = server.end()
        assert (answers[0]["error"]["message"], err, code) == ("Connection closed", ["canceled"], 0)


def test_a_client_that_stops_listening_ends_it_and_its_calls() -> None:
    with talk(grace_s=3600) as server:
        _established(server)
        server.send(_call(1, "wait"), _call(2, "x"))
        assert server.receive()["id"] == 2
        assert server.process.stdout is not None
        server.process.stdout.close()
        server.process.wait(60)
        assert server.process.stderr is not None
        assert (server.process.stderr.read(), server.process.returncode) == (b"canceled\n", 0)
