"""What is said of rows that refer to a proposal's, by what becomes of them; and of who decides, by the risk."""

import pytest

from synapsor.approve.card.now import _becomes
from synapsor.cli.check import _people, stricter
from synapsor.contract.approval import Approval
from synapsor.core.blast import Count, Reached
from synapsor.core.plan import Relation
from synapsor.core.surroundings import Action, Referrer


@pytest.mark.parametrize(
    ("action", "depth", "rows", "deletes", "said"),
    [
        (Action.CASCADE, 1, 2, True, "are deleted with it"),
        (Action.CASCADE, 1, 1, True, "is deleted with it"),
        (Action.CASCADE, 1, 2, False, "are changed with it"),
        (Action.CASCADE, 2, 2, True, "go or change with it"),
        (Action.SET_NULL, 1, 2, True, "lose what they refer to (set null)"),
        (Action.RESTRICT, 1, 2, True, "the database refuses it while such rows are there"),
    ],
)
def test_what_becomes_of_rows_that_refer_is_said_by_what_the_database_does(
    action: Action, depth: int, rows: int, said: str, *, deletes: bool
) -> None:
    key = Referrer(
        name="fk",
        relation=Relation.parse("public.notes"),
        columns=(("order_id", "id"),),
        on_delete=action,
        on_update=action,
    )
    told = Reached(key=key, action=action, depth=depth, count=Count(rows=rows))
    assert _becomes(told, deletes=deletes) == said


def test_who_decides_at_another_risk_is_said_beside_who_decides() -> None:
    approval = Approval.model_validate({"role": "desk", "high": {"role": "desk_lead", "quorum": 2}})
    assert _people(approval) + stricter(approval) == "desk; of high risk by 2 with the role desk_lead"
    assert stricter(Approval.model_validate({"role": "desk"})) == ""
