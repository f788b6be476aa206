"""`synapsor diff`: versions are named as files, digests or handles, and a version that grants more ends with 1."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from synapsor.errors import IntegrityError
from synapsor.flow.rollback import as_signed
from tests.commands import Run, key
from tests.databases import Database
from tests.projects import ProjectFiles, opened, write_project


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    return write_project(tmp_path / "project", sqlite_db)


@pytest.fixture
def policy(files: ProjectFiles) -> Path:
    return files.root / "policies" / "billing.yaml"


def edited(policy: Path, before: str, after: str) -> None:
    text = policy.read_text("utf-8")
    assert before in text
    policy.write_text(text.replace(before, after), encoding="utf-8")


@pytest.mark.requirement("diff:fails-on-growth")
def test_two_files_are_compared_without_a_project(run: Run, files: ProjectFiles, policy: Path, tmp_path: Path) -> None:
    files.config_path.unlink()
    wide = tmp_path / "wide.yaml"
    shutil.copy(policy, wide)
    edited(wide, "rows: 50", "rows: 200")
    done = run("--json", "diff", str(policy), str(wide))
    (found,) = done.json["differences"]
    assert (done.code, done.json["grows"], done.json["ok"]) == (1, True, False)
    assert found == {
        "effect": "grows",
        "weight": 50,
        "path": ["capabilities", "billing.list_overdue", "limits", "rows"],
        "what": "the most rows that one call returns",
        "before": 50,
        "after": 200,
    }
    back = run("diff", str(wide), str(policy))
    assert back.code == 0
    assert "Authority shrinks (1)" in back.out
    assert "200 → 50" in back.out
    assert run("diff", str(wide), str(wide)).out.endswith("✓ There is no difference.\n")
    edited(wide, "read: invoices", "read: invoice")
    broken = run("diff", str(policy), str(wide))
    assert (broken.code, "SYN301" in broken.err) == (2, True)


@pytest.mark.requirement("diff:fails-on-growth")
def test_a_contract_is_compared_with_its_active_version_and_with_earlier_ones(
    run: Run, files: ProjectFiles, policy: Path
) -> None:
    assert run("diff", "billing").code == 4  # there is no ledger before the first activation
    first = run("--json", "activate", "--yes", *key(files, "rita")).json["activations"][0]
    assert run("diff", "billing").code == 0
    edited(policy, "at_most: 10000", "at_most: 20000")
    for named in ("billing", str(policy)):
        done = run("--json", "diff", named)
        assert (done.code, [d["effect"] for d in done.json["differences"]]) == (1, ["grows"])
        assert done.json["before"]["digest"] == first["digest"]
    second = run("--json", "activate", "--yes", *key(files, "rita")).json["activations"][0]
    assert run("diff", first["digest"], second["id"]).code == 1
    assert run("diff", second["id"], first["id"]).code == 0
    assert run("diff", str(policy), first["digest"]).code == 0
    assert run("diff", "billing").code == 0
    for unknown in (("nothing",), (str(policy), "act_none"), (str(files.root), str(policy))):
        done = run("diff", *unknown)
        assert (done.code, "fix:" in done.err) == (2, True)


def test_lines_fit_the_terminal(run: Run, policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    narrow = tmp_path / "narrow.yaml"
    shutil.copy(policy, narrow)
    edited(narrow, "late_fee_cents, waiver_reason, note, due_date]", "late_fee_cents]")
    done = run("diff", str(policy), str(narrow))
    lines = [line for line in done.out.splitlines() if not line.startswith(("from", "to", "     sha256"))]
    assert max(map(len, lines)) <= 60
    assert "drops" in done.out


@pytest.mark.requirement("diff:as-signed")
async def test_a_recorded_version_counts_only_as_it_was_signed(files: ProjectFiles) -> None:
    async with opened(files) as project:
        ledger, operators = await project.ledger(), project.operators()
        active = await ledger.active_contract("billing")
        assert active is not None
        assert as_signed(active, operators, ledger=ledger.id).contract == "billing"
        for forged in (
            replace(active, body={**active.body, "contract": "other"}),
            replace(active, signature=active.signature[::-1]),
            replace(active, activation=replace(active.activation, operator="nobody")),
        ):
            with pytest.raises(IntegrityError):
                as_signed(forged, operators, ledger=ledger.id)
        with pytest.raises(IntegrityError):
            as_signed(active, operators, ledger="another")


def test_a_long_value_begins_a_line_of_its_own_before_and_after(run: Run, policy: Path, tmp_path: Path) -> None:
    wide = tmp_path / "wide.yaml"
    shutil.copy(policy, wide)
    was = "List the overdue invoices with the largest late fees first."
    edited(wide, was, "List the overdue invoices of this month and of the one before it, the largest late fees first.")
    edited(wide, "rows: 50", "rows: 60")
    told = run("diff", str(policy), str(wide)).out.splitlines()
    at = told.index(f'    "{was}"')
    assert told[at + 1].startswith('    → "List the overdue invoices of this month')
    assert told[at + 2].startswith("      ")
    assert "    50 → 60" in told
