"""The board of the terminal: what each key does, and that nobody approves by it what was not on the screen to its end."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapsor.approve.board.picture import CHROME, picture
from synapsor.approve.board.state import (
    Action,
    Decide,
    Item,
    Mode,
    Open,
    Quit,
    Show,
    State,
    listed,
    opened,
    pressed,
    told,
)
from synapsor.core.plain import cells

DIGEST = "sha256:" + "ab12cd34" * 8


def items(*names: str) -> tuple[Item, ...]:
    return tuple(
        Item(id=name, lines=(f"{name}  expires in 2 d", f"billing.waive {name}"), words=name) for name in names
    )


BOARD = State(items=items("one", "two", "three"), height=10)
LONG = Open(id="one", digest=DIGEST, lines=tuple(f"line {n}" for n in range(30)), approvable=True)
SHORT = replace(LONG, lines=("a", "b"))


def after(state: State, *keys: str) -> tuple[State, Action | None]:
    action: Action | None = None
    for key in keys:
        state, action = pressed(state, key)
    return state, action


def typed(text: str) -> tuple[str, ...]:
    return tuple(text)


@pytest.mark.parametrize(
    ("keys", "at"),
    [(("j",), "two"), (("j", "j", "j", "j"), "three"), (("k",), "one"), (("down", "up", "pagedown"), "three")],
)
def test_the_cursor_moves_over_the_list_and_not_beyond(keys: tuple[str, ...], at: str) -> None:
    state, action = after(BOARD, *keys)
    assert state.current is not None
    assert (state.current.id, action) == (at, None)


def test_a_card_is_opened_and_left_again() -> None:
    assert after(BOARD, "j", "enter")[1] == Show(id="two")
    assert after(opened(BOARD, SHORT), "escape")[0].mode is Mode.LIST
    assert isinstance(after(BOARD, "q")[1], Quit)
    assert after(opened(BOARD, SHORT), "q")[1] is None


@pytest.mark.requirement("board:seen")
def test_a_card_is_approved_when_all_of_it_was_on_the_screen_and_its_digest_is_typed() -> None:
    state, action = after(opened(BOARD, LONG), "a")
    assert (state.mode, action, state.message) == (Mode.CARD, None, "Read it to its end first (space, j).")
    state, action = after(state, " ", " ", " ", "a", *typed("AB12CD34"), "enter")
    assert action == Decide(ids=("one",), verdict="approve", digest=DIGEST)


@pytest.mark.requirement("board:seen")
@given(st.lists(st.sampled_from(["j", "k", " ", "b", "G", "pagedown", "up"]), max_size=40))
def test_whatever_is_pressed_only_lines_that_were_on_the_screen_count_as_seen(keys: list[str]) -> None:
    state, shown = opened(BOARD, LONG), set(range(10))
    for key in keys:
        state, _ = pressed(state, key)
        shown |= set(range(state.top, state.top + state.height))
    assert set(range(state.seen)) <= shown
    state, _ = pressed(state, "a")
    assert (state.mode is Mode.DIGEST) == (set(range(30)) <= shown)


@pytest.mark.requirement("board:seen")
@pytest.mark.parametrize("wrong", ["", "ab12cd3", "ab12cd35", "sha256:a"])
def test_another_digest_signs_nothing(wrong: str) -> None:
    state, action = after(opened(BOARD, SHORT), "a", *typed(wrong), "enter")
    assert (state.mode, action) == (Mode.CARD, None)
    assert "nothing was signed" in state.message


@pytest.mark.requirement("board:seen")
def test_what_cannot_be_approved_here_says_why() -> None:
    card = replace(SHORT, approvable=False, why_not="Part of it was cut: press f, and read all of it.")
    state, action = after(opened(BOARD, card), "a")
    assert (state.mode, action, state.message) == (Mode.CARD, None, card.why_not)
    assert after(opened(BOARD, card), "f")[1] == Show(id="one", full=True)


def test_where_a_code_is_needed_it_is_asked_for_and_not_shown() -> None:
    state, action = after(opened(BOARD, replace(SHORT, takes_code=True)), "a", *typed("ab12cd34"), "enter")
    assert (state.mode, action) == (Mode.CODE, None)
    state, action = after(state, *typed("123456"))
    text = "".join(piece for line in picture(state, width=80, height=20) for _, piece in line)
    assert "123456" not in text
    assert after(state, "enter")[1] == Decide(ids=("one",), verdict="approve", digest=DIGEST, code="123456")


def test_a_rejection_takes_a_number_or_words_and_never_nothing() -> None:
    state, _ = after(BOARD, "r")
    assert after(state, "enter")[1] is None
    assert after(state, "9", "enter")[1] is None
    assert after(state, "2", "enter")[1] == Decide(
        ids=("one",), verdict="reject", reason="odd_arguments", preset="odd_arguments"
    )
    words = after(state, *typed("Not now"), "enter")[1]
    assert words == Decide(ids=("one",), verdict="reject", reason="Not now")
    from_card = after(opened(BOARD, SHORT), "r", *typed("No."), "enter")[1]
    assert from_card == Decide(ids=("one",), verdict="reject", digest=DIGEST, reason="No.")


def test_several_are_chosen_shown_one_after_another_and_rejected_each_by_itself() -> None:
    chosen, _ = after(BOARD, "x", "j", "j", "x")
    assert chosen.chosen == {"one", "three"}
    state, action = after(chosen, "a")
    assert (action, state.waiting) == (Show(id="one"), ("three",))
    assert after(opened(state, SHORT), "n")[1] == Show(id="three")
    assert after(chosen, "r", "6", "enter")[1] == Decide(
        ids=("one", "three"), verdict="reject", reason="other", preset="other"
    )
    assert after(chosen, "escape")[0].chosen == frozenset()


def test_a_search_narrows_the_list_and_is_forgotten_again() -> None:
    state, _ = after(BOARD, "/", *typed("t"), *typed("wq"), "backspace", "enter")
    assert [item.id for item in state.found] == ["two"]
    assert state.mode is Mode.LIST
    assert len(after(state, "escape")[0].found) == 3


def test_the_list_follows_and_the_cursor_stays_on_its_proposal() -> None:
    state, _ = after(BOARD, "j", "x")
    state = listed(state, items("new", "one", "two"))
    assert state.current is not None
    assert (state.current.id, set(state.chosen)) == ("two", {"two"})
    state = listed(state, items("new"))
    assert state.current is not None
    assert (state.current.id, set(state.chosen)) == ("new", set())
    assert listed(state, ()).current is None
    assert after(listed(state, ()), "a", "r", "enter", "x")[1] is None


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("size", [(80, 24), (30, 6), (120, 50), (10, 2)])
def test_the_picture_fits_the_terminal(mode: Mode, size: tuple[int, int]) -> None:
    width, height = size
    card = SHORT if mode in {Mode.CARD, Mode.DIGEST, Mode.CODE} else None
    state = replace(BOARD, mode=mode, card=card, message="x" * 300, typed="y" * 300, height=max(1, height - CHROME))
    lines = picture(state, width=width, height=height)
    assert len(lines) <= max(height, CHROME + 1)
    if mode not in {Mode.CARD, Mode.DIGEST, Mode.CODE}:
        assert all(sum(cells(text) for _, text in line) <= width for line in lines if width >= 14)


def test_an_empty_board_says_what_would_fill_it() -> None:
    text = "".join(piece for line in picture(State(), width=100, height=10) for _, piece in line)
    assert "When an agent proposes a change, it shows here" in text
    assert told(BOARD, "Done.").message == "Done."
