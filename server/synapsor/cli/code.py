"""`synapsor code`: the one-time code with which a person decides on one proposal through a prompt.

It is bound to the digest and to the verdict, so that the client program which passes it on can use it for nothing else; it is shown beside
what it is for. The person names the proposal that they were shown: the newest one is whichever an agent asked for last.
"""

from __future__ import annotations

import asyncio
import re
from argparse import Namespace
from pathlib import Path
from typing import Any

from synapsor import runtime
from synapsor.approve.identity.codes import code_path, kept
from synapsor.approve.terminal.inbox import what_of
from synapsor.cli.terminal import answer, paragraph
from synapsor.config import load_config
from synapsor.core.moment import stamp
from synapsor.core.onetime import SECONDS, code_of, meant, step_at
from synapsor.core.proposal import Proposal
from synapsor.core.statements import Verdict
from synapsor.errors import DecisionRefused, UsageError
from synapsor.flow.named import proposal_of
from synapsor.ports import SystemClock
from synapsor.refusals import Rule

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def run(arguments: Namespace) -> int:
    """Show it and return 0."""
    proposal = None if arguments.digest else asyncio.run(_asked(arguments))
    digest = proposal.digest if proposal else arguments.digest
    if not _DIGEST.fullmatch(digest):
        raise UsageError("--digest takes the full digest, with sha256: before it.", fix="Copy it from the prompt.")
    secret = kept(_file(arguments))
    step = step_at("bound", stamp(SystemClock().now()))
    verdict: Verdict = "reject" if arguments.reject else "approve"
    code = code_of("bound", secret, meant(verdict, digest), step)
    what = f"{proposal.id}, of {proposal.risk} risk: {what_of(proposal)}" if proposal else digest
    text = f"{code[:4]} {code[4:]}\nIt {verdict}s {what}\nIt does nothing else, once, for {SECONDS['bound']} seconds or a little more."
    told = {"digest": digest, "verdict": verdict, "code": code}
    answer(arguments, "code", {**told, **(_told(proposal) if proposal else {})}, paragraph(text))
    return 0


def _told(proposal: Proposal) -> dict[str, Any]:
    keys = [dict(member.key) for member in proposal.members]
    return {"proposal": proposal.id, "capability": proposal.capability, "keys": keys, "risk": proposal.risk}


async def _asked(arguments: Namespace) -> Proposal:
    """Return the proposal that the person names.

    Raises:
        UsageError: they name none: the newest one need not be the one that they were shown.
        DecisionRefused: no code is of use for it.
    """
    if arguments.handle in {"", "latest"}:
        raise UsageError(
            "A code is for the proposal that you were shown; the newest one may be another.",
            fix="Name it, as the prompt showed it: `synapsor code wrp_…`.",
        )
    async with runtime.open_project(load_config(arguments.config)) as project:
        record = await proposal_of(await project.ledger(), arguments.handle)
        if not record.proposal.by_prompt:
            raise DecisionRefused(
                Rule.NOT_BY_PROMPT,
                "This proposal is not decided through a prompt, so no code is of use for it.",
                fix=f"Decide in the console or with `synapsor approve {record.proposal.id}`.",
            )
        return record.proposal


def _file(arguments: Namespace) -> Path:
    if arguments.file:
        return Path(arguments.file)
    if arguments.operator:
        return code_path(arguments.operator)
    mine = sorted(code_path("x").parent.glob("*.code"))
    if len(mine) != 1:
        raise UsageError("It is not clear whose codes are meant.", fix="Say it with --operator NAME or --file FILE.")
    return mine[0]
