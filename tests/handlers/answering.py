"""A handler in this process that answers as a test says, and keeps what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from synapsor.handler import Answer, read
from synapsor.handler.wire import Came
from synapsor.handler_ports import Heard, Reply

Told: TypeAlias = dict[str, Any]


class Answering:
    """Answers each document with the next of what it was given, and with the last one ever after."""

    name = "app"
    accepted_seconds = 3600.0

    def __init__(self, *answers: Callable[[bytes], Reply]) -> None:
        self.answers = list(answers)
        self.asked: list[Told] = []
        self.keys: list[str] = []

    async def ask(self, body: bytes, *, key: str) -> Reply:
        """Answer a document."""
        self.asked.append(json.loads(body))
        self.keys.append(key)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(body)

    @property
    def asks(self) -> list[str]:
        """What it was asked to do, one after the other."""
        return [document["ask"] for document in self.asked]


def said(came: str, code: str = "", detail: str = "", **more: Any) -> Callable[[bytes], Reply]:
    """Return what answers truly that this came of it."""
    return told(lambda answer: answer | more, came=came, code=code, detail=detail)


def accepted(again: int = 0) -> Callable[[bytes], Reply]:
    """Return what says that it will be done."""
    return said("accepted", ask_again_in=again)


def told(
    change: Callable[[Told], Told],
    *,
    came: str = "applied",
    code: str = "",
    detail: str = "",
    status: int | None = None,
) -> Callable[[bytes], Reply]:
    """Return what answers with a true answer that was changed."""

    def answer(body: bytes) -> Reply:
        made = Answer.of(read(body), Came(came), code, detail)
        document = change(json.loads(made.body()))
        return Reply(
            heard=Heard.ANSWERED,
            status=made.came.status if status is None else status,
            body=json.dumps(document).encode(),
        )

    return answer


def heard(what: Heard, *, wait: float = 0.0) -> Callable[[bytes], Reply]:
    """Return what answers nothing."""
    return lambda _: Reply(heard=what, wait=wait)


def raw(body: bytes, status: int | None = 200) -> Callable[[bytes], Reply]:
    """Return what answers with these bytes."""
    return lambda _: Reply(heard=Heard.ANSWERED, status=status, body=body)


def of_first(document: Told, **fields: Any) -> Told:
    """Return an answer whose first change has other fields."""
    first, *rest = document["changes"]
    return document | {"changes": [first | fields, *rest]}


def without(document: Told, names: Iterable[str]) -> Told:
    """Return an answer without some of its keys."""
    return {name: value for name, value in document.items() if name not in set(names)}
