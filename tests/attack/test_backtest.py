"""Past proposals decided again: the same policy decides as the worker did, another one is told apart, and nothing is recorded or left out."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synapsor.contract.digest import contract_digest
from synapsor.contract.load import LoadedContract, read_text
from synapsor.core.backtest import Report
from synapsor.core.moment import stamp
from synapsor.core.past import Past
from synapsor.core.policy import PolicyUse
from synapsor.core.proposal import Proposal
from synapsor.core.records import to_body
from synapsor.core.redecide import Candidate, Fate
from synapsor.core.tally import EXAMPLES
from synapsor.flow.backtest import PAGE, backtest
from synapsor.ledger.chain import Book, event
from synapsor.ledger.kinds import BRANCH, PROPOSAL, record
from synapsor.ledger.migrate import migrate, migrations
from synapsor.ledger.sqlite_file import connect
from synapsor.named import queries
from synapsor.testing import Trial
from synapsor.values import digest
from tests.unit.deciding import FEES, asked, fees

INVOICES = ("INV-3001", "INV-3002", "INV-3005", "INV-3009", "INV-3010")


def candidate(text: str) -> LoadedContract:
    reading = read_text(text, "candidate")
    assert reading.problems == ()
    assert reading.contract is not None
    return LoadedContract(contract=reading.contract, digest=contract_digest(reading.contract), path=__file__)  # type: ignore[arg-type]  # not looked at


async def decided_again(trial: Trial, text: str = FEES, **options: Any) -> Report:
    now = trial.clock.now() + dt.timedelta(seconds=1)
    return await backtest(trial.ledger, [candidate(text)], since=now - dt.timedelta(days=90), until=now, **options)


async def past_of(trial: Trial) -> tuple[Past, ...]:
    found, more = await trial.ledger.past(after=None, since="2000", until="3000", limit=10_000, wanted=lambda *_: True)
    assert more is None
    return found


async def took(trial: Trial, past: Past) -> Fate:
    """Return what the worker made of a proposal, as the ledger has it."""
    if any(decision.policy for decision in past.decisions):
        return Fate(would="policy", policy="billing.small_fees")
    record = await trial.ledger.proposal(past.id)
    assert record is not None
    (facts,) = [event["facts"] for event in record.events if event["kind"] == "policy_deferred"]
    return Fate(would="person", policy="billing.small_fees", why=facts["why"], what=facts["what"], of=facts["of"] or "")


ASKED = st.tuples(
    st.sampled_from(INVOICES),
    st.sampled_from((-6000, -900, -300, -1, 1, 400, 1001)),
    st.sampled_from(("goodwill", "mistake", "dispute")),
)
DAYS = st.lists(st.lists(ASKED, max_size=8), min_size=1, max_size=4)


@given(DAYS, st.integers(1, 4))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@pytest.mark.requirement("policy:backtest-true")
async def test_the_same_policy_decides_of_the_past_as_the_worker_did(
    days: list[list[tuple[str, int, str]]], every: int
) -> None:
    async with fees() as trial:
        for day in days:
            for number, (invoice, change, why) in enumerate(day, start=1):
                ((cents,),) = trial.database.rows(f"SELECT late_fee_cents FROM invoices WHERE id = '{invoice}'")
                answer = await trial.call(
                    "billing.propose_fee", invoice_id=invoice, cents=max(0, int(cents) + change), why=why
                )
                assert answer["ok"] or answer["error"]["code"] == "nothing_to_change"
                if number % every == 0:
                    await trial.apply(automatic=True)
            await trial.apply(automatic=True)
            trial.clock.move(days=1)
        again = Candidate([trial.contract])
        for past in await past_of(trial):
            assert again.redecide(past) == await took(trial, past), past.proposal
        report = await decided_again(trial)
        assert (report.red.count, report.unseen.count, report.stricter.count, report.unknown) == (0, 0, 0, 0)
        assert report.reviews_before == report.reviews_after


UNDOABLE = FEES.replace("    worker: supervised\n", "    undo: reviewed\n")
WIDER = FEES.replace("change: {at_least: -1000, at_most: 1000}", "change: {at_least: -4000, at_most: 1000}").replace(
    "{count: 5, total: {late_fee_cents: 2000}}", "{count: 50, total: {late_fee_cents: 9000}}"
)


async def history(trial: Trial) -> dict[str, str]:
    """Let many things happen, a day each; return what each proposal is called here, by its handle."""
    named: dict[str, str] = {}

    async def ask(name: str, cents: int, **options: str) -> dict[str, Any]:
        trial.clock.move(days=1)
        answer = await asked(trial, cents, **options)
        named[answer["proposal"]["id"]] = name
        return answer

    await ask("by policy", 5400)
    await trial.apply(automatic=True)
    rejected = await ask("rejected", 3900)
    await trial.apply(automatic=True)
    await trial.reject(rejected, reason="Not for this customer.")
    await trial.approve(await ask("approved", 3700))
    await trial.apply()
    undone = await ask("undone", 3600, why="dispute")
    await trial.approve(undone)
    await trial.apply()
    await trial.approve(await trial.undo(undone, reason="Was right."))
    await trial.apply()
    await ask("expired", 1500, invoice="INV-3002")
    conflict = await ask("conflict", 1500, invoice="INV-3002", why="mistake")
    await trial.approve(conflict)
    trial.database.run("UPDATE invoices SET row_version = row_version + 1 WHERE id = 'INV-3002'")
    await trial.apply()
    trial.clock.move(days=4)
    await ask("waiting", 3000, invoice="INV-3005")
    return named


def names(flips: Any, named: dict[str, str]) -> list[str]:
    assert flips.count == len(flips.examples)
    return [named[example.proposal] for example in flips.examples]


@pytest.mark.requirement("policy:backtest-red")
async def test_what_would_be_other_is_told_by_what_happened_then() -> None:
    async with fees(UNDOABLE) as trial:
        named = await history(trial)
        report = await decided_again(trial, WIDER)
        assert not report.ok
        assert names(report.red, named) == ["rejected"]
        assert names(report.amber, named) == ["conflict"]
        assert names(report.green, named) == ["approved"]
        assert names(report.unseen, named) == ["waiting", "expired"]
        assert names(report.stricter, named) == []
        (red,) = report.red.examples
        assert (red.by, red.reason, red.policy) == (("person",), "Not for this customer.", "billing.small_fees")
        assert [(c.column, c.before, c.after, c.unit) for c in red.changes] == [
            ("late_fee_cents", "5400", "3900", "cents")
        ]
        crossings = {(one.was, one.came, one.would): one.count for one in report.crossings}
        assert crossings == {
            ("policy", "applied", "policy"): 1,
            ("rejected", "", "policy"): 1,
            ("person", "applied", "policy"): 1,
            ("person", "undone", "person"): 1,
            ("person", "applied", "person"): 1,
            ("person", "conflict", "policy"): 1,
            ("expired", "", "policy"): 1,
            ("waiting", "", "policy"): 1,
        }
        assert {(left.why, left.count) for left in report.left} == {("undo", 1), ("reason_code", 1)}
        (money,) = report.money
        assert (money.column, money.unit, money.proposals, money.untold) == ("late_fee_cents", "cents", 6, 0)
        assert (money.up, money.moved) == ("0", money.down)
        assert (report.looked_at, report.reviews_before, report.reviews_after) == (8, 7, 2)


@pytest.mark.requirement("policy:backtest-red")
async def test_a_narrower_policy_leaves_to_people_what_a_policy_approved() -> None:
    async with fees(UNDOABLE) as trial:
        named = await history(trial)
        report = await decided_again(trial, FEES.replace("change: {at_least: -1000", "change: {at_least: -10"))
        assert report.ok
        assert names(report.stricter, named) == ["by policy"]
        assert (report.stricter.examples[0].why, report.stricter.examples[0].what) == ("outside", "late_fee_cents")
        assert report.reviews_after == report.reviews_before + 1


@pytest.mark.requirement("policy:backtest-whole")
async def test_every_day_is_counted_and_every_proposal_once() -> None:
    async with fees(UNDOABLE) as trial:
        await history(trial)
        report = await decided_again(trial, WIDER)
        assert sum(day.came_in for day in report.per_day) == report.looked_at
        for day in report.per_day:
            assert day.came_in == day.by_person + day.by_policy + day.undecided
            assert day.came_in == day.would_policy + day.would_person + day.unknown
        assert sum(day.red for day in report.per_day) == report.red.count
        assert sum(one.count for one in report.crossings) == report.looked_at
        assert sum(one.count for one in report.approves) + sum(one.count for one in report.left) == report.looked_at
        first, last = report.per_day[0].day, report.until[:10]
        assert report.days == (dt.date.fromisoformat(last) - dt.date.fromisoformat(first)).days + 1


@pytest.mark.requirement("policy:backtest-whole")
@pytest.mark.parametrize(
    ("old", "new", "rule", "what"),
    [
        ("billing.propose_fee:", "billing.propose_other:", "capability_gone", ""),
        ("minimum: 0, maximum: 1000000", "minimum: 0, maximum: 100", "arguments_unfit", ""),
        ("relation: billing.invoices", "relation: billing.other", "table_changed", "relation"),
        ("key: id\n", "key: customer\n", "table_changed", "key"),
        ("set: {late_fee_cents: $cents}", "set: {late_fee_cents: {add: $cents}}", "change_differs", "late_fee_cents"),
        ("reason_code: $why\n", "reason_code: $why\n    bounds: {late_fee_cents: {after: {at_most: 9}}}\n", "refused", "out_of_bounds"),
        ("status: {before: {one_of: [overdue]}}", "region: {before: {one_of: [north]}}", "columns_unknown", "region"),
    ],
)  # fmt: skip
async def test_what_cannot_be_decided_again_is_counted_and_named_and_counts_as_it_was(
    old: str, new: str, rule: str, what: str
) -> None:
    async with fees() as trial:
        await trial.reject(await asked(trial, 5300), reason="No.")
        await asked(trial, 5400)
        await trial.apply(automatic=True)
        text = FEES.replace(old, new).replace(
            "      note: {", "      region: {type: text, one_of: [north]}\n      note: {"
        )
        text = text.replace("where: {id: $invoice_id}", "where: {customer: $invoice_id}") if "key" in what else text
        report = await decided_again(trial, text)
        (left,) = report.left
        assert (left.would, left.why, left.what, left.count, left.rejected) == ("unknown", rule, what, 2, 1)
        assert (report.ok, report.unknown, report.money) == (True, 2, ())
        assert (report.reviews_before, report.reviews_after) == (1, 1)


@pytest.mark.requirement("policy:backtest-whole")
async def test_a_record_that_cannot_be_read_is_counted_too() -> None:
    async with fees() as trial:
        await asked(trial, 5400)
        (past,) = await past_of(trial)
        fate = Candidate([trial.contract]).redecide(replace(past, proposal=None))
        assert (fate.would, fate.why) == ("unknown", "unreadable")


HIDDEN = FEES.replace("amount: {type: numeric, scale: 2}", "amount: {type: numeric, scale: 2, show: token}").replace(
    "status: {type: text,", "status: {type: text, show: token,"
).replace(", status: {before: {one_of: [overdue]}}", "")  # fmt: skip


@pytest.mark.requirement("policy:backtest-hidden")
async def test_a_candidate_learns_nothing_of_a_value_that_is_hidden_in_the_record() -> None:
    """Whoever may write a candidate file could ask it for one value after the other."""
    async with fees(HIDDEN) as trial:
        await asked(trial, 5400)
        before = await decided_again(trial, HIDDEN)
        assert (before.approves[0].count, before.unknown) == (1, 0)
        for status in ("overdue", "paid"):
            judged = await decided_again(trial, FEES.replace("one_of: [overdue]}}}", f"one_of: [{status}]}}}}}}"))
            assert [(left.why, left.what) for left in judged.left] == [("column_hidden", "status")]
            only = HIDDEN.replace(
                "    moves: [updated_at]\n", f"    moves: [updated_at]\n    only: {{status: {status}}}\n"
            )
            told = await decided_again(trial, only)
            assert [one.count for one in told.approves] == [1]


@pytest.mark.requirement("policy:backtest-reads")
async def test_nothing_is_recorded_and_no_source_is_asked() -> None:
    async with fees(UNDOABLE) as trial:
        await history(trial)
        head = await trial.ledger.head()
        trial.database.close()
        assert (await decided_again(trial, WIDER)).looked_at == 8
        assert await trial.ledger.head() == head


@pytest.mark.requirement("policy:backtest-whole")
@pytest.mark.parametrize("size", [1, 2, 3, 8, 100])
async def test_a_report_is_the_same_however_many_are_read_at_once(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with fees(UNDOABLE) as trial:
        await history(trial)
        whole = await decided_again(trial, WIDER)
        monkeypatch.setattr("synapsor.flow.backtest.PAGE", size)
        assert await decided_again(trial, WIDER) == whole


async def test_only_the_time_and_the_capability_that_are_asked_for_are_looked_at() -> None:
    async with fees(UNDOABLE) as trial:
        await history(trial)
        assert (await decided_again(trial, capability="billing.propose_fee")).looked_at == 8
        assert (await decided_again(trial, capability="billing.other")).looked_at == 0
        now = trial.clock.now()
        report = await backtest(trial.ledger, [candidate(FEES)], since=now, until=now + dt.timedelta(seconds=1))
        assert (report.looked_at, report.since[10:], report.days) == (1, "T00:00:00.000000Z", 1)
        other = FEES.replace("contract: billing\n", "contract: other\n")
        assert (await decided_again(trial, other)).looked_at == 0


@pytest.mark.requirement("policy:backtest-true")
async def test_a_limit_of_a_day_is_used_up_in_the_order_in_which_they_came() -> None:
    async with fees() as trial:
        for invoice in INVOICES:
            await trial.approve(await asked(trial, 1 + int(trial.database.rows(f"SELECT late_fee_cents FROM invoices WHERE id = '{invoice}'")[0][0]), invoice=invoice))  # fmt: skip
        two = await decided_again(trial, FEES.replace("{count: 5,", "{count: 2,"))
        assert [(left.why, left.what, left.of, left.count) for left in two.left] == [("limit", "count", "policy", 3)]
        assert (two.per_day[0].would_policy, two.per_day[0].limited) == (2, 3)
        first = [past.id for past in await past_of(trial)][:2]
        assert sorted(example.proposal for example in two.green.examples) == sorted(first)


# Many proposals.


async def file_many(trial: Trial, proposal: Proposal, count: int, days: int) -> None:
    """File copies of a proposal, over so many days before now; the ledger's own way, but many in one transaction."""
    begin, step = trial.clock.now() - dt.timedelta(days=days), dt.timedelta(days=days) / count

    async def work(book: Book) -> None:
        for number in range(count):
            at = stamp(begin + number * step)
            ids: dict[str, Any] = {
                "id": f"wrp_{number:020d}",
                "branch": f"rb_{number:020d}",
                "request": digest("request", number),
            }
            copy = replace(proposal, at=at, expires_at=stamp(begin + number * step + dt.timedelta(hours=1)), **ids)
            branch = {"id": copy.branch, "proposal": copy.id, "at": at}
            records = (record(PROPOSAL, copy.id, to_body(copy)), record(BRANCH, copy.branch, branch))
            await book.append(
                event("proposal_filed", copy.id, at, records, {"origin": None, "target": "review_required"})
            )

    await trial.ledger._write(work)


