"""Whatever people do in whatever order, a proposal stands where a model in plain Python says: who counts, when it is approved, what is refused."""

import asyncio
import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapsor.core.proposal import Status
from synapsor.errors import DecisionRefused
from synapsor.testing.clock import TestClock
from tests.deciding import approve, reject
from tests.decisions import NOW, Person, filed, person

PEOPLE, KEYS = 3, 2
Key = tuple[int, int]

keys = st.tuples(st.integers(0, PEOPLE - 1), st.integers(0, KEYS - 1))
actions = st.one_of(
    st.tuples(st.just("approve"), keys),
    st.tuples(st.just("approve"), keys),
    st.tuples(st.just("reject"), keys),
    st.tuples(st.just("revoke"), keys),
    st.tuples(st.just("wait"), st.sampled_from([1, 23, 24, 30])),
)


@dataclass
class Model:
    """What should be."""

    quorum: int
    hours: int = 0
    status: str = "review_required"
    approvals: list[tuple[Key, int]] = field(default_factory=list)
    revoked: set[Key] = field(default_factory=set)

    def counted(self) -> set[int]:
        return {key[0] for key, at in self.approvals if key not in self.revoked and at + 24 > self.hours}

    def may(self, verb: str, key: Key) -> bool:
        if key in self.revoked or self.hours >= 72 or self.status != "review_required":
            return False
        return verb == "reject" or key[0] not in self.counted()

    def do(self, verb: str, key: Key) -> None:
        if verb == "reject":
            self.status = "rejected"
            return
        self.approvals.append((key, self.hours))
        if len(self.counted()) >= self.quorum:
            self.status = "approved"


@pytest.mark.requirement("approval:quorum")
@pytest.mark.requirement("approval:reject-is-final")
@given(st.integers(1, 3), st.lists(actions, max_size=14))
@settings(max_examples=60, deadline=None)
def test_a_proposal_stands_where_the_model_says(quorum: int, steps: list[tuple[str, Any]]) -> None:
    asyncio.run(_play(quorum, steps))


async def _play(quorum: int, steps: list[tuple[str, Any]]) -> None:
    ledger, proposal = await filed(quorum=quorum)
    people: dict[Key, Person] = {
        (who, key): person(f"p{who}k{key}", principals=(f"person-{who}",))
        for who in range(PEOPLE)
        for key in range(KEYS)
    }
    model = Model(quorum)
    for verb, given_to in steps:
        if verb == "wait":
            model.hours += given_to
            cast("TestClock", ledger._clock).move(hours=given_to)
            continue
        acting = people[given_to]
        if verb == "revoke":
            model.revoked.add(given_to)
            people[given_to] = replace(acting, operator=replace(acting.operator, revoked=True))
            continue
        allowed = model.may(verb, given_to)
        common: dict[str, Any] = {
            "digest": proposal.digest,
            "signer": acting.signer,
            "now": NOW + dt.timedelta(hours=model.hours),
        }
        trusted = {p.operator.name: p.operator for p in people.values()}
        try:
            if verb == "approve":
                await approve(ledger, proposal.id, **common, mode="writeback", operators=trusted)
            else:
                await reject(ledger, proposal.id, **common, operators=trusted, reason="No.")
        except DecisionRefused:
            assert not allowed, (verb, given_to)
        else:
            assert allowed, (verb, given_to)
            model.do(verb, given_to)
        record = await ledger.proposal(proposal.id)
        assert record is not None
        assert record.status.value == model.status
        assert (record.job is not None) == (record.status is Status.APPROVED)
    assert (await ledger.verify()).ok
    await ledger.aclose()
