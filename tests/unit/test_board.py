"""The board of the terminal: what each key does, and that nobody approves by it what was not on the screen to its end."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapsor.approve.board.asked import Action, Decide, Glance, Quit, Show
from synapsor.approve.board.help import KEYS, help_lines
from synapsor.approve.board.kept import LEAST, Item, Mode, Open, Paste, State
from synapsor.approve.board.picture import picture, room_of
from synapsor.approve.board.screen import _PLAIN, _STYLE
from synapsor.approve.board.state import GONE, fitted, glanced, in_vain, listed, met, opened, pressed, stood, told
from synapsor.approve.terminal.drawing import Line, Row, rows
from synapsor.core.plain import cells, visible
from synapsor.core.presets import REJECT_CODES

DIGEST = "sha256:" + "ab12cd34" * 8


def items(*names: str) -> tuple[Item, ...]:
    return tuple(
        Item(id=name, lines=(f"{name}  expires in 2 d", f"billing.waive {name}"), words=name) for name in names
    )


BOARD = State(items=items("one", "two", "three"), height=10)


def card(*texts: str, width: int = 80) -> Open:
    def draw(columns: int) -> tuple[Row, ...]:
        return tuple(rows([Line("label", text, "new") for text in texts], width=columns))

    return Open(id="one", digest=DIGEST, draw=draw, lines=draw(width), width=width, approvable=True)


LONG = card(*(f"line {n}" for n in range(30)))
SHORT = card("a", "b")


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
@given(st.lists(st.sampled_from(["j", "k", " ", "b", "end", "home", "pagedown", "up"]), max_size=40))
def test_whatever_is_pressed_only_lines_that_were_on_the_screen_count_as_seen(keys: list[str]) -> None:
    state, shown = opened(BOARD, LONG), set(range(10))
    for key in keys:
        state, _ = pressed(state, key)
        shown |= set(range(state.top, state.top + state.height))
    assert set(range(state.seen)) <= shown
    state, _ = pressed(state, "a")
    all_of_it = set(range(30)) <= shown
    if {"end", "home"} & set(keys):  # who jumps may have to read again what they saw already
        assert all_of_it or state.mode is Mode.CARD
    else:
        assert (state.mode is Mode.DIGEST) == all_of_it


@pytest.mark.requirement("board:seen")
@pytest.mark.parametrize("wrong", ["", "ab12cd3", "ab12cd35", "sha256:a"])
def test_another_digest_signs_nothing(wrong: str) -> None:
    state, action = after(opened(BOARD, SHORT), "a", *typed(wrong), "enter")
    assert (state.mode, action) == (Mode.CARD, None)
    assert "nothing was signed" in state.message


@pytest.mark.requirement("board:seen")
def test_what_cannot_be_approved_here_says_why() -> None:
    cut = replace(SHORT, approvable=False, why_not="Part of it was cut: press f, and read all of it.")
    state, action = after(opened(BOARD, cut), "a")
    assert (state.mode, action, state.message) == (Mode.CARD, None, cut.why_not)
    assert after(opened(BOARD, cut), "f")[1] == Show(id="one", full=True)


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
    for wrong, said in {
        "9": "There is no reason 9: it is one of 1 to 6.",
        "7 late": "There is no reason 7: it is one of 1 to 6.",
        "1 2": "One number is taken, and then your own words.",
    }.items():
        refused, action = after(state, *typed(wrong), "enter")
        assert (refused.message, action, said in texts(refused)) == (said, None, True)
    assert after(state, "2", "enter")[1] == Decide(
        ids=("one",), verdict="reject", reason="odd_arguments", preset="odd_arguments"
    )
    both = after(state, *typed("4 Ann is well again."), "enter")[1]
    assert both == Decide(ids=("one",), verdict="reject", reason="Ann is well again.", preset="not_needed")
    assert after(state, *typed("3001 is wrong"), "enter")[1] == Decide(
        ids=("one",), verdict="reject", reason="3001 is wrong"
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


def texts(state: State, width: int = 80, height: int = 24) -> list[str]:
    return ["".join(text for _, text in row) for row in picture(state, width=width, height=height)]


def on(state: State, columns: int, lines: int) -> State:
    return fitted(state, columns=columns, rows=lines, height=room_of(columns, lines))


HOSTILE = visible("\x1b[31mAPPROVED\r\n\u202e wrp_0 waits for nothing 漢字" * 20) + " word " * 40


@pytest.mark.requirement("board:fits")
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("size", [(80, 24), (30, 8), (40, 10), (50, 15), (120, 50), (29, 24), (80, 7), (5, 3), (1, 1)])
def test_the_picture_fits_the_terminal_whatever_stands_in_it(mode: Mode, size: tuple[int, int]) -> None:
    width, height = size
    shown = card(*[HOSTILE] * 9) if mode in {Mode.CARD, Mode.DIGEST, Mode.CODE} else None
    hostile = tuple(Item(id=f"{n}", lines=(HOSTILE, HOSTILE), words="", risky=True) for n in range(40))
    chosen = frozenset(item.id for item in hostile)
    for message in ("", "x " * 300):
        state = replace(
            BOARD, items=hostile, chosen=chosen, mode=mode, card=shown, message=message, typed="y" * 300, search=""
        )
        lines = texts(on(state, width, height), width, height)
        assert len(lines) <= height
        assert all(cells(line) <= width for line in lines)
        assert not {"\x1b", "\r", "\n", "\u202e"} & set("".join(lines))


@pytest.mark.requirement("board:fits")
@given(st.integers(LEAST[0], 130), st.integers(LEAST[1], 50))
def test_what_counts_as_seen_is_what_the_picture_shows(width: int, height: int) -> None:
    state = on(opened(replace(BOARD, height=room_of(width, height)), card(*[HOSTILE] * 9)), width, height)
    assert state.card is not None
    told = ["".join(text for _, text in row) for row in state.card.lines]
    shown = texts(state, width, height)[1:]
    assert shown[: state.seen] == told[: state.seen]


@pytest.mark.requirement("board:seen")
def test_a_window_that_is_too_small_shows_and_decides_nothing() -> None:
    state = on(opened(BOARD, SHORT), 29, 24)
    assert texts(state, 29, 24)[0].startswith("This window is too small")
    assert [after(state, key)[1] for key in ("a", "r", "f", "l", "q")] == [None] * 5
    assert after(state, "r")[0].mode is Mode.CARD
    tiny = on(replace(BOARD, mode=Mode.CARD, card=LONG), 29, 60)
    assert tiny.seen == 0
    assert isinstance(after(on(BOARD, 29, 24), "q")[1], Quit)


@pytest.mark.requirement("board:seen")
def test_after_the_window_changed_who_had_not_read_to_the_end_begins_again() -> None:
    long = card(*("word " * 40 for _ in range(6)))
    half = on(opened(on(BOARD, 80, 24), long), 80, 24)
    assert (half.seen_whole, half.seen) == (False, room_of(80, 24))
    narrow = on(half, 50, 15)
    assert narrow.card is not None
    assert (narrow.card.width, narrow.seen, narrow.top) == (50, room_of(50, 15), 0)
    whole = on(half, 80, 60)
    assert whole.seen_whole
    assert on(whole, 50, 15).seen_whole
    assert on(on(half, 29, 5), 80, 24).seen == half.seen


@pytest.mark.requirement("board:looks")
def test_a_look_at_the_source_goes_on_beside_and_what_it_brings_is_read_to_its_end() -> None:
    state, action = after(opened(BOARD, SHORT), "l")
    assert (action, state.looking) == (Glance(id="one"), True)
    assert "Looking at the source…" in texts(state)
    waits, nothing = after(state, "l")
    assert (waits.mode, nothing, waits.looking) == (Mode.CARD, None, True)
    assert after(state, "f") == (waits, None)
    looked = replace(LONG, live=True)
    state = glanced(state, SHORT, looked)
    assert (state.card, state.looking, state.seen_whole) == (looked, False, False)
    assert after(state, "a")[0].mode is Mode.CARD
    assert after(state, "f")[1] == Glance(id="one", full=True)
    assert after(opened(BOARD, replace(SHORT, full=True)), "l")[1] == Glance(id="one", full=True)


LOOKS = replace(LONG, looks=True)


@pytest.mark.requirement("board:looks-before")
def test_the_source_is_looked_at_when_a_card_is_opened_and_who_reads_reads_on_from_what_is_new() -> None:
    state, action = met(BOARD, LOOKS)
    assert (state.mode, state.looking, action) == (Mode.CARD, True, Glance(id="one"))
    new = ("line 30", "What it touches beside: rows go with it", "line 32")
    found = replace(card(*(f"line {n}" for n in range(20)), *new), live=True, stands="same", reaches=True, looks=True)
    at_top = glanced(state, LOOKS, found)
    assert (at_top.card, at_top.top, at_top.seen, at_top.message, at_top.looking) == (found, 0, 10, "", False)
    at_end = glanced(after(state, "end", "home", " ", " ", " ", " ")[0], LOOKS, found)
    assert (at_end.top, at_end.seen, at_end.seen_whole) == (13, 23, True)
    beyond = glanced(replace(state, top=20, seen=30), LOOKS, replace(found, lines=found.lines * 3))
    assert (beyond.top, beyond.seen, beyond.seen_whole) == (20, 30, False)
    back = glanced(replace(state, top=20, seen=30), LOOKS, replace(card(*(f"other {n}" for n in range(30))), live=True))
    assert (back.top, back.seen, back.seen_whole) == (0, 10, False)
    assert back.message == "The source was looked at: read on from here."
    moved = glanced(state, LOOKS, replace(found, stands="changed"))
    assert moved.message.startswith("A row is not as it was")
    why = glanced(after(state, "r", "4")[0], LOOKS, found)
    assert (why.mode, why.typed, why.card) == (Mode.REASON, "4", found)
    narrow = on(state, 50, 24)
    assert glanced(narrow, LOOKS, found).card == found, "another width is the same card"


@pytest.mark.requirement("board:looks-before")
@pytest.mark.parametrize("reason", ["looks", "approvable"])
def test_nobody_looks_for_a_card_that_cannot_be_approved_here(reason: str) -> None:
    state, action = met(BOARD, replace(LOOKS, **{reason: False}))  # type: ignore[arg-type]
    assert (state.looking, action) == (False, None)


FOUND = {
    ("same", False): "",
    ("same", True): "The change touches more than its rows",
    ("changed", False): "A row is not as it was when this was asked for",
    ("untold", True): "It cannot be told how the rows",
}


@pytest.mark.requirement("board:looks-before")
@pytest.mark.parametrize(("stands", "reaches"), list(FOUND))
def test_what_a_look_finds_while_the_digest_is_typed_is_shown_before_anybody_approves(
    stands: str, reaches: bool
) -> None:
    asked = replace(SHORT, looks=True)
    state, action = after(opened(BOARD, asked), "a")
    assert (state.mode, action, state.looking) == (Mode.DIGEST, Glance(id="one"), True)
    assert "looking at the source" in texts(state)[0]
    early, nothing = after(state, *DIGEST.removeprefix("sha256:")[:8], "enter")
    assert (early.mode, nothing) == (Mode.DIGEST, None), "nobody signs before it is known"
    found = replace(LONG, live=True, stands=stands, reaches=reaches, looks=True)
    state = glanced(after(state, "a", "b")[0], asked, found)
    if words := FOUND[stands, reaches]:
        assert (state.mode, state.card, state.seen_whole, state.typed) == (Mode.CARD, found, False, "")
        assert state.message.startswith(words)
        assert after(state, "a")[0].mode is Mode.CARD, "it is read to its end first"
    else:
        assert (state.mode, state.typed, state.card) == (Mode.DIGEST, "ab", asked)
        assert "rows as they were" in texts(state)[0]
        assert after(state, "escape", "a")[1] is None, "once is enough"
    left = after(opened(BOARD, asked), "a", "escape")[0]
    assert glanced(left, asked, found).card == found


@pytest.mark.requirement("board:looks-before")
def test_on_80_columns_the_bar_says_how_the_rows_stand_and_that_all_was_read() -> None:
    whole = replace(LONG, id="wrp_e3279c862734b910a081")
    for state, says in (({"as_it_was": True}, "rows as they were"), ({"looking": True}, "looking at the source")):
        end = on(replace(after(opened(BOARD, whole), *[" "] * 9)[0], **state), 80, 24)  # type: ignore[arg-type]
        bar = texts(end, 80, 24)[0]
        assert says in bar
        assert bar.strip().endswith("21 to 30 of 30 lines, all read")


def test_on_a_narrow_terminal_the_bar_says_first_how_far_the_card_was_read() -> None:
    whole = replace(LONG, id="wrp_e3279c862734b910a081")
    bar = texts(on(opened(BOARD, whole), 30, 8), 30, 8)[0]
    assert bar.startswith(" 1 to 5 of 60 lines")


@pytest.mark.parametrize("size", [(80, 24), (100, 40), (60, 24)])
def test_nothing_is_cut_where_there_is_room(size: tuple[int, int]) -> None:
    why = on(after(BOARD, "r")[0], *size)
    assert not [line for line in texts(why, *size) if "…" in line]
    assert "one" in " ".join(texts(why, *size))
    words = "It was refused, and why takes many words to say. " * 4
    refused = on(replace(opened(BOARD, SHORT), message=words), *size)
    assert " ".join(words.split()) in " ".join(" ".join(texts(refused, *size)).split())
    full = on(replace(opened(BOARD, LONG), message=words), *size)
    shown, room = texts(full, *size)[1:], room_of(*size)
    whole = texts(replace(full, message=""), *size)[1:]
    card_lines = [line for line in whole[:room] if line]
    assert shown[: len(card_lines)] == card_lines, "nothing of a card is covered"


@pytest.mark.requirement("board:keeps-open")
def test_who_is_about_to_reject_is_told_how_to_ask_and_keep_it_open() -> None:
    state = after(opened(BOARD, SHORT), "r")[0]
    assert "To ask the agent and keep it open: `synapsor question one`" in texts(on(state, 80, 24), 80, 24)
    for width, height in ((80, 14), (44, 12), LEAST):
        small, other = on(state, width, height), replace(state, card=None)
        numbers = [line for line in texts(small, width, height) if line[2:3].isdigit()]
        assert numbers == [line for line in texts(on(other, width, height), width, height) if line[2:3].isdigit()]
    assert "synapsor question" in " ".join(" ".join(help_lines(80)).split())


@pytest.mark.requirement("board:looks")
@pytest.mark.parametrize("left", [lambda s: after(s, "escape")[0], lambda s: opened(s, LONG), lambda s: told(s, "x")])
def test_a_look_that_nobody_waits_for_any_more_changes_nothing(left: Callable[[State], State]) -> None:
    state = left(after(opened(BOARD, SHORT), "l")[0])
    assert glanced(state, SHORT, replace(LONG, live=True)) == state
    assert in_vain(state, SHORT, "late") == state


def test_a_look_that_came_to_nothing_says_so_and_leaves_the_card() -> None:
    state = in_vain(after(opened(BOARD, SHORT), "l")[0], SHORT, "The source did not answer in time.")
    assert (state.card, state.looking, state.message) == (SHORT, False, "The source did not answer in time.")
    assert after(state, "a")[0].mode is Mode.DIGEST


@pytest.mark.requirement("board:seen")
@pytest.mark.parametrize("mode", list(Mode))
def test_pasted_text_is_typed_where_something_is_typed_and_is_never_a_key(mode: Mode) -> None:
    state = replace(opened(BOARD, SHORT), mode=mode)
    pasted, action = pressed(state, Paste("a\nenter\x1b\u202e"))
    assert action is None
    assert pasted.mode is mode
    typing = mode in {Mode.SEARCH, Mode.DIGEST, Mode.CODE, Mode.REASON}
    assert pasted.typed == ("a enter" if typing else "")


def test_what_was_decided_meanwhile_is_told_on_its_open_card() -> None:
    state = listed(opened(BOARD, SHORT), items("two", "three"))
    assert (state.message, state.mode) == (GONE, Mode.CARD)
    assert listed(opened(BOARD, SHORT), items("one")).message == ""
    assert listed(opened(BOARD, SHORT), items("two"), more=True).message == ""


def test_what_stands_is_said_as_long_as_nothing_else_is() -> None:
    state = stood(BOARD, "No notifier has run for 3 h.")
    assert "No notifier has run for 3 h." in texts(state)
    assert "No notifier has run for 3 h." not in texts(told(state, "Done."))


@pytest.mark.requirement("board:no-colour-alone")
def test_nothing_is_told_by_a_colour_alone() -> None:
    board = replace(BOARD, items=(*BOARD.items, Item(id="x", lines=("x", "high risk"), words="", risky=True)))
    chosen, _ = after(board, "x")
    lines = texts(chosen)
    assert (lines[1][:5], lines[3][:5]) == (">[x] ", "     ")
    assert {style for row in picture(opened(BOARD, SHORT), width=80, height=24) for style, _ in row} == {
        "bar", "plain", "new", "warning", "quiet",
    }  # fmt: skip
    assert set(_PLAIN) >= {"old", "new", "warning", "quiet", "title", "bar", "cursor"}
    assert not [told for told in _PLAIN.values() if "fg:" in told or "bg:" in told or "ansi" in told]
    assert _STYLE.style_rules != []


@pytest.mark.parametrize("width", [30, 40, 50, 80, 120])
def test_every_key_is_named_below_or_in_the_help_which_is_always_named(width: int) -> None:
    folded = " ".join(help_lines(width))
    for key in ("j k", "space b", "Enter o", "l ", "f ", "a ", "r ", "x ", "n ", "/ ", "g ", "Esc", "q "):
        assert key in folded
    for mode in (Mode.LIST, Mode.CARD):
        state = on(replace(BOARD, mode=mode, card=SHORT if mode is Mode.CARD else None), width, 10)
        assert "? help" in texts(state, width, 10)[-1]
        assert after(state, "?")[0].mode is Mode.HELP
    if width >= 80:
        assert all(sum(map(len, units)) + 2 * len(units) - 2 <= 80 for units in KEYS.values())


def test_the_help_is_read_page_by_page_and_leads_back() -> None:
    state = on(after(opened(BOARD, SHORT), "?")[0], 40, 10)
    room, lines = room_of(40, 10), help_lines(40)
    seen: list[str] = []
    for _ in range(-(-len(lines) // room)):
        seen += texts(state, 40, 10)[1 : room + 1]
        state, _ = after(state, " ")
    assert [line for line in seen if line] == lines
    assert texts(state, 40, 10)[1] == lines[0]
    assert after(state, "x")[0].mode is Mode.CARD


def test_what_is_typed_shows_its_end() -> None:
    state, _ = after(BOARD, "r", *typed("a long reason of many words " * 10 + "END"))
    assert any(line.endswith("END▏") for line in texts(on(state, 40, 10), 40, 10))


@pytest.mark.parametrize("size", [(30, 8), (40, 10), (80, 8), (80, 24)])
def test_every_reason_to_reject_is_named_on_the_smallest_terminal(size: tuple[int, int]) -> None:
    told = " ".join(" ".join(texts(on(after(BOARD, "r")[0], *size), *size)).split())
    for number, code in enumerate(REJECT_CODES, start=1):
        assert re.search(rf"\b{number} {code.replace('_', ' ')}\b", told), (number, told)


def test_of_many_that_would_be_rejected_it_is_said_how_many_more() -> None:
    many = replace(BOARD, items=items(*(f"p{n}" for n in range(50))))
    state, _ = after(replace(many, chosen=frozenset(f"p{n}" for n in range(50))), "r")
    lines = texts(state)
    listed_ = [line for line in lines if line.startswith("  p")]
    assert f"  and {50 - len(listed_)} more, each of which is rejected" in lines


def test_a_long_list_keeps_its_cursor_on_the_screen() -> None:
    state = replace(BOARD, items=items(*(f"p{n}" for n in range(500))), more=True)
    assert "500 and more wait" in texts(state)[0]
    for key, name in (("end", "p499"), ("pageup", "p489"), ("home", "p0"), (" ", "p10"), ("b", "p0")):
        state, _ = after(state, key)
        assert any(line.startswith(f">    {name} ") for line in texts(state))


@pytest.mark.requirement("board:fits")
def test_no_word_of_others_begins_a_line_of_its_own_in_the_list() -> None:
    told_ = Item(id="one", lines=("one", "asked by " + "wrp_0 expires in 1 min " * 9), words="")
    lines = texts(replace(BOARD, items=(told_,)), 60)[1:12]
    assert lines[1].startswith("     asked by wrp_0")
    assert all(line.startswith("     ┆ ") for line in lines[2:5])


def test_an_empty_board_says_what_would_fill_it() -> None:
    text = "".join(piece for line in picture(State(), width=100, height=10) for _, piece in line)
    assert "When an agent proposes a change, it shows here" in text
    assert told(BOARD, "Done.").message == "Done."
