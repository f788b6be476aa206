"""What guards a change: the version, what is set, and all that the reviewer named or that leads to what was named."""

import pytest

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.guards import guards_of
from synapsor.contract.load import read_text
from tests.unit.contracts import LINKED


@pytest.mark.requirement("propose:required", "depends:held")
def test_what_is_required_and_what_leads_to_a_related_row_is_guarded() -> None:
    said = "    requires: {status: open, buyer.tier: gold}\n    unchanged: [due, buyer.region.name]\n"
    contract = read_text(
        LINKED.replace("    set: {note: $words}\n", f"    set: {{note: $words}}\n{said}"), "x.yaml"
    ).contract
    assert contract is not None
    capability = contract.capabilities["billing.propose_note"]
    assert isinstance(capability, ProposeCapability)
    assert capability.depends == ("buyer.tier", "buyer.region.name")
    assert guards_of(capability, contract.tables["invoices"]) == (
        ("row_version", "note", "status", "due", "buyer_id"),
        "row_version",
    )
