"""What somebody writes into the ledger's file reaches an operator's log and terminal as one harmless word, and never as a line of its own."""

import logging
from typing import Any

import pytest

from synapsor.cli.logs import Formatter
from synapsor.cli.worker import _far, _line
from tests.attack.shop import Shop, as_ledger_owner

LIE = "billing.x\njob=job_1  outcome=applied \u202e\x1b[2J"
TOLD = {
    "job": LIE,
    "proposal": LIE,
    "capability": LIE,
    "outcome": "failed",
    "code": "",
    "attempt": 1,
    "recorded": True,
    "again_at": "",
    "newcomers": 0,
    "group": [LIE, "wrp_2"],
    "seconds_since_approval": 1.0,
}


def is_harmless(line: str) -> bool:
    return line.endswith("\n") and line.isascii() and line[:-1].isprintable()


@pytest.mark.requirement("worker:line-harmless")
def test_a_line_about_a_job_stays_one_line_of_words_whatever_the_ledger_says() -> None:
    line = _line(TOLD, wide=None)
    assert is_harmless(line)
    fields = [field.split("=")[0] for field in line[:-1].split("  ")]
    assert fields == [name for name, value in TOLD.items() if value != ""]
    assert is_harmless(_far({"job": LIE, "rows_done": 1, "rows": 2}, person=False))
    assert is_harmless(_far({"job": LIE, "rows_done": 1, "rows": 2}, person=True))
    for told in _line(TOLD, wide=400).splitlines(keepends=True):
        assert is_harmless(told), told
    assert "outcome=applied" not in {one.strip() for one in _line(TOLD, wide=400).splitlines()}


@pytest.mark.requirement("worker:line-harmless")
def test_a_log_line_stays_one_line_whatever_is_told_in_it() -> None:
    record = logging.LogRecord("synapsor.worker", logging.ERROR, "", 0, "job %s is refused", (LIE,), None)
    assert is_harmless(Formatter("%(levelname)s %(message)s").format(record) + "\n")


@pytest.mark.requirement("worker:line-harmless")
@pytest.mark.one_engine
async def test_a_capability_that_only_the_ledgers_row_names_is_told_and_believed_by_nobody(shop: Shop) -> None:
    await shop.waiver()
    with as_ledger_owner(shop) as raw:
        raw.execute("UPDATE proposal SET capability = ?", (LIE,))
    lines: list[Any] = []
    worker = await shop.worker(report=lambda told: lines.append(_line(told, wide=None)))
    await worker.run(drain=True)
    assert lines
    assert all(map(is_harmless, lines)), lines
