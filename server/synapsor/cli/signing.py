"""What each act at a terminal that a person signs begins with: who signs, what is certain to refuse them, and their key."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from synapsor.cli.refused_acts import signer_for
from synapsor.flow.acting import Acting
from synapsor.flow.decider import Named
from synapsor.flow.reason import check_reason
from synapsor.flow.signing import Signer
from synapsor.flow.throw import Throw, throw, throwing

if TYPE_CHECKING:
    from argparse import Namespace

    from synapsor.core.statements import Operator
    from synapsor.runtime import Project

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Somebody who is ready to sign: with who is trusted at the moment at which their key was unlocked."""

    signer: Signer
    operators: Mapping[str, Operator]
    now: dt.datetime


async def ready(
    arguments: Namespace,
    project: Project,
    about: str,
    *,
    role: str,
    begin: Callable[[Acting], AbstractAsyncContextManager[object]],
) -> Ready:
    """Return who signs; `begin` refuses what is certain before anybody types a passphrase, and what is refused is on record.

    Who was trusted when it began may be revoked by the time the passphrase is typed, and what is signed is of that moment.

    Raises:
        UsageError: it is not known who signs, or their key cannot be unlocked.
        DecisionRefused: as for `begin`.
    """
    operators, begun = project.operators(), project.clock.now()
    operator, unlock = await signer_for(arguments, project, (about,), operators, role=role)
    async with begin(Acting(who=Named(operator=operator), operators=operators, now=begun)):
        signer = Signer(operator=operator, key=unlock())
    return Ready(signer=signer, operators=project.operators(), now=project.clock.now())


async def throw_here(arguments: Namespace, project: Project, thrown: Throw[S]) -> S:
    """Have a person sign that something stops, or runs again, and return what was signed.

    Raises:
        UsageError: the reason cannot be recorded, or as for `ready`.
        DecisionRefused: as for `flow.throw`.
    """
    check_reason(thrown.act, arguments.reason)
    ledger = await project.ledger()
    begin = partial(throwing, ledger, thrown)
    by = await ready(arguments, project, thrown.about, role=thrown.role, begin=begin)
    return await throw(ledger, thrown, signer=by.signer, operators=by.operators, now=by.now, reason=arguments.reason)
