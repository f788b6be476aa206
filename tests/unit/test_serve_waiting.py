"""A call that waits, on every transport: its client is told so, it takes no turn and no time from anybody, and ends when its client wants."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import httpx2
import pytest

from synapsor.serve.shares import Shares
from synapsor.web.limits import Limits
from tests.serving.http_client import PATIENCE, open_session, open_sse
from tests.serving.messages import INITIALIZE, INITIALIZED, LEGACY_HEADERS, META, legacy, modern_headers
from tests.serving.process import talk
from tests.serving.web import ALICE, Web, web

WAITS = "synapsor.wait_for_decision"
INSPECT = "billing.inspect_invoice"
ERAS = ["2025", "2026"]


def asking(era: str, request_id: int, tool: str, wish: str, token: Any = None) -> dict[str, Any]:
    """A tool call of an era, which asks for progress when there is a token to tell it by."""
    meta = {} if era != "2026" else dict(META)
    meta |= {} if token is None else {"progressToken": token}
    params = {"name": tool, "arguments": {"invoice_id": wish}, **({"_meta": meta} if meta else {})}
    return legacy(request_id, "tools/call", **params)


def progress(token: Any, waited: float) -> dict[str, Any]:
    """The notification that tells how long a call has waited."""
    words = "The proposal waits for a person's decision."
    params = {"progressToken": token, "progress": waited, "total": 20.0, "message": words}
    return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}


@pytest.mark.requirement("wait:progress")
@pytest.mark.parametrize("era", ERAS)
def test_over_stdio_a_client_that_gave_a_token_is_told_how_long_its_call_has_waited(era: str) -> None:
    with talk(grace_s=3600) as server:
        if era == "2025":
            server.ask(INITIALIZE)
            server.send(INITIALIZED)
        for number in (1, 2):  # the second by which the short way could have been taken
            assert server.ask(asking(era, number, INSPECT, "x", "t"))["id"] == number
        server.send(asking(era, 3, WAITS, "wait", 7))
        assert server.receive() == progress(7, 0.0)
        assert server.ask(asking(era, 4, WAITS, "x"))["result"]["structuredContent"]["ok"]
        server.send(
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3}},
            asking(era, 5, INSPECT, "x"),
        )
        answers = [server.receive()]
        if answers[0]["id"] == 3:
            answers.append(server.receive())
        assert answers[-1]["id"] == 5
        _, said, code = server.end()
    assert (said[-1], code) == ("canceled", 0)


@dataclass
class Way:
    """How a client of HTTP asks, and what it is sent."""

    era: str
    client: httpx2.AsyncClient
    headers: dict[str, str]
    served: Web

    @asynccontextmanager
    async def asked(
        self, request_id: int, tool: str, wish: str, token: Any = None
    ) -> AsyncIterator[AsyncIterator[Any]]:
        """Ask, and yield the messages that come; leaving closes the stream of the answer."""
        message = asking(self.era, request_id, tool, wish, token)
        headers = modern_headers(message) if self.era == "2026" else self.headers
        sent = self.client.build_request("POST", "/mcp", json=message, headers=headers)
        response = await self.client.send(sent, stream=True)
        try:
            assert response.status_code == 200
            yield _messages(response)
        finally:
            await response.aclose()

    async def plain(self, request_id: int, wish: str) -> httpx2.Response:
        """Ask by a tool that does not wait."""
        message = asking(self.era, request_id, INSPECT, wish)
        headers = modern_headers(message) if self.era == "2026" else self.headers
        return await self.client.post("/mcp", json=message, headers=headers)

    async def cancel(self, request_id: int) -> None:
        """Say that an answer is not wanted any more; the newer era says so by closing the stream."""
        if self.era == "2025":
            message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request_id}}
            await self.client.post("/mcp", json=message, headers=self.headers)


async def _messages(response: httpx2.Response) -> AsyncIterator[Any]:
    if response.headers["content-type"] == "application/json":
        yield json.loads(await response.aread())
        return
    assert response.headers["content-type"] == "text/event-stream"
    async for found in response.aiter_lines():
        if found.startswith("data:"):
            yield json.loads(found.removeprefix("data:"))


@asynccontextmanager
async def way(era: str, limits: Limits | None = None) -> AsyncIterator[Way]:
    async with web(limits=limits) as served, served.client(ALICE) as client:
        yield Way(era, client, await open_session(client) if era == "2025" else {}, served)


@pytest.mark.requirement("wait:progress")
@pytest.mark.parametrize("era", ERAS)
async def test_over_http_the_answer_is_a_stream_of_word_on_the_way_and_then_the_answer(era: str) -> None:
    async with way(era) as client, client.asked(1, WAITS, "wait", "t") as messages:
        with anyio.fail_after(PATIENCE):
            assert await anext(messages) == progress("t", 0.0)
            client.served.desk.go_on.set()
            rest = [message async for message in messages]
    assert rest[0] == progress("t", 1.0)
    (answer,) = rest[1:]
    assert (answer["id"], answer["result"]["structuredContent"]["ok"], answer["result"]["isError"]) == (1, True, False)


@pytest.mark.requirement("wait:progress")
@pytest.mark.parametrize("era", ERAS)
async def test_over_http_a_client_that_asked_for_no_word_or_takes_no_stream_gets_one_body(era: str) -> None:
    async with way(era) as client:
        client.served.desk.go_on.set()
        async with client.asked(1, WAITS, "wait") as messages:
            assert [m["id"] async for m in messages] == [1]
        message = asking(era, 2, WAITS, "wait", "t")
        headers = modern_headers(message) if era == "2026" else client.headers
        answer = await client.client.post("/mcp", json=message, headers={**headers, "accept": "application/json"})
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["result"]["structuredContent"]["ok"]
        assert (await client.client.post("/mcp", json=message, headers=headers)).status_code == 200


@pytest.mark.requirement("wait:holds-nothing")
@pytest.mark.parametrize("era", ERAS)
async def test_a_call_that_waits_holds_no_turn_and_its_waiting_is_no_part_of_the_messages_time(era: str) -> None:
    async with way(era, Limits(calls=1, request_s=2.0)) as client, client.asked(1, WAITS, "wait", "t") as messages:
        with anyio.fail_after(PATIENCE):
            assert await anext(messages) == progress("t", 0.0)
            assert (await client.plain(2, "x")).json()["result"]["isError"] is False
            client.served.desk.waiting = anyio.Event()
            slow = await client.plain(
                3, "wait"
            )  # takes all the time that a message has, and the first call began before
            assert slow.status_code == 504
            client.served.desk.go_on.set()
            last = [message async for message in messages][-1]
    assert last["result"]["structuredContent"]["ok"]


@pytest.mark.requirement("wait:holds-nothing")
async def test_a_turn_that_was_set_aside_is_taken_again_and_given_back_once() -> None:
    shares = Shares(Limits(calls=1))
    with shares.message("alice") as kept:
        turns = kept._open.turns
        with shares.message("alice") as waits:
            await waits.turn()
            assert turns.value == 0
            async with waits.aside():
                assert turns.value == 1
            assert turns.value == 0
        assert turns.value == 1


@pytest.mark.requirement("wait:holds-nothing")
async def test_a_call_whose_message_ends_while_it_waits_gives_its_turn_back_once() -> None:
    shares = Shares(Limits(calls=1))
    with shares.message("alice") as kept, shares.message("alice") as waits:
        await waits.turn()
        async with waits.aside():
            waits.end()
        async with waits.aside():
            assert kept._open.turns.value == 1
        assert kept._open.turns.value == 1
    with shares.message("alice") as kept:
        with shares.message("alice") as late:
            await late.turn()
        async with late.aside():
            assert kept._open.turns.value == 1


@pytest.mark.requirement("wait:cancelable")
@pytest.mark.parametrize("era", ERAS)
async def test_over_http_a_client_ends_its_waiting_and_has_its_turn_again(era: str) -> None:
    async with way(era, Limits(calls=1)) as client:
        with anyio.fail_after(PATIENCE):
            async with client.asked(1, WAITS, "wait", "t") as messages:
                await anext(messages)
                await client.cancel(1)
                if era == "2025":
                    await client.served.desk.canceled.wait()
            await client.served.desk.canceled.wait()
            for number in (2, 3):
                assert (await client.plain(number, "x")).status_code == 200


@pytest.mark.requirement("wait:progress")
@pytest.mark.requirement("wait:cancelable")
@pytest.mark.requirement("wait:holds-nothing")
async def test_over_the_older_transport_it_is_the_same() -> None:
    async with web(limits=Limits(calls=1, request_s=2.0)) as served, served.client(ALICE) as poster:
        sse, where = await open_sse(served, ALICE)
        with anyio.fail_after(PATIENCE):
            await poster.post(where, json=INITIALIZE, headers=LEGACY_HEADERS)
            await sse.message()
            await poster.post(where, json=INITIALIZED, headers=LEGACY_HEADERS)
            async with anyio.create_task_group() as group:
                for number in (1, 2):
                    message = asking("2025", number, WAITS, "wait", number)
                    group.start_soon(lambda m=message: poster.post(where, json=m))  # type: ignore[misc]  # bound here
                    assert await sse.message() == progress(number, 0.0)
                slow = asking("2025", 3, INSPECT, "wait")
                await poster.post(where, json=slow)  # ends at its time, and the others do not
                assert (await poster.post(where, json=asking("2025", 4, INSPECT, "x"))).status_code == 202
                assert (await sse.message())["id"] == 4
                stop = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
                await poster.post(where, json=stop)
                await served.desk.canceled.wait()
                served.desk.go_on.set()
                assert await sse.message() == progress(2, 1.0)
        await sse.close()
