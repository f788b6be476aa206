"""The endpoint of an application: whoever is not the worker, or not from now, learns nothing and has nothing done."""

import json
import logging
import time
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from synapsor.handler import SIGNATURE, Answer, Job, Malformed, read, sign
from synapsor.handler.endpoint import endpoint
from synapsor.handler.wire import Came
from tests.unit.test_handler_pages import PROTOCOL, block

SECRET = "a-secret-of-at-least-24-characters"
JOB = block(PROTOCOL, "json request").encode()


def signed(body: bytes, *, secret: str = SECRET, ago: int = 0, executor: str = "app") -> dict[str, str]:
    return {SIGNATURE: sign(secret, body, executor=executor, at=int(time.time()) - ago)}


async def posted(handle: Any, body: bytes, headers: dict[str, str], **options: Any) -> httpx2.Response:
    app = FastAPI()
    app.add_route("/apply", endpoint(SECRET, handle, executor="app", **options), methods=["POST"])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://app") as client:
        return await client.post("/apply", content=body, headers=headers)


def refusing(_: Job) -> Answer:
    raise AssertionError("it is not to be asked")


@pytest.mark.requirement("executor:signed")
@pytest.mark.parametrize(
    ("body", "how", "status"),
    [
        (JOB, None, 401),
        (JOB, {"secret": "another-secret-of-24-characters"}, 401),
        (JOB, {"executor": "another_app_with_the_same_secret"}, 401),
        (JOB, {"ago": 400}, 401),
        (JOB, {"ago": -400}, 401),
        (JOB, {"of": JOB + b" "}, 401),
        (JOB + b" " * 2000, {}, 401),
        (b"{}", {}, 400),
        (b"\xff", {}, 400),
    ],
)
async def test_what_is_not_a_job_that_was_signed_now_is_not_carried_out(
    body: bytes, how: dict[str, Any] | None, status: int
) -> None:
    headers = (
        {}
        if how is None
        else signed(how.get("of", body), **{name: value for name, value in how.items() if name != "of"})
    )
    answer = await posted(refusing, body, headers, max_bytes=len(JOB) + 1000)
    assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.requirement("executor:signed")
@pytest.mark.parametrize("came", [Came.APPLIED, Came.CONFLICT, Came.FAILED, Came.NOTHING])
async def test_a_job_is_carried_out_and_answered_with_its_status(came: Came) -> None:
    code = {Came.CONFLICT: "row_gone", Came.FAILED: "refused"}.get(came, "")
    said = Answer.of(read(JOB), came, code)

    async def waiting(job: Job) -> Answer:
        assert job == read(JOB)
        return said

    for handle in (waiting, lambda _: said):
        answer = await posted(handle, JOB, signed(JOB))
        assert (answer.status_code, answer.content) == (came.status, said.body())
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.requirement("executor:once")
async def test_what_breaks_in_an_application_is_to_be_asked_again_and_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_: Job) -> Answer:
        raise RuntimeError("canary")

    with caplog.at_level(logging.ERROR):
        answer = await posted(broken, JOB, signed(JOB))
    assert (answer.status_code, answer.content) == (503, b"")
    assert [getattr(record, "action", "") for record in caplog.records] == ["handler_broke"]


@pytest.mark.requirement("executor:document")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("synapsor-handler",), 2),
        (("ask",), "undo"),
        (("job",), ""),
        (("changes",), []),
        (("changes",), None),
        (("changes", 0, "key"), 5),
        (("changes", 0, "digest"), ""),
        (("changes", 0, "expires_at"), "soon"),
        (("changes", 0, "members"), [{}]),
        (("changes", 0, "members", 0, "changes"), []),
    ],
)
def test_what_is_no_job_of_this_version_is_malformed(path: tuple[Any, ...], value: object) -> None:
    told = json.loads(JOB)
    place = told
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(Malformed):
        read(json.dumps(told).encode())


@pytest.mark.requirement("executor:document")
def test_a_job_that_names_one_key_twice_is_malformed() -> None:
    told = json.loads(JOB)
    told["changes"] *= 2
    with pytest.raises(Malformed):
        read(json.dumps(told).encode())
