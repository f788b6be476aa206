"""A Starlette endpoint, which FastAPI takes as well: it reads so much, proves who asks, and answers with what the job came to.

Whatever breaks in the application is answered with 503 and no word of why: the worker asks again under the same key.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from synapsor.handler.answer import Answer
from synapsor.handler.job import Job, Malformed, read
from synapsor.handler.signature import NotSigned, verify
from synapsor.handler.wire import MOST_BYTES

log = logging.getLogger("synapsor.handler")

Handle: TypeAlias = Callable[[Job], Answer] | Callable[[Job], Awaitable[Answer]]
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def endpoint(secrets: str | Iterable[str], handle: Handle, *, executor: str, max_bytes: int = MOST_BYTES) -> Endpoint:
    """Return the endpoint of the handler that is this executor, by its name in the contract; a `handle` that is no coroutine function runs in a thread.

    `app.add_route("/synapsor", endpoint(secret, handle, executor="shop_app"), methods=["POST"])`
    """
    known = (secrets,) if isinstance(secrets, str) else tuple(secrets)

    async def answer(request: Request) -> Response:
        try:
            body = await _body(request, max_bytes)
            verify(body, request.headers, known, executor=executor)
            job = read(body)
        except NotSigned:
            return Response(status_code=401)
        except Malformed:
            return Response(status_code=400)
        try:
            said = await _handled(handle, job)
        except Exception:
            log.exception("a job broke", extra={"action": "handler_broke", "job": job.id})
            return Response(status_code=503)
        return Response(said.body(), status_code=said.came.status, media_type="application/json")

    return answer


async def _handled(handle: Handle, job: Job) -> Answer:
    if inspect.iscoroutinefunction(handle):
        said: Answer = await handle(job)
        return said
    made: Answer = await run_in_threadpool(handle, job)  # type: ignore[arg-type]  # it is no coroutine function
    return made


async def _body(request: Request, most: int) -> bytes:
    """Return the body of a request.

    Raises:
        NotSigned: it is larger than any job.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise NotSigned
    return bytes(body)
