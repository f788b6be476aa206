"""A run is one connection of a client, and the transport names it: one session, one event stream, one process; never what the client says."""

import pytest

from synapsor.serve.identity import StaticSession, TokenSession, current_run, in_run, run_of
from tests.serving.http_client import legacy_call, modern, open_session, open_sse
from tests.serving.messages import call
from tests.serving.web import ALICE, Web, web

pytestmark = pytest.mark.requirement("workflow:evidence")


def runs(served: Web) -> list[str]:
    return [session.run for _, _, session in served.desk.calls]


async def test_each_session_of_http_is_a_run_of_its_own() -> None:
    async with web() as served, served.client(ALICE) as client:
        for _ in range(2):
            headers = await open_session(client)
            for number in (2, 3):
                assert (await client.post("/mcp", json=legacy_call(number, "x"), headers=headers)).status_code == 200
        one, again, other, other_again = runs(served)
    assert one == again != other == other_again
    assert one.startswith("run_")
    assert headers["mcp-session-id"] not in other


async def test_each_event_stream_is_a_run_of_its_own() -> None:
    async with web() as served, served.client(ALICE) as client:
        for _ in range(2):
            sse, path = await open_sse(served, ALICE)
            for number in (2, 3):
                assert (await client.post(path, json=call(number, "x"))).status_code == 202
                await sse.message()
            await sse.close()
        one, again, other, other_again = runs(served)
    assert one == again != other == other_again
    assert all(name.startswith("run_") for name in (one, other))


async def test_a_request_without_a_session_is_in_no_run_whatever_it_says() -> None:
    async with web() as served, served.client(ALICE) as client:
        headers = await open_session(client)
        assert (await modern(client, call(1, "x"))).status_code == 200
        assert served.desk.calls[-1][2].run == ""
        assert headers
    assert current_run.get() == ""


def test_a_process_over_stdio_is_one_run() -> None:
    session = StaticSession({}, run="run_1")
    assert session.session().run == session.session().run == "run_1"


def test_a_runs_name_does_not_tell_the_sessions() -> None:
    with in_run("secret-session"):
        name = TokenSession().session().run
        assert name == ""  # without a token there is nothing
        assert current_run.get() == run_of("secret-session")
    assert "secret" not in run_of("secret-session")
