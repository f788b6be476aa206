"""The companion as an MCP server: prompts and completion, no tool, no resource, in both protocol eras.

Every prompt but one only tells. `decide_proposal` decides by the person's code alone; whatever else a client program answers, accepts or
clicks is nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from mcp import MCPError
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.types import (
    INVALID_PARAMS,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    PaginatedRequestParams,
    PromptReference,
)

from synapsor.approve.companion import prompts
from synapsor.approve.companion.desk import ApprovalDesk
from synapsor.core.presets import REJECT_CODES, RejectCode
from synapsor.core.statements import Verdict
from synapsor.errors import SynapsorError, UsageError
from synapsor.flow.review import proposal_of
from synapsor.mcp_errors import no_leak, quiet

INSTRUCTIONS: Final = (
    "Prompts for a person who reviews proposals. Nothing here decides without a code that the person makes elsewhere; "
    "never ask the person for a code, and never make one up."
)
MOST_COMPLETED: Final = 50
_VERDICTS: Final[Mapping[str, Verdict]] = {"approve": "approve", "reject": "reject"}
_ARGUMENTS: Final = {p.name: {a.name for a in p.arguments or ()} for p in prompts.PROMPTS.prompts}
_NEEDED: Final = {p.name: {a.name for a in p.arguments or () if a.required} for p in prompts.PROMPTS.prompts}
_MOST_TYPED: Final = 2000

Who = Callable[[], str]
"""Tells whose prompts are served: by the process's configuration, or by the token of this very request."""


def build_companion(desk: ApprovalDesk, who: Who, *, version: str, console: str | None) -> Server[Any]:
    """Return the server, for any transport."""
    quiet()
    handlers = _Handlers(desk, who, console)
    server: Server[Any] = Server(
        "synapsor-approvals",
        version=version,
        instructions=INSTRUCTIONS,
        on_list_prompts=handlers.list_prompts,
        on_get_prompt=handlers.get_prompt,
        on_completion=handlers.complete,
    )
    server.middleware[:] = [no_leak]
    return server


class _Handlers:
    def __init__(self, desk: ApprovalDesk, who: Who, console: str | None) -> None:
        self._desk = desk
        self._who = who
        self._console = console
        self._told: dict[str, Callable[[Mapping[str, str]], Awaitable[GetPromptResult]]] = {
            prompts.QUEUE: self._queue,
            prompts.REVIEW: self._review,
            prompts.REFUSAL: self._refusal,
            prompts.DECIDE: self._decide,
        }

    async def list_prompts(
        self, _: ServerRequestContext[Any], params: PaginatedRequestParams | None
    ) -> ListPromptsResult:
        if params is not None and params.cursor is not None:
            raise MCPError(INVALID_PARAMS, "Unknown cursor")
        return prompts.PROMPTS

    async def get_prompt(self, _: ServerRequestContext[Any], params: GetPromptRequestParams) -> GetPromptResult:
        told, given = self._told.get(params.name), params.arguments or {}
        if told is None:
            raise MCPError(INVALID_PARAMS, "Unknown prompt")
        if not set(given) <= _ARGUMENTS[params.name] or not _NEEDED[params.name] <= set(given):
            raise MCPError(INVALID_PARAMS, "Invalid prompt arguments")
        if any(len(value) > _MOST_TYPED for value in given.values()):
            raise MCPError(INVALID_PARAMS, "Invalid prompt arguments")
        try:
            return await told({name: value.strip() for name, value in given.items()})
        except SynapsorError as error:
            return prompts.refused(error)

    async def complete(self, _: ServerRequestContext[Any], params: CompleteRequestParams) -> CompleteResult:
        name, typed = params.argument.name, params.argument.value
        known = isinstance(params.ref, PromptReference) and name in _ARGUMENTS.get(params.ref.name, ())
        values: list[str] = []
        if known and name == "proposal":
            values = await self._desk.handles(self._who(), typed, limit=MOST_COMPLETED)
        elif known and name in {"verdict", "reason"}:
            values = [word for word in (_VERDICTS if name == "verdict" else REJECT_CODES) if word.startswith(typed)]
        return CompleteResult(completion=Completion(values=values))

    async def _queue(self, _: Mapping[str, str]) -> GetPromptResult:
        return prompts.queue_text(await self._desk.queue(self._who()), now=self._desk.clock.now())

    async def _review(self, given: Mapping[str, str]) -> GetPromptResult:
        card = await self._desk.review(self._who(), given["proposal"])
        record = await proposal_of(self._desk.ledger, card.proposal)
        proposal = record.proposal
        by_prompt = proposal.by_prompt and not proposal.hidden & set(proposal.changed)
        return prompts.card_shown(card, by_prompt=by_prompt, step=self._step(card.proposal))

    async def _refusal(self, given: Mapping[str, str]) -> GetPromptResult:
        return prompts.refusal_text(await self._desk.review(self._who(), given["proposal"]))

    async def _decide(self, given: Mapping[str, str]) -> GetPromptResult:
        verdict = _VERDICTS.get(given["verdict"].lower())
        if verdict is None:
            raise UsageError("The verdict is approve or reject.", fix="Say one of them.")
        if not given.get("code"):
            record = await proposal_of(self._desk.ledger, given["proposal"])
            return prompts.elsewhere(record.proposal.id, step=self._step(record.proposal.id))
        said = given.get("reason", "")
        preset: RejectCode | None = next((code for code in REJECT_CODES if verdict == "reject" and code == said), None)
        record = await self._desk.decide(
            self._who(), given["proposal"], verdict, code=given["code"], reason=said, preset=preset
        )
        return prompts.decided(record)

    def _step(self, proposal: str) -> str:
        page = f" or open {self._console.rstrip('/')}/proposals/{proposal} and log in" if self._console else ""
        return f"decide with `synapsor approve {proposal}` (or `reject`) in your own terminal{page}."
