"""Shadow applies of what stands or falls together: measured as a whole, approved each with its own effect, and applied as it was measured or not at all."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.approve.card.terms import terms_behind
from synapsor.approve.terminal.card import render
from synapsor.core.measured import Measured, effect_of, holds
from synapsor.core.moment import stamp
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.flow.ask_shadow import ask_shadow
from synapsor.flow.replay import replay
from synapsor.flow.shadow import Shadow, ToMeasure, shadow
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord
from synapsor.refusals import Rule
from synapsor.work import shadows
from synapsor.work.shadows import AT_A_TIME
from tests.attack.shop import Shop, as_ledger_owner, meanwhile, open_shop
from tests.attack.tasks import tasks_table
from tests.attack.test_groups import AFTER, BEFORE, GROUPED, HERE, TOGETHER, changed, codes, filed, standing
from tests.attack.test_operations import everything
from tests.cards import card
from tests.databases import Database
from tests.projects import leo_approves, leo_rejects

SHADOWED = GROUPED.replace("approval: {role: billing_lead}", "approval: {role: billing_lead, shadow: true}")
AUDIT = {
    "postgres": (
        (
            "CREATE TABLE billing.traces (what bigint);"
            "CREATE FUNCTION billing.traces() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS"
            " $$ BEGIN INSERT INTO billing.traces VALUES (OLD.id); RETURN NULL; END $$;"
            "CREATE TRIGGER traced AFTER UPDATE ON billing.tasks FOR EACH ROW EXECUTE FUNCTION billing.traces();"
        ),
        "DROP TRIGGER traced ON billing.tasks; DROP FUNCTION billing.traces(); DROP TABLE billing.traces;",
    ),
    "mariadb": (
        (
            "CREATE TABLE traces (what bigint) ENGINE=InnoDB;"
            "CREATE TRIGGER traced AFTER UPDATE ON tasks FOR EACH ROW INSERT INTO traces VALUES (OLD.id);"
        ),
        "DROP TRIGGER traced; DROP TABLE traces;",
    ),
    "sqlite": (
        (
            "CREATE TABLE traces (what INTEGER);"
            "CREATE TRIGGER traced AFTER UPDATE OF state ON tasks BEGIN INSERT INTO traces VALUES (OLD.id); END;"
        ),
        "DROP TRIGGER traced; DROP TABLE traces;",
    ),
}
TOUCHED: dict[str, dict[str, dict[str, int]]] = {
    "postgres": {"billing.tasks": {"inserted": 1, "updated": 1, "deleted": 1}},
    "mariadb": {"*": {"inserted": 1, "updated": 1, "deleted": 1}},
    "sqlite": {"*": {"changed": 4}},
}
"""What all of the group does; on SQLite the version's trigger is an update more."""