@pytest.mark.requirement("policy:backtest-bounded")
async def test_of_many_proposals_only_a_page_is_in_memory_and_a_few_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async with fees() as trial:
        first = await asked(trial, 5400)
        record_ = await trial.ledger.proposal(first["proposal"]["id"])
        assert record_ is not None
        await file_many(trial, record_.proposal, 3000, 60)
        pages: list[int] = []
        real = trial.ledger.past

        async def past(**options: Any) -> tuple[tuple[Past, ...], int | None]:
            found, after = await real(**options)
            pages.append(len(found))
            return found, after

        monkeypatch.setattr(trial.ledger, "past", past)
        wide = FEES.replace("{count: 5, total: {late_fee_cents: 2000}}, {count: 2, of: object}", "{count: 100}")
        report = await decided_again(trial, wide)
        assert (sum(pages), max(pages)) == (3001, PAGE)
        assert (report.looked_at, report.unseen.count, len(report.unseen.examples)) == (3001, 3001, EXAMPLES)
        assert report.unseen.examples[0].proposal == f"wrp_{2999:020d}"  # the newest first
        narrow = await decided_again(trial)
        assert {day.would_policy for day in narrow.per_day} <= {1, 2}
        assert narrow.looked_at == 3001
        limits = Candidate([trial.contract])._limits
        for past_ in (await real(after=None, since="2000", until="3000", limit=3001, wanted=lambda *_: True))[0]:
            limits.take(trial.contract.policies["small_fees"], a_use_of(past_.proposal, past_.at))
        assert len(limits._days) == 3


def a_use_of(proposal: Proposal | None, at: str) -> PolicyUse:
    assert proposal is not None
    return PolicyUse(
        id="", at=at, day=at[:10], policy="billing.small_fees", proposal=proposal.id, decision="", tenant="", principal="",
        object="", totals={"late_fee_cents": "1"},
    )  # fmt: skip


@pytest.mark.requirement("policy:backtest-bounded")
def test_a_page_of_the_past_is_found_by_an_index() -> None:
    connection = connect(":memory:")
    migrate(connection, migrations(), at="now")
    for name, words in (
        ("proposals_since", "INDEX proposal_at (at>?)"),
        ("past_proposals", "INTEGER PRIMARY KEY (rowid>?)"),
    ):
        values = dict.fromkeys(("since", "until", "seq", "limit"), 1)
        plan = connection.execute(f"EXPLAIN QUERY PLAN {queries('synapsor.ledger')[name]}", values).fetchall()
        assert words in " ".join(row["detail"] for row in plan)
        assert not any(row["detail"].startswith("SCAN") for row in plan)
    connection.close()
