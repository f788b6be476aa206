"""`synapsor code`: the one-time code with which a person decides on one proposal through a prompt.

It is bound to the digest and to the verdict, so that the client program which passes it on can use it for nothing else; it is shown beside
what it is for.
"""

from __future__ import annotations

import asyncio
import re
from argparse import Namespace
from pathlib import Path

from synapsor import runtime
from synapsor.approve.codes import code_path, kept
from synapsor.cli.terminal import answer, paragraph
from synapsor.config import load_config
from synapsor.core.moment import stamp
from synapsor.core.onetime import SECONDS, code_of, meant, step_at
from synapsor.core.statements import Verdict
from synapsor.errors import DecisionRefused, UsageError
from synapsor.flow.review import proposal_of
from synapsor.ports import SystemClock

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def run(arguments: Namespace) -> int:
    """Show it and return 0."""
    digest, name = (arguments.digest, "") if arguments.digest else asyncio.run(_asked(arguments))
    if not _DIGEST.fullmatch(digest):
        raise UsageError("--digest takes the full digest, with sha256: before it.", fix="Copy it from the prompt.")
    secret = kept(_file(arguments))
    step = step_at("bound", stamp(SystemClock().now()))
    verdict: Verdict = "reject" if arguments.reject else "approve"
    code = code_of("bound", secret, meant(verdict, digest), step)
    text = f"{code[:4]} {code[4:]}\nIt {verdict}s {name or digest} and does nothing else, once, for {SECONDS['bound']} seconds or a little more."
    answer(arguments, "code", {"digest": digest, "verdict": verdict, "code": code}, paragraph(text))
    return 0


async def _asked(arguments: Namespace) -> tuple[str, str]:
    async with runtime.open_project(load_config(arguments.config)) as project:
        record = await proposal_of(await project.ledger(), arguments.handle)
        if not record.proposal.by_prompt:
            raise DecisionRefused(
                "not_by_prompt",
                "This proposal is not decided through a prompt, so no code is of use for it.",
                fix=f"Decide in the console or with `synapsor approve {record.proposal.id}`.",
            )
        return record.proposal.digest, record.proposal.id


def _file(arguments: Namespace) -> Path:
    if arguments.file:
        return Path(arguments.file)
    if arguments.operator:
        return code_path(arguments.operator)
    mine = sorted(code_path("x").parent.glob("*.code"))
    if len(mine) != 1:
        raise UsageError("It is not clear whose codes are meant.", fix="Say it with --operator NAME or --file FILE.")
    return mine[0]
