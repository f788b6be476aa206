"""One thing that happened, as it is told: who must look at what by when. It holds no value of a row, an argument or a reason.

The exception are columns that the proposal's own reviewed contract names under `notify`, and never one that is hidden or denied.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from synapsor.config.events import Event, event_of
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.digest import contract_digest, from_body
from synapsor.contract.model import Contract
from synapsor.core.history import UNREADABLE, Entry
from synapsor.core.plain import visible
from synapsor.core.proposal import Proposal
from synapsor.core.steering import accepted_by
from synapsor.errors import IntegrityError
from synapsor.notify.chronicle import Chronicle
from synapsor.notify.facts import cut, facts_of
from synapsor.ports import ProposalRecord
from synapsor.values import Token

log = logging.getLogger("synapsor.notify")

EVENTS: Final[Mapping[str, Event]] = {event.about.kind: event for event in Event if event.about.kind}
"""What is told of which events of the ledger."""

COUNTED_ONLY: Final = frozenset({"decision_refused", "login_refused"})
"""Those that anybody can bring about as often as they like: they are counted, and told together when they are many."""

UNTOLD: Final = frozenset(
    {
        "contract_activated",
        "job_accepted",
        "job_cancel_asked",
        "job_discard_asked",
        "job_leased",
        "job_released",
        "job_requeued",
        "ledger_created",
        "apply_intended",
        "intent_cleared",
        "policy_used",
        "proposal_measured",
        "proposal_repeated",
        "shadow_asked",
        "read",
        "receipt_kept",
        "resolution_waits",
    }
)
"""Of these nothing is told; a test sees to it that every event of the ledger is in one of the three."""

MOST_CONTRACTS: Final = 64
MOST_LOGGED: Final = 4096
"""Of how many things it is remembered that it was logged that they are not told."""

MOST_ROWS: Final = 5
"""How many rows of a set are told, where values may be told at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A value that the contract lets out: of which row (from 1), which column, before and after."""

    row: int
    column: str
    before: Token
    after: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to tell.

    Attributes:
        key: what makes it the same thing: one that is found a second time is not told again.
        at: when it happened.
        contract: the contract's name, where its recorded version is what the proposal names.
        need: how many people must approve.
        asked_at: when the proposal was filed.
        source: which source rests or goes on, as the project names it; "" of all.
        by: who decided, stopped or started automatic approval, or paused or resumed the worker; where more approvals are needed, who has approved so far.
        code: why it was not applied, as a receipt says it.
        accepted: an application has accepted it, so that it may be done although a job was given up.
        since: when the first of the refused attempts happened that are told together.
        refused_logins: how many of them were logins.
        refused_decisions: how many were decisions.
        stands: how the proposal stood when the message was made, where that is later than the event.
    """

    key: str
    event: Event
    at: str
    proposal: str = ""
    capability: str = ""
    contract: str = ""
    operation: str = ""
    rows: int = 0
    risk: str = ""
    role: str = ""
    need: int = 0
    principal: str = ""
    client: str = ""
    asked_at: str = ""
    expires_at: str = ""
    by: tuple[str, ...] = ()
    code: str = ""
    source: str = ""
    accepted: bool = False
    policy: str = ""
    limits: tuple[str, ...] = ()
    since: str = ""
    refused_logins: int = 0
    refused_decisions: int = 0
    stands: str = ""
    told: tuple[Told, ...] = ()

    @property
    def urgent(self) -> bool:
        """Whether it goes out in quiet hours and is not collected."""
        return self.risk == "high" or self.event.about.urgent

    @property
    def asks(self) -> bool:
        """Whether somebody is asked to decide."""
        return self.event.about.asks


