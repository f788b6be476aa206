"""Row security as a mapping asks for it: the settings of one transaction, and the proof that the database's policies read them.

The tenant filter of every statement stands all the same; this is the database's own second opinion.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import TypeAlias

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.contract.mapping import RowSecurity, Table
from synapsor.core.facts import Finding, Policy, RelationFacts, TableSecurity
from synapsor.core.scope import Scope

Settings: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values that hold for one transaction."""

READS = ("select",)
HOLDS = ("select", "update")
"""What a row that is only locked is judged by."""
CHANGES = {
    Operation.UPDATE: ("select", "update"),
    Operation.INSERT: ("select", "insert"),
    Operation.DELETE: ("select", "delete"),
}


def verbs_of(capability: ProposeCapability) -> tuple[str, ...]:
    """Return the verbs that changes of a capability take, and undos of them."""
    verbs = CHANGES[capability.operation]
    return tuple(dict.fromkeys((*verbs, *CHANGES[Operation.DELETE]))) if capability.removes else verbs


def settings_of(relied_on: Iterable[RowSecurity], scope: Scope) -> Settings:
    """Return what the policies are told of who asks; without a tenant the setting is empty, which no policy may take for one."""
    told = [p for said in relied_on for p in ((said.tenant, scope.tenant or ""), (said.principal, scope.principal))]
    return tuple(dict.fromkeys((name, value) for name, value in told if name is not None))


def relied_on(*tables: Table) -> tuple[RowSecurity, ...]:
    """Return what the policies of some tables are to be told, each once."""
    return tuple(dict.fromkeys(t.row_security for t in tables if t.row_security is not None))


def judge_row_security(table: Table, facts: RelationFacts | None, verbs: Collection[str]) -> Iterator[Finding]:
    """Yield why the policies of a mapping that relies on row security do not hold for a credential and these verbs."""
    if table.row_security is None or facts is None:
        return
    if not facts.row_security:
        yield _found("row_security_unsupported", f"{facts.relation} has no row security in this database.", "")
        return
    for held in facts.row_security:
        yield from _judge_table(held, table.row_security, verbs)


def _judge_table(held: TableSecurity, said: RowSecurity, verbs: Collection[str]) -> Iterator[Finding]:
    name = held.relation
    if not held.enabled:
        yield _found(
            "row_security_off", f"{name} has no row security.", f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;"
        )
    if not held.forced:
        yield _found(
            "row_security_not_forced",
            f"The row security of {name} does not bind its owner.",
            f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY;",
        )
    if held.owned:
        message = f"The credential is, or may become, the owner of {name}, who can switch its row security off."
        yield _found("row_security_owned", message, "Let another role own it.")
    if not held.invoked:
        message = f"{name} is read through a view with its owner's rights, so its policies do not bind the reader."
        yield _found("row_security_view", message, "Set security_invoker on every view before it.")
    for verb in verbs:
        for setting in said.settings:
            if not _names(held, verb, setting):
                message = (
                    f"The policies of {name} for {verb.upper()} do not all compare with current_setting('{setting}')."
                )
                yield _found(
                    "row_security_policy", message, "Name it in every permissive policy, or in one restrictive one."
                )


def _names(held: TableSecurity, verb: str, setting: str) -> bool:
    """Tell whether every row that a policy lets through was compared with a setting, as far as its text shows."""
    meant = [policy for policy in held.policies if verb in policy.verbs]
    permissive = [policy for policy in meant if policy.permissive]
    if not any(policy.binds for policy in permissive):
        return False
    restrictive = [policy for policy in meant if not policy.permissive and policy.binds]
    return any(_reads(p, verb, setting) for p in restrictive) or all(_reads(p, verb, setting) for p in permissive)


def _reads(policy: Policy, verb: str, setting: str) -> bool:
    asked = re.compile(rf"\bcurrent_setting\('{re.escape(setting)}'")
    # Without a check of its own, what is written is compared by what is read.
    checked = policy.check or policy.using
    said = {
        "select": (policy.using,),
        "delete": (policy.using,),
        "insert": (checked,),
        "update": (policy.using, checked),
    }
    return all(asked.search(text) for text in said[verb])


def _found(rule: str, message: str, fix: str) -> Finding:
    return Finding(rule=rule, message=message, fix=fix or "Remove `row_security`, or map a table of Postgres.")
