"""The mutants of `mutants.py`, by the room of the guard that each breaks."""

from scripts.mutant_table import (
    approve,
    attack,
    cli,
    config,
    contract,
    core,
    doubt,
    examine,
    executors,
    flow,
    ledger,
    notify,
    outbox,
    rest,
    serve,
    sources,
    sql,
    steering,
    testing,
    web,
    work,
)
from scripts.mutant_table.mutant import Mutant

__all__ = ["MUTANTS", "Mutant"]

MUTANTS = (
    *approve.MUTANTS,
    *attack.MUTANTS,
    *cli.MUTANTS,
    *config.MUTANTS,
    *contract.MUTANTS,
    *core.MUTANTS,
    *doubt.MUTANTS,
    *examine.MUTANTS,
    *executors.MUTANTS,
    *flow.MUTANTS,
    *ledger.MUTANTS,
    *notify.MUTANTS,
    *outbox.MUTANTS,
    *rest.MUTANTS,
    *serve.MUTANTS,
    *sources.MUTANTS,
    *sql.MUTANTS,
    *steering.MUTANTS,
    *testing.MUTANTS,
    *web.MUTANTS,
    *work.MUTANTS,
)
