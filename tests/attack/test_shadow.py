"""Shadow applies: what is measured leaves nothing behind, is a part of what is approved, and is what the apply must come to."""

from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from synapsor.core.measured import Measured, Measurement, effect_of, varying
from synapsor.core.moment import stamp
from synapsor.core.statements import SignedDecision, sign
from synapsor.errors import DecisionRefused
from synapsor.flow.ask_shadow import ASKING_SHADOW, ask_shadow
from synapsor.flow.automatic import approve_by_policy
from synapsor.flow.signing import Signer
from synapsor.ledger.measurements import MOST_REQUESTS
from synapsor.ports import ProposalRecord
from synapsor.refusals import Rule
from synapsor.testing import Trial
from synapsor.testing.memory import connect_memory
from synapsor.work.pauses import Pauses
from synapsor.work.shadows import AT_A_TIME, RESTS, TRIES, Shadows
from synapsor.work.worker import Worker
from tests.attack.shop import NOTE, WAIVER, Shop, as_ledger_owner, meanwhile, open_shop
from tests.attack.steered import at, turn
from tests.databases import Database
from tests.handlers.serving import handled_shop
from tests.projects import leo_approves
from tests.unit.deciding import FEES, asked, fees

ASKED = {"invoice_id": "INV-3001", "reason": "Paid next day."}
POLICY = Path("policies/billing.yaml").read_text(encoding="utf-8")
SHADOWED = POLICY.replace("approval: {role: billing_lead,", "approval: {role: billing_lead, shadow: true,")
ONE_SHADOWED = POLICY.replace("approval: {role: billing_lead,", "approval: {role: billing_lead, shadow: true,", 1)

AUDIT = {
    "postgres": """
        CREATE TABLE billing.audit (what text, at timestamptz DEFAULT clock_timestamp());
        CREATE FUNCTION billing.audits() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS
            $$ BEGIN INSERT INTO billing.audit (what) VALUES (NEW.id); RETURN NULL; END $$;
        CREATE TRIGGER audited AFTER UPDATE ON billing.invoices FOR EACH ROW EXECUTE FUNCTION billing.audits();""",
    "mariadb": """
        CREATE TABLE {audit} (what varchar(64), at timestamp(6) DEFAULT CURRENT_TIMESTAMP(6)) ENGINE=InnoDB;
        CREATE TRIGGER audited AFTER UPDATE ON {invoices} FOR EACH ROW INSERT INTO {audit} (what) VALUES (NEW.id);""",
    "sqlite": """
        CREATE TABLE audit (what TEXT, at TEXT);
        CREATE TRIGGER audited AFTER UPDATE OF note, waiver_reason ON invoices
            BEGIN INSERT INTO audit VALUES (NEW.id, strftime('%f', 'now')); END;""",
}
UNAUDIT = {
    "postgres": "DROP TRIGGER audited ON billing.invoices; DROP FUNCTION billing.audits(); DROP TABLE billing.audit;",
    "mariadb": "DROP TRIGGER billing.audited; DROP TABLE {audit};",
    "sqlite": "DROP TRIGGER audited; DROP TABLE audit;",
}


@pytest.fixture
async def shop(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "project", database, policy=SHADOWED) as opened:
        yield opened


async def measured(shop: Shop) -> tuple[str, Measurement]:
    """Return the handle of a proposal that the worker has measured, and what that came to."""
    proposal = await shop.proposed(WAIVER, ASKED)
    assert await shop.work() == []
    found = (await shop.record(proposal["id"])).measured
    assert found is not None
    return proposal["id"], found


async def approve(shop: Shop, handle: str) -> None:
    await leo_approves(shop.files, shop.project, handle, (await shop.record(handle)).shown)


