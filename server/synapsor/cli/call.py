"""`synapsor call`: one capability through the same desk that serves a model, with its evidence and audit."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import Any

from synapsor import runtime
from synapsor.cli.given import pairs, parsed
from synapsor.cli.terminal import as_json, note
from synapsor.config import Config, load_config, session_values
from synapsor.contract.typed import typed
from synapsor.core.envelope import VERSION
from synapsor.core.scope import Session, lacking
from synapsor.errors import Code, UsageError
from synapsor.runtime import Project


def run(arguments: Namespace) -> int:
    """Call the capability, print its envelope and return what its outcome means."""
    given = _arguments(arguments.arg, arguments.args_json)
    config = load_config(arguments.config)
    envelope = asyncio.run(_call(config, arguments.capability, given, _session(config, arguments.session)))
    print(as_json({"schema": VERSION, **envelope}, indent=None if arguments.json else 2))
    return 0 if envelope["ok"] else Code(envelope["error"]["code"]).exit_code


async def _call(config: Config, capability: str, given: dict[str, Any], session: Session) -> dict[str, Any]:
    async with runtime.open_project(config) as project:
        desk = await project.desk()
        if capability not in desk.tools:
            raise UsageError("There is no such capability.", fix=f"Known here: {', '.join(sorted(desk.tools))}.")
        envelope = await desk.call(capability, typed(given, desk.tools[capability].input_schema), session)
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


def _arguments(given_pairs: list[str], document: str | None) -> dict[str, Any]:
    given: Any = {}
    if document is not None:
        given = parsed(document, "--args-json")
        if not isinstance(given, dict):
            raise UsageError("--args-json is not an object.", fix='Write it as {"invoice_id": "INV-1"}.')
    found = pairs(given_pairs, "--arg")
    if twice := set(given) & set(found):
        raise UsageError(f"{min(twice)} is given twice.", fix="Give it by --arg or in --args-json.")
    return {**given, **found}


def _session(config: Config, groups: list[str]) -> Session:
    values = (
        pairs((p for group in groups for p in group.split(",")), "--as") if groups else session_values(config.session)
    )
    if any(type(v) not in {str, int} for v in values.values()):
        raise UsageError(
            "--as takes text (NAME=…) and whole numbers (NAME:=…).", fix="Write it as --as tenant_id=acme,user=ann."
        )
    return Session(values=values, client="cli")  # each call is alone, so it is in no run
