"""The file of the operators breaks while everything runs: nobody decides, nothing is lost, and each says what to mend."""

import logging
from pathlib import Path

import anyio
import pytest

from synapsor.errors import ConfigError
from tests.attack.desk import approval, hall
from tests.attack.shop import Shop, open_shop, reopened
from tests.attack.test_console import a_note
from tests.databases import load_sqlite

CONFLICT = "<<<<<<< mine\n=======\n>>>>>>> theirs\n"


@pytest.mark.requirement("worker:trust-first")
async def test_a_job_keeps_its_attempts_while_whom_to_trust_cannot_be_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_shop(tmp_path / "p", load_sqlite(tmp_path / "billing.db")) as shop:
        approved = await shop.waiver()
        worker, stop = await shop.project.worker("worker-1"), anyio.Event()
        file = shop.files.root / "operators.yaml"
        kept = file.read_text(encoding="utf-8")
        file.write_text(kept + CONFLICT, encoding="utf-8")
        looked, read = 0, worker.bench.operators

        def counted() -> object:
            nonlocal looked
            looked += 1
            if looked == 20:
                file.write_text(kept, encoding="utf-8")
            return read()

        object.__setattr__(worker.bench, "operators", counted)
        object.__setattr__(worker.pace, "poll_seconds", 0.01)
        worker.report = lambda _: stop.set()
        with anyio.fail_after(60), caplog.at_level(logging.WARNING, "synapsor.worker"):
            assert await worker.run(stop=stop) == 1
        receipts = (await shop.record(approved)).receipts
        assert [(receipt.outcome, receipt.attempt) for receipt in receipts] == [("applied", 1)]
        said = [record.action for record in caplog.records if record.name == "synapsor.worker"]  # type: ignore[attr-defined]
        assert said == ["trust_unreadable", "trusted_again"]
        assert "operators.yaml" in caplog.text


@pytest.mark.requirement("worker:trust-first")
async def test_a_worker_that_does_not_wait_says_what_is_wrong_with_the_codes_and_takes_no_job(tmp_path: Path) -> None:
    async with open_shop(tmp_path / "p", load_sqlite(tmp_path / "billing.db")) as shop:
        approved = await shop.waiver()
        with shop.files.config_path.open("a", encoding="utf-8") as config:
            config.write("one_time_codes: codes.yaml\n")
        codes = shop.files.root / "codes.yaml"
        codes.write_text("synapsor: 1\ncodes: {}\n", encoding="utf-8")
        codes.chmod(0o644)
        async with reopened(shop.files) as again:
            with pytest.raises(ConfigError, match=r"codes\.yaml cannot be used"):
                await again.work()
            codes.chmod(0o600)
            assert await again.work() == [("applied", "")]
            assert [r.attempt for r in (await again.record(approved)).receipts] == [1]


@pytest.mark.requirement("console:trust-unreadable")
async def test_every_page_says_what_to_mend_and_goes_on_once_it_is(tmp_path: Path) -> None:
    async with (
        open_shop(tmp_path / "p", load_sqlite(tmp_path / "billing.db")) as shop,
        hall(shop) as desk,
        desk.client() as client,
        desk.client() as stranger,
    ):
        proposal, digest = await a_note(desk)
        word = await desk.login(client)
        file = shop.files.root / "operators.yaml"
        kept = file.read_text(encoding="utf-8")
        file.write_text(kept + CONFLICT, encoding="utf-8")
        for path in ("/", f"/proposals/{proposal}", "/login", "/events", "/no-such-page"):
            told = await client.get(path)
            assert (told.status_code, "trust_unreadable" in told.text) == (503, True), path
            assert "operators.yaml" in told.text, path
            hidden = await stranger.get(path)
            assert hidden.status_code == 503
            assert "operators.yaml" not in hidden.text, path
        refused = await client.post(f"/proposals/{proposal}/approve", data=approval(word, digest))
        assert refused.status_code == 503
        assert await shop.status(proposal) == "review_required"
        file.write_text(kept, encoding="utf-8")
        assert (await client.post(f"/proposals/{proposal}/approve", data=approval(word, digest))).status_code == 303
        assert await _approvals(shop, proposal) == 1


async def _approvals(shop: Shop, proposal: str) -> int:
    return len((await shop.record(proposal)).decisions)
