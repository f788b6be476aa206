"""`synapsor diff`: what differs between two versions of a contract, and whether authority grows with it; made for a CI job."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Iterable, Iterator
from typing import Any

from synapsor.cli.terminal import answer, width
from synapsor.cli.versions import Version, compared
from synapsor.contract.difference import Difference, Effect, Said, differences, label
from synapsor.core.plain import cells, hanging, is_right_to_left, visible

_TITLES = {
    Effect.GROWS: "Authority grows",
    Effect.TRADES: "Authority grows here and shrinks there, or nobody can tell",
    Effect.SHRINKS: "Authority shrinks",
    Effect.CHANGES: "Changes that grant nothing",
}


def run(arguments: Namespace) -> int:
    """Compare and return 1 when authority grows anywhere, else 0."""
    before, after = asyncio.run(compared(arguments, [arguments.before, *filter(None, [arguments.after])]))
    found = differences(before.contract, after.contract)
    grows = any(d.effect.gains for d in found)
    document = {
        "before": _named(before),
        "after": _named(after),
        "grows": grows,
        "differences": [_entry(d) for d in found],
    }
    answer(arguments, "diff", document, render(before, after, found, width=width()), ok=not grows)
    return int(grows)


def _named(version: Version) -> dict[str, Any]:
    return {"version": version.named, "contract": version.contract.contract, "digest": version.digest}


def _entry(difference: Difference) -> dict[str, Any]:
    return {
        "effect": difference.effect.value.replace(" ", "_"),
        "weight": difference.weight,
        "path": list(difference.path),
        "what": difference.words,
        "before": difference.before,
        "after": difference.after,
    }


def render(before: Version, after: Version, found: Iterable[Difference], *, width: int) -> str:
    """Return the differences as text, what grows first."""
    lines = [f"from {before.named}", f"     {before.digest}", f"to   {after.named}", f"     {after.digest}"]
    listed = list(found)
    for effect in Effect:
        group = [d for d in listed if d.effect is effect]
        lines += ["", f"{_TITLES[effect]} ({len(group)})"] if group else []
        lines += [line for d in group for line in _lines(d, width)]
    counted = sum(d.effect.gains for d in listed)
    last = f"✗ {counted} of {len(listed)} grant more than before." if counted else "✓ Nothing grants more than before."
    return "\n".join([*lines, "", last if listed else "✓ There is no difference."])


def _lines(difference: Difference, width: int) -> Iterator[str]:
    about, where = label(difference.path)
    yield from hanging(f"  {about}{f', {where}' if where else ''}: {difference.words}", 4, width)
    yield from _values(difference.said, width)


def _values(said: Said, width: int) -> Iterator[str]:
    """Yield both values in one line; where that is too long, or could be turned round, each begins a line of its own."""
    whole = f"    {visible(str(said))}"
    if not (said.before and said.after) or (cells(whole) <= width and not is_right_to_left(whole)):
        yield from hanging(whole, 6, width)
        return
    if said.head:
        yield from hanging(f"    {visible(said.head)}:", 6, width)
    yield from hanging(f"    {visible(said.before)}", 6, width)
    yield from hanging(f"    → {visible(said.after)}", 6, width)
