"""`synapsor doctor`: what the credentials and schemas really allow, and whether what is configured for people works; each finding with its fix."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from dataclasses import asdict

from synapsor import runtime
from synapsor.cli.terminal import answer, width
from synapsor.cli.words import labelled
from synapsor.config import load_config
from synapsor.core.facts import Finding
from synapsor.core.words import many
from synapsor.examine import examine


def run(arguments: Namespace) -> int:
    """Look and return 0, or 1 when something must not stay as it is."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    config = load_config(arguments.config)
    async with runtime.open_project(config) as project:
        findings = await examine(project, approvals=arguments.approvals)
    fatal = any(f.fatal for f in findings)
    answer(
        arguments,
        "doctor",
        {"findings": [asdict(f) for f in findings]},
        render(findings, sources=len(config.sources), wide=width()),
        ok=not fatal,
    )
    return 1 if fatal else 0


def render(findings: tuple[Finding, ...], *, sources: int, wide: int) -> str:
    """Return the findings as text, those that stop the program first."""
    if not findings:
        return f"✓ {many(sources, 'source')}: nothing speaks against serving and applying."
    lines: list[str] = []
    for finding in sorted(findings, key=lambda f: (not f.fatal, f.rule, f.message)):
        lines.append(f"{'✗' if finding.fatal else '!'} {finding.rule}")
        for text in filter(None, (finding.message, f"fix: {finding.fix}" if finding.fix else "")):
            lines += labelled(text, "  ", wide)
    stops = sum(f.fatal for f in findings)
    lines.append(f"\n✗ {many(stops, 'finding')} must be mended." if stops else "\n✓ Nothing of this stops it.")
    return "\n".join(lines)
