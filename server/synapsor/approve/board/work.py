"""What the board asks of the ledger: the list, a card, and decisions in the operator's name; each refusal comes back as a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from synapsor.approve.board.state import Decide, Item, Open
from synapsor.approve.inbox import behind, entry_of
from synapsor.approve.keys import Unlock
from synapsor.approve.look import look
from synapsor.approve.looks import Looks
from synapsor.approve.terminal import render
from synapsor.config import Mode
from synapsor.core.moment import stamp
from synapsor.core.plain import visible
from synapsor.core.statements import Operator
from synapsor.core.words import many
from synapsor.errors import ConfigError, DecisionRefused, SynapsorError
from synapsor.flow.review import approve, may_ask, proposal_of, reject
from synapsor.flow.signing import Signer
from synapsor.ports import Clock, ReviewLedger

MOST = 500


@dataclass(kw_only=True)
class Reviewing:
    """The board's way to the ledger, for one operator.

    Attributes:
        unlock: gives the operator's private key; asked once, when something is first decided.
        modes: how far up the ladder each source is.
        looks: looks at the rows before an approval; without it none is given where a contract wants that.
    """

    ledger: ReviewLedger
    operators: Callable[[], Mapping[str, Operator]]
    modes: Mapping[str, Mode]
    clock: Clock
    operator: str
    unlock: Unlock
    looks: Looks | None = None
    _signer: Signer | None = field(default=None, repr=False)

    async def items(self) -> tuple[Item, ...]:
        """Return what waits, those that expire first before the others."""
        now = self.clock.now()
        records = await self.ledger.first_to_expire(now=stamp(now), limit=MOST)
        replaced, operators = await behind(self.ledger, records), self.operators()
        found = []
        for record in records:
            head, body = entry_of(record, now, operators=operators, replaced=replaced)
            lines = (head, *body)
            risky = record.proposal.risk != "low"
            found.append(Item(id=record.proposal.id, lines=lines, words=" ".join(lines).casefold(), risky=risky))
        return tuple(found)

    async def card(self, proposal: str, *, width: int, full: bool) -> Open:
        """Return the card of a proposal, drawn for a width.

        Raises:
            SynapsorError: it cannot be shown.
        """
        record = await proposal_of(self.ledger, proposal)
        card = await look(self.ledger, record, operators=self.operators(), now=self.clock.now(), full=full)
        told = record.proposal
        why = ""
        if card.tampered:
            why = "The evidence is not what the proposal was made from: run `synapsor verify`."
        elif not card.whole:
            why = "Part of it was cut: press f, and read all of it."
        elif told.hidden & set(told.changed):
            why = f"It changes a hidden column: decide with `synapsor approve {told.id}`."
        lines = tuple(render(card, width=width).rstrip("\n").split("\n"))
        return Open(
            id=told.id, digest=card.digest, lines=lines, approvable=not why, why_not=why, takes_code=told.step_up
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
        operators, now = self.operators(), self.clock.now()
        approves = asked.verdict == "approve"
        known = operators.get(self.operator)
        await may_ask(self.ledger, record, known, now=now, operators=operators if approves else None)
        if known is None:
            raise ConfigError(f"{self.operator} is not trusted here any more.")
        if self._signer is None:
            self._signer = Signer(operator=known, key=self.unlock())
        signer = Signer(operator=known, key=self._signer.key, code=asked.code)
        digest = asked.digest or record.proposal.digest
        if not approves:
            await reject(
                self.ledger,
                proposal,
                digest=digest,
                signer=signer,
                now=now,
                reason=asked.reason,
                code=asked.preset,
                operators=operators,
            )
            return f"{visible(proposal)} is rejected."
        mode = self.modes.get(record.proposal.source)
        if mode is None:
            raise ConfigError("The proposal's source is not configured here.", fix="Add it under `sources:`.")
        live = await self.looks.again(record.proposal, who=known.name) if self.looks is not None else None
        now = self.clock.now()
        decided = await approve(
            self.ledger, proposal, digest=digest, signer=signer, now=now, mode=mode, operators=operators, live=live
        )
        return f"{visible(proposal)} {decided.status.stands}."
