"""`synapsor batch`: the open proposals that are alike, and a decision on each of a cluster, signed by itself."""

from __future__ import annotations

import asyncio
import re
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from functools import partial

from synapsor import runtime
from synapsor.approve.sheet import Sheet, cluster_body, render, render_clusters, sheet_of
from synapsor.cli.signer import signer
from synapsor.cli.terminal import answer, coloured, confirm_digest, interrupt_at_once, note, paragraph, width
from synapsor.config import Mode, load_config
from synapsor.core.plain import visible
from synapsor.errors import ConfigError, DecisionRefused, UsageError
from synapsor.flow.batch import Deciding, EachOutcome, cluster_named, decide_each, open_clusters, picked
from synapsor.flow.reason import check_reason
from synapsor.flow.signing import Signer
from synapsor.looking import SourceLooks

_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


def run(arguments: Namespace) -> int:
    """List what is alike and return 0, or decide and return 0 when each decision is recorded."""
    return asyncio.run(_decide(arguments) if arguments.action in {"approve", "reject"} else _list(arguments))


async def _list(arguments: Namespace) -> int:
    async with runtime.open_project(load_config(arguments.config)) as project:
        found = await open_clusters(await project.ledger(), now=project.clock.now(), capability=arguments.capability)
    text = render_clusters(found, colour=coloured(arguments), width=width())
    answer(arguments, "clusters", {"clusters": [cluster_body(one) for one in found]}, text)
    return 0


async def _decide(arguments: Namespace) -> int:
    verdict = arguments.action
    check_reason(verdict, arguments.reason)
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger, operators, now = await project.ledger(), project.deciders(), project.clock.now()
        cluster = await cluster_named(ledger, arguments.cluster, now=now)
        records = picked(cluster, excepted=arguments.excepted, only=arguments.only)
        operator, unlock = signer(arguments, operators, role=cluster.role)
        sheet = await sheet_of(
            ledger,
            cluster,
            records,
            verdict=verdict,
            operator=operator,
            operators=operators,
            now=now,
            full=arguments.full,
        )
        if not arguments.json:
            print(render(sheet, colour=coloured(arguments), width=width()))
        if len(sheet.left_out) == len(sheet.entries):
            first = next(iter(sheet.left_out.values()))
            raise DecisionRefused(
                first.rule or "left_out", first.words, fix="Decide on each by itself, or ask another person."
            )
        over = _confirmed(arguments, sheet)
        sources = project.config.sources

        def mode_of(source: str) -> Mode:
            if source not in sources:
                raise ConfigError("The proposal's source is not configured here.", fix="Add it under `sources:`.")
            return sources[source].mode

        deciding = Deciding(
            verdict=verdict,
            signer=Signer(operator=operator, key=unlock()),
            clock=project.clock,
            mode_of=mode_of,
            operators=operators,
            reason=arguments.reason,
            code=arguments.code if verdict == "reject" else None,
            look_again=partial(SourceLooks(project=project, client="batch").again, who=operator.name),
        )
        decided = await decide_each(ledger, deciding, sheet.shown, over=over, left_out=sheet.left_out)
    return _tell(arguments, sheet, decided)


def _confirmed(arguments: Namespace, sheet: Sheet) -> str:
    """Return the digest over all that was shown, named by the person who saw it."""
    if arguments.digest:
        given = _DIGEST.fullmatch(arguments.digest.strip().lower())
        if given is None:
            raise UsageError(
                "--digest takes the full digest over all of them.", fix="Copy it from `synapsor batch --json`."
            )
        return f"sha256:{given[1]}"
    otherwise = "Give the full digest over all that you have seen with --digest."
    if arguments.json:
        raise UsageError("With --json nobody is asked.", fix=otherwise)
    confirm_digest(sheet.digest, verb=arguments.action, otherwise=otherwise)
    return sheet.digest


def _tell(arguments: Namespace, sheet: Sheet, decided: Sequence[EachOutcome]) -> int:
    verb = "approved" if arguments.action == "approve" else "rejected"
    ok = all(one.ok for one in decided)
    document = {
        "cluster": sheet.cluster.id,
        "verdict": arguments.action,
        "digest": sheet.digest,
        "outcomes": [
            {
                "proposal": one.proposal,
                "ok": one.ok,
                "status": one.status.value if one.status else None,
                "rule": one.rule,
                "words": one.words,
            }
            for one in decided
        ],
    }
    counts = Counter(one.ok for one in decided)
    lines = [f"{counts[True]} of {len(decided)} are {verb}."]
    waits = sum(one.ok and one.status is not None and one.status.value == "review_required" for one in decided)
    if waits:
        lines.append(f"{waits} of them wait for more people.")
    lines += [
        f"{visible(one.proposal)}: not {verb}: {visible(one.words)} ({one.rule})" for one in decided if not one.ok
    ]
    answer(arguments, "batch", document, paragraph("\n".join(lines)), ok=ok)
    if not ok and not arguments.json:
        note("synapsor: some are not decided on", indent=2)
    return 0 if ok else 1
