"""What a person says became of a proposal: what is advised first, and what an application's answer makes of it."""

import pytest

from synapsor.core.advice import WORDS, advice_of
from synapsor.core.outcome import Outcome, Why
from synapsor.core.reconcile import ADVICE, MIXED, UNTOLD, Match
from synapsor.core.resolving import End, end_by

OUTSIDE = [Why.HANDLER_OVERDUE, Why.HANDLER_FORGOT, Why.HANDLER_DIFFERS, Why.EFFECT_STANDS]


@pytest.mark.requirement("reconcile:given-up")
def test_what_an_application_answers_ends_what_was_said_refuses_it_or_lets_it_wait() -> None:
    doubt, digest = Outcome.RECONCILIATION_REQUIRED, Why.RECEIPT_OF_ANOTHER_DIGEST
    for outcome, why, known, not_applied, applied in (
        (Outcome.FAILED, Why.HANDLER_REFUSED, (), End.COUNTS, End.COUNTS),
        (Outcome.CONFLICT, Why.ROW_GONE, (), End.COUNTS, End.COUNTS),
        (Outcome.APPLIED, Why.HANDLER_APPLIED, ("handler_applied",), End.REFUSED, End.COUNTS),
        (doubt, Why.RECEIPTS_DIFFER, ("receipts_differ",), End.REFUSED, End.REFUSED),
        (doubt, Why.EFFECT_STANDS, (), End.REFUSED, End.COUNTS),
        (doubt, Why.EFFECT_STANDS, ("effect_stands",), End.COUNTS, End.COUNTS),
        (doubt, digest, (), End.REFUSED, End.REFUSED),
        (doubt, digest, (digest.value,), End.COUNTS, End.COUNTS),
        (doubt, Why.HANDLER_DIFFERS, ("handler_differs",), End.WAITS, End.WAITS),
        (Outcome.ACCEPTED, Why.HANDLER_ACCEPTED, (), End.WAITS, End.WAITS),
        (Outcome.RETRY, Why.HANDLER_UNREACHED, (), End.WAITS, End.WAITS),
    ):
        assert end_by("not_applied", outcome, why, known) is not_applied, (outcome, why)
        assert end_by("applied", outcome, why, known) is applied, (outcome, why)


@pytest.mark.requirement("reconcile:advised")
@pytest.mark.parametrize("code", OUTSIDE)
@pytest.mark.parametrize("found", [*Match, MIXED, UNTOLD])
def test_where_there_may_be_an_effect_outside_nobody_is_told_to_go_by_the_rows_alone(code: Why, found: str) -> None:
    advice = advice_of(found, [code])
    assert advice != ADVICE[found]
    assert ADVICE[Match.MATCHES_BEFORE] not in advice
    assert any(word in advice for word in ("application", "outside"))
    assert ("--as not-applied, where it was not done" in advice) <= (code is not Why.EFFECT_STANDS)


@pytest.mark.requirement("reconcile:advised")
def test_what_is_advised_names_the_reason_once_and_then_what_the_rows_say() -> None:
    assert advice_of(Match.DRIFTED, ["receipts_differ", "group_failed"]) == ADVICE[Match.DRIFTED]
    intent = advice_of(Match.MATCHES_BEFORE, ["intent_unresolved", "intent_unresolved"])
    assert intent.endswith(ADVICE[Match.MATCHES_BEFORE])
    assert intent.count("transaction of the worker") == 1
    assert advice_of(Match.ABSENT, ["handler_overdue"]).endswith(ADVICE[Match.ABSENT])
    stands = advice_of(Match.MATCHES_BEFORE, ["effect_stands"])
    assert "only where it was taken back" in stands
    assert all(any(part in word for word in WORDS) for part in stands.split(". "))
