"""When proposals are the whole of one group, and in what order it is applied."""

from dataclasses import replace
from typing import Any

import pytest

from synapsor.core.group import fits, in_order, is_whole, missing
from synapsor.core.proposal import Proposal
from synapsor.errors import Refusal
from tests.decisions import proposal

pytestmark = pytest.mark.requirement("group:whole")

OF = ("a.second", "a.first")


def of_group(capability: str, **changes: Any) -> Proposal:
    told = {"group_id": "grp_1", "group_of": OF, "run": "run_1", "workflow": "w", **changes}
    return replace(proposal(), id=f"wrp_{capability}", capability=capability, **told)


PAIR = [of_group(name) for name in OF]


def test_one_proposal_is_whole_where_it_stands_alone() -> None:
    assert is_whole([proposal()])
    assert not is_whole([proposal(), proposal()])
    assert not is_whole([replace(proposal(), group_id="grp_1")])
    assert not is_whole([of_group("a.first")])


def test_a_group_is_whole_with_one_of_each() -> None:
    assert is_whole(PAIR)
    assert is_whole(PAIR[::-1])
    assert not is_whole(PAIR[:1] * 2)
    assert not is_whole([*PAIR, of_group("a.third")])


@pytest.mark.parametrize(
    "changes",
    [
        {"group_id": "grp_2"},
        {"run": "run_2"},
        {"tenant": "globex"},
        {"principal": "somebody"},
        {"contract": "sha256:" + "1" * 64},
        {"source": "other"},
        {"ledger": "led_other"},
        {"workflow": "other"},
        {"group_of": OF[::-1]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_differs_in_more_than_its_change_is_of_another_group(changes: dict[str, Any]) -> None:
    assert not is_whole([PAIR[0], of_group("a.first", **changes)])
    assert not is_whole([of_group("a.first", **changes), PAIR[0]])


def test_a_group_is_applied_in_the_order_of_its_contract() -> None:
    assert in_order({p.id: p for p in PAIR[::-1]}) == ("wrp_a.second", "wrp_a.first")
    assert in_order({"wrp_1": proposal()}) == ("wrp_1",)


def test_what_is_missing_is_told_in_the_order_of_the_contract() -> None:
    assert missing(of_group("a.first"), []) == ("a.second",)
    assert missing(PAIR[0], [PAIR[1]]) == ()
    assert missing(proposal(), []) == ()


@pytest.mark.requirement("group:joined")
def test_proposals_of_a_group_are_about_different_rows() -> None:
    (member,) = PAIR[0].members
    other = replace(PAIR[1], members=(replace(member, key=(("id", "another"),)),))
    fits(PAIR[0], [other])
    with pytest.raises(Refusal, match="the same record"):
        fits(PAIR[0], [other, PAIR[1]])
    fits(PAIR[0], [replace(PAIR[1], relation="billing.others")])
