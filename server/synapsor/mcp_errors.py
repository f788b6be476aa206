"""What an MCP client is told when something raises: a handler's own words or fixed ones, never an exception's.

In the older protocol era the SDK sends the text of an exception as it is; this middleware stands around every request of a server.
"""

from __future__ import annotations

import logging
from typing import Any

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS
from pydantic import ValidationError

log = logging.getLogger("synapsor.mcp")


async def no_leak(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Answer a request, or say in fixed words that it could not be answered."""
    try:
        return await call_next(ctx)
    except MCPError:
        raise
    except ValidationError:
        raise MCPError(INVALID_PARAMS, "Invalid request parameters") from None
    except Exception as error:  # noqa: BLE001  # nothing that is raised may reach a client
        log.error("request failed: %s", type(error).__name__, extra={"action": "request_failed", "method": ctx.method})  # noqa: TRY400  # a traceback may quote values
        raise MCPError(INTERNAL_ERROR, "Internal error") from None


def quiet() -> None:
    """Silence the libraries that log message bodies, and with them row values."""
    for name in ("mcp", "sse_starlette"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
