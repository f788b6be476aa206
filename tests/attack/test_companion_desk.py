"""The companion's desk under attack: nobody's queue is emptied by what waits for others, and who is not trusted any more sees none."""

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from mcp.types import GetPromptResult, TextContent

from synapsor.approve.companion.desk import MOST_SHOWN, ApprovalDesk
from synapsor.approve.companion.prompts import queue_text
from synapsor.approve.refused_words import refused_of
from synapsor.core.moment import parse, stamp
from synapsor.core.onetime import code_of, meant, step_at
from synapsor.core.statements import Operator
from synapsor.core.trust import ProgramKey
from synapsor.errors import DecisionRefused, UsageError
from synapsor.ledger.open import open_memory_ledger
from synapsor.ledger.store import Ledger
from synapsor.testing.clock import TestClock
from synapsor.values import digest
from tests.decisions import NOW, ROW, audit_of, evidence_of, person, proposal
from tests.sessions import SECRET, code_voucher, known


@dataclass(kw_only=True)
class Room:
    """A desk over a ledger in memory, and who is trusted there."""

    ledger: Ledger = field(default_factory=lambda: open_memory_ledger(clock=TestClock(NOW)))
    people: dict[str, Operator] = field(default_factory=dict)

    def desk(self) -> ApprovalDesk:
        """Return the desk, with a new voucher's key."""
        vouches = code_voucher("desk")
        self.people |= {"leo": known(person(principals=("leo@acme.example",))), "desk": vouches.operator}
        return ApprovalDesk(
            ledger=self.ledger,
            operators=lambda: self.people,
            modes={"shop": "writeback"},
            voucher=ProgramKey(operator=vouches.operator, key=vouches.key),
            clock=TestClock(NOW),
        )

    async def filed(self, *wanted: tuple[str, str]) -> list[str]:
        """File a proposal for each role and principal, each with a longer life than the one before it; return their handles."""
        handles = []
        for n, (role, principal) in enumerate(wanted):
            tail = f"{n:020d}"
            evidence = {**evidence_of(ROW), "id": f"ev_{tail}", "call": f"aud_{tail}"}
            asked = proposal(
                self.ledger.id,
                id=f"wrp_{tail}",
                branch=f"rb_{tail}",
                request=f"sha256:{n:064d}",
                evidence=evidence["id"],
                evidence_digest=digest("evidence", evidence),
                principal=principal,
                role=role,
                by_prompt=True,
                expires_at=stamp(NOW + dt.timedelta(hours=1, minutes=n)),
            )
            await self.ledger.file_proposal(asked, evidence, audit_of(evidence))
            handles.append(asked.id)
        return handles


ANYBODY = "support_agent_17"
LEAD, STORE = "billing_lead", "warehouse"


def text_of(told: GetPromptResult) -> str:
    """Return the words of a prompt."""
    (message,) = told.messages
    assert isinstance(message.content, TextContent)
    return message.content.text


@pytest.mark.requirement("companion:queue")
async def test_what_waits_for_others_and_expires_before_it_hides_nothing_that_waits_for_a_person() -> None:
    room = Room()
    handles = await room.filed(*[(STORE, ANYBODY)] * 9, *[(LEAD, "leo@acme.example")] * 9, (LEAD, ANYBODY))
    queue = await room.desk().queue("leo", limit=3)
    assert ([r.proposal.id for r in queue.mine], queue.more, queue.others) == (handles[-1:], False, 18)
    told = queue_text(queue, now=NOW)
    assert told.description == "1 proposals wait for you."
    assert "18 more wait for others." in text_of(told)


@pytest.mark.requirement("companion:queue")
@pytest.mark.parametrize(
    ("principals", "mine"), [([ANYBODY] * 4, 3), (["LEO@acme.example"] * 10, 0)], ids=("many", "names alike")
)
async def test_a_queue_that_was_not_looked_through_to_its_end_says_that_there_may_be_more(
    principals: list[str], mine: int
) -> None:
    room = Room()
    await room.filed(*((LEAD, principal) for principal in principals))
    queue = await room.desk().queue("leo", limit=3)
    assert (len(queue.mine), queue.more) == (mine, True)
    told = queue_text(queue, now=NOW)
    assert told.description == f"{mine} proposals wait for you, and there may be more."
    assert f"{len(principals) - mine} wait beside these, for me or for others." in text_of(told)
    assert "more wait for others." not in text_of(told)


