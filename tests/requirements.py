"""The promises, each with a stable id, one sentence and its source; `test_requirements.py` compares them with the tests both ways."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Requirement:
    """One promise.

    Attributes:
        sentence: what holds.
        source: the law of the house, or the numbered promise of the threat model, that it comes from.
    """

    sentence: str
    source: str


_R = Requirement
REQUIREMENTS: dict[str, Requirement] = {
    "apply:exactly-once": _R("An approved change takes effect once, whatever is killed or paused in between.", "law 4, R1"),
    "apply:none-lost": _R("Every approved proposal reaches its end.", "R2"),
    "apply:none-unapproved": _R("No change takes effect without a valid signature over its digest.", "law 5, S8"),
    "apply:outcome-true": _R("A reported outcome is what happened in the source.", "R1, R3, R4"),
    "apply:stale-conflicts": _R("A row that moved on after the proposal is not overwritten.", "R6"),
    "apply:tenant": _R("No change reaches a row of another tenant.", "law 4, S4"),
    "apply:verdict-fenced": _R("A reported conflict stays one, even when a paused worker wakes up later.", "decision 0004"),
    "approval:another-person": _R("Nobody decides on their own request, under no spelling of their name.", "law 5, E03"),
    "approval:in-time": _R("An approval counts only before it expires.", "law 5, E05"),
    "approval:once": _R("A proposal is decided once.", "law 5, S8"),
    "approval:one-digest": _R("An approval is good for exactly the digest it signs.", "law 5, E01"),
    "approval:trusted-key": _R("Only a signature of a trusted, unrevoked key in the right role counts.", "law 5, S8"),
    "cli:demo": _R("`synapsor demo` plays the whole way and checks every step of it.", "DESIGN 7"),
    "config:strict": _R("An unknown or ambiguous configuration key stops the program with exit code 2.", "law 10"),
    "contract:arguments:no-authority": _R("No argument can carry tenant, principal, SQL, approval or a credential.", "law 1"),
    "contract:load:strict": _R("A contract that is not fully understood is refused, with every problem at once.", "law 10"),
    "contract:load:visible": _R("A contract holds no character that a reviewer cannot see.", "S11, H04"),
    "contract:rules:documented": _R("Every check rule is documented.", "DESIGN 6"),
    "ledger:evidence-whole": _R("Audit and evidence of a call are recorded together or not at all.", "law 2, R8"),
    "read:tenant": _R("Another tenant's row looks exactly like a row that does not exist.", "law 2, S4"),
    "secrets:never-shown": _R("No secret stands in any error, log, representation or traceback.", "law 8, S7"),
    "straight-line:whole": _R("An agent reads and proposes, a person decides, a worker applies, and all of it is on record.", "DESIGN 4"),
}
