"""What an adapter owes whatever happens: work is finished although its caller is canceled, and nothing that was asked is left out."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import anyio

from synapsor.errors import Failure, SourceFailure
from synapsor.sql.statement import Statement

T = TypeVar("T")


def refuse_told(statement: Statement) -> None:
    """Refuse a statement that relies on settings of its transaction, which this engine has not.

    Raises:
        SourceFailure: it does.
    """
    if statement.told is not None:
        raise SourceFailure(Failure.OTHER, state="no_row_security")


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
