"""A process that proves a long ledger says how far it is."""

from pathlib import Path

import pytest

from synapsor.ledger import tail
from synapsor.ledger.open import open_ledger
from tests.ledger_records import seen


async def test_whoever_waits_for_a_long_ledger_to_be_proven_is_told_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = open_ledger(tmp_path / "ledger.db", create=True)
    for _ in range(6):
        await ledger.record_read(*seen())
    monkeypatch.setattr(tail, "SHORT", 2)
    monkeypatch.setattr(tail, "PAGE", 2)
    monkeypatch.setattr(tail, "_SILENCE", -1.0)
    await ledger.follow()
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"the ledger is long: {events} events are proven so far" for events in (4, 6)]
    await ledger.aclose()
