"""The desk's capabilities as MCP tools: the list a client sees, and the way from a listed name back to a capability.

A tool's words come from the reviewed contract alone; nothing that a row, a caller or a session says reaches this list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from mcp.types import ListToolsResult, ToolAnnotations
from mcp.types import Tool as ListedTool

from synapsor.errors import ConfigError

if TYPE_CHECKING:
    from synapsor.flow.prepare import Tool

CONTRACT_META: Final = "synapsor/contract"
"""The key of a tool's `_meta` that tells a client, and not its model, by which contract digest the tool is served."""

Names: TypeAlias = Literal["dotted", "underscore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolTable:
    """The tools of one server, fixed when it is built.

    Attributes:
        listing: the answer to `tools/list`, in order of names.
        capabilities: from the name a client uses to the capability's own.
    """

    listing: ListToolsResult
    capabilities: Mapping[str, Tool]

    def input_schema(self, name: str) -> Mapping[str, Any] | None:
        """Return the input schema of a listed tool."""
        tool = self.capabilities.get(name)
        return tool.input_schema if tool else None


def table_of(tools: Mapping[str, Tool], names: Names) -> ToolTable:
    """Return the table of the given tools.

    Raises:
        ConfigError: two capabilities would get the same name.
    """
    found: dict[str, Tool] = {}
    for tool in sorted(tools.values(), key=lambda t: t.name):
        listed = listed_name(tool.name, names)
        if listed in found:
            raise ConfigError(
                f"two capabilities are both called {listed} when names are underscored",
                fix="Rename one of them, or set `names: dotted`.",
            )
        found[listed] = tool
    listing = ListToolsResult(tools=[_listed(name, found[name]) for name in sorted(found)])
    return ToolTable(listing=listing, capabilities=found)


def listed_name(name: str, names: Names) -> str:
    """Return the name a client sees; some hosts refuse dots."""
    return name.replace(".", "__") if names == "underscore" else name


def _listed(name: str, tool: Tool) -> ListedTool:
    hints = ToolAnnotations(
        read_only_hint=tool.kind != "propose",
        destructive_hint=tool.destructive,
        idempotent_hint=True,
        open_world_hint=False,
    )
    return ListedTool(
        name=name,
        description=tool.description,
        input_schema=dict(tool.input_schema),
        output_schema=dict(tool.output_schema),
        annotations=hints,
        _meta=None if tool.contract is None else {CONTRACT_META: tool.contract},
    )
