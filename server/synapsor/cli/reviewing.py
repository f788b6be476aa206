"""What a person is shown of a contract before they sign it: in the words of `explain` what it grants, and in those of `diff` what is new.

A capability that says the same as in the active version is only named, so that what changed is not lost in what did not.
"""

from __future__ import annotations

from collections.abc import Iterator

from synapsor.cli.diff import render
from synapsor.cli.terminal import confirm_digest, note, width
from synapsor.cli.versions import Version, active_version
from synapsor.cli.words import labelled, words_of
from synapsor.contract.approval import LEVELS
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.deciding import policies, workflows
from synapsor.contract.difference import differences
from synapsor.contract.mapping import SingleTenant, Table
from synapsor.contract.model import Contract
from synapsor.contract.plainly import comparisons, guarded
from synapsor.contract.telling import told
from synapsor.core.words import many
from synapsor.errors import IntegrityError
from synapsor.runtime import Project


async def comparable(project: Project, contract: str) -> Version | None:
    """Return the version that is active now, if there is one and it is proven to be what was signed."""
    if not project.config.ledger.exists():
        return None
    try:
        await (await project.ledger()).follow()
        return await active_version(project, contract)
    except IntegrityError as invalid:
        note(f"{contract} is not compared with the active version. {invalid.message}")
        return None


def confirm(version: Version, active: Version | None) -> None:
    """Show a person what they are about to sign beside what is active now, and have them type the digest.

    Raises:
        UsageError: they typed something else, or nobody is there.
    """
    note("\n".join(("", *card(version, active, width()))))
    confirm_digest(version.digest, verb="activate", otherwise="Read it, then run again with --yes.")


def card(version: Version, active: Version | None, wide: int) -> Iterator[str]:
    """Yield what is signed, and last what of it is new, next to the question."""
    contract = version.contract
    yield from labelled(f"{contract.contract}, from {version.named}", "Contract ", wide)
    yield from labelled(_counted(contract), "  ", wide)
    for name, table in contract.tables.items():
        yield ""
        yield f"table {name}"
        yield from _table(table, wide)
    same = [name for name in contract.capabilities if active and _same(contract, active.contract, name)]
    for name, capability in contract.capabilities.items():
        if name not in same:
            yield ""
            sections = {section.label: section.sentences for section in told(contract, name)}
            yield from words_of(name, capability.description, sections, wide)
    if same:
        yield ""
        yield from labelled(f"{', '.join(same)}. `synapsor explain` tells them in full.", "As they were: ", wide)
    if lines := (*policies(contract), *workflows(contract)):
        yield ""
        for line in lines:
            yield from labelled(line.strip(), "    " if line.startswith(" ") else "", wide)
    yield ""
    if active is None:
        yield "There is nothing to compare it with: read all of it as new."
    else:
        yield render(active, version, differences(active.contract, contract), width=wide)
        yield ""
    yield f"digest {version.digest}"  # the last of several, next to the question for it
    yield ""


def _counted(contract: Contract) -> str:
    asking = [c for c in contract.capabilities.values() if isinstance(c, ProposeCapability)]
    reading = len(contract.capabilities) - len(asking)
    reads = many(reading, "capability reads", "capabilities read")
    if not asking:
        return f"{reads}, and none asks for a change."
    roles = sorted({c.approval.at(level).role for c in asking for level in LEVELS})
    rules = sorted({c.approval.policy for c in asking if c.approval.policy})
    allowed = f", and without a person, where the project allows that: {', '.join(rules)}" if rules else ""
    asks = f"{len(asking)} {'asks' if len(asking) == 1 else 'ask'}"
    return f"{reads}, {asks} for a change. Who may approve: {', '.join(roles)}{allowed}."


def _table(table: Table, wide: int) -> Iterator[str]:
    tenant = table.tenant
    rows = (
        f"everybody's, because: {tenant.because}" if isinstance(tenant, SingleTenant) else f"one tenant's, by {tenant}"
    )
    said = {
        "is": f"{table.relation} of the source {table.source}"
        + (f", changed in {table.write_to}" if table.write_to else ""),
        "rows": "; ".join(
            [rows, *([f"one person's, by {table.principal}"] if table.principal else []), *comparisons(table.only)]
        ),
        "may be seen": ", ".join(table.allowed),
        "denied": ", ".join(sorted(set(table.columns) - set(table.allowed))) or "none named",
    }
    for label, text in said.items():
        yield from labelled(text, f"  {label:<13}", wide)
    for line in guarded(table):
        yield from labelled(line, " " * 15, wide)


def _same(contract: Contract, before: Contract, name: str) -> bool:
    if name not in before.capabilities:
        return False
    one, other = before.capabilities[name], contract.capabilities[name]
    return one == other and told(before, name) == told(contract, name)
