"""What the board asks of the ledger: the list, a card, and decisions in the operator's name; each refusal comes back as a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

from synapsor.approve.board.asked import Decide
from synapsor.approve.board.kept import Item, Open
from synapsor.approve.card.card import card_of
from synapsor.approve.card.looks import Looks
from synapsor.approve.card.now import with_now
from synapsor.approve.card.outline import behind
from synapsor.approve.card.shown import unseen
from synapsor.approve.card.view import Card
from synapsor.approve.identity.keys import Unlock
from synapsor.approve.terminal.card import sheet
from synapsor.approve.terminal.drawing import Row
from synapsor.approve.terminal.inbox import entry_of
from synapsor.config import Mode
from synapsor.core.blast import Colour
from synapsor.core.live import Live
from synapsor.core.moment import stamp
from synapsor.core.plain import visible
from synapsor.core.presets import in_words
from synapsor.core.proposal import Proposal
from synapsor.core.statements import Operator, Verdict
from synapsor.core.words import many
from synapsor.errors import ConfigError, DecisionRefused, SynapsorError
from synapsor.flow.chain import why_altered
from synapsor.flow.decide import Deciding, Listed, decide
from synapsor.flow.decider import Named
from synapsor.flow.named import proposal_of
from synapsor.flow.objection import Intent, may_ask, objection
from synapsor.flow.signing import Signer
from synapsor.ports import Clock, ProposalRecord, ReviewLedger
from synapsor.refusals import Rule

MOST = 500
"""How many proposals the list holds."""
TOLD_ANEW_S = 10
"""How often the list is made anew while nothing happens: how long each has left is told, and one that has expired goes."""
Mark: TypeAlias = tuple[tuple[int, str], Mapping[str, Operator], int]


async def _here(ask: Callable[[], Any]) -> Any:
    return ask()


@dataclass(kw_only=True)
class Reviewing:
    """The board's way to the ledger, for one operator.

    Attributes:
        unlock: gives the operator's private key; asked once, when something is first decided.
        modes: how far up the ladder each source is.
        receiptless: the sources that keep no receipts.
        looks: looks at the rows before an approval; without it none is given where a contract wants that.
        silence: says why nobody is told of what happens, where somebody should be.
        aside: lets a passphrase be asked for where the board is not in the way.
    """

    ledger: ReviewLedger
    operators: Callable[[], Mapping[str, Operator]]
    modes: Mapping[str, Mode]
    clock: Clock
    operator: str
    unlock: Unlock
    looks: Looks | None = None
    receiptless: frozenset[str] = frozenset()
    silence: Callable[[], str] = lambda: ""
    aside: Callable[[Callable[[], Any]], Awaitable[Any]] = _here
    _signer: Signer | None = field(default=None, repr=False)

    async def items(self) -> tuple[tuple[Item, ...], bool]:
        """Return what waits, those that expire first before the others, and whether there is more than the list holds."""
        now = self.clock.now()
        known = await self.ledger.first_to_expire(now=stamp(now), limit=MOST + 1)
        records = known[:MOST]
        replaced, operators = await behind(self.ledger, records), self.operators()
        found = []
        for record in records:
            head, body = entry_of(record, now, operators=operators, replaced=replaced)
            lines = (head, *body)
            risky = record.proposal.risk != "low"
            found.append(Item(id=record.proposal.id, lines=lines, words=" ".join(lines).casefold(), risky=risky))
        return tuple(found), len(known) > MOST

    async def mark(self) -> Mark:
        """Return what the list follows from: while it is the same, so is the list, but for the seconds of its times."""
        at = int(self.clock.now().timestamp()) // TOLD_ANEW_S
        return await self.ledger.head(), dict(self.operators()), at

    async def standing(self) -> str:
        """Return what is to be said as long as nothing else is."""
        altered = await why_altered(self.ledger)
        return f"{altered.message} {altered.fix}" if altered else await asyncio.to_thread(self.silence)

    async def card(self, proposal: str, *, width: int, full: bool) -> Open:
        """Return the card of a proposal, drawn for a width.

        Raises:
            SynapsorError: it cannot be shown.
        """
        record = await proposal_of(self.ledger, proposal)
        opened = await self._open(await self._looked_up(record, full=full), record, width=width)
        return replace(opened, looks=self.looks is not None)

    async def glance(self, proposal: str, *, width: int, full: bool) -> Open:
        """Return the card with a look at the source as it is now, which is recorded in the operator's name.

        Raises:
            SynapsorError: it cannot be shown, or nothing looks at sources here.
        """
        if self.looks is None:
            raise ConfigError("Nothing looks at sources here.", fix="Use `synapsor show --live`.")
        record = await proposal_of(self.ledger, proposal)
        seen = await self.looks.now(record.proposal, who=self.operator)
        # The card is made after the look, so that it is as new.
        record = await proposal_of(self.ledger, proposal)
        card = await self._looked_up(record, full=full)
        drawn = with_now(card, record.proposal, seen, now=self.clock.now())
        opened = await self._open(drawn, record, width=width)
        reaches = seen.blast.colour is not Colour.GREEN
        return replace(opened, live=True, stands=seen.live.state, reaches=reaches, looks=True)

    def _intent(self, verdict: Verdict) -> Intent:
        """Return that who works here means to decide so."""
        operators = self.operators()
        one = operators.get(self.operator) or Operator(name=self.operator, key=None, roles=())  # who is gone is refused
        return Intent(verdict=verdict, who=Named(operator=one), operators=operators, now=self.clock.now())

    async def _looked_up(self, record: ProposalRecord, *, full: bool) -> Card:
        return await card_of(
            self.ledger,
            record,
            operators=self.operators(),
            now=self.clock.now(),
            full=full,
            receiptless=self.receiptless,
        )

    async def decide(self, asked: Decide) -> str:
        """Decide, each proposal by itself, and return what came of it; one that is refused keeps none of the others."""
        outcomes = [await self._one(proposal, asked) for proposal in asked.ids]
        if len(outcomes) == 1:
            return outcomes[0][1]
        done = sum(1 for ok, _ in outcomes if ok)
        failed = "; ".join(words for ok, words in outcomes if not ok)
        return f"{many(done, 'proposal is', 'proposals are')} rejected." + (f" Not so: {failed}" if failed else "")

    async def _one(self, proposal: str, asked: Decide) -> tuple[bool, str]:
        try:
            return True, await self._decided(proposal, asked)
        except DecisionRefused as refused:
            return False, f"{proposal}: {refused.message} ({refused.rule})"
        except SynapsorError as error:
            return False, f"{proposal}: {error.message}"

    async def _decided(self, proposal: str, asked: Decide) -> str:
        record = await proposal_of(self.ledger, proposal)
        intent = self._intent(asked.verdict)
        await may_ask(self.ledger, record, intent)
        known = intent.operators[self.operator]
        if self._signer is None:
            self._signer = Signer(operator=known, key=await self.aside(self.unlock))
        deciding = Deciding(
            verdict=asked.verdict,
            signer=Signer(operator=known, key=self._signer.key, code=asked.code),
            clock=self.clock,
            modes=self.modes,
            operators=self.operators,
            reason=in_words(asked.preset, "" if asked.reason == asked.preset else asked.reason),
            preset=asked.preset,
            look_again=partial(self._again, known.name),
        )
        shown = Listed(proposal=proposal, digest=asked.digest or record.shown)
        decided = await decide(self.ledger, deciding, shown)
        return f"{visible(proposal)} {decided.status.stands}."

    async def _again(self, who: str, proposal: Proposal) -> Live | None:
        return await self.looks.again(proposal, who=who) if self.looks is not None else None

    async def _open(self, card: Card, record: ProposalRecord, *, width: int) -> Open:
        told = record.proposal
        fixes = {
            Rule.NOT_FULLY_SHOWN: "Press f, and read all of it.",
            Rule.COVERED: f"Use `synapsor approve {told.id}`.",
        }
        refused = await objection(self.ledger, record, self._intent("approve"))
        refused = refused or unseen(card, told, "approve", fixes=fixes)

        def draw(columns: int) -> tuple[Row, ...]:
            return sheet(card, width=columns)

        return Open(
            id=told.id,
            digest=card.digest,
            draw=draw,
            lines=draw(width),
            width=width,
            approvable=refused is None,
            why_not=f"{refused.message} {refused.fix}".strip() if refused is not None else "",
            takes_code=told.step_up,
            full=card.full,
        )
