"""`synapsor schema`: the JSON Schema of a contract, by which editors complete and check while it is written."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from synapsor.cli.terminal import answer, paragraph
from synapsor.contract.reference import contract_json_schema
from synapsor.errors import UsageError


def run(arguments: Namespace) -> int:
    """Print the schema, or write it, and return 0."""
    kind, schema = ("cases", _of_cases()) if arguments.cases else ("contract", contract_json_schema())
    text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    if arguments.write is None:
        answer(arguments, "schema", {kind: schema}, text)
        return 0
    _write(arguments.write, text, str(schema["title"]))
    line = f"# yaml-language-server: $schema={arguments.write.name}"
    told = f"{arguments.write} is written. Begin {_FILES[kind]} beside it with this line; elsewhere, with the way to it from there:\n{line}"
    answer(arguments, "schema", {"written": str(arguments.write)}, paragraph(told))
    return 0


_FILES = {"contract": "a contract", "cases": "a file of cases"}


def _of_cases() -> dict[str, Any]:
    from synapsor.testing.cases import cases_json_schema  # heavy: what runs them

    return cases_json_schema()


def _write(file: Path, text: str, title: str) -> None:
    """Write the file, but over nothing else than an earlier schema."""
    try:
        if file.exists() and not _is_schema(json.loads(file.read_bytes()), title):
            raise UsageError("This file is something else than such a schema.", fix="Name another file.")
        file.write_text(text, encoding="utf-8")
    except ValueError:
        raise UsageError("This file is something else than such a schema.", fix="Name another file.") from None
    except OSError as error:
        raise UsageError(f"The file cannot be written: {error.strerror}.", fix="Name another file.") from None


def _is_schema(found: Any, title: str) -> bool:
    return isinstance(found, dict) and found.get("title") == title
