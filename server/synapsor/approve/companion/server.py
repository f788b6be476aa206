"""The companion as an MCP server: prompts and completion, no tool, no resource, in both protocol eras.

Every prompt but one only tells. `decide_proposal` decides by the person's code alone; whatever else a client program answers, accepts or
clicks is nothing, and what cannot be decided here leads to the console, where the person logs in.
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
    InputRequiredResult,
    ListPromptsResult,
    PaginatedRequestParams,
    PromptReference,
)

from synapsor.approve.companion import prompts
from synapsor.approve.companion.desk import ELSEWHERE, ApprovalDesk
from synapsor.approve.companion.leading import Console
from synapsor.approve.companion.steering import cancel_text, pause_text
from synapsor.core.presets import REJECT_CODES, RejectCode
from synapsor.core.proposal import Status
from synapsor.core.statements import Verdict
from synapsor.errors import DecisionRefused, SynapsorError, UsageError
from synapsor.flow.named import proposal_of
from synapsor.flow.switched import switched
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
        self._console = Console(console) if console else None
        self._told: dict[str, Callable[[Mapping[str, str]], Awaitable[GetPromptResult]]] = {
            prompts.QUEUE: self._queue,
            prompts.REVIEW: self._review,
            prompts.REFUSAL: self._refusal,
            prompts.PAUSE: self._pause,
            prompts.CANCEL: self._cancel,
        }

    async def list_prompts(
        self, _: ServerRequestContext[Any], params: PaginatedRequestParams | None
    ) -> ListPromptsResult:
        if params is not None and params.cursor is not None:
            raise MCPError(INVALID_PARAMS, "Unknown cursor")
        return prompts.PROMPTS

    async def get_prompt(
        self, ctx: ServerRequestContext[Any], params: GetPromptRequestParams
    ) -> GetPromptResult | InputRequiredResult:
        given = params.arguments or {}
        if params.name not in _ARGUMENTS:
            raise MCPError(INVALID_PARAMS, "Unknown prompt")
        if not set(given) <= _ARGUMENTS[params.name] or not _NEEDED[params.name] <= set(given):
            raise MCPError(INVALID_PARAMS, "Invalid prompt arguments")
        if any(len(value) > _MOST_TYPED for value in given.values()):
            raise MCPError(INVALID_PARAMS, "Invalid prompt arguments")
        words = {name: value.strip() for name, value in given.items()}
        try:
            if params.name == prompts.DECIDE:
                return await self._decide(ctx, words, answers=params.input_responses is not None)
            return await self._told[params.name](words)
        except SynapsorError as error:
            return prompts.refused(error)

    async def complete(self, _: ServerRequestContext[Any], params: CompleteRequestParams) -> CompleteResult:
        name, typed = params.argument.name, params.argument.value
        values: list[str] = []
        prompt = params.ref.name if isinstance(params.ref, PromptReference) else ""
        known = name in _ARGUMENTS.get(prompt, ())
        if known and name == "proposal":
            past = prompt in {prompts.REFUSAL, prompts.CANCEL}
            try:
                values = await self._desk.handles(self._who(), typed, limit=MOST_COMPLETED, past=past)
            except SynapsorError:
                values = []  # who is not trusted any more, or that nobody can tell who is, is told by a prompt
        elif known and name in {"verdict", "reason"}:
            values = [word for word in (_VERDICTS if name == "verdict" else REJECT_CODES) if word.startswith(typed)]
        return CompleteResult(completion=Completion(values=values))

    async def _queue(self, _: Mapping[str, str]) -> GetPromptResult:
        return prompts.queue_text(await self._desk.queue(self._who()), now=self._desk.clock.now())

    async def _review(self, given: Mapping[str, str]) -> GetPromptResult:
        card, against = await self._desk.review(self._who(), given["proposal"])
        return prompts.card_shown(card, against=against, step=self._step(card.proposal))

    async def _refusal(self, given: Mapping[str, str]) -> GetPromptResult:
        return prompts.refusal_text(await self._desk.past(self._who(), given["proposal"]))

    async def _pause(self, _: Mapping[str, str]) -> GetPromptResult:
        rests, refused = await self._desk.rests(self._who())
        policies = await switched(self._desk.ledger, self._desk.operators())
        return pause_text(rests, policies, refused, console=self._console.worker if self._console else None)

    async def _cancel(self, given: Mapping[str, str]) -> GetPromptResult:
        record, refused = await self._desk.cancelable(self._who(), given["proposal"])
        page = self._console.page(record.proposal.id) if self._console else None
        return cancel_text(record, refused, page=page)

    async def _decide(
        self, ctx: ServerRequestContext[Any], given: Mapping[str, str], *, answers: bool
    ) -> GetPromptResult | InputRequiredResult:
        verdict = _VERDICTS.get(given["verdict"].lower())
        if verdict is None:
            raise UsageError("The verdict is approve or reject.", fix="Say one of them.")
        person = self._desk.person(self._who()).name
        if answers or not given.get("code"):
            # Whoever answers what was asked here comes back with it, and whatever it is, it decides nothing.
            return await self._elsewhere(ctx, given["proposal"], leads=not answers)
        said = given.get("reason", "")
        preset: RejectCode | None = next((code for code in REJECT_CODES if verdict == "reject" and code == said), None)
        try:
            record = await self._desk.decide(
                person, given["proposal"], verdict, code=given["code"], reason=said, preset=preset
            )
        except DecisionRefused as error:
            if error.rule not in ELSEWHERE:
                raise
            return await self._elsewhere(ctx, given["proposal"], refused=error)
        return prompts.decided(record)

    async def _elsewhere(
        self,
        ctx: ServerRequestContext[Any],
        handle: str,
        *,
        leads: bool = True,
        refused: DecisionRefused | None = None,
    ) -> GetPromptResult | InputRequiredResult:
        """Lead the person to where they decide, and tell how the proposal stands by then."""
        record = await proposal_of(self._desk.ledger, handle)
        proposal = record.proposal.id
        if leads and self._console is not None and record.status is Status.REVIEW_REQUIRED:
            asked = await self._console.lead(ctx, proposal, refused=refused)
            if asked is not None:
                return asked
            record = await proposal_of(self._desk.ledger, proposal)
        if record.status is not Status.REVIEW_REQUIRED:
            return prompts.stands(record)
        return prompts.elsewhere(proposal, step=self._step(proposal), refused=refused)

    def _step(self, proposal: str) -> str:
        page = f", or on its page after a login: {self._console.page(proposal)}" if self._console else "."
        return f"decide with `synapsor approve {proposal}` (or `reject`) in your own terminal{page}"
