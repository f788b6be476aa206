"""`synapsor explain`: capabilities in plain words; for an operator also their statements, and what their source expects of them."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from synapsor import runtime
from synapsor.cli.terminal import answer, width
from synapsor.cli.words import LABEL, labelled, words_of
from synapsor.config import Config, load_config, session_values
from synapsor.contract.load import LoadedContract
from synapsor.contract.model import Contract
from synapsor.contract.telling import told
from synapsor.core.plan import ROW, Relation
from synapsor.core.words import many
from synapsor.errors import ConfigError, Failure, SourceFailure, UsageError
from synapsor.flow.statements import expected, statements
from synapsor.runtime import Project
from synapsor.sql.statement import Dialect
from synapsor.values import ValueUnfit

_DIALECTS: dict[str, Dialect] = {"postgres": "postgres", "mariadb": "mysql", "mysql": "mysql", "sqlite": "sqlite"}
_MAY_NOT = (
    "the read credential may not ask for it: MariaDB and MySQL also want SHOW VIEW, and SELECT on what is behind a view"
)


def run(arguments: Namespace) -> int:
    """Explain and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    async with runtime.open_project(load_config(arguments.config)) as project:
        chosen = _chosen(project.contracts(), arguments.capabilities)
        entries = [_entry(project.config, contract, name) for contract, name in chosen]
        if arguments.plan:
            for entry, (contract, name) in zip(entries, chosen, strict=True):
                entry["plan"] = await _plan(project, contract, name)
    text = "\n\n".join("\n".join(_lines(entry, sql=arguments.sql, wide=width())) for entry in entries)
    answer(arguments, "explain", {"capabilities": entries}, text)
    return 0


def _chosen(contracts: tuple[LoadedContract, ...], names: list[str]) -> list[tuple[Contract, str]]:
    known = {name: loaded.contract for loaded in contracts for name in loaded.contract.capabilities}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(
            f"There is no capability {unknown[0]} in this project.", fix=f"Known here: {', '.join(sorted(known))}."
        )
    return [(known[name], name) for name in dict.fromkeys(names or known)]


def _entry(config: Config, contract: Contract, name: str) -> dict[str, Any]:
    capability = contract.capabilities[name]
    table = contract.table_of(capability)
    engine = config.sources[table.source].engine
    return {
        "capability": name,
        "contract": contract.contract,
        "description": capability.description,
        "told": {section.label: list(section.sentences) for section in told(contract, name)},
        "source": {"name": table.source, "engine": engine, "relation": table.relation, "write_to": table.write_to},
        "sql": [{"for": s.purpose, "text": s.text} for s in statements(contract, name, _DIALECTS[engine])],
    }


async def _plan(project: Project, contract: Contract, name: str) -> dict[str, Any]:
    table = contract.table_of(contract.capabilities[name])
    tenant = _tenant(project.config, contract, name)
    try:
        found = await expected(contract, name, project.reader(table.source), tenant)
    except SourceFailure as failed:
        if failed.kind not in {Failure.DENIED, Failure.DRIFT}:
            raise
        return {"problem": _MAY_NOT if failed.kind is Failure.DENIED else "the table is not what the contract says"}
    except ValueUnfit as unfit:
        return {"problem": str(unfit)}
    own = Relation.parse(table.relation).name  # some engines know it only by its name in the statement
    return {
        "cost": found.cost,
        "rows": found.rows,
        "full_scans": [own if scanned == ROW else scanned for scanned in found.scans],
        "indexes": list(found.indexes),
    }


def _tenant(config: Config, contract: Contract, name: str) -> str | None:
    """Return the configured session's tenant, for which the estimate is then made; it is not shown."""
    try:
        values = session_values(config.session)
    except ConfigError:
        return None
    context = contract.context_of(contract.capabilities[name])
    value = values.get(context.tenant.removeprefix("session."))
    return None if value is None else str(value)


def _lines(entry: dict[str, Any], *, sql: bool, wide: int) -> Iterator[str]:
    yield from words_of(entry["capability"], entry["description"], entry["told"], wide)
    source = entry["source"]
    if "plan" in entry:
        yield from labelled(_expected(entry["plan"]), f"  {'plan':<{LABEL}}", wide)
    if sql:
        written = f", applied to {source['write_to']}" if source["write_to"] else ""
        yield from labelled(
            f"{source['name']} ({source['engine']}): {source['relation']}{written}", f"  {'source':<{LABEL}}", wide
        )
        for statement in entry["sql"]:
            yield f"  SQL of {statement['for']}; every value is bound"
            yield from labelled(statement["text"], "    ", wide)


def _expected(plan: dict[str, Any]) -> str:
    if "problem" in plan:
        return f"not told: {plan['problem']}."
    cost = [] if plan["cost"] is None else [f"cost {plan['cost']:g}"]
    rows = [] if plan["rows"] is None else [f"about {many(plan['rows'], 'row')}"]
    served = [f"served by {', '.join(plan['indexes'])}"] if plan["indexes"] else []
    scans = [f"FULL SCAN of {', '.join(plan['full_scans'])}"] if plan["full_scans"] else []
    return "; ".join([*cost, *rows, *served, *scans]) + "."