def everything(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.rows("SELECT * FROM {invoices} ORDER BY id")


@pytest.mark.requirement("shadow:nothing-stays", "shadow:approved")
async def test_what_was_measured_leaves_nothing_behind_is_approved_and_is_what_the_apply_comes_to(shop: Shop) -> None:
    before = everything(shop)
    handle, found = await measured(shop)
    assert everything(shop) == before
    assert shop.receipts() == 0
    assert (found.outcome, found.code, len(found.rows)) == ("measured", "", 1)
    assert (found.rows[0]["late_fee_cents"], found.rows[0]["waiver_reason"]) == ("0", "Paid next day.")
    assert set(found.varies) == {"row_version", "updated_at"}
    assert "card_token" not in found.rows[0]
    await approve(shop, handle)
    assert (await shop.record(handle)).decisions[0].decision.effect == found.effect
    assert await shop.work() == [("applied", "")]


@pytest.mark.requirement("shadow:counted")
async def test_rows_of_other_tables_that_a_trigger_writes_are_counted(shop: Shop) -> None:
    _, plain = await measured(shop)
    engine = shop.database.engine
    with meanwhile(shop, AUDIT[engine], UNAUDIT[engine]):
        proposal = await shop.proposed(WAIVER, {**ASKED, "invoice_id": "INV-3002"})
        assert await shop.work() == []
        found = (await shop.record(proposal["id"])).measured
        assert found is not None
        assert shop.rows("SELECT count(*) FROM {audit}") == [(0,)]
    assert (plain.tables, found.tables) == {
        "postgres": (
            {"billing.invoices": {"updated": 1}},
            {"billing.invoices": {"updated": 1}, "billing.audit": {"inserted": 1}},
        ),
        "mariadb": ({"*": {"updated": 1}}, {"*": {"updated": 1, "inserted": 1}}),
        "sqlite": ({"*": {"changed": 2}}, {"*": {"changed": 3}}),
    }[engine]


@pytest.mark.requirement("shadow:held-to")
async def test_an_apply_that_does_more_than_was_measured_is_rolled_back(shop: Shop) -> None:
    handle, _ = await measured(shop)
    await approve(shop, handle)
    before, engine = everything(shop), shop.database.engine
    with meanwhile(shop, AUDIT[engine], UNAUDIT[engine]):
        assert await shop.work() == [("failed", "effect_differs")]
        assert shop.rows("SELECT count(*) FROM {audit}") == [(0,)]
    assert everything(shop) == before


@pytest.mark.requirement("shadow:approved")
async def test_nobody_approves_before_it_is_measured_and_anybody_may_reject(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = await shop.proposed(WAIVER, ASKED)
    monkeypatch.setattr(shop.ledger, "decide", None)  # nobody is asked to sign in vain
    with pytest.raises(DecisionRefused) as refused:
        await leo_approves(shop.files, shop.project, proposal["id"], proposal["digest"])
    assert refused.value.rule is Rule.NOT_MEASURED


@pytest.mark.requirement("shadow:approved")
async def test_nobody_approves_by_the_digest_that_does_not_hold_what_was_measured(shop: Shop) -> None:
    handle, _ = await measured(shop)
    digest = (await shop.record(handle)).proposal.digest
    with pytest.raises(DecisionRefused) as refused:
        await leo_approves(shop.files, shop.project, handle, digest)
    assert refused.value.rule is Rule.NOT_WHAT_WAS_SHOWN


@pytest.mark.requirement("shadow:would-fail")
async def test_that_an_apply_would_fail_is_known_before_anybody_approves(shop: Shop) -> None:
    if shop.database.engine != "sqlite":
        pytest.skip("one engine's trigger stands for all")
    meddles = (
        "CREATE TRIGGER meddles AFTER UPDATE OF waiver_reason ON invoices BEGIN"
        " UPDATE invoices SET note = 'also' WHERE id = NEW.id; END"
    )
    with meanwhile(shop, meddles, "DROP TRIGGER meddles"):
        handle, found = await measured(shop)
        assert (found.outcome, found.code, found.effect) == ("failed", "after_image", "")
    with pytest.raises(DecisionRefused) as refused:
        await approve(shop, handle)
    assert refused.value.rule is Rule.WOULD_NOT_APPLY


@pytest.mark.requirement("shadow:believed")
@pytest.mark.one_engine
async def test_a_measurement_that_no_event_tells_of_counts_for_nobody(shop: Shop) -> None:
    handle, found = await measured(shop)
    with as_ledger_owner(shop) as raw:
        raw.execute("UPDATE measurement SET body = replace(body, 'Paid next day.', 'Something else')")
    assert (await shop.record(handle)).measured is None
    assert f"measurement {found.id}" in (await shop.record(handle)).unreadable
    with pytest.raises(DecisionRefused) as refused:
        await approve(shop, handle)
    assert refused.value.rule is Rule.NOT_MEASURED


def only_mariadb(shop: Shop) -> None:
    if shop.database.engine != "mariadb":
        pytest.skip("all tables of this engine roll back")


@pytest.mark.requirement("shadow:lasting")
async def test_where_a_table_that_does_not_roll_back_is_seen_nothing_is_carried_out(shop: Shop) -> None:
    only_mariadb(shop)
    made = "CREATE TABLE {traces} (what varchar(64)) ENGINE=MyISAM; GRANT SELECT ON {traces} TO synapsor_writer@'127.0.0.1';"
    with meanwhile(shop, made, "DROP TABLE {traces}; REVOKE SELECT ON {traces} FROM synapsor_writer@'127.0.0.1';"):
        _, found = await measured(shop)
        assert (found.outcome, found.code) == ("failed", "effect_stays")


@pytest.mark.requirement("shadow:lasting")
async def test_what_a_trigger_leaves_in_a_table_that_does_not_roll_back_is_told_and_it_is_not_done_again(
    shop: Shop,
) -> None:
    only_mariadb(shop)
    made = AUDIT["mariadb"].replace("InnoDB", "MyISAM")
    with meanwhile(shop, made, UNAUDIT["mariadb"]):
        handle, found = await measured(shop)
        assert (found.outcome, found.code) == ("failed", "effect_stays")
        assert shop.rows("SELECT count(*) FROM {audit}") == [(1,)]
    with pytest.raises(DecisionRefused) as refused:
        await approve(shop, handle)
    assert refused.value.rule is Rule.WOULD_NOT_APPLY


def one_trial(**approval: str) -> Any:
    """Return a trial in which the approval says this as well."""
    said = "".join(f", {name}: {value}" for name, value in approval.items())
    return fees(FEES.replace("quorum: 1, expires_hours: 72,", f"expires_hours: 72{said},"))


@pytest.mark.requirement("shadow:approved")
async def test_a_policy_approves_what_was_measured_and_nothing_before() -> None:
    async with one_trial(shadow="true") as trial:
        envelope = await asked(trial, 5600)
        signer, now = trial.policy_signer(), trial.clock.now()
        handle = envelope["proposal"]["id"]
        approve_it = {"signer": signer, "operators": trial.operators, "now": now}
        assert await approve_by_policy(trial.ledger, handle, **approve_it) is None
        assert await trial.ledger.policies.waiting(now=stamp(now), sources=("shop",), limit=9) == ()
        reports = await trial.apply(automatic=True)
        assert [(one["outcome"], one["code"]) for one in reports] == [("applied", "")]
        record = await trial.ledger.proposal(handle)
        assert record is not None
        assert record.measured is not None
        assert record.decisions[0].decision.effect == record.measured.effect


@pytest.mark.requirement("shadow:approved")
async def test_a_policy_leaves_what_would_not_apply_to_a_person() -> None:
    async with one_trial(shadow="true") as trial:
        envelope = await asked(trial, 5600)
        trial.database.run("UPDATE invoices SET note = 'moved on' WHERE id = 'INV-3001'")
        assert await trial.apply(automatic=True) == []
        record = await trial.ledger.proposal(envelope["proposal"]["id"])
        assert record is not None
        told = [event["facts"]["why"] for event in record.events if event["kind"] == "policy_deferred"]
        assert told == ["version_moved"]


def with_effect(signed: SignedDecision, effect: str, trial: Trial) -> SignedDecision:
    """Return an approval as another program of the same person signs it."""
    decision = replace(signed.decision, effect=effect)
    return replace(signed, decision=decision, signature=sign(decision, trial.key))


@pytest.mark.requirement("shadow:approved", "shadow:held-to")
@pytest.mark.parametrize("effect", ["", "sha256:" + "0" * 64])
async def test_the_worker_applies_no_approval_that_is_not_over_what_was_measured(effect: str) -> None:
    async with one_trial(shadow="true") as trial:
        envelope = await asked(trial, 5600)
        await trial.measure()
        true = trial.ledger.decide

        async def forged(signed: SignedDecision, **others: Any) -> Any:
            return await true(with_effect(signed, effect, trial), **others)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trial.ledger, "decide", forged)
            await trial.approve(envelope)
        assert [(one["outcome"], one["code"]) for one in await trial.apply()] == [("failed", "not_measured")]


@pytest.mark.requirement("shadow:held-to")
async def test_an_effect_that_is_another_one_each_time_is_nothing_to_approve() -> None:
    async with one_trial(shadow="true") as trial:
        envelope = await asked(trial, 5600)
        first, second = Measured(rows=(), tables={"*": {"changed": 3}}), Measured(rows=(), tables={"*": {"changed": 4}})
        record = await trial.ledger.proposal(envelope["proposal"]["id"])
        assert record is not None
        assert varying(record.proposal, first, second) is None
        assert varying(record.proposal, first, first) == ()


@pytest.mark.requirement("shadow:nothing-stays")
async def test_what_the_source_cannot_tell_now_is_tried_again_and_then_said_to_be_unknown() -> None:
    async with one_trial(shadow="true") as trial:
        envelope = await asked(trial, 5600)
        passed = 0.0
        with closing(connect_memory(trial.database.url)) as other:
            other.execute("BEGIN IMMEDIATE")
            trial.targets["shop"] = replace(trial.targets["shop"], time_ms=10)
            bench = replace(trial.bench(), elapsed=lambda: passed)
            shadows = Shadows(name="w", bench=bench, pauses=Pauses(bench=bench))
            for _ in range(TRIES):
                assert (await trial.ledger.proposal(envelope["proposal"]["id"])).measured is None
                for _ in range(2):  # however often it looks for work meanwhile, that is one try
                    await shadows.measure(await shadows.waiting(trial.clock.now(), ("shop",)))
                passed += RESTS
            other.execute("ROLLBACK")
        record = await trial.ledger.proposal(envelope["proposal"]["id"])
        assert record is not None
        assert record.measured is not None
        assert (record.measured.outcome, record.measured.code) == ("unknown", "timeout")


@pytest.mark.one_engine
@pytest.mark.requirement("shadow:beside")
async def test_no_job_waits_for_a_measurement_however_long_that_waits_for_its_rows(
    tmp_path: Path, database: Database
) -> None:
    applied, points = anyio.Event(), list[str]()

    async def reached(point: str) -> None:
        points.append(point)
        if point == "work.settled":
            applied.set()
        if point == "shadow.taken":
            await applied.wait()

    async with open_shop(tmp_path / "project", database, policy=ONE_SHADOWED) as shop:
        proposal = await shop.proposed(WAIVER, ASKED)
        note = await shop.approved(NOTE, {"invoice_id": "INV-3002", "note": "Called."})
        with anyio.fail_after(60):
            assert await shop.work(reached=reached) == [("applied", "")]
        assert await shop.status(note) == "applied"
        # Whoever drains waits for it all the same.
        assert points.count("shadow.recorded") == 1
        assert (await shop.record(proposal["id"])).measured is not None


@pytest.mark.one_engine
@pytest.mark.requirement("shadow:beside", "steer:pause")
async def test_nothing_more_is_measured_of_a_source_that_is_paused_meanwhile(shop: Shop) -> None:
    for invoice in ("INV-3001", "INV-3002"):
        await shop.proposed(WAIVER, {**ASKED, "invoice_id": invoice})
    points = list[str]()
    pausing = at("shadow.recorded", lambda: turn(shop, "paused"))

    async def reached(point: str) -> None:
        points.append(point)
        await pausing(point)

    with anyio.fail_after(60):
        assert await shop.work(reached=reached) == []
        assert points.count("shadow.taken") == 1
        await turn(shop, "running")
        assert await shop.work(reached=reached) == []
    assert points.count("shadow.taken") == points.count("shadow.recorded") == 2


@pytest.mark.requirement("shadow:beside")
async def test_a_worker_that_is_told_to_stop_begins_no_other_measurement() -> None:
    async with one_trial(shadow="true") as trial:
        for amount in (5600, 5700):
            await asked(trial, amount)
        stop, points = anyio.Event(), list[str]()

        async def reached(point: str) -> None:
            points.append(point)
            stop.set()

        worker = Worker(name="w", bench=replace(trial.bench(), reached=reached))
        with anyio.fail_after(60):
            await worker.run(stop=stop)
        assert points.count("shadow.taken") == points.count("shadow.recorded") == 1


def test_what_varies_is_left_out_of_the_effect_and_named_in_it() -> None:
    one = Measured(rows=({"id": "7", "note": "a"},), tables={"t": {"inserted": 1}})
    two = Measured(rows=({"id": "8", "note": "a"},), tables={"t": {"inserted": 1}})
    other = Measured(rows=({"id": "8", "note": "b"},), tables={"t": {"inserted": 1}})
    assert effect_of("p", one, ("id",)) == effect_of("p", two, ("id",))
    assert effect_of("p", one, ()) != effect_of("p", two, ())
    assert effect_of("p", two, ("id",)) != effect_of("p", other, ("id",))
    assert effect_of("p", one, ("id",)) != effect_of("q", one, ("id",))
    assert effect_of("p", one, ("id",)) != effect_of("p", one, ("id", "note"))


async def wanted(trial: Trial, envelope: dict[str, Any]) -> ProposalRecord:
    """Let the person want a proposal measured."""
    record = await trial.ledger.proposal(envelope["proposal"]["id"])
    assert record is not None
    signer = Signer(operator=trial.operator, key=trial.key)
    return await ask_shadow(trial.ledger, record, signer=signer, now=trial.clock.now(), operators=trial.operators)


@pytest.mark.requirement("shadow:asked")
async def test_what_a_reviewer_wants_measured_is_approved_with_what_was_measured_and_not_before() -> None:
    async with one_trial() as trial:
        envelope = await asked(trial, 5600)
        await wanted(trial, envelope)
        with pytest.raises(DecisionRefused) as refused:
            await trial.approve(envelope)
        assert refused.value.rule is Rule.NOT_MEASURED
        await trial.measure()
        record = await trial.approve(envelope)
        assert record.decisions[0].decision.effect == record.effect != ""
        trial.database.run(
            "CREATE TABLE audit (what TEXT); CREATE TRIGGER audited AFTER UPDATE OF late_fee_cents ON invoices"
            " BEGIN INSERT INTO audit VALUES (NEW.id); END;"
        )
        assert [(one["outcome"], one["code"]) for one in await trial.apply()] == [("failed", "effect_differs")]


@pytest.mark.requirement("shadow:asked")
async def test_it_is_measured_anew_when_a_reviewer_wants_that_and_what_counts_is_the_newest() -> None:
    async with one_trial(shadow="true") as trial:
        envelope = await asked(trial, 5600)
        await trial.measure()
        first = (await wanted(trial, envelope)).measured
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trial.ledger, "decide", None)  # nobody is asked to sign in vain
            with pytest.raises(DecisionRefused) as refused:
                await trial.approve(envelope)
        assert refused.value.rule is Rule.NOT_MEASURED
        trial.database.run(
            "CREATE TABLE audit (what TEXT); CREATE TRIGGER audited AFTER UPDATE OF late_fee_cents ON invoices"
            " BEGIN INSERT INTO audit VALUES (NEW.id); END;"
        )
        await trial.measure()
        await trial.measure()
        record = await trial.approve(envelope)
        assert first is not None
        assert len(record.measurements) == 2
        assert record.decisions[0].decision.effect == record.effect != first.effect
        assert [(one["outcome"], one["code"]) for one in await trial.apply()] == [("applied", "")]


