"""`synapsor operator`: whose keys this project trusts. Adding one makes a key pair, or trusts a public key made elsewhere."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from dataclasses import replace
from typing import Any, Literal

from synapsor.approve.identity.codes import check_free, code_path, enrol, enrolment_uri, keep, qr
from synapsor.approve.identity.keys import check_place, create_key, default_path, new_passphrase, public_path
from synapsor.approve.identity.operators import add_operator, change_operator, check_new, describe, revoke_operator
from synapsor.approve.terminal.drawing import entry
from synapsor.cli.roles import unnamed
from synapsor.cli.terminal import answer, note, paragraph, width
from synapsor.config import Config, load_config
from synapsor.core.plain import visible
from synapsor.core.signatures import public_text
from synapsor.core.statements import Identity, Operator, key_fingerprint
from synapsor.errors import UsageError
from synapsor.operators import read_operators
from synapsor.secrets import Secret


def run(arguments: Namespace) -> int:
    """Add, change, list or revoke, and return 0."""
    config = load_config(arguments.config)
    actions = {"add": _add, "change": _change, "list": _list, "revoke": _revoke, "codes": _codes}
    actions[arguments.action](arguments, config)
    return 0


def _add(arguments: Namespace, config: Config) -> None:
    if arguments.public_key and arguments.key:
        raise UsageError(
            "--key makes a key and --public-key trusts one that is made; only one of them can be meant.",
            fix="Leave one of them out.",
        )
    makes_key = not arguments.public_key and not (arguments.login and arguments.key is None)
    operator = Operator(
        name=arguments.name,
        key="" if makes_key else arguments.public_key,
        roles=tuple(arguments.role),
        principals=tuple(arguments.principal),
        login=_login(arguments, config),
    )
    # Everything but the key is checked first, so that no key is left over from a refused entry, and no passphrase typed in vain.
    check_new(config.operators, operator)
    warnings = _warned(arguments, config)
    lines: list[str] = []
    if makes_key:
        path = arguments.key or default_path(arguments.name)
        check_place(path)
        key = create_key(path, passphrase=passphrase_of(arguments))
        operator = replace(operator, key=public_text(key))
        lines = [
            f"The private key is in {path}: keep it where no agent can read it.",
            f"Its public half is in {public_path(path)}, for other projects.",
        ]
    add_operator(config.operators, operator)
    first = f"{operator.name} is trusted with {', '.join(operator.roles)}, {_known_by(operator)}."
    document = {"operator": describe(operator), "warnings": warnings}
    answer(arguments, "operator", document, paragraph("\n".join([first, *lines])))


def _known_by(operator: Operator) -> str:
    key = [f"key {key_fingerprint(operator.key)}"] if operator.key else []
    login = [f"login {visible(operator.login.subject)} of {visible(operator.login.issuer)}"] if operator.login else []
    return ", ".join([*key, *login])


def _login(arguments: Namespace, config: Config) -> Identity | None:
    """Return the login that was given; one of a provider that is not believed would let nobody in."""
    if not arguments.login:
        return None
    issuer, subject = arguments.login
    if config.oidc is None or config.oidc.issuer != issuer:
        raise UsageError(
            "The project does not believe this issuer.",
            fix="Write it under `oidc:` as `issuer:`, letter by letter as the provider calls itself.",
        )
    return Identity(issuer=issuer, subject=subject)


def _warned(arguments: Namespace, config: Config) -> list[str]:
    """Say which of the roles no contract names; a slip of the pen is else found only when nobody can decide."""
    warnings = asyncio.run(unnamed(config, arguments.role))
    for warning in warnings:
        note(f"synapsor: warning: {warning}", indent=2)
    return warnings


def passphrase_of(arguments: Namespace) -> Secret | None:
    """Return the passphrase of a new file of a person's; None where the file alone is to decide."""
    if arguments.no_passphrase:
        return None
    if not sys.stdin.isatty():
        note("synapsor: no terminal to ask for a passphrase; the key file alone will decide")
        return None
    return new_passphrase()


