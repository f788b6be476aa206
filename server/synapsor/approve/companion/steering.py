"""Pausing the worker and canceling a change, as a person asks for them through a prompt: how it stands, whether they may, and where they do it.

A click in a client program is no person, so nothing of it is done here.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcp.types import GetPromptResult

from synapsor.approve.companion.prompts import data, prompt
from synapsor.core.plain import visible
from synapsor.core.steering import said_of, state_words
from synapsor.errors import DecisionRefused
from synapsor.flow.resting import Rest, standings
from synapsor.flow.switched import Switched
from synapsor.ports import ProposalRecord

_NOTHING = "Nothing was changed here, and nothing is: a person does it where they say who they are."


def pause_text(
    rests: Sequence[Rest], policies: Switched, refused: DecisionRefused | None, *, console: str | None
) -> GetPromptResult:
    """Return how each source and automatic approval stand, and where a person who may pauses it or lets it go on; `refused` says why they may
    not.
    """
    page = f", or on the page of the worker after a login: {console}" if console else "."
    step = f"with `synapsor worker pause` (or `resume`) `--source NAME --reason WHY` in my own terminal{page}"
    may = _why_not("pause or resume the worker", refused) if refused else f"I can do it {step}"
    switch = f"A policy_steward stops automatic approval, or starts it, with `synapsor policy stop` (or `start`){page}"
    told = "\n".join([*standings(rests), f"Automatic approval: {policies.words}."])
    lines = ["Tell me how the worker rests, as it is.", _NOTHING, may, switch, *data(told)]
    return prompt("How the worker rests.", lines)


def cancel_text(record: ProposalRecord, refused: DecisionRefused | None, *, page: str | None) -> GetPromptResult:
    """Return how a proposal stands, and where a person who may cancels it; `refused` says why they may not."""
    proposal, on_page = record.proposal.id, f", or on its page after a login: {page}" if page else "."
    step = f"I can cancel it with `synapsor cancel {proposal} --reason WHY` in my own terminal{on_page}"
    stands = f"{proposal} {record.status.stands}."
    held = state_words(record.together)
    lines = [f"Tell me that {stands}", *([held] if held else []), _NOTHING]
    lines.append(_why_not("cancel it", refused) if refused else step)
    said = said_of(record.together)
    return prompt(stands, [*lines, *(data("\n".join(map(visible, said))) if said else ())])


def _why_not(what: str, refused: DecisionRefused) -> str:
    return f"I cannot {what} ({refused.rule}): {refused.message} {refused.fix}".strip()