@pytest.mark.requirement("shadow:asked")
async def test_what_somebody_has_approved_is_not_measured_anew_and_nobody_asks_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with one_trial(quorum="2") as trial:
        envelope = await asked(trial, 5600)
        for _ in range(MOST_REQUESTS):
            await wanted(trial, envelope)
        with pytest.raises(DecisionRefused) as refused:
            await wanted(trial, envelope)
        assert refused.value.rule is Rule.TOO_MANY_SHADOWS
        await trial.measure()
        await trial.approve(envelope)
        monkeypatch.setattr(type(trial.ledger.measuring), "ask", None)  # nobody is asked to sign in vain
        with pytest.raises(DecisionRefused) as refused:
            await wanted(trial, envelope)
        assert refused.value.rule is Rule.SHADOW_APPROVED


@pytest.mark.requirement("shadow:approved", "undo:proven")
async def test_an_undo_is_measured_as_any_change_is() -> None:
    text = FEES.replace("quorum: 1, expires_hours: 72,", "expires_hours: 72, shadow: true,").replace(
        "    worker: supervised\n", "    undo: reviewed\n"
    )
    async with fees(text) as trial:
        envelope = await asked(trial, 5600)
        await trial.measure()
        await trial.approve(envelope)
        assert [one["outcome"] for one in await trial.apply()] == ["applied"]
        undo = await trial.undo(envelope, reason="It was the wrong one.")
        with pytest.raises(DecisionRefused) as refused:
            await trial.approve(undo)
        assert refused.value.rule is Rule.NOT_MEASURED
        await trial.measure()
        await trial.approve(undo)
        assert [one["outcome"] for one in await trial.apply()] == ["applied"]
        assert trial.database.rows("SELECT late_fee_cents FROM invoices WHERE id = 'INV-3001'") == [(5500,)]


