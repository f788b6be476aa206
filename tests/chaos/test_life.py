"""The whole life of proposals, drawn: whatever people, other hands, dying workers and clocks do, all is as a model in plain Python says."""

import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from synapsor.errors import DecisionRefused, Refusal
from synapsor.work.failpoints import ALL_STEPS
from tests.chaos.life import APPROVERS, SHELF, START, Life
from tests.chaos.life_model import EDITS, HOUR, WAITS, Model, Row, Wanted

ALWAYS = ("work.leased", "work.applied")
"""Steps that every job passes."""
KEYS = ("a", "b", "c")
PLAYED: Counter[str] = Counter()
"""What came to pass; lives in which nothing does would prove nothing."""
KINDS = ("set", "set", "set_all", "add", "drop")
keys = st.sampled_from(KEYS)


class WholeLife(RuleBasedStateMachine):
    """Plays each act on the product and on the model, and compares all that they say."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life()
        self.model = Model(rows=dict(START))
        self.notes = 0

    def teardown(self) -> None:
        self.life.close()

    def _note(self) -> str:
        self.notes += 1
        return f"note {self.notes}"

    def _some(self, data: st.DataObject, *statuses: str) -> Wanted | None:
        found = [p for p in self.model.wanted.values() if not statuses or p.status in statuses]
        return data.draw(st.sampled_from(found)) if found else None

    # What an agent does.

    @initialize(data=st.data(), kinds=st.lists(st.sampled_from(KINDS), min_size=2, max_size=4))
    def begin(self, data: st.DataObject, kinds: list[str]) -> None:
        for kind in kinds:
            self.propose(data, kind, 5, APPROVERS[0])

    @rule(
        data=st.data(),
        kind=st.sampled_from(KINDS),
        amount=st.integers(1, 9),
        who=st.sampled_from([*APPROVERS * 2, None]),
    )
    def propose(self, data: st.DataObject, kind: str, amount: int, who: str | None) -> None:
        """Ask for something, which mostly fits and mostly is approved at once; else hardly anything would ever come to its end."""
        there = sorted(self.model.rows)
        fitting = [key for key in KEYS if key not in there] if kind == "add" else there
        key = data.draw(st.sampled_from([*fitting * 3, *KEYS]))
        if kind == "set_all":
            filed = self._propose(kind, there, amount, shelf=SHELF)
        else:
            filed = self._propose(kind, [key], None if kind == "drop" else amount, id=key)
        if filed is not None and who is not None:
            self._decide(filed, who, "approve")

    def _propose(self, kind: str, over: list[str], amount: int | None, **arguments: Any) -> Wanted | None:
        note = self._note()
        sent = arguments if amount is None else {**arguments, "amount": amount, "note": note}
        answer = self.life.run(self.life.trial.call(f"stock.{kind}", **sent))
        seen = {key: self.model.rows.get(key) for key in over}
        fits = bool(over) and all((row is None) is (kind == "add") for row in seen.values())
        assert answer["ok"] is fits, answer
        if not fits:
            return None
        proposal = answer["proposal"]
        # A removal is asked for without words that would make it another request.
        known = self.model.asked_for_before(kind, seen) if kind == "drop" else None
        assert (proposal["id"] in self.model.wanted) is (known is not None)
        if known is not None:
            assert proposal["id"] == known.id
            return None
        wants = None if amount is None else (amount, note)
        return self._filed(proposal["id"], proposal["digest"], kind, seen, dict.fromkeys(over, wants))

    def _filed(
        self,
        handle: str,
        digest: str,
        kind: str,
        seen: dict[str, Row | None],
        wants: dict[str, Any],
        of: str | None = None,
    ) -> Wanted:
        filed = Wanted(handle, digest, kind, seen, wants, self.model.active, self.model.now + WAITS, of)
        self.model.wanted[handle] = filed
        return filed

    # What other hands do.

    @rule(key=keys, amount=st.one_of(st.integers(1, 9), st.none()))
    def change_behind(self, key: str, amount: int | None) -> None:
        row, note = self.model.rows.get(key), self._note()
        if amount is None:
            statement = f"DELETE FROM items WHERE id = '{key}'"
            self.model.rows.pop(key, None)
        elif row is None:
            statement = f"INSERT INTO items VALUES ('{key}', 'acme', '{SHELF}', {amount}, '{note}', 1)"
            self.model.rows[key] = Row(amount, note, 1)
        else:
            statement = f"UPDATE items SET amount = {amount}, note = '{note}' WHERE id = '{key}'"
            self.model.rows[key] = Row(amount, note, row.version + 1)
        self.life.trial.database.run(statement)

    # What people do.

    @precondition(lambda self: self.model.wanted)
    @rule(
        data=st.data(),
        who=st.sampled_from(APPROVERS),
        verdict=st.sampled_from(["approve", "approve", "approve", "reject"]),
    )
    def decide(self, data: st.DataObject, who: str, verdict: str) -> None:
        proposal = self._some(data, "review_required") or self._some(data)
        assert proposal is not None
        self._decide(proposal, who, verdict)

    def _decide(self, proposal: Wanted, who: str, verdict: str) -> None:
        envelope = {"proposal": {"id": proposal.id, "digest": proposal.digest}}
        may = self.model.may(proposal, who, verdict)
        try:
            if verdict == "approve":
                self.life.run(self.life.trial.approve(envelope, by=who))
            else:
                self.life.run(self.life.trial._decided(envelope, "reject", by=who, reason="No."))
        except DecisionRefused:
            assert not may, (proposal, who, verdict)
        else:
            assert may, (proposal, who, verdict)
            self.model.decide(proposal, who, verdict)

    @precondition(lambda self: self.model.wanted)
    @rule(data=st.data(), amount=st.integers(10, 19))
    def amend(self, data: st.DataObject, amount: int) -> None:
        proposal = self._some(data, "review_required") or self._some(data)
        assert proposal is not None
        seen = {key: self.model.rows.get(key) for key in proposal.seen}
        there = all((row is None) is (proposal.kind == "add") for row in seen.values())
        same = proposal.kind != "set_all" or set(seen) == set(self.model.rows)
        stands = proposal.status == "review_required" and self.model.now < proposal.expires
        may = stands and proposal.kind in {"set", "set_all", "add"} and there and same and proposal.edits < EDITS
        note = self._note()
        try:
            filed = self.life.amend(proposal.id, {"amount": amount, "note": note}).proposal
        except (DecisionRefused, Refusal):
            assert not may, proposal
        else:
            assert may, proposal
            proposal.status = "superseded"
            made = self._filed(filed.id, filed.digest, proposal.kind, seen, dict.fromkeys(seen, (amount, note)))
            made.edits = proposal.edits + 1

    @precondition(lambda self: self.model.wanted)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        proposal = self._some(data, "applied") or self._some(data)
        assert proposal is not None
        must = self.model.undo_must_be_filed(proposal)
        envelope = {"proposal": {"id": proposal.id, "digest": proposal.digest}}
        try:
            filed = self.life.run(self.life.trial.undo(envelope, reason="It was wrong."))["proposal"]
        except (DecisionRefused, Refusal):
            assert not must, proposal
            return
        assert proposal.status == "applied"
        PLAYED["undone"] += 1
        back = {key: None if row is None else (row.amount, row.note) for key, row in proposal.seen.items()}
        seen = {key: self.model.rows.get(key) for key in back}
        self.model.fall_behind([p for p in self.model.wanted.values() if p.of == proposal.id])
        self._filed(filed["id"], filed["digest"], "undo", seen, back, of=proposal.id)

    @rule(what=st.sampled_from(["there and back", "there and back", "there and back", "activate", *APPROVERS]))
    def take_trust_away(self, what: str) -> None:
        """Let another version of the contract be activated, or somebody's key be revoked, but not everybody's."""
        if what in {"activate", "there and back"}:
            for _ in range(1 if what == "activate" else 2):
                self.model.active = 1 - self.model.active
                self.life.activate(self.model.active)
        elif not self.model.revoked:
            self.life.revoke(what)
            self.model.revoked.add(what)

    # What time and workers do.

    @rule(hours=st.sampled_from([*[0.01] * 8, 1, 25, 80]))
    def time_passes(self, hours: float) -> None:
        self.life.trial.clock.move(hours=hours)
        self.model.now += hours * HOUR

    @rule(ahead=st.sampled_from([*[0] * 8, 24 * HOUR, -24 * HOUR]))
    def work(self, ahead: float) -> None:
        self.life.work(ahead=ahead)
        now = self.model.now + ahead
        self.model.expire(now)
        while proposal := self.model.due(now):
            self.model.attempt(proposal, now, None)
            self._count(proposal)

    @precondition(lambda self: any(p.status == "approved" for p in self.model.wanted.values()))
    @rule(step=st.sampled_from(ALL_STEPS), waits=st.booleans())
    def die_at(self, step: str, waits: bool) -> None:
        self.model.expire(self.model.now)
        proposal = self.model.due(self.model.now)
        died = self.life.work(once=True, dies_at=step)
        assert not (died and proposal is None)
        assert died or proposal is None or step not in ALWAYS
        if proposal is not None:
            self.model.attempt(proposal, self.model.now, step if died else None)
            self._count(proposal)
            PLAYED["died"] += died
        if waits:
            self.time_passes(0.01)  # more than a lease

    def _count(self, proposal: Wanted) -> None:
        PLAYED[proposal.ended or "not yet"] += 1

    # What must be so after every step.

    @invariant()
    def rows_are_as_the_model_says(self) -> None:
        assert self.life.rows() == self.model.rows

    @invariant()
    def proposals_stand_where_the_model_says(self) -> None:
        for proposal in self.model.wanted.values():
            record = self.life.record(proposal.id)
            assert record.status.value == proposal.status, proposal
            told = [receipt.outcome for receipt in record.receipts]
            assert told == ([proposal.ended] if proposal.ended else []), proposal

    @invariant()
    def receipts_are_what_the_model_left(self) -> None:
        left = {p.id: p.receipt for p in self.model.wanted.values() if p.receipt is not None}
        assert self.life.receipts() == left

    @invariant()
    def nothing_of_another_tenant_moves(self) -> None:
        rows = self.life.trial.database.rows("SELECT id, amount, note FROM items WHERE tenant_id <> 'acme'")
        assert rows == [("other", 7, "CANARY")]


def _play(examples: int, steps: int, *, comes: set[str]) -> None:
    PLAYED.clear()
    run_state_machine_as_test(
        WholeLife,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
            print_blob=True,
        ),
    )
    assert set(PLAYED) >= comes


@pytest.mark.requirement("apply:whole-life", "apply:exactly-once", "apply:outcome-true", "apply:stale-conflicts")
def test_whatever_happens_to_proposals_in_whatever_order_all_is_as_the_model_says() -> None:
    _play(20, 20, comes={"applied"})


@pytest.mark.soak
@pytest.mark.requirement("apply:whole-life")
def test_over_many_lives_all_is_as_the_model_says() -> None:
    _play(
        int(os.environ.get("SYNAPSOR_LIVES", "2000")),
        60,
        comes={"applied", "already_applied", "conflict", "failed", "died", "undone"},
    )
