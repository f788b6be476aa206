"""Take a person's one-time code: counted before it is looked at, so that guessing comes to an end whoever guesses, and used once."""

from __future__ import annotations

import datetime as dt
from typing import Final

from synapsor.core.budget import Spending
from synapsor.core.moment import stamp
from synapsor.core.onetime import recognised
from synapsor.core.statements import CodeMethod, Operator, StepUp
from synapsor.errors import DecisionRefused
from synapsor.ports import ReviewLedger
from synapsor.refusals import Rule
from synapsor.values import digest

TRIES_A_DAY: Final = 30
"""Codes of one kind of one person that are looked at in one day (UTC), right or wrong: a guess has one chance in 10,000 a day.

Each kind is counted by itself, so that a client program with made-up codes for prompts keeps nobody from deciding in the console.
"""


def secret_of(operator: Operator) -> bytes:
    """Return what the codes of a person are made from; who has none is refused before they are asked for one.

    Raises:
        DecisionRefused: by rule `no_codes`.
    """
    if operator.code_secret is None:
        raise DecisionRefused(
            Rule.NO_CODES,
            f"{operator.name} has no one-time codes here, and this takes one.",
            fix=f"Have them set up with `synapsor operator codes {operator.name}`, in a file that synapsor.yaml names under `one_time_codes:`.",
        )
    return operator.code_secret


async def take_code(
    ledger: ReviewLedger, operator: Operator, given: str, *, method: CodeMethod, about: str, now: dt.datetime
) -> StepUp:
    """Return the code as it is recorded with a decision on a digest; that it was not used before, the ledger sees when it records it.

    Raises:
        DecisionRefused: by rule `code_missing`, `no_codes`, `too_many_codes` or `wrong_code`.
        LedgerFailure: the try cannot be counted.
    """
    what = "of your authenticator" if method == "totp" else "that `synapsor code` shows for this proposal"
    if not given:
        raise DecisionRefused(Rule.CODE_MISSING, "This approval takes a one-time code.", fix=f"Give the one {what}.")
    secret = secret_of(operator)
    today = now.astimezone(dt.UTC).date()
    spending = Spending(
        caller=digest("code", [operator.name, method]),
        variant="",
        day=today.isoformat(),
        before=(today - dt.timedelta(days=1)).isoformat(),
        calls=TRIES_A_DAY,
        variants=None,
    )
    if not await ledger.spend(spending):
        raise DecisionRefused(
            Rule.TOO_MANY_CODES,
            f"{operator.name} has given {TRIES_A_DAY} one-time codes of this kind today.",
            fix="Decide without one, or tomorrow; if it was not you, have your codes renewed.",
        )
    found = recognised(method, given.replace(" ", ""), secret, about, stamp(now))
    if found is None:
        raise DecisionRefused(Rule.WRONG_CODE, "The one-time code is not one of now.", fix=f"Give the one {what}.")
    return found
