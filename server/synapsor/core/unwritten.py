"""A source that the worker does not write: applications carry out every change of it, and nobody holds a credential that writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from synapsor.contract.model import Contract
from synapsor.core.facts import Finding
from synapsor.core.needs import by_application, by_worker
from synapsor.errors import ConfigError


def judge_unwritten(contracts: Iterable[Contract], source: str) -> Iterator[Finding]:
    """Yield what is so of a source without a write credential: that nothing is proven of one, or that contracts ask for one."""
    reviewed = tuple(contracts)
    if direct := by_worker(reviewed, source):
        yield Finding(
            rule="writer_missing",
            message=f"No executor carries out {direct[0]}, and there is no `write` by which the worker could.",
            fix="Add `write` and `receipts` to the source, or name an `executor` in the contract.",
        )
        return
    yield Finding(
        rule="no_writer",
        message="There is no `write`, so that nothing is proven of a writer: applications carry out every change and keep the receipts.",
        fix="Nothing, if that is what was reviewed.",
        fatal=False,
    )


def refuse_unwritten(contracts: Iterable[Contract], source: str) -> None:
    """Let no project go on whose contracts ask the worker for changes of a source that it cannot write.

    Raises:
        ConfigError: the first of them.
    """
    for finding in judge_unwritten(contracts, source):
        if finding.fatal:
            raise ConfigError(f"Source {source}: {finding.message}", fix=finding.fix)


def judge_idle(contracts: Iterable[Contract], source: str) -> Iterator[Finding]:
    """Yield that a write credential is not needed, where applications carry out every change that is asked for."""
    reviewed = tuple(contracts)
    if by_application(reviewed, source) and not by_worker(reviewed, source):
        yield Finding(
            rule="writer_needless",
            message="Applications carry out every change, and there is a credential that writes all the same.",
            fix="Remove `write` and `receipts` of the source once no older job waits for them.",
            fatal=False,
        )