class Teller:
    """Makes notices of what a ledger says; a contract is proven once and then known. Of what cannot be read nothing is told, and it is
    logged once: whoever may write into the ledger's file keeps nobody from hearing of all the rest.
    """

    def __init__(self, chronicle: Chronicle) -> None:
        self._chronicle = chronicle
        self._contracts: dict[str, Contract | None] = {}
        self._logged: set[str] = set()

    async def of(self, entry: Entry) -> Notice | None:
        """Return what is told of an event of the ledger, or None."""
        event = EVENTS.get(entry.kind)
        if event is None:
            if entry.kind == UNREADABLE:
                self._tell_nothing(f"event {entry.seq}")
            return None
        try:
            facts = facts_of(entry)
        except IntegrityError:
            self._tell_nothing(f"event {entry.seq}")
            return None
        # Expiry is found by looking, too, and is the same thing then.
        key = f"expired:{entry.subject}" if event is Event.EXPIRED else str(entry.seq)
        bare = Notice(key=key, event=event, at=entry.at, policy=facts.policy, limits=facts.limits, code=facts.code)
        if event.about.topic == "policies":
            who = await self._chronicle.thrown_by(entry.subject)
            return replace(bare, by=(cut(who),) if who else ())
        if event.about.topic == "worker":
            who = await self._chronicle.paused_by(entry.seq)
            return replace(bare, source=cut(entry.subject), by=(cut(who),) if who else ())
        return await self.about(bare, entry.subject)

    async def about(self, bare: Notice, proposal_id: str) -> Notice | None:
        """Return a notice with what it says of a proposal, or None where nothing can be said of it."""
        record = await self.record(proposal_id)
        if record is None:
            return None
        proposal = record.proposal
        contract = await self._contract(proposal.contract)
        return replace(
            bare,
            proposal=proposal.id,
            capability=proposal.capability,
            contract=contract.contract if contract else "",
            operation=proposal.operation,
            rows=len(proposal.members),
            risk=proposal.risk,
            role=proposal.role,
            need=proposal.quorum,
            principal=cut(proposal.principal),
            client=cut(proposal.client),
            asked_at=proposal.at,
            expires_at=proposal.expires_at,
            by=_by(bare, record),
            code=bare.code or _code(bare, record),
            accepted=bare.event is Event.WRITEBACK_DEAD and accepted_by(record.together) is not None,
            told=_told(proposal, contract),
        )

    async def record(self, proposal_id: str) -> ProposalRecord | None:
        """Return a proposal with everything that has happened to it; None where there is no such one, or it cannot be read."""
        try:
            record = await self._chronicle.proposal(proposal_id)
        except IntegrityError:
            record = None
        if record is None:
            self._tell_nothing(f"proposal {cut(visible(proposal_id))}")
        return record

    def _tell_nothing(self, what: str) -> None:
        if what in self._logged:
            return
        if len(self._logged) >= MOST_LOGGED:
            self._logged.clear()
        self._logged.add(what)
        log.warning(
            "nothing is told of %s of the ledger, which cannot be read. Run `synapsor verify`; everything else is told.",
            what,
            extra={"action": "untold"},
        )

    async def _contract(self, digest: str) -> Contract | None:
        """Return a contract version, proven to be the one that was reviewed; None where it cannot be."""
        if digest not in self._contracts:
            if len(self._contracts) >= MOST_CONTRACTS:
                self._contracts.clear()
            self._contracts[digest] = await self._proven(digest)
        return self._contracts[digest]

    async def _proven(self, digest: str) -> Contract | None:
        try:
            body = await self._chronicle.contract(digest)
            contract = from_body(body) if body is not None else None
        except IntegrityError:
            return None
        return contract if contract is not None and contract_digest(contract) == digest else None


def _by(bare: Notice, record: ProposalRecord) -> tuple[str, ...]:
    verdict = bare.event.about.verdict
    return tuple(dict.fromkeys(s.decision.operator for s in record.decisions if s.decision.verdict == verdict))


def _code(bare: Notice, record: ProposalRecord) -> str:
    return str(record.receipts[-1].code or "") if bare.event.about.receipt and record.receipts else ""


def _told(proposal: Proposal, contract: Contract | None) -> tuple[Told, ...]:
    capability = contract.capabilities.get(proposal.capability) if contract else None
    if contract is None or not isinstance(capability, ProposeCapability):
        return ()
    allowed = contract.table_of(capability).allowed
    names = [n for n in capability.notify if n in allowed and allowed[n].show is None and n not in proposal.hidden]
    return tuple(
        Told(
            row=at,
            column=name,
            before=_value(member.before.get(name)),
            after=_value(member.changes.get(name, member.before.get(name))),
        )
        for at, member in enumerate(proposal.members[:MOST_ROWS], 1)
        for name in names
        if name in member.before or name in member.changes
    )


def _value(token: Token) -> Token:
    return None if token is None else cut(token)


def as_data(notice: Notice) -> dict[str, Any]:
    """Return a notice as JSON data; what it does not say is left out."""
    data = {f.name: getattr(notice, f.name) for f in fields(notice) if f.name != "told"}
    told = [{f.name: getattr(one, f.name) for f in fields(one)} for one in notice.told]
    kept = {name: list(value) if isinstance(value, tuple) else value for name, value in data.items() if value}
    return {**kept, **({"told": told} if told else {})}


def from_data(data: Mapping[str, Any]) -> Notice:
    """Return the notice that `as_data` wrote."""
    kept: dict[str, Any] = {
        n: tuple(v) if isinstance(v, list) else v for n, v in data.items() if n not in {"event", "told"}
    }
    return Notice(**kept, event=event_of(data["event"]), told=tuple(Told(**one) for one in data.get("told", ())))
