"""How much of a call is the transport: our stdio server and the SDK's own, each with a tool that does nothing, side by side.

Run by hand: `python bench/stdio_floor.py [rounds] [calls]`. Absolute figures drift with the machine; the ratio is the result.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "0"}}
WARM_UP = 100

COMMON = """
import anyio, json
ROW = {"id": "INV-3001", "status": "overdue", "late_fee_cents": 2500, "waiver_reason": None}
ENVELOPE = {"ok": True, "summary": "1 row", "capability": "billing.inspect_invoice", "kind": "read", "data": {"rows": [ROW]},
    "proposal": None, "error": None, "evidence": {"id": "ev_1"}, "audit": {"id": "aud_1"}, "source_database_changed": False}
SCHEMA = {"type": "object", "properties": {"invoice_id": {"type": "string"}}, "required": ["invoice_id"], "additionalProperties": False}
"""
STOCK = (
    COMMON
    + """
import mcp.types as t
from mcp.server import Server
from mcp.server.stdio import stdio_server
async def tools(ctx, params):
    return t.ListToolsResult(tools=[t.Tool(name="billing.inspect_invoice", input_schema=SCHEMA)])
async def call(ctx, params):
    text = t.TextContent(type="text", text=json.dumps(ENVELOPE))
    return t.CallToolResult(content=[text], structured_content=ENVELOPE)
async def main():
    server = Server("stock", version="0", on_list_tools=tools, on_call_tool=call)
    async with stdio_server() as (r, w):
        await server.run(r, w, server.create_initialization_options())
anyio.run(main)
"""
)
OURS = (
    COMMON
    + """
from types import SimpleNamespace
from synapsor.serve.identity import StaticSession
from synapsor.web.loop import run
from synapsor.serve.server import build_server
from synapsor.serve.stdio import serve_stdio
class Desk:
    tools = {"billing.inspect_invoice": SimpleNamespace(
        name="billing.inspect_invoice", kind="read", description="", input_schema=SCHEMA, output_schema={"type": "object"})}
    async def call(self, name, arguments, session):
        return ENVELOPE
run(serve_stdio(build_server(Desk(), StaticSession({}), names="dotted", version="0")))
"""
)


def main() -> None:
    """Measure and print."""
    rounds, calls = (int(a) for a in (*sys.argv[1:], *("5", "1000")[len(sys.argv) - 1 :]))
    found: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    for _ in range(rounds):
        for name, script in (("stock", STOCK), ("ours", OURS)):
            for era in ("2025", "2026"):
                found[name, era].append(_measure(script, era, calls))
    print(f"{'server':8} {'era':5} {'start ms':>9} {'p50 ms':>8} {'p99 ms':>8} {'calls/s at once':>16}")
    for (name, era), runs in found.items():
        middle = {key: statistics.median(r[key] for r in runs) for key in runs[0]}
        print(
            f"{name:8} {era:5} {middle['start']:9.0f} {middle['p50']:8.3f} {middle['p99']:8.3f} {middle['rate']:16.0f}"
        )


def _measure(script: str, era: str, calls: int) -> dict[str, float]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "server")}
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        _ask(process, _message(0, "initialize", HELLO) if era == "2025" else _message(0, "tools/list", {"_meta": META}))
        start = time.perf_counter() - begun
        params = {"name": "billing.inspect_invoice", "arguments": {"invoice_id": "INV-3001"}}
        params |= {"_meta": META} if era == "2026" else {}
        lines = [_message(n, "tools/call", params) for n in range(1, calls + WARM_UP + 1)]
        times = sorted([_timed(process, line) for line in lines][WARM_UP:])
        rate = _at_once(process, lines)
        process.stdin.close()  # type: ignore[union-attr]  # a pipe, as asked for
    return {"start": start * 1e3, "p50": times[calls // 2] * 1e3, "p99": times[calls * 99 // 100] * 1e3, "rate": rate}


def _message(number: int, method: str, params: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"


def _ask(process: subprocess.Popen[bytes], line: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line)
    process.stdin.flush()
    return process.stdout.readline()


def _timed(process: subprocess.Popen[bytes], line: bytes) -> float:
    begun = time.perf_counter()
    answer = _ask(process, line)
    took = time.perf_counter() - begun
    assert b"INV-3001" in answer, answer
    return took


def _at_once(process: subprocess.Popen[bytes], lines: list[bytes]) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    begun = time.perf_counter()
    for start in range(0, len(lines), 32):
        batch = lines[start : start + 32]
        process.stdin.write(b"".join(batch))
        process.stdin.flush()
        for _ in batch:
            process.stdout.readline()
    return len(lines) / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
