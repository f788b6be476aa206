"""A YAML file of ours as a strict model: unknown keys, duplicate keys and YAML tricks stop the program, all problems at once."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from synapsor.config.fields import ContractDigest, Finding, Loc, TokenHash
from synapsor.config.links import Link
from synapsor.config.sources import ReceiptsPlace
from synapsor.contract.base import CapabilityName, Name
from synapsor.contract.document import Document, Positions, hidden_characters, read_document
from synapsor.errors import ConfigError, Problem

MAX_FILE_BYTES = 1_048_576
M = TypeVar("M", bound=BaseModel)


def read_yaml(file: Path) -> Document:
    """Return a file's data with the places of its parts and the problems of its YAML.

    Raises:
        ConfigError: the file cannot be read, or everybody may write it.
    """
    return as_document(read_text(file), file.name)


def read_text(file: Path) -> str:
    """Return what stands in a file that nobody but its owner and group may write.

    Raises:
        ConfigError: the file cannot be read, or everybody may write it.
    """
    trouble = ""
    try:
        with file.open("rb") as stream:
            open_to_all = os.fstat(stream.fileno()).st_mode & 0o002
            text = stream.read(MAX_FILE_BYTES + 1).decode()
    except OSError as error:
        trouble = os.strerror(error.errno or 0).lower()
    except UnicodeDecodeError:
        trouble = "it is not UTF-8 text"
    if trouble:
        raise ConfigError(f"{file.name} cannot be read: {trouble}.", fix=f"Look at {file}.")
    if open_to_all:
        raise ConfigError(f"Everybody may write {file.name}, so it cannot be trusted.", fix=f"chmod o-w {file}")
    if len(text) > MAX_FILE_BYTES:
        raise ConfigError(f"{file.name} is larger than {MAX_FILE_BYTES} bytes.", fix=f"Look at {file}.")
    return text


def as_document(text: str, name: str) -> Document:
    """Return the data of a text with the places of its parts and the problems of its YAML; `name` is its file's."""
    document = read_document(text, name)
    return replace(document, problems=[*hidden_characters(text, name), *document.problems])


def validated(
    model: type[M], document: Document, context: Mapping[str, Any] | None = None
) -> tuple[M | None, list[Problem]]:
    """Return the model of a document, or None, and every problem that was found."""
    if document.data is None:
        return None, document.problems
    try:
        return model.model_validate(document.data, context=context), document.problems
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return None, [*document.problems, *(_problem(model, document.positions, detail) for detail in found)]


def refuse(file: Path, problems: list[Problem]) -> NoReturn:
    """Raise the problems of a file.

    Raises:
        ConfigError: always.
    """
    raise ConfigError("\n".join(str(p) for p in sorted(problems)), fix=f"Mend the listed problems in {file.name}.")


def _problem(model: type[BaseModel], positions: Positions, detail: ErrorDetails) -> Problem:
    loc: Loc = tuple(part for part in detail["loc"] if part != "[key]")
    rule, message, fix = detail["type"], detail["msg"], str(detail.get("ctx", {}).get("fix", ""))
    if rule == "extra_forbidden":
        rule, message, fix = "unknown_key", "this key is not known", _did_you_mean(model, loc)
    elif rule == "missing":
        return place(positions, (loc[:-1], "missing_key", f"`{loc[-1]}` is missing", ""))
    elif rule == "string_pattern_mismatch":
        message = _FORMS.get(detail.get("ctx", {}).get("pattern", ""), message)
    return place(positions, (loc, rule, message, fix))


def place(positions: Positions, finding: Finding) -> Problem:
    """Return a contradiction as a problem with its line."""
    loc, rule, message, fix = finding
    # A key is repeated only when it looks like one: what was pasted in its place may be a secret.
    shown = ".".join(str(part) for part in loc if isinstance(part, int) or _KEY.fullmatch(part))
    return positions.at_key(loc, rule, f"{shown}: {message}" if shown else message, fix)


_FORMS = {
    get_args(form)[1].pattern: words
    for form, words in (
        (Name, "this must be a plain name: lower-case letters, digits and underscores, a letter first"),
        (ReceiptsPlace, "this must be `schema.name`, such as billing.synapsor_receipts, or `ledger`"),
        (ContractDigest, "this must be the digest of a contract, as `synapsor check --json` tells it"),
        (CapabilityName, "this must be the name of a capability, such as billing.propose_note"),
        (Link, "this must be a plain link: https://… or http://localhost…, without a user, a query or a fragment"),
        (TokenHash, "this must be 64 hexadecimal digits in lower case, as `synapsor token new` prints them"),
    )
}
"""What a form is in words, by the pattern that a value did not match."""
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,40}")


def _did_you_mean(root: type[BaseModel], loc: Loc) -> str:
    model: type[BaseModel] | None = root
    for part in loc[:-1]:
        # A part that is no field is a name or an index in a collection of this same model.
        fields = model.model_fields if model else {}
        model = next((_inner_model(f.annotation) for n, f in fields.items() if part == (f.alias or n)), model)
    known = [f.alias or name for name, f in model.model_fields.items()] if model else []
    close = difflib.get_close_matches(str(loc[-1]), known, n=1)
    return f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(known)}."


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _inner_model(part))), None)
