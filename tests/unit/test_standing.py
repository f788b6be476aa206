"""A contract that is served stands while it is the one activated last; the ledger is asked for that at most once a second."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import pytest
import pytest_asyncio

from synapsor.errors import Failure, LedgerFailure, SourceFailure
from synapsor.flow.desk import Desk
from synapsor.flow.standing import LASTS, PROVEN, Standing
from synapsor.ports import AgentLedger
from synapsor.testing import Trial, desk_for
from tests.unit.test_trial import BILLING, SCHEMA, SEED, SESSION, WAIVER

READ = ("billing.inspect_invoice", {"invoice_id": "INV-3001"})


@dataclass
class World:
    """A ledger, a clock and a reviewer, and what was asked of them.

    Attributes:
        newest: the handle of the newest activation.
        reason: why that does not count.
        edited: why the file does not say what is served.
        error: what the ledger or the reviewer's database raises.
    """

    newest: str | None = "act_1"
    reason: str = ""
    edited: str = ""
    now: float = 100.0
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)
    looks: int = 0
    gate: anyio.Event = field(default_factory=anyio.Event)
    reached: anyio.Event = field(default_factory=anyio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def newest_activation(self, contract: str) -> str | None:
        self.asked.append(contract)
        self.reached.set()
        await self.gate.wait()
        if isinstance(self.error, LedgerFailure):
            raise self.error
        return self.newest

    async def prove(self) -> str:
        self.asked.append("proof")
        if isinstance(self.error, SourceFailure):
            raise self.error
        return self.reason

    def kept(self) -> str:
        self.looks += 1
        return self.edited

    def standing(self) -> Standing:
        return Standing("billing", cast("AgentLedger", self), self.prove, self.kept, clock=lambda: self.now)

    def told(self) -> list[str]:
        """Return what was asked since the last time."""
        asked, self.asked = self.asked, []
        return asked


@pytest.mark.requirement("contract:replaced-is-refused")
async def test_the_ledger_is_asked_at_most_once_a_second_and_only_a_new_activation_is_proven() -> None:
    world = World()
    standing = world.standing()
    assert [await standing.why() for _ in range(3)] == ["", "", ""]
    assert world.told() == ["billing", "proof"]
    world.now += LASTS - 0.001
    assert (await standing.why(), world.told()) == ("", [])
    world.now += 0.001
    assert (await standing.why(), world.told()) == ("", ["billing"])
    world.newest = "act_2"
    world.now += LASTS
    assert (await standing.why(), world.told()) == ("", ["billing", "proof"])


@pytest.mark.requirement("contract:replaced-is-refused")
async def test_an_activation_whose_reviewer_is_not_trusted_any_more_is_noticed_in_a_while() -> None:
    world = World()
    standing = world.standing()
    assert await standing.why() == ""
    world.reason = "it was activated by somebody who may not do so here"
    world.now += PROVEN - 0.001
    assert await standing.why() == ""
    world.now += LASTS
    assert await standing.why() == world.reason


@pytest.mark.requirement("contract:replaced-is-refused")
async def test_a_contract_that_was_replaced_is_refused_and_served_again_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    standing = world.standing()
    await standing.why()
    world.newest, world.reason = "act_2", "another version is the active one"
    world.now += LASTS
    assert [await standing.why() for _ in range(2)] == ["another version is the active one"] * 2
    world.newest, world.reason = "act_3", ""
    assert await standing.why() == ""
    assert [record.action for record in caplog.records] == ["not_activated", "activated"]  # type: ignore[attr-defined]  # from `extra`


@pytest.mark.requirement("contract:edited-is-refused")
async def test_the_files_are_looked_at_when_the_ledger_is_asked_and_refuse_until_they_are_as_they_were(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    standing = world.standing()
    assert ([await standing.why() for _ in range(3)], world.looks) == (["", "", ""], 1)
    world.edited = "its file was edited"
    world.now += LASTS - 0.001
    assert (await standing.why(), world.looks) == ("", 1)
    world.now += 0.001
    assert (await standing.why(), world.looks) == ("its file was edited", 2)
    world.edited = "its file is gone"
    assert (await standing.why(), world.looks) == ("its file is gone", 3)
    world.told()
    world.edited = ""
    assert (await standing.why(), world.told()) == ("", ["billing", "proof"])
    assert [record.action for record in caplog.records] == ["not_activated", "not_activated", "activated"]  # type: ignore[attr-defined]  # from `extra`


@pytest.mark.requirement("contract:edited-is-refused")
async def test_a_file_that_is_as_it_was_makes_no_good_contract_of_one_that_was_replaced() -> None:
    world = World()
    standing = world.standing()
    await standing.why()
    world.edited, world.newest, world.reason = "its file was edited", "act_2", "replaced"
    world.now += LASTS
    assert await standing.why() == "its file was edited"
    world.edited = ""
    assert await standing.why() == "replaced"


@pytest.mark.requirement("contract:replaced-is-refused")
async def test_callers_that_come_together_ask_once_and_none_goes_ahead_of_the_answer() -> None:
    world = World()
    standing = world.standing()
    await standing.why()
    world.told()
    world.newest, world.reason, world.gate, world.reached = "act_2", "replaced", anyio.Event(), anyio.Event()
    world.now += LASTS
    found: list[str] = []

    async def one() -> None:
        found.append(await standing.why())

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(one)
        await world.reached.wait()
        await anyio.wait_all_tasks_blocked()
        assert (found, world.told()) == ([], ["billing"])
        world.reason = ""
        world.gate.set()
    assert (found, world.told()) == (["", "", ""], ["proof"])


@pytest.mark.parametrize("error", [LedgerFailure("gone"), SourceFailure(Failure.UNAVAILABLE)])
async def test_an_answer_that_cannot_be_had_is_not_taken_for_a_good_one(error: Exception) -> None:
    world = World()
    standing = world.standing()
    await standing.why()
    world.newest, world.error = "act_2", error
    world.now += LASTS
    for _ in range(2):
        with pytest.raises(type(error)):
            await standing.why()
    world.error = None
    assert await standing.why() == ""


async def test_a_caller_that_leaves_while_it_asks_leaves_the_question_to_the_next() -> None:
    world = World(gate=anyio.Event())
    world.gate = anyio.Event()
    standing = world.standing()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(standing.why)
        await world.reached.wait()
        tasks.cancel_scope.cancel()
    world.gate.set()
    assert (await standing.why(), world.told()) == ("", ["billing", "billing", "proof"])


@pytest_asyncio.fixture
async def trial() -> AsyncIterator[Trial]:
    async with desk_for(BILLING, schema=SCHEMA, seed=SEED, session=SESSION) as opened:
        yield opened


def watched(trial: Trial, world: World) -> Desk:
    """Return the desk of a trial with a standing for its contract, as the production profile has it."""
    served = list(trial.desk._served.values())
    return Desk(served, trial.ledger, trial.clock, {served[0].contract: world.standing()})


async def _code(trial: Trial, desk: Desk, name: str, arguments: dict[str, Any]) -> str:
    answer = await desk.call(name, arguments, trial.session)
    assert (answer["data"], answer["proposal"]) == (None, None)
    code: str = answer["error"]["code"]
    return code


@pytest.mark.requirement("contract:replaced-is-refused")
async def test_a_desk_refuses_reads_and_proposals_of_a_replaced_contract_and_records_it(trial: Trial) -> None:
    world = World()
    desk = watched(trial, world)
    assert (await desk.call(*READ, trial.session))["ok"]
    world.newest, world.reason = "act_2", "replaced"
    world.now += LASTS
    before = (await trial.ledger.head())[0]
    assert await _code(trial, desk, *READ) == "not_activated"
    assert await _code(trial, desk, "billing.propose_late_fee_waiver", WAIVER) == "not_activated"
    assert (await trial.ledger.head())[0] == before + 2
    assert set(desk.tools) == set(trial.desk.tools)
    world.newest, world.reason = "act_3", ""
    assert (await desk.call(*READ, trial.session))["ok"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LedgerFailure("gone"), "evidence_unavailable"),
        (SourceFailure(Failure.TIMEOUT), "source_unavailable"),
    ],
)
async def test_a_desk_serves_nothing_while_nobody_can_tell_whether_it_may(
    trial: Trial, error: Exception, code: str
) -> None:
    world = World(error=error)
    assert await _code(trial, watched(trial, world), *READ) == code
