"""A public contract from its text to a contract of ours: read, judged, translated, each finding as a problem with its line."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from synapsor.contract.document import printable
from synapsor.contract.model import Contract
from synapsor.contract.public.document import KIND, Verdict, validate
from synapsor.contract.public.text import Text, read_json
from synapsor.contract.public.translate import Translation, translate
from synapsor.contract.public.types import Types
from synapsor.contract.public.words import Said
from synapsor.errors import Problem

_OPENING: Final = re.compile(r"\s*\{")
_MARK: Final = re.compile(r'"spec_version"\s*:|"kind"\s*:\s*"' + KIND)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicReading:
    """What became of a text; `translation` is there when the document is in order."""

    text: Text
    verdict: Verdict
    translation: Translation | None

    @property
    def valid(self) -> bool:
        """It is one document of the format, and in order."""
        return not self.text.faults and self.verdict.ok

    def problems(self, file: str) -> tuple[Problem, ...]:
        """Return everything that keeps it from being served, at its lines."""
        found = [Problem(file, f.line, f.column, f.rule, f.message) for f in self.text.faults]
        if not found:
            found += [self._problem(file, issue.path, issue.code, issue.message) for issue in self.verdict.errors]
        if self.translation is not None:
            found += [self._refusal(file, said) for said in self.translation.refused]
        return tuple(found)

    def _problem(self, file: str, path: str, rule: str, message: str) -> Problem:
        return Problem(file, *self.text.place(path), rule, printable(f"{path}: {message}"))

    def _refusal(self, file: str, said: Said) -> Problem:
        return self._problem(file, said.path, said.word, said.message)

    def contract(self) -> Contract | None:
        """Return the contract of ours, when all of the document can be honoured."""
        good = self.valid and self.translation is not None and self.translation.ok
        return Contract.model_validate(self.translation.data) if good and self.translation is not None else None


def is_public(text: str) -> bool:
    """Tell whether a text is meant as a public contract; one of ours may be written as JSON, too."""
    if not _OPENING.match(text) or not _MARK.search(text):
        return False
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return True
    return isinstance(data, dict) and "synapsor" not in data


def read_public(text: str, types: Types, *, name: str) -> PublicReading:
    """Return what became of a text; `name` is the contract's, when the document has none."""
    read = read_json(text)
    verdict = validate(read.data) if not read.faults else Verdict((), ())
    good = not read.faults and verdict.ok
    translation = translate(read.data, types, name=name) if good else None
    return PublicReading(text=read, verdict=verdict, translation=translation)
