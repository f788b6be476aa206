"""`synapsor call`: one capability through the same desk that serves a model, with its evidence and audit."""

from __future__ import annotations

import asyncio
import json
import re
from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Any

from synapsor import runtime
from synapsor.cli.terminal import as_json, note
from synapsor.config import Config, load_config, session_values
from synapsor.core.envelope import VERSION
from synapsor.core.scope import Session, lacking
from synapsor.errors import Code, UsageError
from synapsor.runtime import Project

EXIT_CODES = {
    Code.INVALID_ARGUMENTS.value: 2,
    Code.SCHEMA_DRIFT.value: 3,
    Code.NOT_ACTIVATED.value: 5,
    Code.SOURCE_UNAVAILABLE.value: 4,
    Code.EVIDENCE_UNAVAILABLE.value: 4,
    Code.TIMEOUT.value: 4,
    Code.BUSY.value: 4,
}
_PAIR = re.compile(r"([a-z][a-z0-9_]{0,62})(:?=)(.*)", re.DOTALL)


def run(arguments: Namespace) -> int:
    """Call the capability, print its envelope and return what its outcome means."""
    given = _arguments(arguments.arg, arguments.args_json)
    config = load_config(arguments.config)
    envelope = asyncio.run(_call(config, arguments.capability, given, _session(config, arguments.session)))
    print(as_json({"schema": VERSION, **envelope}, indent=None if arguments.json else 2))
    return 0 if envelope["ok"] else EXIT_CODES.get(envelope["error"]["code"], 1)


async def _call(config: Config, capability: str, given: dict[str, Any], session: Session) -> dict[str, Any]:
    async with runtime.open_project(config) as project:
        desk = await project.desk()
        if capability not in desk.tools:
            raise UsageError("There is no such capability.", fix=f"Known here: {', '.join(sorted(desk.tools))}.")
        envelope = await desk.call(capability, _typed(given, desk.tools[capability].input_schema), session)
        if not envelope["ok"] and envelope["error"]["code"] == Code.SCOPE_UNAVAILABLE.value:
            _tell_lacking(project, capability, session)
        return envelope


def _tell_lacking(project: Project, name: str, session: Session) -> None:
    """Name the session values that are missing; a model is not told, but who configures the session has to know."""
    for contract in (loaded.contract for loaded in project.contracts() if name in loaded.contract.capabilities):
        capability = contract.capabilities[name]
        missing = lacking(session, contract.context_of(capability), contract.tables_of(capability).values())
        if missing:
            note(f"synapsor: the session lacks {', '.join(missing)}", indent=2)
            example = ",".join(f"{value}=…" for value in missing)
            note(f"  fix: Add {example} to --as, which stands for the whole session, or to `session:`.", indent=7)


def _typed(given: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Read a text as JSON where the capability takes a number or a truth: a shell has only texts. A model's call has types and stays as it is."""
    kinds = {name: rule.get("type") for name, rule in schema["properties"].items()}
    return {
        n: _loose(v) if isinstance(v, str) and kinds.get(n) not in {None, "string"} else v for n, v in given.items()
    }


def _loose(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _arguments(pairs: list[str], document: str | None) -> dict[str, Any]:
    given: Any = {}
    if document is not None:
        given = _json(document, "--args-json")
        if not isinstance(given, dict):
            raise UsageError("--args-json is not an object.", fix='Write it as {"invoice_id": "INV-1"}.')
    found = _pairs(pairs, "--arg")
    if twice := set(given) & set(found):
        raise UsageError(f"{min(twice)} is given twice.", fix="Give it by --arg or in --args-json.")
    return {**given, **found}


def _session(config: Config, pairs: list[str]) -> Session:
    values = (
        _pairs((p for group in pairs for p in group.split(",")), "--as") if pairs else session_values(config.session)
    )
    if any(type(v) not in {str, int} for v in values.values()):
        raise UsageError(
            "--as takes text (NAME=…) and whole numbers (NAME:=…).", fix="Write it as --as tenant_id=acme,user=ann."
        )
    return Session(values=values, client="cli")  # each call is alone, so it is in no run


def _pairs(pairs: Iterable[str], option: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs:
        parts = _PAIR.fullmatch(pair)
        if parts is None or parts[1] in found:
            raise UsageError(
                f"{option} takes NAME=TEXT or NAME:=JSON, each name once.", fix=f"Write it as {option} name=value."
            )
        found[parts[1]] = parts[3] if parts[2] == "=" else _json(parts[3], option)
    return found


def _json(text: str, option: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_no_twins)
    except (ValueError, RecursionError):
        raise UsageError(
            f"{option} is not valid JSON, or a key stands in it twice.", fix="Quote it for the shell: '{\"cents\": 5}'."
        ) from None


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands here twice")
    return found