@pytest.mark.requirement("shadow:asked")
async def test_a_worker_that_drains_measures_all_that_waits() -> None:
    async with one_trial(shadow="true") as trial:
        envelopes = [await asked(trial, 5600 + more) for more in range(AT_A_TIME + 1)]
        assert await trial.apply() == []
        records = [await trial.ledger.proposal(envelope["proposal"]["id"]) for envelope in envelopes]
        assert [len(record.measurements) for record in records if record is not None] == [1] * (AT_A_TIME + 1)


@pytest.mark.requirement("shadow:beside")
async def test_a_drain_goes_on_where_a_measurement_ends_while_it_looks_for_jobs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with one_trial(shadow="true") as trial:
        envelope = await asked(trial, 5600)
        measured, lease, measure = anyio.Event(), trial.ledger.lease, Shadows.measure

        async def to_its_end(self: Shadows, *waiting: Any, **options: Any) -> None:
            await measure(self, *waiting, **options)
            measured.set()

        async def late(*asked: Any, **wanted: Any) -> Any:
            found = await lease(*asked, **wanted)
            await measured.wait()
            return found

        monkeypatch.setattr(Shadows, "measure", to_its_end)
        monkeypatch.setattr(trial.ledger, "lease", late)
        with anyio.fail_after(60):
            assert [one["outcome"] for one in await trial.apply(automatic=True)] == ["applied"]
        record = await trial.ledger.proposal(envelope["proposal"]["id"])
        assert record is not None
        assert record.status.value == "applied"


