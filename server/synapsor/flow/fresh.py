"""Whether an approval may be given on rows as they stand now: what the contract asks for, and what a person has to say aloud.

It keeps people from signing in vain. What keeps a stale row from being overwritten are the worker's own guards, whatever was looked at.
"""

from __future__ import annotations

import datetime as dt

from synapsor.core.live import FRESH_SECONDS, Live
from synapsor.core.proposal import Proposal
from synapsor.errors import DecisionRefused
from synapsor.flow.permitted import reviewed_capability
from synapsor.ports import AgentLedger
from synapsor.refusals import Rule


async def check_fresh(
    ledger: AgentLedger, proposal: Proposal, live: Live | None, *, now: dt.datetime, stale_anyway: bool = False
) -> None:
    """Refuse an approval of rows that are not as they were, or that the contract wants looked at and nobody did.

    Raises:
        DecisionRefused: by rule `stale_row`.
        IntegrityError: the contract on record is not the one that its digest names.
    """
    capability = await reviewed_capability(proposal, ledger)
    asked = capability is not None and capability.approval.fresh
    if asked and not (live is not None and live.proves(proposal, now=now)):
        raise DecisionRefused(
            Rule.STALE_ROW,
            f"{_why(live)} Its contract wants it known that every row is as it was.",
            fix=_fix(live),
        )
    if live is not None and live.changed and not stale_anyway:
        raise DecisionRefused(
            Rule.STALE_ROW,
            "A row is not as it was when the change was asked for, so the worker would not apply it.",
            fix="Reject it and let it be asked for anew; or, if the row will be as it was by then, approve it by itself with "
            "`synapsor approve --stale-anyway`.",
        )


def _why(live: Live | None) -> str:
    if live is None:
        return "The rows were not looked at."
    if live.untold is not None:
        return f"It cannot be told how the rows stand ({live.untold.value}). {live.untold.meaning}"
    return (
        "A row is not as it was when the change was asked for."
        if live.changed
        else f"The rows were looked at more than {FRESH_SECONDS} seconds ago, or of another proposal."
    )


def _fix(live: Live | None) -> str:
    if live is not None and live.changed:
        return "Reject it and let it be asked for anew."
    return "Approve it where the source can be read with the read credential, just after a look."
