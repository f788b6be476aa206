"""`synapsor tools`: what a model sees of each capability, and what that costs it; no database is asked.

The list is the server's own, so a tool that is missing here is missing there.
"""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import Any, Final

from synapsor.cli.terminal import answer, as_json, width
from synapsor.config import load_config
from synapsor.core.plain import hanging
from synapsor.errors import UsageError
from synapsor.mcp_models import models_on_demand
from synapsor.runtime import Project, open_project

BYTES_PER_TOKEN: Final = 4
ESTIMATE: Final = f"UTF-8 bytes of the tool's JSON in the answer to tools/list, divided by {BYTES_PER_TOKEN}"
_PARTS = ("description", "inputSchema", "outputSchema", "annotations")


def run(arguments: Namespace) -> int:
    """Show the tools and return 0, or 1 when all of them together cost more than the budget."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    async with open_project(load_config(arguments.config)) as project:
        entries = [_entry(name, tool) for name, tool in _listed(project)]
    entries.sort(key=lambda entry: (-entry["characters"], entry["capability"]))
    summary = {"tools": len(entries)} | {key: sum(e[key] for e in entries) for key in ("characters", "tokens")}
    chosen = _chosen(entries, arguments.capabilities)
    over = arguments.budget is not None and summary["tokens"] > arguments.budget
    document = {"tools": chosen, "total": summary, "estimate": ESTIMATE, "budget": arguments.budget}
    text = render(chosen, summary, full=bool(arguments.capabilities), room=width())
    if arguments.budget is not None:
        text += f"\n{_spent(summary['tokens'], arguments.budget)}"
    answer(arguments, "tools", document, text, ok=not over)
    return int(over)


def _spent(tokens: int, budget: int) -> str:
    if tokens > budget:
        return f"✗ All tools together cost {tokens} tokens, {tokens - budget} over the budget of {budget}."
    return f"✓ All tools together cost {tokens} tokens of a budget of {budget}."


def _listed(project: Project) -> list[tuple[str, dict[str, Any]]]:
    """Return each capability's name with its tool as the server sends it."""
    with models_on_demand():  # heavy: the MCP SDK
        from synapsor.serve.tools import table_of

    table = table_of(project.tools(), project.config.names)
    sent = table.listing.model_dump(by_alias=True, mode="json", exclude_none=True)["tools"]
    return [(table.capabilities[tool["name"]].name, tool) for tool in sent]


def _entry(capability: str, tool: dict[str, Any]) -> dict[str, Any]:
    sent = _json(
        {name: part for name, part in tool.items() if name != "_meta"}
    )  # which is for the client, not its model
    size = len(sent.encode())
    return {
        "capability": capability,
        "characters": len(sent),
        "tokens": -(-size // BYTES_PER_TOKEN),
        "parts": {part: len(_json(tool[part])) for part in _PARTS if part in tool},
        "tool": tool,
    }


def _json(part: Any) -> str:
    """Return JSON as the server writes it: nothing between the words, letters as letters."""
    from pydantic_core import to_json

    return to_json(part).decode()


def _chosen(entries: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    known = {name: entry for entry in entries for name in (entry["capability"], entry["tool"]["name"])}
    if unknown := [name for name in names if name not in known]:
        listed = ", ".join(sorted(entry["capability"] for entry in entries))
        raise UsageError(f"There is no tool {unknown[0]} in this project.", fix=f"Known here: {listed}.")
    wanted = {known[name]["capability"] for name in names}
    return [entry for entry in entries if not names or entry["capability"] in wanted]


def render(entries: list[dict[str, Any]], total: dict[str, int], *, full: bool, room: int) -> str:
    """Return the tools as text, the most expensive one first; in full, with everything that the model is sent."""
    heads = "  CHARACTERS  ~TOKENS  DESCRIPTION  INPUT  OUTPUT"
    # A name that is too long for its column has a line of its own.
    most = max(room - len(heads), len("all 9999"))
    names = [entry["tool"]["name"] for entry in entries]
    wide = max([len("all 9999"), *(len(name) for name in names if len(name) <= most)])
    lines = [as_json(entry["tool"], indent=2) + "\n" for entry in entries] if full else []
    lines.append(f"{'TOOL':<{wide}}{heads}")
    for name, entry in zip(names, entries, strict=True):
        parts = entry["parts"]
        lines += [name] if len(name) > wide else []
        lines.append(
            f"{name if len(name) <= wide else '':<{wide}}  {entry['characters']:>10}  {entry['tokens']:>7}"
            f"  {parts['description']:>11}  {parts['inputSchema']:>5}  {parts['outputSchema']:>6}"
        )
    everything = f"all {total['tools']}"
    lines.append(f"{everything:<{wide}}  {total['characters']:>10}  {total['tokens']:>7}")
    last = f"Tokens are an estimate: {ESTIMATE}. A client may send a model less than that."
    lines += ["", *hanging(last, 0, room)]
    return "\n".join(lines)
