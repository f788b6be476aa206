"""A sealed place in a list: only its own question opens it, and every other text is refused with the same words."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapsor.contract.arguments import MAX_CURSOR
from synapsor.core.cursor import seal, unseal
from synapsor.errors import Code, Refusal
from synapsor.values import Token

KEY = bytes(range(32))
QUESTION = ("sha256:c", "t.list", "acme", "ann", "sha256:shape", "sha256:values")
TOKENS = st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=6)


def refused(cursor: str, *, key: bytes = KEY, question: tuple[str | None, ...] = QUESTION, width: int = 2) -> None:
    with pytest.raises(Refusal) as refusal:
        unseal(key, question, cursor, width)
    assert (refusal.value.code, refusal.value.detail) == (
        Code.INVALID_ARGUMENTS,
        "cursor: it does not belong to this call.",
    )
    assert refusal.value.meaning.fix.startswith("Call without `cursor`")


@pytest.mark.requirement("read:cursor")
@given(TOKENS)
def test_what_was_sealed_comes_out_again(row: list[Token]) -> None:
    cursor = seal(KEY, QUESTION, row)
    assert unseal(KEY, QUESTION, cursor, len(row)) == tuple(row)
    refused(cursor, width=len(row) + 1)


@pytest.mark.requirement("read:cursor")
def test_a_cursor_opens_with_its_own_key_and_question_alone() -> None:
    cursor = seal(KEY, QUESTION, ["a", None])
    refused(cursor, key=bytes(32))
    for at in range(len(QUESTION)):
        for other in ("", None, QUESTION[at] + " ", QUESTION[at - 1]):
            refused(cursor, question=(*QUESTION[:at], other, *QUESTION[at + 1 :]))
    refused(cursor, question=QUESTION[:-1])
    refused(cursor, question=(*QUESTION, None))


@pytest.mark.requirement("read:cursor")
@given(st.integers(0, 200), st.characters(exclude_categories=["Cs"]))
def test_no_letter_of_a_cursor_can_be_another_one(at: int, letter: str) -> None:
    cursor = seal(KEY, QUESTION, ["INV-1", "2026-01-01"])
    at %= len(cursor)
    if cursor[at] != letter:
        refused(cursor[:at] + letter + cursor[at + 1 :])


@pytest.mark.requirement("read:cursor")
@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_no_made_up_text_is_a_cursor(text: str) -> None:
    refused(text, width=0)


@pytest.mark.requirement("read:cursor")
def test_neither_the_values_nor_their_length_show() -> None:
    rows: list[list[Token]] = [
        ["a", "b"],
        ["a" * 40, None],
        [None, None],
        ["4111 1111 1111 1111", "x"],
        ["\u00e4" * 20, ""],
    ]
    cursors = {seal(KEY, QUESTION, row) for row in rows for _ in range(20)}
    assert len(cursors) == 20 * len(rows)
    assert len({len(cursor) for cursor in cursors}) == 1
    assert all(len(seal(KEY, QUESTION, ["x" * 2000, "y"])) < MAX_CURSOR for _ in range(1))
