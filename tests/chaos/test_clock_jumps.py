"""The clock of a worker jumps a day ahead or back at any named point of a job: nothing wrong is done, and all comes to its end."""

from pathlib import Path

import pytest

from synapsor.core.proposal import Status
from tests.chaos.changes import KINDS
from tests.chaos.recorder import effects
from tests.chaos.stepped import APPLY_STEPS, MOVABLE, VERDICT_STEPS, in_turns, stepped
from tests.databases import Database

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

DAY = 86400.0
JUMPS = {"ahead": DAY + 60, "back": -DAY}
"""An approval counts for a day."""
WHOLE = pytest.mark.parametrize(
    "whole", [pytest.param(False, id="in turns"), pytest.param(True, id="every kind", marks=pytest.mark.soak)]
)


@WHOLE
@pytest.mark.one_engine
@pytest.mark.requirement("apply:clock-jumps", "apply:exactly-once", "apply:outcome-true")
@pytest.mark.parametrize("jump", JUMPS)
async def test_a_clock_that_jumps_at_any_named_point_leaves_each_change_whole_and_once_or_not_at_all_as_it_is_told(
    tmp_path: Path, database: Database, jump: str, whole: bool
) -> None:
    async with stepped(tmp_path, database, [f"{step} delete" for step in APPLY_STEPS]) as at:
        for kind, step, mark in in_turns(whole, APPLY_STEPS, KINDS):
            filed = await at.filed(kind, mark)

            async def leap() -> None:
                at.clock.ahead = JUMPS[jump]

            await at.struck(step, leap)
            at.clock.ahead = 0
            ends = {r.status for r in await at.settled(filed)}
            in_time = jump == "back" or APPLY_STEPS.index(step) > APPLY_STEPS.index("apply.row_checked")
            assert ends == {Status.APPLIED if in_time else Status.FAILED}, step
        await at.judge()


@WHOLE
@pytest.mark.one_engine
@pytest.mark.requirement("apply:clock-jumps", "apply:verdict-fenced")
@pytest.mark.parametrize("jump", JUMPS)
async def test_a_conflict_stays_one_where_the_clock_jumps_while_it_is_recorded(
    tmp_path: Path, database: Database, jump: str, whole: bool
) -> None:
    async with stepped(tmp_path, database, []) as at:
        for kind, step, mark in in_turns(whole, VERDICT_STEPS, MOVABLE):
            filed = await at.filed(kind, mark, moved=True)

            async def leap() -> None:
                at.clock.ahead = JUMPS[jump]

            await at.struck(step, leap)
            at.clock.ahead = 0
            assert {r.status for r in await at.settled(filed)} == {Status.CONFLICT}, step
        assert [e for e in effects(database) if e.new_mark is not None] == []