@pytest.mark.requirement("shadow:elsewhere")
@pytest.mark.one_engine
async def test_what_an_application_carries_out_nobody_asks_for_and_no_worker_measures(
    tmp_path: Path, database: Database
) -> None:
    async with handled_shop(tmp_path / "project", database, "http://127.0.0.1:9/") as shop:
        proposal = await shop.proposed(WAIVER, ASKED)
        leo = Signer(operator=shop.files.operators["leo"], key=shop.files.keys["leo"])
        record, now = await shop.record(proposal["id"]), shop.project.clock.now()
        assert record.proposal.executor == "app"
        trusted = shop.project.operators()
        with pytest.raises(DecisionRefused) as refused:
            await ask_shadow(shop.ledger, record, signer=leo, now=now, operators=trusted)
        assert refused.value.rule is Rule.SHADOW_ELSEWHERE
        # Another program with his key: the worker still carries nothing out that it could not roll back.
        before = everything(shop)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("synapsor.flow.ask_shadow.ASKING_SHADOW", replace(ASKING_SHADOW, is_open=lambda _: None))
            await ask_shadow(shop.ledger, record, signer=leo, now=now, operators=trusted)
        assert await shop.work() == []
        found = (await shop.record(proposal["id"])).measured
        assert found is not None
        assert (found.outcome, found.code, found.effect) == ("failed", "effect_elsewhere", "")
        assert everything(shop) == before
