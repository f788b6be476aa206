"""What a shadow apply measured, on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from synapsor.approve.card.shadow_view import Shadow
from synapsor.approve.terminal.drawing import Line
from synapsor.approve.terminal.rows import value
from synapsor.core.plain import line_of

WAITS = "not measured yet: the worker carries the change out and rolls it back, and then it can be approved"
MEASURED = "carried out and rolled back; an apply that does anything else is rolled back, too"
TOGETHER = "with all that it stands or falls with, so what is touched is of all of it"
LIMITS = "numbers that it drew from sequences stay drawn"


def shadow(told: Shadow, *, several: bool) -> Iterator[Line]:
    """Yield what was measured; of `several` rows it is said which one."""
    yield Line("What it was measured to do", "", "title")
    if told.wanted_by:
        yield Line("asked for by", ", ".join(map(line_of, told.wanted_by)))
    if told.at is None or told.handle is None or told.worker is None:
        yield Line("measured", WAITS, "warning")
        return
    when = f"{line_of(told.at.at)} ({told.at.away} ago) by {line_of(told.worker)}"
    yield Line("measured", f"{line_of(told.handle)}, {when}")
    if told.state != "measured":
        code = line_of(told.code) if told.code is not None else told.state
        yield Line("would end in", f"{told.state}, {code}", "warning")
        yield Line("", told.meaning)
        return
    yield Line("", f"{MEASURED}; {LIMITS}", "quiet")
    if told.together:
        yield Line("", TOGETHER, "quiet")
    for one in told.touches:
        yield Line("touches", f"{line_of(one.table)}: {one.rows}" if one.table is not None else f"in all {one.rows}")
    for left in told.leaves:
        row = f" of row {left.row}" if several else ""
        yield Line(
            "leaves", f"{line_of(left.field.name)} {value(left.field.value)}{row}, which the change does not say"
        )
    if told.varies:
        yield Line("not held to", f"{', '.join(map(line_of, told.varies))}: another value each time")
