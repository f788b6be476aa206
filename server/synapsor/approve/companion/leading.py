"""Leading a person to the console's page of a proposal, by URL elicitation where their client says that it can do that.

The address is the console's own and the proposal's handle, and holds nothing else. What the client answers is no decision: an `accept`
is a program's word that it may open a page, and the page has a login of its own.
"""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass
from typing import Any, Final

import anyio
from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.types import ElicitRequest, ElicitRequestURLParams, InputRequiredResult
from pydantic import ValidationError

from synapsor.errors import DecisionRefused

WAIT_S: Final = 45.0
"""How long an answer is waited for in the older era; clients give a prompt up after a minute."""
_URLS_SINCE: Final = "2025-11-25"
_BY_RESULT_SINCE: Final = "2026-07-28"
_NAME: Final = "console"


@dataclass(frozen=True, slots=True)
class Console:
    """The console's address, as the project configures it."""

    url: str

    def page(self, proposal: str) -> str:
        """Return the address of a proposal's page."""
        return f"{self.url.rstrip('/')}/proposals/{proposal}"

    @property
    def worker(self) -> str:
        """The address of the page of the worker."""
        return f"{self.url.rstrip('/')}/worker"

    async def lead(
        self, ctx: ServerRequestContext[Any], proposal: str, *, refused: DecisionRefused | None
    ) -> InputRequiredResult | None:
        """Offer the page to the person, and return what the newer era is answered with for that; None where it has been done, or cannot be.

        What was `refused` here before is told beside it, in our own words.
        """
        if not _opens_pages(ctx):
            return None
        why = f"{refused.message} " if refused is not None else ""
        words = f"{why}Nothing is decided on {proposal} here. Its page in the console asks you to log in, and is where you decide."
        if ctx.protocol_version >= _BY_RESULT_SINCE:
            asked = ElicitRequest(params=ElicitRequestURLParams(message=words, url=self.page(proposal)))
            return InputRequiredResult(input_requests={_NAME: asked})
        # One that says that it can and does not is no trouble: the text tells the address.
        with anyio.move_on_after(WAIT_S), contextlib.suppress(MCPError, ValidationError):
            await ctx.session.elicit_url(words, self.page(proposal), str(uuid.uuid4()), ctx.request_id)
        return None


def _opens_pages(ctx: ServerRequestContext[Any]) -> bool:
    capabilities = ctx.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    return elicitation is not None and elicitation.url is not None and ctx.protocol_version >= _URLS_SINCE
