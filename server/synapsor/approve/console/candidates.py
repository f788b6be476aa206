"""The page that decides past proposals again under a policy that need not be active: what would be other, as numbers, charts and lists.

It only reads. A text that somebody pastes goes through the same strict reading as a contract's file, is kept nowhere, and activates
nothing. Who may activate contracts may use it, one at a time, and not for longer than a page may take.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread
from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve import retold
from synapsor.approve.console.acting import objection_as
from synapsor.approve.console.contracts import MOST as MOST_CONTRACTS
from synapsor.approve.console.room import Room
from synapsor.approve.console.svg import Chart, Series, chart
from synapsor.approve.console.visit import Visit, page
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.digest import contract_digest
from synapsor.contract.load import LoadedContract, load_all, read_text
from synapsor.core.backtest import Report
from synapsor.core.review import ACTIVATOR_ROLE
from synapsor.errors import ContractError, IntegrityError, Problem, UsageError
from synapsor.flow.backtest import backtest
from synapsor.flow.rollback import as_signed

SPANS: Final = (7, 30, 90, 365)
KINDS: Final = ("files", "active", "text")
MOST_TEXT: Final = 60_000
MOST_PROBLEMS: Final = 30
MOST_NAMED: Final = 10
MOST_SECONDS: Final = 40.0
_PASTED: Final = "what you pasted"


@dataclass(slots=True)
class _Turn:
    """Who works now: deciding again is much work, so one does it at a time."""

    taken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants to have decided again."""

    kind: str
    text: str
    span: int
    capability: str


def routes(room: Room) -> Iterable[Route]:
    """Return the page, and what its form is sent to."""
    turn = _Turn()
    yield page(room, "/charts/policies", _form)
    yield page(room, "/charts/policies", partial(_tested, turn=turn), posts=True)


async def _form(visit: Visit) -> Response:
    return await _page(visit, Asked(kind=KINDS[0], text="", span=SPANS[2], capability=""))


async def _tested(visit: Visit, *, turn: _Turn) -> Response:
    if refused := objection_as(visit, ACTIVATOR_ROLE):
        raise refused
    asked = _asked(visit)
    if turn.taken:
        raise UsageError("Somebody is having a policy tested at this moment.", fix="Try again when that has ended.")
    turn.taken = True
    try:
        with anyio.fail_after(MOST_SECONDS):
            contracts = await _contracts(visit, asked)
            begin = visit.now - dt.timedelta(days=asked.span)
            only = asked.capability or None
            report = await backtest(visit.room.ledger, contracts, since=begin, until=visit.now, capability=only)
    except TimeoutError:
        raise UsageError(
            "There is more to decide again than a page waits for.",
            fix="Choose a shorter time or one capability, or run `synapsor policy test`.",
        ) from None
    except ContractError as error:
        return await _page(visit, asked, problems=error.problems, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    finally:
        turn.taken = False
    return await _page(visit, asked, report=report)


async def _page(
    visit: Visit,
    asked: Asked,
    *,
    report: Report | None = None,
    problems: Sequence[Problem] = (),
    status: int = HTTPStatus.OK,
) -> Response:
    return await visit.page(
        "candidates.html",
        status=status,
        asked=asked,
        against=objection_as(visit, ACTIVATOR_ROLE),
        spans=SPANS,
        most_text=MOST_TEXT,
        capabilities=await _capabilities(visit),
        problems=[(Path(one.file).name, one) for one in problems[:MOST_PROBLEMS]],
        beyond=max(0, len(problems) - MOST_PROBLEMS),
        report=report,
        charts=charts_of(report) if report is not None and report.looked_at else (),
        words=retold,
        named=MOST_NAMED,
    )


def _asked(visit: Visit) -> Asked:
    kind, span = visit.sent("kind"), visit.sent("days")
    if kind not in KINDS or span not in map(str, SPANS):
        raise UsageError("This form is not whole.", fix="Open the page again.")
    text = visit.sent("text").replace("\r\n", "\n")
    if kind == "text" and not text.strip():
        raise UsageError("No contract was pasted.", fix="Paste the text of a contract, or choose another candidate.")
    if len(text) > MOST_TEXT:
        raise UsageError(f"A contract is pasted up to {MOST_TEXT:,} characters.", fix="Use `synapsor policy test`.")
    return Asked(kind=kind, text=text, span=int(span), capability=visit.sent("capability")[:200])


async def _contracts(visit: Visit, asked: Asked) -> Sequence[LoadedContract]:
    """Return the candidate; reading is work, and others wait meanwhile.

    Raises:
        ContractError: with every problem that it has.
    """
    if asked.kind == "active":
        return await _active(visit)
    if asked.kind == "files":
        return await anyio.to_thread.run_sync(load_all, visit.room.given.policies)
    return (await anyio.to_thread.run_sync(pasted, asked.text),)


def pasted(text: str) -> LoadedContract:
    """Return the contract that a text says.

    Raises:
        ContractError: with every problem that it has.
    """
    reading = read_text(text, _PASTED)
    if reading.problems or reading.contract is None:
        raise ContractError(tuple(sorted(reading.problems)))
    return LoadedContract(contract=reading.contract, digest=contract_digest(reading.contract), path=Path(_PASTED))


async def _active(visit: Visit) -> Sequence[LoadedContract]:
    """Return the active versions, as they were signed."""
    ledger, operators = visit.room.ledger, visit.room.operators()
    found = [await ledger.active_contract(name) for name in await visit.room.overview.contracts(limit=MOST_CONTRACTS)]
    return [
        LoadedContract(
            contract=as_signed(one, operators, ledger=ledger.id),
            digest=one.activation.digest,
            path=Path(one.activation.contract),
        )
        for one in found
        if one is not None
    ]


async def _capabilities(visit: Visit) -> list[str]:
    """Return what the active contracts propose; without those that cannot be read."""
    try:
        active = await _active(visit)
    except IntegrityError:
        return []
    return sorted(
        name
        for loaded in active
        for name, capability in loaded.contract.capabilities.items()
        if isinstance(capability, ProposeCapability)
    )


def charts_of(report: Report) -> tuple[Chart, Chart]:
    """Return how proposals were decided, and how they would be, by the days on which they came in."""
    first, last = (dt.date.fromisoformat(report.per_day[at].day) for at in (0, -1))
    days = [(first + dt.timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
    found = {one.day: one for one in report.per_day}

    def series(name: str, kind: str, field: str) -> Series:
        counts = (getattr(found[day], field) if day in found else 0 for day in days)
        return Series(name=name, kind=kind, values=tuple(count or None for count in counts))

    was = [
        series("decided by people", "filed", "by_person"),
        series("approved by a policy", "good", "by_policy"),
        series("decided by nobody", "policy", "undecided"),
    ]
    would = [
        series("left to people", "filed", "would_person"),
        series("approved by the candidate", "good", "would_policy"),
        series("of these rejected by a person", "bad", "red"),
        series("not told", "policy", "unknown"),
    ]
    return chart("As it was", days, was), chart("Under the candidate", days, would)
