"""A policy drafted from decisions, as a text to copy: exactly what `synapsor policy draft` prints. It changes no file and activates nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page
from synapsor.approve.policy_text import draft_text
from synapsor.core.draft import Draft
from synapsor.core.proposal import Status
from synapsor.errors import UsageError
from synapsor.flow.draft import draft, home_of, tried
from synapsor.ports import ProposalRecord

WIDE: Final = 100
"""How wide the text is, as on a wide terminal."""
SINCE: Final = dt.timedelta(days=90)
MOST: Final = 50


def routes(room: Room) -> Iterable[Route]:
    """Return the page, and its text as a file."""
    yield page(room, "/draft", _draft)
    yield page(room, "/draft.yaml", _file)


def draft_path(*proposals: str) -> str:
    """Return where the draft from these proposals is."""
    return f"/draft?{urlencode([('of', proposal) for proposal in proposals])}"


def may_be_drafted(record: ProposalRecord) -> bool:
    """Tell whether it is worth asking for a draft: one person approved a change of one row that was of no high risk; drafting itself knows all rules."""
    proposal = record.proposal
    return (
        record.status in {Status.APPROVED, Status.APPLIED}
        and all(signed.decision.policy is None for signed in record.decisions)
        and len(proposal.members) == 1
        and proposal.quorum == 1
        and proposal.risk != "high"
        and proposal.undoes is None
        and not proposal.deletes
    )


async def _draft(visit: Visit) -> Response:
    made, text, file = await _made(visit)
    contracts, now = visit.room.given.contracts(), visit.now
    report = await tried(visit.room.ledger, made, contracts, since=now - SINCE, until=now)
    of = [("of", proposal) for proposal in made.proposals]
    return await visit.page(
        "draft.html",
        made=made,
        text=text,
        file=file,
        report=report,
        days=SINCE.days,
        download=f"/draft.yaml?{urlencode([*of, ('name', made.name)])}",
        command=f"synapsor policy draft {' '.join(made.proposals)}",
    )


async def _file(visit: Visit) -> Response:
    made, text, _ = await _made(visit)
    kept = {"content-disposition": f'attachment; filename="{made.name}.yaml"'}
    return Response(f"{text}\n", media_type="application/yaml; charset=utf-8", headers=kept)


async def _made(visit: Visit) -> tuple[Draft, str, str]:
    of = dict.fromkeys(visit.request.query_params.getlist("of"))
    if not of or len(of) > MOST:
        raise UsageError("A draft is of one decision or of several.", fix=f"Choose up to {MOST} in the history.")
    contracts = visit.room.given.contracts()
    made = await draft(visit.room.ledger, of, contracts, name=visit.asked("name") or None)
    file = home_of(made, contracts).path.name
    return made, draft_text(made, file, WIDE), file