@pytest.mark.requirement("companion:queue")
async def test_a_queue_that_holds_just_what_there_is_does_not_say_that_there_may_be_more() -> None:
    room = Room()
    await room.filed(*[(LEAD, ANYBODY)] * 3)
    queue = await room.desk().queue("leo", limit=3)
    assert (len(queue.mine), queue.more, queue.others) == (3, False, 0)


@pytest.mark.requirement("companion:trusted")
async def test_who_is_revoked_sees_no_queue_no_card_and_no_handle_any_more() -> None:
    room = Room()
    (handle,) = await room.filed((LEAD, ANYBODY))
    desk = room.desk()
    assert await desk.handles("leo", "wrp_", limit=9) == [handle]
    room.people["leo"] = replace(room.people["leo"], revoked=True)
    for asking in (
        desk.queue("leo"),
        desk.past("leo", handle),
        desk.review("leo", handle),
        desk.decide("leo", handle, "approve", code="00000000", reason="", preset=None),
        desk.handles("leo", "wrp_", limit=9),
    ):
        with pytest.raises(UsageError, match="Nobody of this name is trusted here"):
            await asking


@pytest.mark.requirement("companion:shown-bounded")
async def test_of_so_many_digests_the_oldest_is_forgotten_and_has_to_be_shown_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert MOST_SHOWN <= 10_000
    monkeypatch.setattr("synapsor.approve.companion.desk.MOST_SHOWN", 2)
    room = Room()
    first, second, third = await room.filed(*[(LEAD, ANYBODY)] * 3)
    desk = room.desk()

    async def rejected(handle: str) -> str:
        record = await room.ledger.proposal(handle)
        assert record is not None
        about = meant("reject", record.proposal.digest)
        code = code_of("bound", SECRET, about, step_at("bound", stamp(NOW)))
        try:
            return (await desk.decide("leo", handle, "reject", code=code, reason="No.", preset=None)).status.value
        except DecisionRefused as refused:
            return refused.rule

    for handle in (first, second, first, third):
        await desk.review("leo", handle)
    assert await rejected(second) == "not_shown", "it was shown before the others, and the first once more after it"
    await desk.review("leo", second)
    assert await rejected(second) == "rejected"


@pytest.mark.requirement("companion:code-decides")
async def test_a_login_by_code_is_for_one_decision_and_over_two_minutes_later() -> None:
    room = Room()
    (handle,) = await room.filed((LEAD, ANYBODY))
    desk = room.desk()
    await desk.review("leo", handle)
    record = await room.ledger.proposal(handle)
    assert record is not None
    about = meant("reject", record.proposal.digest)
    code = code_of("bound", SECRET, about, step_at("bound", stamp(NOW)))
    done = await desk.decide("leo", handle, "reject", code=code, reason="Not this one.", preset=None)
    (signed,) = done.decisions
    assert signed.login is not None
    login = signed.login.login
    assert parse(login.expires_at) - parse(login.at) == dt.timedelta(minutes=2)


@pytest.mark.requirement("companion:trusted")
@pytest.mark.parametrize("change", [{"revoked": True}, {"roles": ("billing_lead",)}, {"key": person("x").operator.key}])
async def test_that_the_server_is_not_trusted_any_more_is_told_as_such_and_recorded(change: dict[str, Any]) -> None:
    room = Room()
    (handle,) = await room.filed((LEAD, ANYBODY))
    desk = room.desk()
    await desk.review("leo", handle)
    room.people["desk"] = replace(room.people["desk"], **change)
    with pytest.raises(DecisionRefused, match="desk, by whose key this server says who somebody is") as refused:
        await desk.decide("leo", handle, "reject", code="00000000", reason="No.", preset=None)
    assert (refused.value.rule, "Log in" in refused.value.fix) == ("voucher_untrusted", False)
    record = await room.ledger.proposal(handle)
    assert record is not None
    (tried,), _ = await refused_of(record, room.ledger)
    assert (tried.operator, tried.rule) == ("leo", "voucher_untrusted")
