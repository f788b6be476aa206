"""A reason that somebody gives: one line that can be shown, and where it cannot be recorded it is said why."""

import pytest

from synapsor.errors import UsageError
from synapsor.flow.reason import MAX_REASON, check_reason


@pytest.mark.requirement("approval:reason-told")
@pytest.mark.parametrize(
    ("reason", "fix"),
    [
        ("x" * (MAX_REASON + 1), "Write at most 500 characters; it has 501."),
        ("one\ntwo", "Write it in one line."),
        (
            "Ask \U0001f469\u200d\u2695\ufe0f.",
            "It holds an invisible character (U+200D), which some emoji do, too: write it without.",
        ),
        ("a\tb", "It holds an invisible character (U+0009), which some emoji do, too: write it without."),
    ],
)
def test_a_reason_that_cannot_be_recorded_is_told_what_is_wrong_with_it(reason: str, fix: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_reason("approve", reason)
    assert (refused.value.message, refused.value.fix) == ("The reason cannot be recorded.", fix)
    check_reason("approve", "x" * MAX_REASON)
    check_reason("approve", "Fine \u2713 \U0001f44d")
