"""The console's charts: what is there is drawn and said, in words of a person, whether it is nothing, one number or very many."""

import re
from pathlib import Path

import pytest

import synapsor.approve.console
from synapsor.approve.console.svg import COUNTS, TIMES, Series, chart, counted, lasting

NONE = "\N{EN DASH}"
STYLE = Path(synapsor.approve.console.__file__).parent / "static" / "console.css"
DAYS = ("2026-11-27", "2026-11-28")
MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.mark.requirement("console:charts")
@pytest.mark.parametrize("measure", [COUNTS, TIMES], ids=["counts", "times"])
@pytest.mark.parametrize(
    "values", [(1.0, None), (4.0, 3.0), (23.0, 1e9), (0.2, 0.1), (None, None), (0.0, 0.0), (5000.0, 1.0)]
)
def test_a_chart_stands_on_its_floor_its_scale_covers_every_bar_and_the_smallest_is_seen(
    values: tuple[float | None, ...], measure: object
) -> None:
    made = chart("t", DAYS, [Series(name="n", kind="good", values=values)], measure=measure)  # type: ignore[arg-type]
    for drawn in made.drawings:
        floor, top = drawn.scale[0].at, drawn.scale[-1].at
        assert all(top <= bar.y <= floor - 2 for bar in drawn.bars)
        assert all(abs(bar.y + bar.height - floor) < 0.02 for bar in drawn.bars)
        assert all(drawn.frame.left <= bar.x <= drawn.frame.width - bar.width for bar in drawn.bars)
        assert len(drawn.bars) == sum(value is not None for value in values)
        assert made.empty is (not drawn.bars)
        assert len({tick.words for tick in drawn.scale}) == len(drawn.scale)
        assert drawn.frame.height > floor
    assert [day for day, _ in made.rows] == ["2026-11-28", "2026-11-27"]


@pytest.mark.requirement("console:charts")
def test_bars_and_rows_say_the_same_numbers_and_a_day_without_one_says_so() -> None:
    made = chart("t", DAYS, [Series(name="longest", kind="bad", values=(None, 150.0))], measure=TIMES)
    (bars, narrow) = [[bar.words for bar in drawn.bars] for drawn in made.drawings]
    assert bars == narrow == ["2026-11-28: longest, 2 min"]
    assert made.rows == (("2026-11-28", ("2 min",)), ("2026-11-27", (NONE,)))
    assert [tick.words for tick in made.drawings[0].scale] == ["0 s", "1 min", "2 min", "3 min", "4 min"]


@pytest.mark.requirement("console:charts")
@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.04, "under 1 s"),
        (12.4, "12 s"),
        (3 * MINUTE, "3 min"),
        (2 * HOUR, "2 h"),
        (2 * HOUR + 30 * MINUTE, "2 h 30 min"),
        (2 * DAY, "2 d"),
        (2 * DAY + HOUR, "2 d 1 h"),
    ],
)
def test_a_time_is_said_as_a_person_says_it(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


@pytest.mark.requirement("console:charts")
@pytest.mark.parametrize(
    ("longest", "ticks"),
    [
        (0.3, ["0 s", "1 s", "2 s", "3 s", "4 s"]),
        (45, ["0 s", "15 s", "30 s", "45 s", "1 min"]),
        (11 * HOUR, ["0 s", "3 h", "6 h", "9 h", "12 h"]),
        (3 * DAY, ["0 s", "1 d", "2 d", "3 d", "4 d"]),
        (70 * DAY, ["0 s", "20 d", "40 d", "60 d", "80 d"]),
    ],
)
def test_a_scale_of_time_has_round_steps(longest: float, ticks: list[str]) -> None:
    made = chart("t", ("2026-11-28",), [Series(name="n", kind="good", values=(longest,))], measure=TIMES)
    assert [tick.words for tick in made.drawings[0].scale] == ticks


def test_a_count_is_said_with_its_thousands() -> None:
    assert [counted(value) for value in (0, 1, 2.5, 5000, 1e6)] == ["0", "1", "2.5", "5,000", "1,000,000"]


@pytest.mark.requirement("console:accessible")
def test_a_colour_is_named_once_for_both_schemes_and_nowhere_else() -> None:
    style = re.sub(r"/\*.*?\*/", "", STYLE.read_text(encoding="utf-8"), flags=re.DOTALL)
    names = re.findall(r"^\s*(--[\w-]+):", style, re.MULTILINE)
    assert sorted(set(names)) == sorted(names)
    assert "prefers-color-scheme" not in style
    named, rest = style.split("}", 1)
    assert re.findall(r"#[0-9a-f]{3,8}\b", rest) == []
    plain = [line for line in named.splitlines() if re.search(r"#|rgb", line) and "light-dark(" not in line]
    assert plain == []