def _change(arguments: Namespace, config: Config) -> None:
    if arguments.principal and arguments.no_principal:
        raise UsageError(
            "--principal names principals and --no-principal takes all away; only one can be meant.",
            fix="Leave one of them out.",
        )
    if arguments.login and arguments.no_login:
        raise UsageError(
            "--login names a login and --no-login takes it away; only one can be meant.", fix="Leave one of them out."
        )
    login: Identity | Literal["none"] | None = "none" if arguments.no_login else _login(arguments, config)
    roles = tuple(arguments.role) or None
    principals = () if arguments.no_principal else tuple(arguments.principal) or None
    if roles is None and principals is None and login is None:
        raise UsageError(
            "There is nothing to change.",
            fix="Give all roles with --role, all principals with --principal, or the login with --login.",
        )
    warnings = _warned(arguments, config)
    before, after = change_operator(config.operators, arguments.name, roles=roles, principals=principals, login=login)
    lines = [f"{after.name} is as before, {_said(after)}"]
    if after != before:
        lines = [f"{after.name} was {_said(before)}", f"{' ' * len(after.name)} is  {_said(after)}"]
    if lost := [role for role in before.roles if role not in after.roles]:
        lines.append(f"What {after.name} signed as {' or '.join(lost)} and is still to count counts no more.")
    document = {"operator": describe(after), "before": describe(before), "warnings": warnings}
    answer(arguments, "operator", document, paragraph("\n".join(lines)))


def _said(operator: Operator) -> str:
    known = f", and is {', '.join(map(visible, operator.principals))}" if operator.principals else ""
    login = f", logs in as {visible(operator.login.subject)}" if operator.login else ""
    return f"trusted with {', '.join(operator.roles)}{login}{known}"


def _list(arguments: Namespace, config: Config) -> None:
    entries = [describe(o) for o in read_operators(config.operators).values()]
    lines = [line for e in entries for line in entry(*_listed(e), width=width())]
    answer(
        arguments,
        "operators",
        {"operators": entries},
        "\n".join(lines)
        or paragraph("Nobody is trusted yet. Begin with `synapsor operator add NAME --role contract_reviewer`."),
    )


def _listed(operator: dict[str, Any]) -> tuple[str, list[str]]:
    key = f"  key {operator['fingerprint']}" if operator["fingerprint"] else ""
    head = f"{operator['name']}{key}{'  REVOKED' if operator['revoked'] else ''}"
    login = operator["login"]
    by_login = [f"logs in as {visible(login['subject'])} of {visible(login['issuer'])}"] if login else []
    known = [f"is {', '.join(map(visible, operator['principals']))}"] if operator["principals"] else []
    return head, [", ".join(operator["roles"]), *by_login, *known]


def _revoke(arguments: Namespace, config: Config) -> None:
    operator = revoke_operator(config.operators, arguments.name)[arguments.name]
    answer(
        arguments,
        "operator",
        {"operator": describe(operator)},
        paragraph(f"{operator.name} is revoked; what they signed and is not applied yet counts no more."),
    )


def _codes(arguments: Namespace, config: Config) -> None:
    """Give an operator new one-time codes; those of before end with that."""
    store = config.one_time_codes
    if store is None:
        raise UsageError("This project keeps no one-time codes.", fix="Add `one_time_codes: FILE` to synapsor.yaml.")
    operator = read_operators(config.operators).get(arguments.name)
    if operator is None or operator.revoked:
        raise UsageError("There is no such operator.", fix="See `synapsor operator list`.")
    own = arguments.file or code_path(arguments.name)
    check_free(own)
    passphrase = passphrase_of(arguments)
    secret = enrol(store, arguments.name, config.codes_group)
    keep(own, secret, passphrase=passphrase)
    uri = enrolment_uri(arguments.name, secret, issuer=config.root.name)
    document = {"operator": arguments.name, "uri": uri, "file": str(own)}
    lines = [
        paragraph(f"{arguments.name} has one-time codes from now on; older ones, if there were any, have ended."),
        paragraph("`synapsor code` makes codes for prompts with this file. Keep it where no agent can read it:"),
        str(own),
        "Take them into an authenticator:",
        uri,
        *qr(uri),
    ]
    answer(arguments, "codes", document, "\n".join(lines))
