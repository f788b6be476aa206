"""What the adapter makes of a MySQL that is no MariaDB, where the two tell different things; the whole is run by hand on a real one."""

from collections.abc import Sequence
from typing import Any

import pytest

from synapsor.core.plan import Relation
from synapsor.sources.mysql_catalogue import _moved_by_triggers
from synapsor.sources.mysql_posture import _receipts

INVOICES = Relation(schema="billing", name="invoices")
RECEIPTS = Relation(schema="billing", name="synapsor_receipts")
COLUMNS = frozenset({"id", "note", "row_version"})


class Told:
    """A server that answers questions by a word in them."""

    def __init__(self, version: str, **answers: list[list[Any]]) -> None:
        self._answers = {**answers, "VERSION()": [[version]]}

    async def __call__(self, text: str, *_: Any) -> Sequence[Sequence[Any]]:
        """Return the rows of the first word that stands in the question."""
        return next((rows for word, rows in self._answers.items() if word in text), [])


def privileges(**of: str) -> dict[str, list[list[Any]]]:
    """Return what the catalogue tells of the rights to each column."""
    return {"privileges": [["billing", "invoices", name, right] for name, right in of.items()]}


@pytest.mark.requirement("source:mysql")
@pytest.mark.parametrize(
    ("version", "rights", "moved"),
    [
        ("9.7.4", {"id": "select", "note": "select", "row_version": "select"}, frozenset()),
        ("9.7.4", {"id": "select", "note": "select,update", "row_version": "select"}, frozenset({"row_version"})),
        ("10.11.19-MariaDB", {"id": "select", "note": "select,update", "row_version": "select"}, frozenset()),
    ],
)
async def test_what_is_moved_by_a_trigger_that_nobody_may_see_is_said_of_a_writer_alone(
    version: str, rights: dict[str, str], moved: frozenset[str]
) -> None:
    ask = Told(version, **privileges(**rights))
    assert await _moved_by_triggers(ask, INVOICES, COLUMNS, keys=frozenset({"id"})) == moved


@pytest.mark.requirement("source:mysql")
async def test_the_checks_of_receipts_are_read_as_mysql_writes_them() -> None:
    made = "CREATE TABLE `synapsor_receipts` (… CONSTRAINT `c` CHECK ((`outcome` in (_utf8mb4'applied',_utf8mb4'failed'))))"
    columns = [["billing", "synapsor_receipts", "InnoDB", "receipt_key", "binary", "32", "PRI"]]
    table = await _receipts(
        Told("9.7.4", **{"SHOW CREATE": [["synapsor_receipts", made]], "t.engine": columns}), RECEIPTS, ()
    )
    assert table is not None
    assert table.checks == {"as it was made": made}
