"""A policy drafted from decisions: no wider than what people approved, and refused where no policy should repeat it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synapsor.contract.digest import contract_digest
from synapsor.contract.load import LoadedContract
from synapsor.core.draft import Draft, drafted
from synapsor.core.measure import holds
from synapsor.core.past import Past
from synapsor.core.proposal import Proposal
from synapsor.core.redecide import Candidate
from synapsor.errors import DecisionRefused
from synapsor.flow.draft import draft
from synapsor.refusals import DRAFTING
from synapsor.testing import Trial
from tests.attack.test_backtest import past_of
from tests.decisions import with_row
from tests.unit.deciding import FEES, asked, fees

ALONE = FEES[: FEES.index("policies:\n")].replace(", policy: small_fees", "").replace("    worker: supervised\n", "")
SETTLED = ALONE + "workflows:\n  fees: {allow: [billing.inspect, billing.propose_fee], settle: manual}\n"


async def draft_of(trial: Trial, *handles: str, **options: Any) -> Draft:
    loaded = LoadedContract(contract=trial.contract, digest=contract_digest(trial.contract), path=None)  # type: ignore[arg-type]  # not looked at
    return await draft(trial.ledger, handles, [loaded], **options)


async def approved(trial: Trial, cents: int, **options: Any) -> str:
    """Return the handle of a proposal that a person approved and the worker applied."""
    answer = await asked(trial, cents, **options)
    await trial.approve(answer)
    await trial.apply()
    return str(answer["proposal"]["id"])


def changed(past: Past, **fields: Any) -> Past:
    assert isinstance(past.proposal, Proposal)
    return replace(past, proposal=with_row(past.proposal, **fields))


@pytest.mark.requirement("policy:draft")
async def test_a_draft_is_the_hull_of_what_was_approved_and_its_limits_are_those_of_the_busiest_day() -> None:
    async with fees(ALONE) as trial:
        first = [await approved(trial, 5400), await approved(trial, 5100, why="dispute")]
        trial.clock.move(days=1)
        third = await approved(trial, 2400, invoice="INV-3002")
        made = await draft_of(trial, third, *first, "latest")
        assert made.policy == {
            "when": {
                "late_fee_cents": {
                    "before": {"at_least": 2500, "at_most": 5500},
                    "after": {"at_least": 2400, "at_most": 5400},
                    "change": {"at_least": -300, "at_most": -100},
                },
                "status": {"before": {"one_of": ["overdue"]}},
            },
            "reason_codes": ["dispute", "goodwill"],
            "limits": {"per_day": [{"count": 2, "total": {"late_fee_cents": 400}}, {"count": 1, "of": "object"}]},
        }
        assert (made.name, made.proposals, made.deciders) == ("propose_fee_draft", (*sorted(first), third), ("person",))
        assert (made.replaces, made.unread) == (None, ())
        capability: Any = made.contract.capabilities["billing.propose_fee"]
        assert capability.approval.policy == "propose_fee_draft"


@pytest.mark.requirement("policy:draft")
async def test_a_draft_takes_the_place_of_the_policy_that_the_capability_has() -> None:
    async with fees() as trial:
        handle = await approved(trial, 5400, why="dispute")
        made = await draft_of(trial, handle, name="other")
        assert (made.replaces, list(made.contract.policies)) == ("small_fees", ["other"])
        with pytest.raises(DecisionRefused) as taken:
            await draft_of(trial, handle, name="small_fees")
        assert taken.value.rule == "not_in_order"


NUMBERS = st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 9000)), min_size=1, max_size=5)


@given(NUMBERS, st.tuples(st.integers(0, 9000), st.integers(0, 9000)))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@pytest.mark.requirement("policy:draft")
async def test_a_draft_passes_what_it_was_made_of_and_nothing_beyond_its_hull(
    numbers: list[tuple[int, int]], other: tuple[int, int]
) -> None:
    async with fees(ALONE.replace("high: {late_fee_cents: {change: {at_most: -5000}}}\n      ", "").replace(", high: {role: boss, quorum: 2, expires_hours: 24}", "")) as trial:  # fmt: skip
        await approved(trial, 5400)
        (past,) = await past_of(trial)
        assert past.proposal is not None

        def like(before: int, after: int) -> Past:
            row = {**past.proposal.members[0].before, "late_fee_cents": str(before)}  # type: ignore[union-attr]  # see above
            arguments = {"invoice_id": "INV-3001", "cents": after, "why": "goodwill"}
            return changed(past, before=row, changes={"late_fee_cents": str(after)}, arguments=arguments)

        pairs = [(before, after) for before, after in numbers if before != after] or [(5500, 5400)]
        made = drafted([like(*pair) for pair in pairs], {"billing.propose_fee": trial.contract})
        assert all(Candidate([made.contract]).redecide(like(*pair)).would == "policy" for pair in pairs)
        if other[0] == other[1]:
            return
        case = made.contract.policies[made.name].when["late_fee_cents"]
        spans = [list(column) for column in zip(*[(b, a, a - b) for b, a in pairs], strict=True)]
        told = (*other, other[1] - other[0])
        inside = all(min(span) <= number <= max(span) for span, number in zip(spans, told, strict=True))
        (row,) = like(*other).proposal.rows  # type: ignore[union-attr]  # see above
        assert holds(case, "late_fee_cents", row) is inside
        total = made.contract.policies[made.name].limits.per_day[0].total["late_fee_cents"]
        fits = inside and abs(told[2]) <= total
        assert (Candidate([made.contract]).redecide(like(*other)).would == "policy") is fits


async def refusal(trial: Trial, *handles: str) -> str:
    with pytest.raises(DecisionRefused) as refused:
        await draft_of(trial, *handles)
    assert refused.value.fix
    return refused.value.rule


@pytest.mark.requirement("policy:draft")
async def test_what_ended_ill_is_no_draft() -> None:
    async with fees(
        ALONE.replace("    approval: {role: lead", "    undo: reviewed\n    approval: {role: lead")
    ) as trial:
        conflict = await asked(trial, 5000)
        await trial.approve(conflict)
        trial.database.run("UPDATE invoices SET row_version = row_version + 1 WHERE id = 'INV-3001'")
        await trial.apply()
        assert await refusal(trial, conflict["proposal"]["id"]) == "ended_ill"
        answer = await asked(trial, 2400, invoice="INV-3002")
        await trial.approve(answer)
        await trial.apply()
        undo = await trial.undo(answer, reason="Was right.")
        await trial.approve(undo)
        await trial.apply()
        assert await refusal(trial, answer["proposal"]["id"]) == "ended_ill"
        assert await refusal(trial, undo["proposal"]["id"]) == "is_undo"


@pytest.mark.requirement("policy:draft")
async def test_what_a_policy_approved_is_no_draft() -> None:
    async with fees() as trial:
        answer = await asked(trial, 5400)
        await trial.apply(automatic=True)
        assert await refusal(trial, answer["proposal"]["id"]) == "not_approved"


@pytest.mark.requirement("policy:draft")
async def test_what_is_for_people_is_no_draft() -> None:
    async with fees(ALONE) as trial:
        answer = await asked(trial, 0)
        for who in ("ann", "ben"):
            await trial.approve(answer, by=who)
        await trial.apply()
        assert await refusal(trial, answer["proposal"]["id"]) == "only_people"
    async with fees(SETTLED) as trial:
        assert await refusal(trial, await approved(trial, 5400)) == "not_in_order"


@pytest.mark.requirement("policy:draft")
async def test_a_hidden_column_is_no_draft_and_a_closed_list_that_is_hidden_is_left_out() -> None:
    hidden = ALONE.replace("{type: integer, unit: cents}", "{type: integer, unit: cents, show: token}").replace(
        "risk:\n      high: {late_fee_cents: {change: {at_most: -5000}}}\n      ", "risk:\n      "
    ).replace(", high: {role: boss, quorum: 2, expires_hours: 24}", "")  # fmt: skip
    async with fees(hidden) as trial:
        assert await refusal(trial, await approved(trial, 5400)) == "hidden_column"
    async with fees(ALONE.replace("status: {type: text,", "status: {type: text, show: token,")) as trial:
        assert list((await draft_of(trial, await approved(trial, 5400))).policy["when"]) == ["late_fee_cents"]


@pytest.mark.requirement("policy:draft")
async def test_what_the_contract_would_make_otherwise_now_is_no_draft() -> None:
    async with fees(ALONE) as trial:
        await approved(trial, 5400)
        (past,) = await past_of(trial)
        for other, rule in (
            (changed(past, changes={"late_fee_cents": "5399"}), "differs_now"),
            (changed(past, changes={"late_fee_cents": None}), "no_bounded_number"),
            (replace(past, capability="billing.inspect"), "no_capability"),
            (replace(past, proposal=None), "not_approved"),
        ):
            with pytest.raises(DecisionRefused) as refused:
                drafted([other], {"billing.propose_fee": trial.contract, "billing.inspect": trial.contract})
            assert refused.value.rule == rule


async def test_a_number_that_was_not_there_before_is_bounded_by_what_it_became() -> None:
    async with fees(
        ALONE.replace("high: {late_fee_cents: {change: {at_most: -5000}}}", "high: {reason_code: [mistake]}")
    ) as trial:
        await approved(trial, 500)
        (past,) = await past_of(trial)
        assert past.proposal is not None
        row = {**past.proposal.members[0].before, "late_fee_cents": None}
        made = drafted([changed(past, before=row)], {"billing.propose_fee": trial.contract})
        assert made.policy["when"]["late_fee_cents"] == {"after": {"at_least": 500, "at_most": 500}}


def test_every_refusal_has_a_meaning_and_a_fix() -> None:
    assert [rule for rule in DRAFTING if not (rule.words.endswith(".") and rule.fix.endswith("."))] == []
