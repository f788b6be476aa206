"""Raw JSON-RPC messages of both protocol eras."""

import json
from typing import Any

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def request(request_id: Any, method: str, **params: Any) -> dict[str, Any]:
    """A request of the 2026 era."""
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": {**params, "_meta": META}}


def call(request_id: Any, invoice_id: Any, tool: str = "billing.inspect_invoice") -> dict[str, Any]:
    """A tool call of the 2026 era."""
    return request(request_id, "tools/call", name=tool, arguments={"invoice_id": invoice_id})


def legacy(request_id: Any, method: str, **params: Any) -> dict[str, Any]:
    """A request of the 2025 era."""
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


INITIALIZE = legacy(
    0, "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "test", "version": "0"}
)
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}

MODERN_HEADERS = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "mcp-protocol-version": "2026-07-28",
}
LEGACY_HEADERS = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "mcp-protocol-version": "2025-11-25",
}


def modern_headers(message: dict[str, Any]) -> dict[str, str]:
    """The headers that must repeat a message of the 2026 era."""
    name = message["params"].get("name") or message["params"].get("uri")
    routed = {"mcp-method": message["method"], **({"mcp-name": name} if name else {})}
    return {**MODERN_HEADERS, **routed}


def line(message: Any) -> bytes:
    return json.dumps(message).encode() + b"\n"
