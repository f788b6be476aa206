"""Why a person rejects, in closed words, and what may follow wherever a proposal stands."""

import re

import pytest

from synapsor.core.following import NEXT, allowed_next, next_poll_s
from synapsor.core.presets import REJECT_CODES, REJECT_WORDS, known_code
from synapsor.core.proposal import TRANSITIONS, Status
from synapsor.errors import UsageError
from synapsor.flow.reason import check_code
from tests.deciding import reject
from tests.decisions import NOW, filed, person
from tests.projects import ROOT

PAGE = (ROOT / "docs" / "how-to" / "wait-for-a-decision.md").read_text(encoding="utf-8")


def test_every_word_has_a_meaning_and_a_place_in_the_page() -> None:
    assert set(REJECT_WORDS) == set(REJECT_CODES)
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE, re.MULTILINE)
    assert [row for row in rows if known_code(row[0])] == [(code, REJECT_WORDS[code]) for code in REJECT_CODES]
    assert all(f"`{word}`" in PAGE for word in NEXT)


@pytest.mark.requirement("reject:told")
def test_what_may_follow_is_said_of_every_status_in_closed_words() -> None:
    for status in Status:
        for code in (None, *REJECT_CODES):
            assert set(allowed_next(status, code)) <= set(NEXT)
            assert allowed_next(status, code)
        assert (next_poll_s(status) is None) == (status not in TRANSITIONS)
    assert {allowed_next(Status.REJECTED, code) for code in (None, "not_needed", "wrong_environment", "other")} == {
        ("tell_user",)
    }
    assert allowed_next(Status.REJECTED, "needs_information") == ("give_information", "tell_user")
    assert allowed_next(Status.APPLIED, "odd_arguments") == ("tell_user",)


@pytest.mark.requirement("reject:told")
async def test_no_word_outside_of_the_list_is_recorded() -> None:
    assert [known_code(word) for word in (*REJECT_CODES, None, "", "approved", "Other")] == [
        *REJECT_CODES,
        None,
        None,
        None,
        None,
    ]
    check_code(None)
    ledger, asked = await filed()
    leo = person()
    signer = leo.signer
    with pytest.raises(UsageError) as refused:
        await reject(
            ledger,
            asked.id,
            digest=asked.digest,
            signer=signer,
            now=NOW,
            reason="No.",
            preset="approved",  # type: ignore[arg-type]  # is what is refused
        )
    assert refused.value.fix == f"One of: {', '.join(REJECT_CODES)}."
    record = await reject(ledger, asked.id, digest=asked.digest, signer=signer, now=NOW, reason="No.", preset="other")
    assert (record.status, record.decisions[-1].decision.code) == (Status.REJECTED, "other")
    await ledger.aclose()
