"""What a worker may do by itself, on every engine: approve by policy with its own key, and run unattended for what is allowed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import add_operator
from synapsor.contract.approvals import POLICY_SIGNER
from synapsor.contract.digest import contract_digest
from synapsor.contract.load import read_text
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from synapsor.errors import ConfigError
from synapsor.operators import read_operators
from tests.attack.shop import NOTE, WAIVER, Shop, as_ledger_owner, reopened
from tests.databases import Database
from tests.projects import ROOT, write_project

BILLING = (ROOT / "policies" / "billing.yaml").read_text(encoding="utf-8")
AUTOMATIC = BILLING.replace(
    "    approval: {role: billing_lead, expires_hours: 72}\n\n  billing.propose_note",
    "    approval: {role: billing_lead, expires_hours: 72, policy: small_fees}\n    worker: supervised\n\n"
    "  billing.propose_note",
) + (
    "policies:\n  small_fees:\n    when: {late_fee_cents: {before: {at_most: 6000}}}\n"
    "    limits: {per_day: {count: 2, total: {late_fee_cents: 9000}}}\n"
)
DIGEST = contract_digest(read_text(AUTOMATIC, "x.yaml").contract)  # type: ignore[arg-type]  # it is in order
WHY = {"reason": "Paid next day."}


@asynccontextmanager
async def shop_on(
    root: Path, database: Database, wiring: str, *, signer: str = POLICY_SIGNER, policy: str = AUTOMATIC
) -> AsyncIterator[Shop]:
    """Open a project with a policy, a key for it, and more lines of configuration."""
    files = write_project(root, database, policy=policy)
    key = create_key(root / "keys" / "policy.pem", passphrase=None)
    files.operators = add_operator(
        root / "operators.yaml", Operator(name="robot", key=public_text(key), roles=(signer,))
    )
    with files.config_path.open("a", encoding="utf-8") as config:
        config.write(wiring)
    async with reopened(files) as shop:
        yield shop


ON = "automatic_approval: true\npolicy_key: keys/policy.pem\n"


@pytest.mark.requirement("policy:inside")
async def test_a_policy_approves_and_the_worker_applies_it_on_every_engine(tmp_path: Path, database: Database) -> None:
    async with shop_on(tmp_path, database, ON) as shop:
        small = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
        large = await shop.proposed(WAIVER, {"invoice_id": "INV-3009", **WHY})
        note = await shop.proposed(NOTE, {"invoice_id": "INV-3002", "note": "Call first."})
        assert await shop.work() == [("applied", "")]
        standing = [await shop.status(proposal["id"]) for proposal in (small, large, note)]
        assert standing == ["applied", "review_required", "review_required"]
        assert shop.invoice() == (0, "Paid next day.", 2)
        assert (await shop.project.verify()).ok


@pytest.mark.requirement("policy:off-by-default")
async def test_a_project_that_says_nothing_approves_nothing(tmp_path: Path, sqlite_db: Database) -> None:
    for number, wiring in enumerate(("", "automatic_approval: false\npolicy_key: keys/policy.pem\n")):
        async with shop_on(tmp_path / str(number), sqlite_db, wiring) as shop:
            proposal = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", **WHY})
            assert await shop.work() == []
            assert await shop.status(proposal["id"]) == "review_required"


@pytest.mark.requirement("policy:bound")
async def test_a_worker_does_not_start_with_a_key_that_is_not_trusted_for_policies(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with shop_on(tmp_path, sqlite_db, ON, signer="billing_lead") as shop:
        with pytest.raises(ConfigError, match="nobody's who is trusted with policies"):
            await shop.worker()


@pytest.mark.requirement("worker:supervised")
@pytest.mark.one_engine
async def test_a_supervised_worker_applies_what_contract_and_deployment_both_allow(
    tmp_path: Path, database: Database
) -> None:
    wiring = f"supervised:\n  - contract: {DIGEST}\n    capabilities: [{WAIVER}]\n"
    async with shop_on(tmp_path, database, wiring) as shop:
        note = await shop.approved(NOTE, {"invoice_id": "INV-3002", "note": "Call first."})
        waiver = await shop.waiver()
        supervised = await shop.project.worker(supervised=True)
        assert await supervised.run(drain=True) == 1
        assert [await shop.status(p) for p in (note, waiver)] == ["approved", "applied"]
        assert await shop.work() == [("applied", "")]
        assert await shop.status(note) == "applied"


@pytest.mark.requirement("worker:supervised")
async def test_a_supervised_worker_takes_no_job_that_only_a_row_says_is_for_it(
    tmp_path: Path, sqlite_db: Database
) -> None:
    """The row may be put back before it looks closer, and it would apply what people are to watch."""
    wiring = f"supervised:\n  - contract: {DIGEST}\n    capabilities: [{WAIVER}]\n"
    async with shop_on(tmp_path, sqlite_db, wiring) as shop:
        note = await shop.approved(NOTE, {"invoice_id": "INV-3002", "note": "Call first."})
        own = await shop.waiver()
        supervised = await shop.project.worker(supervised=True)
        for name in (WAIVER, NOTE):
            with as_ledger_owner(shop) as raw:
                raw.execute("UPDATE proposal SET capability = ? WHERE id = ?", (name, note))
            await supervised.run(drain=True)
        assert [await shop.status(p) for p in (note, own)] == ["approved", "applied"]
        assert await shop.work() == [("applied", "")]
        assert await shop.status(note) == "applied"


@pytest.mark.requirement("worker:supervised")
@pytest.mark.parametrize(
    "entry",
    [
        {"contract": DIGEST, "capabilities": [NOTE]},
        {"contract": DIGEST, "capabilities": ["billing.inspect_invoice"]},
        {"contract": DIGEST, "capabilities": ["billing.gone"]},
        {"contract": "sha256:" + "0" * 64, "capabilities": [WAIVER]},
        None,
    ],
)
async def test_a_supervised_worker_does_not_start_on_what_was_not_reviewed_for_it(
    entry: dict[str, Any] | None, tmp_path: Path, sqlite_db: Database
) -> None:
    wiring = ""
    if entry is not None:
        wiring = (
            f"supervised:\n  - contract: {entry['contract']}\n    capabilities: [{', '.join(entry['capabilities'])}]\n"
        )
    async with shop_on(tmp_path, sqlite_db, wiring) as shop:
        with pytest.raises(ConfigError, match="supervised"):
            await shop.project.worker(supervised=True)


@pytest.mark.requirement("policy:bound")
@pytest.mark.parametrize(
    "robot",
    [
        {"roles": (POLICY_SIGNER, "billing_lead")},
        {"roles": (POLICY_SIGNER,), "principals": ("support_agent_17",)},
    ],
)
def test_a_policys_key_is_an_entry_of_its_own(robot: dict[str, Any], tmp_path: Path) -> None:
    key = create_key(tmp_path / "robot.pem", passphrase=None)
    with pytest.raises(ConfigError, match="something else"):
        add_operator(tmp_path / "operators.yaml", Operator(name="robot", key=public_text(key), **robot))
    assert read_operators(tmp_path / "operators.yaml") == {}
