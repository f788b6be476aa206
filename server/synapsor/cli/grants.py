"""`synapsor grants`: the least-privilege SQL for reader, writer and receipts, for the owner of a source to run; no database is asked."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Final

from synapsor import runtime
from synapsor.cli.credentials import READER, WRITER, role_of
from synapsor.cli.terminal import answer, note
from synapsor.config import SourceConfig, load_config
from synapsor.contract.load import load_all
from synapsor.core.plan import Relation
from synapsor.errors import UsageError
from synapsor.values import ValueUnfit

if TYPE_CHECKING:
    from synapsor.contract.model import Contract

_ALL: Final = ("reader", "writer", "receipts")
_PROCESSES: Final = 4
"""So many processes with a pool of their own may hold one credential at a time."""


def run(arguments: Namespace) -> int:
    """Print the scripts, and return 0."""
    if arguments.role and not arguments.whom:
        raise UsageError(
            "--role needs --for: reader and writer are two roles.", fix="Add --for reader or --for writer."
        )
    config = load_config(arguments.config)
    if arguments.source and arguments.source not in config.sources:
        raise UsageError("There is no such source.", fix=f"Known here: {', '.join(config.sources)}.")
    loaded = tuple(load_all(config.policies))
    runtime.check_sources(config, loaded)
    contracts = [each.contract for each in loaded]
    scripts: dict[str, dict[str, str]] = {}
    for name, source in config.sources.items():
        if arguments.source in {None, name}:
            scripts[name] = _scripts(name, source, contracts, arguments)
    text = (f"-- source {name}: {whom}\n{script}" for name, each in scripts.items() for whom, script in each.items())
    answer(arguments, "grants", {"scripts": scripts}, "\n".join(text))
    return 0


def _scripts(name: str, source: SourceConfig, contracts: list[Contract], arguments: Namespace) -> dict[str, str]:
    wanted = (arguments.whom,) if arguments.whom else _ALL
    try:
        return {whom: _script(whom, name, source, contracts, arguments) for whom in wanted}
    except ValueUnfit:
        raise UsageError(
            "The role's or the host's name is not plain.",
            fix="Name it with --role and --host: letters, digits and underscores.",
        ) from None


def _script(whom: str, name: str, source: SourceConfig, contracts: list[Contract], arguments: Namespace) -> str:
    """Return one script; where its role is a guess, it says so first."""
    guess, ref = (READER, source.read) if whom == "reader" else (WRITER, source.write)
    known = arguments.role or role_of(ref)
    script = _of(whom, name, source, contracts, role=known or guess, host=arguments.host or "%")
    if known or not source.has_roles or "GRANT" not in script:
        return script
    told = f"the role {guess} is a guess; name its own with --for {whom} --role NAME"
    note(f"synapsor: source {name}: {told}")
    return f"-- Look first: {told}.\n{script}"


def _of(whom: str, name: str, source: SourceConfig, contracts: list[Contract], *, role: str, host: str) -> str:
    from synapsor.core.grants import reader_grants, writer_grants
    from synapsor.sql.grants import Account, grants_script
    from synapsor.sql.receipts import receipts_ddl  # heavy: the SQL compiler

    if whom == "receipts":
        if source.receipts_table is None:
            return _without_table(source)
        return receipts_ddl(Relation.parse(source.receipts_table), source.dialect, worker=role, host=host)
    most = _PROCESSES * source.pool.size
    if whom == "reader":
        grants = tuple(reader_grants(contracts, name, show_view=source.dialect == "mysql"))
        return grants_script(grants, Account(who="reader", role=role, host=host, connections=most), source.dialect)
    grants = tuple(writer_grants(contracts, name, update_to_hold=source.dialect == "postgres"))
    if not grants:
        return "-- No contract asks the worker for a change of this source, so nobody needs a credential that writes.\n"
    return grants_script(grants, Account(who="writer", role=role, host=host, connections=most), source.dialect)


def _without_table(source: SourceConfig) -> str:
    """Return why a source needs no table of receipts."""
    if source.receipts is not None:
        return "-- This source keeps its receipts in the ledger, which needs nothing here.\n"
    if source.mode == "writeback":
        return "-- Applications carry out every change of this source, and keep its receipts in a table of their own.\n"
    return "-- This source names no receipts; without `receipts: schema.table` nothing is applied to it.\n"
