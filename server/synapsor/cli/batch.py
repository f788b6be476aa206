"""`synapsor batch`: the open proposals that are alike, and a decision on each of a cluster, signed by itself."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from functools import partial

from synapsor import runtime
from synapsor.approve.card.sparing import Sparing
from synapsor.approve.card.terms import units_behind
from synapsor.approve.sheet import Sheet, cluster_body, render, render_clusters, sheet_of, with_rows_as_they_are
from synapsor.cli.refused_acts import recorded, signer_for
from synapsor.cli.terminal import answer, coloured, have_digest_named, interrupt_at_once, note, paragraph, width
from synapsor.config import load_config
from synapsor.core.plain import visible
from synapsor.core.presets import in_words
from synapsor.errors import DecisionRefused, rule_named
from synapsor.flow.batch import EachOutcome, cluster_named, decide_each, open_clusters, picked
from synapsor.flow.decide import Deciding
from synapsor.flow.decider import Named
from synapsor.flow.objection import Intent
from synapsor.flow.reason import check_reason
from synapsor.flow.refused import record_refused
from synapsor.flow.signing import Signer
from synapsor.looking import SourceLooks
from synapsor.refusals import Rule


def run(arguments: Namespace) -> int:
    """List what is alike and return 0, or decide and return 0 when each decision is recorded."""
    return asyncio.run(_decide(arguments) if arguments.action in {"approve", "reject"} else _list(arguments))


async def _list(arguments: Namespace) -> int:
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        found = await open_clusters(ledger, now=project.clock.now(), capability=arguments.capability)
        units = await units_behind(ledger, (one.records[0].proposal for one in found), project.deciders())
    text = render_clusters(found, units, colour=coloured(arguments), width=width())
    answer(arguments, "clusters", {"clusters": [cluster_body(one) for one in found]}, text)
    return 0


async def _decide(arguments: Namespace) -> int:
    verdict = arguments.action
    preset = arguments.preset if verdict == "reject" else None
    reason = in_words(preset, arguments.reason)
    check_reason(verdict, reason)
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger, operators, now = await project.ledger(), project.deciders(), project.clock.now()
        cluster = await cluster_named(ledger, arguments.cluster, now=now)
        records = picked(cluster, excepted=arguments.excepted, only=arguments.only)
        each = [record.proposal.id for record in records]
        operator, unlock = await signer_for(arguments, project, each, operators, role=cluster.role)
        intent = Intent(verdict=verdict, who=Named(operator=operator), operators=operators, now=now)
        sheet = await sheet_of(ledger, cluster, records, intent, full=arguments.full)
        looks = SourceLooks(project=project, client="batch")
        if verdict == "approve":
            sparing = Sparing(looks=looks, who=operator.name)
            sheet = await with_rows_as_they_are(ledger, sheet, records, sparing, clock=project.clock)
        if not arguments.json:
            print(render(sheet, colour=coloured(arguments), width=width()))
        against = {one.proposal: _refusal(one) for one in sheet.left_out.values()}
        for handle, why in against.items():  # certain already, and on record as where each is decided by itself
            await record_refused(ledger, handle, operator.name, why, project.clock.now())
        if len(against) == len(sheet.entries):
            raise next(iter(against.values()))
        async with recorded(project, each, operator.name):
            have_digest_named(
                arguments, sheet.digest, verb=verdict, of=" over all of them", where="`synapsor batch --json`"
            )
        deciding = Deciding(
            verdict=verdict,
            signer=Signer(operator=operator, key=unlock()),
            clock=project.clock,
            modes=project.config.modes,
            operators=project.deciders,
            reason=reason,
            preset=preset,
            look_again=partial(looks.again, who=operator.name),
        )
        decided = await decide_each(ledger, deciding, sheet.shown, over=sheet.digest, left_out=sheet.left_out)
    return _tell(arguments, sheet, decided)


def _refusal(one: EachOutcome) -> DecisionRefused:
    rule = rule_named(one.rule or "") or Rule.ALONE
    return DecisionRefused(rule, one.words, fix="Decide on each by itself, or ask another person.")


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
