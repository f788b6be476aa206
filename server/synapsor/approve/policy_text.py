"""A drafted policy as a piece of a contract, with where it comes from as comments; the same text wherever a person asks for it."""

from __future__ import annotations

from collections.abc import Iterator

from synapsor.contract.public.yaml_text import render as as_yaml
from synapsor.core.draft import Draft
from synapsor.core.plain import hanging, visible
from synapsor.core.words import many


def draft_text(made: Draft, file: str, wide: int) -> str:
    """Return the draft for the contract in a file, in lines of at most `wide` cells."""
    return "\n".join(_lines(made, file, wide))


def _lines(made: Draft, file: str, wide: int) -> Iterator[str]:
    time = made.first if made.first == made.last else f"{made.first} to {made.last}"
    who = ", ".join(map(visible, made.deciders))
    told = [f"Drafted from {many(len(made.proposals), 'decision')} of {who}, on proposals of {time}:"]
    told += [f"  {visible(proposal)}" for proposal in made.proposals]
    told.append(
        f"Nothing is changed by it. To use it, put it into {visible(file)}, have it reviewed, and name it there:"
    )
    told.append(
        f"  {made.capability}: approval: {{policy: {made.name}}}"
        + (f" instead of {made.replaces}" if made.replaces else "")
    )
    told.append(
        "Its limits are for whole days: of one day the earlier proposals use them up, also those that it was not drafted from."
    )
    if made.unread:
        told.append(f"Nobody would read the texts of the model's that are written into {', '.join(made.unread)}.")
    for line in told:
        yield from (f"# {part}" for part in hanging(line, 2, wide - 2))
    yield as_yaml({"policies": {made.name: dict(made.policy)}}, wide=wide).strip("\n")