@pytest_asyncio.fixture
async def grouped(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    """A project over the tasks, three of whose capabilities stand or fall together, and are measured before anybody approves them."""
    with tasks_table(database):
        async with open_shop(tmp_path / "project", database, policy=SHADOWED) as found:
            yield found


@pytest_asyncio.fixture
async def unasked(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    """The same, where no contract asks for it."""
    with tasks_table(database):
        async with open_shop(tmp_path / "project", database, policy=GROUPED) as found:
            yield found


async def measured(shop: Shop) -> list[ProposalRecord]:
    """Return the records of a group that was filed and measured, in the order of the contract."""
    proposals = await filed(shop)
    assert await shop.work() == []
    return [await shop.record(one["id"]) for one in proposals.values()]


async def approve_all(shop: Shop, records: Sequence[ProposalRecord]) -> None:
    for record in records:
        await leo_approves(shop.files, shop.project, record.proposal.id, record.shown)


async def want(shop: Shop, handle: str) -> ProposalRecord:
    leo = Signer(operator=shop.files.operators["leo"], key=shop.files.keys["leo"])
    record, now = await shop.record(handle), shop.project.clock.now()
    return await ask_shadow(shop.ledger, record, signer=leo, now=now, operators=shop.project.operators())


def named(handle: str) -> Any:
    """Return what names one proposal as the one that waits, instead of what the ledger says."""

    async def waiting(_: Any, **__: Any) -> tuple[str, ...]:
        return (handle,)

    return waiting


async def _nothing() -> None:
    """Follow nobody's chain."""


def ids(records: Sequence[ProposalRecord]) -> list[str]:
    return [record.proposal.id for record in records]


async def measurements(shop: Shop, records: Sequence[ProposalRecord]) -> list[int]:
    """Return how often each was measured."""
    return [len((await shop.record(handle)).measurements) for handle in ids(records)]


@pytest.mark.requirement("shadow:group", "shadow:nothing-stays", "shadow:approved")
async def test_a_group_is_measured_whole_each_approved_with_its_own_effect_and_applied_as_it_was_measured(
    grouped: Shop,
) -> None:
    before = everything(grouped)
    records = await measured(grouped)
    assert (everything(grouped), grouped.receipts()) == (before, 0)
    found = [record.measured for record in records]
    assert all(one is not None and one.is_measured for one in found)
    digests = [record.proposal.digest for record in records]
    engine = grouped.database.engine
    for at, (record, one) in enumerate(zip(records, found, strict=True)):
        assert one is not None
        assert one.tables == TOUCHED[engine]
        assert one.others == (*digests[:at], *digests[at + 1 :])
        assert holds(one, record.proposal)
    step, add, remove = (one.rows for one in found if one is not None)
    assert (step[0]["state"], add[0]["points"], remove) == ("doing", "4", ())
    assert len({record.effect for record in records}) == len({record.shown for record in records}) == 3
    await approve_all(grouped, records)
    for record in records:
        (signed,) = (await grouped.record(record.proposal.id)).decisions
        assert signed.decision.effect == record.effect
    assert await grouped.work() == [("applied", "")]
    assert changed(grouped) == AFTER
    assert (await replay(grouped.ledger, ids(records)[0], grouped.files.operators)).ok
    assert (await grouped.project.verify()).ok


@pytest.mark.requirement("shadow:group", "shadow:held-to", "group:whole")
async def test_a_group_whose_apply_does_more_than_was_measured_stops_as_a_whole(grouped: Shop) -> None:
    records = await measured(grouped)
    await approve_all(grouped, records)
    make, drop = AUDIT[grouped.database.engine]
    with meanwhile(grouped, make, drop):
        assert await grouped.work() == [("failed", "effect_differs")]
        assert grouped.rows("SELECT count(*) FROM {traces}") == [(0,)]
    assert changed(grouped) == BEFORE
    assert await standing(grouped, *ids(records)) == ["failed"] * 3
    told = await codes(grouped, *ids(records))
    assert sorted(told) == ["effect_differs", "group_failed", "group_failed"]


@pytest.mark.requirement("shadow:group", "shadow:would-fail")
@pytest.mark.one_engine
async def test_that_one_of_a_group_would_not_apply_is_known_of_all_of_it_before_anybody_approves(grouped: Shop) -> None:
    proposals = await filed(grouped)
    grouped.change("UPDATE {tasks} SET owner = 'zoe' WHERE id = 3")
    assert await grouped.work() == []
    records = {name: await grouped.record(one["id"]) for name, one in proposals.items()}
    told = {name: (one.measured.outcome, one.measured.code) for name, one in records.items() if one.measured}
    assert told == {
        name: ("conflict", "version_moved" if name == "tasks.remove" else "group_failed") for name in TOGETHER
    }
    for record in records.values():
        with pytest.raises(DecisionRefused) as refused:
            await leo_approves(grouped.files, grouped.project, record.proposal.id, record.shown)
        assert refused.value.rule is Rule.WOULD_NOT_APPLY


@pytest.mark.requirement("shadow:group", "shadow:approved")
@pytest.mark.one_engine
async def test_a_group_is_not_measured_and_nobody_approves_of_it_before_all_of_it_is_there(
    grouped: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {}
    for number in range(1, AT_A_TIME + 2):  # more of them than are measured at a time, and none in the way of another
        first = 10 * number
        grouped.change(
            "INSERT INTO {tasks} (id, tenant_id, request_no, title, state) VALUES "
            f"({first}, 'acme', 'a{number}', 'A', 'open'), ({first + 1}, 'acme', 'b{number}', 'B', 'done')"
        )
        there = replace(HERE, run=f"run_{number}")
        before[number] = (await filed(grouped, "tasks.step", "tasks.remove", number=number, session=there))[
            "tasks.step"
        ]
    assert await grouped.work() == []
    with pytest.raises(DecisionRefused) as refused:
        await leo_approves(grouped.files, grouped.project, before[1]["id"], before[1]["digest"])
    assert refused.value.rule is Rule.NOT_MEASURED
    assert (await grouped.record(before[1]["id"])).measurements == ()
    with monkeypatch.context() as patch:
        patch.setattr(type(grouped.ledger.measuring), "waiting", named(before[1]["id"]))
        begun: list[str] = []

        async def reached(point: str) -> None:
            begun.append(point)

        assert (
            await grouped.work(reached=reached) == []
        )  # and whatever the ledger names, no part is carried out by itself
        assert begun == []
    last = await filed(grouped, "tasks.add_once", number=AT_A_TIME + 1, session=there)
    now = stamp(grouped.project.clock.now())
    assert len(await grouped.ledger.measuring.waiting(now=now, sources=("shop",), limit=9)) == 1
    assert await grouped.work() == []
    assert (await grouped.record(before[AT_A_TIME + 1]["id"])).effect
    assert (await grouped.record(last["tasks.add_once"]["id"])).effect
    assert (await grouped.record(before[1]["id"])).measurements == ()


@pytest.mark.requirement("shadow:group", "shadow:asked")
@pytest.mark.one_engine
async def test_who_wants_one_of_a_group_measured_wants_all_of_it_and_nobody_approves_the_others_before(
    unasked: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposals = await filed(unasked)
    wanted = [await unasked.record(one["id"]) for one in proposals.values()]
    await want(unasked, wanted[1].proposal.id)
    for record in wanted:
        with monkeypatch.context() as patch:
            patch.setattr(unasked.ledger, "decide", None)  # nobody is asked to sign in vain
            with pytest.raises(DecisionRefused) as refused:
                await leo_approves(unasked.files, unasked.project, record.proposal.id, record.shown)
            assert refused.value.rule is Rule.NOT_MEASURED
    assert await unasked.work() == []
    records = [await unasked.record(handle) for handle in ids(wanted)]
    assert all(record.effect for record in records)
    await want(unasked, records[2].proposal.id)
    assert await unasked.work() == []
    assert await measurements(unasked, records) == [2, 2, 2]
    records = [await unasked.record(handle) for handle in ids(wanted)]
    await approve_all(unasked, records[:1])
    with monkeypatch.context() as patch:
        patch.setattr(type(unasked.ledger.measuring), "ask", None)
        with pytest.raises(DecisionRefused) as refused:
            await want(unasked, records[1].proposal.id)
        assert refused.value.rule is Rule.SHADOW_APPROVED
    await approve_all(unasked, records[1:])
    assert await unasked.work() == [("applied", "")]


@pytest.mark.requirement("shadow:group", "shadow:approved")
@pytest.mark.one_engine
async def test_what_is_approved_or_asked_for_at_the_same_moment_does_not_pass_the_ledger(
    unasked: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposals = list((await filed(unasked)).values())
    stale = await unasked.record(proposals[0]["id"])
    leo = Signer(operator=unasked.files.operators["leo"], key=unasked.files.keys["leo"])
    true = unasked.ledger.decide

    async def meanwhile_asked(*told: Any, **more: Any) -> Any:
        await want(unasked, proposals[1]["id"])
        return await true(*told, **more)

    with monkeypatch.context() as patch:
        patch.setattr(unasked.ledger, "decide", meanwhile_asked)
        with pytest.raises(DecisionRefused) as refused:
            await leo_approves(unasked.files, unasked.project, stale.proposal.id, stale.shown)
        assert refused.value.rule is Rule.NOT_MEASURED
    assert await unasked.work() == []
    measured_once = await unasked.record(proposals[0]["id"])

    async def meanwhile_approved(signed: Any) -> Any:
        await leo_approves(unasked.files, unasked.project, measured_once.proposal.id, measured_once.shown)
        return await asking(signed)

    asking = unasked.ledger.measuring.ask
    other = await unasked.record(proposals[1]["id"])
    monkeypatch.setattr(type(unasked.ledger.measuring), "ask", lambda _, signed: meanwhile_approved(signed))
    with pytest.raises(DecisionRefused) as refused:
        await ask_shadow(
            unasked.ledger,
            other,
            signer=leo,
            now=unasked.project.clock.now(),
            operators=unasked.project.operators(),
        )
    assert refused.value.rule is Rule.SHADOW_APPROVED


@pytest.mark.requirement("shadow:once")
@pytest.mark.one_engine
@pytest.mark.parametrize("meanwhile_", ["another worker", "asked anew", "rejected"])
async def test_what_was_measured_too_late_is_not_recorded(grouped: Shop, meanwhile_: str) -> None:
    proposals = list((await filed(grouped)).values())
    slow, quick, real = await grouped.worker(), await grouped.worker(), shadow

    async def late(what: ToMeasure) -> Shadow:
        came = await real(what)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shadows, "shadow", real)
            if meanwhile_ == "another worker":
                await quick.run(drain=True)
            elif meanwhile_ == "asked anew":
                await want(grouped, proposals[2]["id"])
            else:
                await leo_rejects(grouped.files, grouped.project, proposals[2])
        return came

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shadows, "shadow", late)
        await slow.run(once=True)
    assert slow.measured == 0
    records = [await grouped.record(one["id"]) for one in proposals]
    assert await measurements(grouped, records) == [int(meanwhile_ == "another worker")] * 3
    if meanwhile_ == "asked anew":
        await quick.run(drain=True)
        assert (quick.measured, await measurements(grouped, records)) == (3, [1, 1, 1])


@pytest.mark.requirement("shadow:group", "shadow:believed")
@pytest.mark.one_engine
async def test_a_group_of_which_only_a_row_says_that_it_is_as_it_is_is_carried_out_by_nobody_and_in_nobodys_way(
    grouped: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadows, "AT_A_TIME", 1)
    altered = await filed(grouped)
    grouped.change(
        "INSERT INTO {tasks} (id, tenant_id, request_no, title, state) VALUES"
        " (10, 'acme', 'a1', 'A', 'open'), (11, 'acme', 'b1', 'B', 'done')"
    )
    honest = await filed(grouped, number=1, session=replace(HERE, run="run_1"))
    with as_ledger_owner(grouped) as raw:
        number = altered["tasks.remove"]["id"]
        raw.execute("UPDATE event SET subject = 'gone' WHERE subject = ?", (number,))
    monkeypatch.setattr(grouped.ledger, "follow", _nothing)  # whoever reads the whole chain finds that out, too
    assert await grouped.work() == []
    assert (await grouped.record(honest["tasks.step"]["id"])).effect
    assert (await grouped.record(altered["tasks.step"]["id"])).measurements == ()


@pytest.mark.requirement("shadow:group")
@pytest.mark.one_engine
async def test_a_part_of_a_group_is_recorded_by_itself_by_nobody(grouped: Shop) -> None:
    records = await measured(grouped)
    await want(grouped, records[0].proposal.id)
    anew = replace(records[0].measurements[0], id="msr_" + "0" * 20)
    answers = {one.request.id for one in (await grouped.record(records[0].proposal.id)).shadow_requests}
    with pytest.raises(IntegrityError):
        await grouped.ledger.measuring.record([anew], answers=answers)
    assert await measurements(grouped, records) == [1, 1, 1]


@pytest.mark.requirement("shadow:group", "shadow:held-to")
def test_an_effect_is_of_exactly_what_was_carried_out_together() -> None:
    alone = Measured(rows=({"id": "7"},), tables={"t": {"inserted": 1}})
    one, other = replace(alone, others=("q",)), replace(alone, others=("r",))
    both = replace(alone, others=("q", "r"))
    assert len({effect_of("p", each, ()) for each in (alone, one, other, both)}) == 4


@pytest.mark.requirement("shadow:group")
@pytest.mark.one_engine
async def test_the_card_says_that_the_tables_are_of_all_of_the_group(grouped: Shop) -> None:
    (record, *_) = await measured(grouped)
    terms = await terms_behind(grouped.ledger, record.proposal, grouped.files.operators)
    told = card(record, evidence=None, terms=terms, now=grouped.project.clock.now())
    assert told.shadow is not None
    assert told.shadow.together
    assert "all that it stands or falls with" in render(told, width=200)
