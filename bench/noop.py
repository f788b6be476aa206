"""The floor: one tool that does nothing, on the SDK's low-level server and its stock transports.

`python -m bench.noop` speaks stdio; `python -m bench.noop PORT` speaks Streamable HTTP.
"""

from __future__ import annotations

import sys
from typing import Any

import anyio
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.types import CallToolResult, ListToolsResult, TextContent, Tool

TOOL = "noop"


async def _list(_: Any, __: Any) -> ListToolsResult:
    schema = {"type": "object", "properties": {"invoice_id": {"type": "string"}}, "required": ["invoice_id"]}
    return ListToolsResult(tools=[Tool(name=TOOL, description="Nothing.", input_schema=schema)])


async def _call(_: Any, __: Any) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text="ok")])


async def _stdio(server: Server[Any]) -> None:
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def main() -> None:
    """Serve until the client leaves."""
    server: Server[Any] = Server(TOOL, on_list_tools=_list, on_call_tool=_call)
    if len(sys.argv) == 1:
        anyio.run(_stdio, server)
        return
    import uvicorn  # noqa: PLC0415  # the stdio floor must not pay for it

    app = server.streamable_http_app(json_response=True)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)


if __name__ == "__main__":
    main()
