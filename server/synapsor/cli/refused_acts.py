"""What is refused at a terminal before any verb of `flow` is reached: recorded as every refused decision is, and told of contracts and policies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from synapsor.approve.identity.keys import Unlock
from synapsor.approve.refused_words import MOST, words_of
from synapsor.cli.signer import signer
from synapsor.core.plain import visible
from synapsor.core.review import ACTIVATOR_ROLE
from synapsor.flow.acting import Acting
from synapsor.flow.refused import NOBODY, recording

if TYPE_CHECKING:
    from argparse import Namespace

    from synapsor.core.statements import Operator
    from synapsor.ledger.overview import Overview
    from synapsor.runtime import Project


@asynccontextmanager
async def recorded(project: Project, about: Sequence[str], who: str) -> AsyncIterator[None]:
    """Record what is refused inside, once for each that it is about; where there is no ledger yet, none is made for that."""
    async with AsyncExitStack() as stack:
        if project.config.ledger.exists():
            now, ledger = project.clock.now(), await project.ledger()
            for one in about:
                await stack.enter_async_context(recording(ledger, one, who, now))
        yield


async def signer_for(
    arguments: Namespace, project: Project, about: Sequence[str], operators: Mapping[str, Operator], *, role: str
) -> tuple[Operator, Unlock]:
    """Return who signs, and what unlocks their key, as `cli.signer` does; a key that is nobody's is on record of what it was for.

    Raises:
        UsageError, DecisionRefused: as for `signer`.
    """
    async with recorded(project, about, NOBODY):
        return signer(arguments, operators, roles=(role,))


async def check_activates(project: Project, contracts: Sequence[str], acting: Acting) -> None:
    """Refuse who may not sign these activations, before they read and type anything, and record that they were refused.

    Raises:
        DecisionRefused: they may not.
    """
    async with recorded(project, contracts, acting.who.name):
        # No ledger is named, for there may be none yet: at a terminal nobody has a login of one.
        acting.check_role(ACTIVATOR_ROLE, ledger="")


async def told(overview: Overview, about: str) -> list[dict[str, Any]]:
    """Return the newest refused attempts about one thing, newest first, as data."""
    return [
        {"at": one.at, "operator": one.operator, "rule": one.rule, "words": words_of(one.rule)}
        for one in await overview.refused_about(about, limit=MOST)
    ]


def lines(refused: Sequence[Mapping[str, Any]], verb: str) -> Iterator[str]:
    """Yield them as lines, nothing where there are none."""
    if refused:
        yield f"Refused attempts to {verb}, newest first:"
    for one in refused:
        yield f"  {one['at']}, {visible(one['operator'])} ({visible(one['rule'])}): {one['words']}"
