"""Looks at the rows of a proposal, as a reviewer has them taken before a decision."""

from typing import Any

from synapsor.core.proposal import Proposal
from synapsor.looking import SourceLooks
from tests.attack.shop import Shop


def looks(shop: Shop) -> SourceLooks:
    """Return what looks at the shop with its read credential."""
    return SourceLooks(project=shop.project, client="test")


async def asked(shop: Shop, name: str, **arguments: Any) -> Proposal:
    """Return a proposal that was filed."""
    return (await shop.record((await shop.proposed(name, arguments))["id"])).proposal
