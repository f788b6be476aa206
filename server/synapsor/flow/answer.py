"""An agent's answer to a question about its own proposal: checked like the arguments of any call, and kept as its own, untrusted words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synapsor import handles
from synapsor.core.evidence import Call
from synapsor.core.exchange import Answer, why_no_answer
from synapsor.errors import Code, Refusal

_NAMES = ("proposal_id", "question_id", "text")


def answered(arguments: Mapping[str, Any] | None) -> tuple[str, str, str]:
    """Return which question of which proposal is answered, and how.

    Raises:
        Refusal: `invalid_arguments`.
    """
    given = dict(arguments or {})
    if given.keys() != set(_NAMES):
        raise Refusal(Code.INVALID_ARGUMENTS, f"Exactly {', '.join(_NAMES)} are expected.")
    for name in _NAMES[:2]:
        if type(given[name]) is not str:
            raise Refusal(Code.INVALID_ARGUMENTS, f"{name}: one handle is expected.")
    if why := why_no_answer(given["text"]):
        raise Refusal(Code.INVALID_ARGUMENTS, f"text: {why}.")
    return given["proposal_id"], given["question_id"], given["text"]


def answer_of(proposal: str, question: str, text: str, call: Call) -> Answer:
    """Return an answer ready to be recorded."""
    return Answer(
        id=handles.new("ans"),
        question=question,
        proposal=proposal,
        text=text,
        client=call.client,
        run=call.run,
        at=call.at,
    )
