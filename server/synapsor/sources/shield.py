"""Work that is finished although its caller is canceled: a commit, a roll-back, giving a connection back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import anyio

T = TypeVar("T")


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; a cancellation of the caller takes effect only after it has ended.

    The work must bound its own time.
    """
    task = asyncio.ensure_future(work)
    canceled: asyncio.CancelledError | None = None
    # The scope holds off anyio's cancellation, which would strike every await; the loop outlives asyncio's own.
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError as error:
                canceled = error
    if canceled is not None:
        task.cancelled() or task.exception()
        raise canceled
    return task.result()
