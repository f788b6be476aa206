"""The history checker finds what it is there to find; one that never complains would prove nothing."""

from collections.abc import Mapping

import pytest

from synapsor.core.proposal import Status
from synapsor.core.statements import Decision, Operator, SignedDecision, sign
from synapsor.ports import ProposalRecord
from tests.chaos.history import Asked, Effect, violations
from tests.decisions import person, proposal

LEO = person()
OPERATORS = {"leo": LEO.operator}
SET, ADDED, GONE = "wrp_" + "1" * 20, "wrp_" + "2" * 20, "wrp_" + "3" * 20
ASKED = {
    SET: Asked("mark 1", "update", frozenset({"a", "b"})),
    ADDED: Asked("mark 2", "insert", frozenset({"c"})),
    GONE: Asked("mark 3", "delete", frozenset({"a", "b"})),
}
TRUE = (
    ("update", "a", "acme", None, "mark 1"),
    ("insert", "c", "acme", None, "mark 2"),
    ("update", "b", "acme", None, "mark 1"),
    ("delete", "a", "acme", "mark 1", None),
    ("delete", "b", "acme", "mark 1", None),
)


def _record(proposal_id: str, status: Status) -> ProposalRecord:
    asked = proposal(id=proposal_id)
    decision = Decision(
        id="dec_" + "0" * 20,
        ledger=asked.ledger,
        proposal=asked.id,
        digest=asked.digest,
        verdict="approve",
        operator="leo",
        role="billing_lead",
        at=asked.at,
        expires_at=asked.expires_at,
        reason="",
        nonce="n" * 32,
    )
    signed = SignedDecision(decision=decision, signature=sign(decision, LEO.key))
    return ProposalRecord(proposal=asked, status=status, decisions=(signed,))


def _judged(
    *seen: tuple[str, str, str, str | None, str | None],
    statuses: Mapping[str, Status] = {},
    operators: Mapping[str, Operator] = OPERATORS,
) -> list[str]:
    records = [_record(handle, statuses.get(handle, Status.APPLIED)) for handle in ASKED]
    return violations([Effect(n, *effect) for n, effect in enumerate(seen)], records, operators, ASKED)


def test_a_true_history_is_one_without_violations() -> None:
    assert _judged(*TRUE) == []
    assert _judged(*TRUE[:3], statuses={GONE: Status.CONFLICT}) == []


@pytest.mark.parametrize("left_out", range(len(TRUE)))
def test_a_change_that_is_not_whole_is_found(left_out: int) -> None:
    assert any("reported applied" in v for v in _judged(*TRUE[:left_out], *TRUE[left_out + 1 :]))


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (("update", "b", "acme", "mark 1", "mark 1"), "double effect"),
        (("insert", "c", "acme", None, "mark 2"), "double effect"),
        (("delete", "c", "acme", "mark 2", None), "nobody's request"),
        (("update", "c", "acme", "mark 2", None), "nobody's request"),
        (("update", "c", "acme", "mark 2", "mark 1"), "reported applied to"),
        (("update", "c", "globex", "mark 2", "mark 1"), "another tenant"),
        (("update", "c", "acme", "mark 2", "mark 2"), "did update where it was to insert"),
        (("update", "c", "acme", None, "mark 1"), "lost update"),
    ],
)
def test_an_effect_too_many_is_found(more: tuple[str, str, str, str | None, str | None], word: str) -> None:
    assert any(word in v for v in _judged(*TRUE[:3], more, *TRUE[3:]))


@pytest.mark.parametrize("handle", ASKED)
def test_an_effect_of_what_was_reported_as_not_applied_is_found(handle: str) -> None:
    assert any("has effects" in v for v in _judged(*TRUE, statuses={handle: Status.CONFLICT}))
    assert any("never settled" in v for v in _judged(*TRUE, statuses={handle: Status.APPROVED}))


def test_an_effect_after_a_removal_is_found() -> None:
    assert any("which was gone" in v for v in _judged(*TRUE[:3], TRUE[3], TRUE[4], TRUE[2]))


def test_an_effect_without_a_signature_that_counts_is_found() -> None:
    stranger = person().operator
    found = _judged(*TRUE, operators={"leo": stranger})
    assert sum("no valid approval" in v for v in found) == len(ASKED)
