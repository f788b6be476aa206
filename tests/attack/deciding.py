"""Who decides in a project, as every place where people decide has it."""

from typing import Any

from synapsor.core.statements import Verdict
from synapsor.flow.decide import Deciding
from tests.attack.amending import signer_of
from tests.attack.shop import Shop


def deciding(shop: Shop, verdict: Verdict = "approve", who: str = "leo", **options: Any) -> Deciding:
    """Return a decision that an operator gives with their own key."""
    given: dict[str, Any] = {
        "verdict": verdict,
        "signer": signer_of(shop, who),
        "clock": shop.project.clock,
        "modes": shop.project.config.modes,
        "operators": lambda: shop.files.operators,
        **options,
    }
    return Deciding(**given)
