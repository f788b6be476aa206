"""Render the generated pages of docs/reference: errors, commands, configuration, and the contract's own three files.

`make docs` writes them; `tests/unit/test_docs.py` finds a page that is no longer what the code says. What cannot be read from the code
is written here, and the same test finds a word that is missing or left over.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from synapsor.approve.identity.oidc import MEANINGS as LOGIN_RULES
from synapsor.cli.parser import EXIT_CODES, build_parser
from synapsor.config import (
    CommandExecutor,
    Config,
    ConsoleConfig,
    ConsoleProxy,
    ConsoleSessions,
    ConsoleTls,
    HttpConfig,
    HttpExecutor,
    OidcConfig,
    Pool,
    SourceConfig,
    Supervised,
    Timeouts,
    Tls,
    TokenConfig,
)
from synapsor.config.approvals import ApprovalsConfig, ApprovalToken, VoucherConfig
from synapsor.config.notify import (
    Channel,
    Digest,
    Email,
    Notify,
    Quiet,
    Refused,
    Retry,
    Route,
    Slack,
    Smtp,
    Waiting,
    Webhook,
)
from synapsor.contract import reference
from synapsor.contract.public.codes import CHAPTERS, WARNINGS
from synapsor.contract.public.text import JSON_RULES
from synapsor.contract.public.words import NOTES, REFUSALS, WAITS
from synapsor.core.outcome import Why
from synapsor.core.redecide import Unknown
from synapsor.errors import MEANINGS, Code
from synapsor.refusals import AMENDING, DRAFTING, RESOLVING, STEERING, UNDOING, Rule
from synapsor.testing.cases import Behind, Case, CaseFile, Change, Expect, Fixture, Wait, cases_json_schema

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
MADE = "Rendered by `make docs`; do not edit."

_ACTS = (
    (
        "Why an undo is not filed",
        "`synapsor undo` names the rule as well; nothing is filed then, and the refusal is recorded.",
        UNDOING,
    ),
    (
        "Why nothing is resolved",
        "`synapsor reconcile` names the rule as well; nothing is signed then, and a refused `resolve` is recorded.",
        RESOLVING,
    ),
    (
        "Why a proposal is not edited or extended",
        "`synapsor edit` and `synapsor extend` name the rule as well; nothing is signed or filed then, and the refusal is recorded.",
        AMENDING,
    ),
    (
        "Why no policy is drafted",
        "`synapsor policy draft` names the rule as well. Nothing is recorded.",
        DRAFTING,
    ),
    (
        "Why the worker is not steered so",
        "The rules by which `synapsor cancel` and `synapsor jobs` refuse, beside those of a decision: [steer the worker](../how-to/steer-the-worker.md).",
        STEERING,
    ),
)
"""What else people do that is refused by rules of its own: title, words and rules of each."""

DECISION_RULES: dict[Rule, str] = {
    rule: rule.words for rule in Rule if rule not in {*AMENDING, *UNDOING, *RESOLVING, *DRAFTING}
} | {
    rule: f"{rule.words} {also}"
    for rule, also in {
        Rule.CLOCK_BEHIND: "Set the clock right, then approve.",
        Rule.COVERED: "It may be rejected there, and approved where the value can be uncovered.",
        Rule.DIGEST_DIFFERS: "`--digest` takes the one that `synapsor show` tells.",
        Rule.EVIDENCE_DIFFERS: "Nobody approves it; `synapsor verify` says what was changed.",
        Rule.LEDGER_ALTERED: "Run `synapsor verify`, and restore the ledger from a backup. Nobody decides before.",
        Rule.LOGIN_TO_COME: "Set the clocks of both machines right: they may be five minutes apart.",
        Rule.NOT_FULLY_SHOWN: "Repeat with `--full`. It may be rejected.",
        Rule.RECORDS_DIFFER: "Run `synapsor verify`.",
        Rule.STALE_ROW: "See [how to look](../how-to/look-before-you-decide.md).",
        Rule.WOULD_NOT_APPLY: "For instance since its contract was replaced: have it asked for again, or reject it.",
    }.items()
}

LEDGER_RULES: dict[str, str] = {
    "ledger_busy": "Another process has held the ledger for half a minute. Nothing was recorded; do it again.",
    "ledger_damaged": "The file, or a record in it, cannot be read. `synapsor verify` tells more; restore a backup.",
    "ledger_failed": "The ledger cannot be opened, read or written for the reason that the message gives.",
    "ledger_full": "The ledger's disk is full. Nothing was recorded; make room, and do it again. No process needs a new start.",
    "ledger_io": "The ledger's disk fails, or a quota on it is used up.",
    "ledger_read_only": "The ledger's file or its directory cannot be written by this user.",
    "ledger_replaced": "Another file was put in the ledger's place while the process ran, or somebody put a table, trigger or index into it. "
    "Nothing was recorded; stop every process of the ledger, and run `synapsor verify`.",
    "ledger_refused": "The ledger's own rules refuse a record, which no program of ours asks for: run `synapsor verify`.",
    "ledger_unopened": "The ledger's file or its directory cannot be opened by this user.",
}

_CONFIG_MODELS: tuple[type[BaseModel], ...] = (
    Config,
    SourceConfig,
    Tls,
    Pool,
    Timeouts,
    HttpConfig,
    TokenConfig,
    ConsoleConfig,
    ConsoleTls,
    ConsoleProxy,
    ConsoleSessions,
    OidcConfig,
    Supervised,
    HttpExecutor,
    CommandExecutor,
    Notify,
    Channel,
    Webhook,
    Slack,
    Email,
    Smtp,
    Quiet,
    Digest,
    Route,
    Waiting,
    Refused,
    Retry,
    ApprovalsConfig,
    VoucherConfig,
    ApprovalToken,
)

CONFIG_MEANINGS: dict[str, dict[str, str]] = {
    "Config": {
        "synapsor": "The version of this file's language.",
        "profile": "`production` serves activated contracts only. `development` [serves the reads of others, too](../how-to/edit-a-contract.md#while-you-write-it), with a warning, and nothing else is laxer in it.",
        "policies": "The contracts.",
        "ledger": "The ledger's SQLite file. Its key and its checkpoints are kept beside it.",
        "ledger_key": "The key that signs the ledger's checkpoints, if it is kept elsewhere.",
        "ledger_group": "The group of this machine whose users share the ledger, by its name or number: its files have mode 0660, its directory 2770. Without it they are their owner's alone. [What that means](../how-to/run-the-worker.md#what-must-be-kept-apart).",
        "operators": "The people whose keys this project trusts; written by `synapsor operator`.",
        "sources": "The application databases, by the name that contracts use.",
        "session": "Whose session a local process (`serve` over stdio, `call`) runs in: what contexts of contracts name.",
        "names": "Whether tools are listed as `billing.list` or, for clients that allow no dot, as `billing__list`.",
        "console_url": "The address of the web console, for links that are shown to agents and people; it holds no secret.",
        "http": "Who may come in over HTTP.",
        "console": "The [web console](../how-to/review-in-the-browser.md).",
        "one_time_codes": "The file of the operators' one-time codes, written by `synapsor operator codes`; mode 0600, for who decides and who applies.",
        "automatic_approval": "Whether policies of contracts may approve. It needs `policy_key`.",
        "policy_key": "The private key that the worker signs policy decisions with. Only the worker reads it.",
        "executors": "Who carries out changes instead of the worker, by the name that contracts use: [an application's own code](../how-to/let-the-application-apply.md).",
        "notify": "Who is told what happens to proposals, by `synapsor notifier`.",
        "oidc": "The identity provider that operators [log in with](../how-to/operators-by-oidc.md).",
        "voucher_key": "The private key with which the console signs who logged in with the provider; for the console alone. `oidc: {redirect_uri: …}` needs it.",
        "supervised": "What `synapsor worker --supervised` may apply, by contract and capability; the contract must say `worker: supervised` too.",
    },
    "SourceConfig": {
        "engine": "Which database it is. `mysql` and `mariadb` share one adapter; only MariaDB is tested.",
        "mode": "`evidence`: reads only. `review`: proposals may be filed and decided on, none applied. `writeback`: the worker may apply.",
        "read": "The reader's URL, as a reference. Only `serve` and commands that read resolve it.",
        "write": "The writer's URL, as a reference. Only the worker, and `doctor`, resolve it. Needed for `writeback`.",
        "schema": "The name that the file is attached as, and that contracts use, such as `main`. SQLite needs it; no other engine has it.",
        "receipts": "The receipts table, `schema.name`, made with `synapsor receipts ddl`; or `ledger` where its owner has none, [at a price](../how-to/reconcile.md#where-the-source-keeps-no-receipts). Needed for `writeback`.",
        "allow": "What the worker's credential may be able to do though no contract needs it, in production, where a worker does not start otherwise. [Each is told](../how-to/run-the-worker.md#what-it-proves) at every start.",
        "tls": "How a remote server proves who it is.",
        "pool": "Connections.",
        "lanes": "How many changes a worker [applies at the same time](../how-to/run-the-worker.md#several-changes-at-once): 4 where nothing is said. The worker's pool has a connection for each. SQLite has one.",
        "timeouts": "Limits of the source; those of a read are in its capability.",
    },
    "Tls": {
        "ca": "A PEM file with the authority's certificate. With it, TLS is used on the loopback too. Without `tls`, a remote server "
        "must have a certificate that the system trusts; there is no unverified mode.",
    },
    "Pool": {
        "size": "Connections at most.",
        "wait_ms": "How long a call waits for a free one before it is refused as `busy`.",
    },
    "Timeouts": {"lock_ms": "How long the worker waits for a lock, and for one statement of an apply."},
    "Supervised": {
        "contract": "The exact digest of the contract.",
        "capabilities": "Names of capabilities in it.",
    },
    "HttpExecutor": {
        "kind": "An application's handler at an address.",
        "url": "Where jobs are posted to: https. In the development profile also http, to this machine. No redirect is followed, and no proxy of the environment is taken.",
        "secret": "What each job is signed with: 24 characters at least, the same as the application's. Only the worker, and `doctor`, resolve it.",
        "timeout_ms": "How long an answer may take, all in all. After that what the handler did is not known, and it is asked again.",
        "accepted_hours": "For how long what the handler has accepted may be open, from its first word on. After that a person is to look: it is `reconciliation_required`.",
        "ca": "A PEM file with the authority of the handler's certificate, instead of those that the system trusts.",
    },
    "CommandExecutor": {
        "kind": "A program, which is started for each job.",
        "run": "The program, by its absolute path, and its arguments. No shell is in between.",
        "secret": "As of a handler at an address; the signature is in the program's environment.",
        "timeout_ms": "How long it may take. After that it is killed, with all that it started in its process group.",
        "accepted_hours": "As of a handler at an address.",
        "environment": "The variables that it is started with, each a reference; beside them it has `PATH`, `LANG` and `SYNAPSOR_SIGNATURE`, and nothing of the worker's.",
    },
    "HttpConfig": {"tokens": "The bearer tokens that are accepted. Without one, HTTP is not served."},
    "OidcConfig": {
        "issuer": "What the provider calls itself, letter by letter; an https address, or on this machine also http.",
        "client_id": "The client that the provider knows the console as.",
        "client_secret": "Its secret, if the provider gave one. Without it the client is public; PKCE is used with and without.",
        "redirect_uri": "The console's own address with the path `/login/oidc/callback`, as the provider knows it. Without it the console offers no such login.",
        "audience": "What a bearer token of the approval server must be for, and for nothing else. Not the client, and not what the model's server is called.",
        "algorithms": "What tokens may be signed with.",
        "roles_claim": "The claim that lists a person's roles, or the keys that lead to it. With it, a login has only the roles that the token names, too.",
        "scopes": "What is asked for.",
        "max_age_s": "How many seconds before a login the person may have proven who they are. 0: anew each time. Not every provider can say.",
        "ca": "A PEM file with the authority's certificate, instead of those that the system trusts.",
        "leeway_s": "By how many seconds the clocks may differ.",
        "max_lifetime_s": "How many seconds a token may be good for.",
        "allow_private": "Whether the provider may be at a private address or on this machine. Link-local, metadata and translated addresses are not allowed by it.",
    },
    "ConsoleConfig": {
        "listen": "Where `synapsor console` listens, unless `--listen` says otherwise. Beyond this machine it needs `tls` or `proxy`.",
        "hosts": "Names that a browser may reach it by, besides the loopback's. Without one here, nothing else is answered.",
        "tls": "The certificate, where the console itself ends TLS.",
        "proxy": "Where a proxy ends TLS in front of it.",
        "sessions": "How long a login lasts.",
        "development_identity": "A name that nobody has proven, to look around without a login. It decides nothing, and is refused in `profile: production`.",
    },
    "ConsoleTls": {
        "certificate": "A PEM file with the certificate and its chain.",
        "key": "Its private key, a file of this user with mode 0600.",
    },
    "ConsoleProxy": {
        "trusted": "Addresses that the proxy asks from; requests from any other are refused, and each must say `X-Forwarded-Proto: https`."
    },
    "ConsoleSessions": {
        "idle_minutes": "After how long without a request a session ends.",
        "hours": "After how long it ends in any case.",
    },
    "ApprovalsConfig": {
        "synapsor": "The version of this file's language.",
        "project": "The project's synapsor.yaml.",
        "voucher": "The key with which this server says whose code it saw.",
        "operator": "Whose prompts are served over stdio.",
        "read": "The readers' URLs that this server looks at the sources with, one of each source of the project, or none. It resolves none of the project's file.",
        "tokens": "The bearer tokens of the HTTP transport, each of one person. The agent's server knows none of them.",
    },
    "VoucherConfig": {
        "operator": "The entry of the key in `operators.yaml`, with the role `code_voucher` and no other.",
        "key": "The private key's file.",
    },
    "ApprovalToken": {
        "operator": "Whose prompts a request with this token is served.",
        "sha256": "The token's SHA-256, as `synapsor token new` prints it. The token itself is nowhere.",
    },
    "TokenConfig": {
        "name": "The client's name, for the audit.",
        "sha256": "The token's SHA-256, as `synapsor token new` prints it. The token itself is nowhere.",
        "session": "Whose session a request with this token runs in.",
    },
    "Notify": {
        "state": "The notifier's own SQLite file: up to where it has read, and what it has still to tell.",
        "waiting": "When somebody is reminded of a proposal that nobody decides on.",
        "refused": "When somebody is told that logins or decisions were refused again and again.",
        "retry": "When a message that cannot be delivered is given up.",
        "late_minutes": "After how long without a sign of life of the notifier it is told that none runs.",
        "smtp": "The server that e-mail is handed to.",
        "channels": "The ways to tell somebody.",
        "routes": "What goes to which channels. Without any, every channel hears the events that a route hears which names none.",
    },
    "Channel": {
        "webhook": "A program, by signed requests.",
        "slack": "A chat channel.",
        "email": "People, by e-mail.",
        "quiet": "Hours in which only what is urgent goes out; the rest goes out after them.",
        "digest": "What is not urgent is collected into one message.",
    },
    "Webhook": {
        "url": "An `https` address, or a reference to one; `http` to a loopback address only, and where `allow_private` says so.",
        "secret": "What requests are signed with: base64 of 24 to 64 random bytes, with or without `whsec_` before it.",
        "previous": "The secret before this one; while it is here, requests are signed with both.",
        "allow_private": "Networks beside the public ones that it may be in. Link-local and metadata addresses are not allowed by it.",
        "ca": "A PEM file with the authority of the server's certificate, instead of those that the system trusts.",
    },
    "Slack": {
        "url": "The address of the incoming webhook. Whoever has it can post, so it is a reference.",
        "allow_private": "As of a webhook.",
        "ca": "As of a webhook.",
    },
    "Email": {"to": "Who is written to.", "from": "Who writes."},
    "Smtp": {
        "host": "Its name.",
        "port": "Its port.",
        "tls": "`starttls`, `tls` from the first byte, or `none`, which is for this machine only.",
        "user": "Who logs in.",
        "password": "Their password.",
        "ca": "A PEM file with the authority of its certificate, instead of those that the system trusts.",
    },
    "Quiet": {
        "from": 'When they begin, as `"22:00"`.',
        "to": "When they end; it may be the next morning.",
        "zone": "By which clock: an IANA time zone, summer time included.",
    },
    "Digest": {"minutes": "For how long is collected, from the first thing on."},
    "Route": {
        "to": "Channels.",
        "events": "Which events; without it those that somebody may have to do something about.",
        "capabilities": "Of which capabilities; any without it.",
        "contracts": "Of which contracts; any without it.",
        "roles": "Which role the decision needs; any without it.",
        "risks": "Of which risk; any without it.",
    },
    "Waiting": {
        "after_minutes": "After how long somebody is reminded for the first time.",
        "again_hours": "After how long again.",
        "at_most": "How often.",
    },
    "Refused": {
        "at_least": "How many must have been refused.",
        "within_minutes": "Within how long.",
        "again_minutes": "After how long it may be told again; what was refused meanwhile is counted then.",
    },
    "Retry": {
        "attempts": "After how many attempts.",
        "hours": "For how long it was tried, whatever the number of attempts.",
    },
}
"""What each key means, by model and by the name that is written in the file."""


def rendered() -> dict[str, str]:
    """Return every generated page by its name in docs/reference."""
    return {
        **reference.rendered(),
        "errors.md": _text(_errors()),
        "commands.md": _text(_commands()),
        "cases.md": _text(_cases()),
        "cases.schema.json": json.dumps(cases_json_schema(), indent=2, ensure_ascii=False) + "\n",
        "configuration.md": _text(_configuration()),
        "public-codes.md": _text(_public_codes()),
    }


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


def _ledger_rules() -> Iterator[str]:
    yield from ("", "## Why the ledger fails", "")
    yield "With exit code 4, or the status 503 of a console's page. What was being done is not recorded, and nothing of it is half done."
    yield from ("", "| Rule | Meaning |", "|---|---|")
    yield from (f"| `{rule}` | {meaning} |" for rule, meaning in LEDGER_RULES.items())


def _errors() -> Iterator[str]:
    yield from ("# Error codes", "", MADE, "")
    yield from ("## What a model may be told", "")
    yield "Every refused tool call has one of these codes and its fixed words; nothing else of an error reaches a model. A detail may follow"
    yield "the message; it names arguments and columns of the contract, never a value. See `errors.py`."
    yield from ("", "| Code | Message | Fix | Retry |", "|---|---|---|---|")
    for code in Code:
        meaning = MEANINGS[code]
        retry = "no"
        if meaning.retryable:
            retry = f"after {meaning.retry_after_ms} ms" if meaning.retry_after_ms else "yes"
        yield f"| `{code.value}` | {meaning.message} | {meaning.fix} | {retry} |"
    yield from ("", "## What an operator may be told", "")
    yield "A refused decision names its rule (`rule` with `--json`) and is recorded in the ledger."
    yield from ("", "| Rule | Meaning |", "|---|---|")
    yield from (f"| `{rule}` | {meaning} |" for rule, meaning in DECISION_RULES.items())
    yield from _ledger_rules()
    yield from ("", "## Why a login is refused", "")
    yield "Of a login with a provider, and of a bearer token of the approval server. It is recorded in the ledger by its rule, without a word of"
    yield "the token; of a flood, thirty a minute by themselves and the others by their number."
    yield from ("", "| Rule | Meaning |", "|---|---|")
    yield from (f"| `{rule}` | {meaning} |" for rule, meaning in LOGIN_RULES.items())
    for title, words, rules in _ACTS:
        yield from ("", f"## {title}", "", words, "", "| Rule | Meaning |", "|---|---|")
        yield from (f"| `{rule}` | {rule.words} |" for rule in rules)
    yield from ("", "## Why a past proposal cannot be decided again", "")
    yield 'What `synapsor policy test` counts under "Not told".'
    yield from ("", "| Rule | Meaning |", "|---|---|")
    yield from (f"| `{rule}` | {rule.meaning} |" for rule in Unknown)
    yield from ("", "## What came of an approved proposal", "")
    yield "The `code` of a receipt that is not `applied`, of a job that is tried again or was given up, and in the worker's report."
    yield "`conflict`, `failed` and `canceled` changed nothing."
    yield from ("", "| Code | Meaning |", "|---|---|")
    yield from (f"| `{why}` | {why.meaning} |" for why in sorted(Why))
    yield from ("", "## Exit codes", "", "Of every command.", "", "| Code | Meaning |", "|---|---|")
    for part in EXIT_CODES.replace("exit codes:", "").replace("\n", "   ").split("   "):
        number, _, words = part.strip().partition(" ")
        if number:
            yield f"| {number} | {words} |"


def _public_codes() -> Iterator[str]:
    yield from ("# Codes of the public contract format", "", MADE, "")
    yield "What `synapsor import` and `synapsor check` say of a public contract (JSON, `spec_version` 0.1), with the path that it is about, such"
    yield "as `$.capabilities[0].proposal.patch.status`. Every error is told at once. How to import one: [how-to](../how-to/import-a-public-contract.md)."
    for title, table in CHAPTERS.items():
        yield from ("", f"## {title}", "", "| Code | What it asks for |", "|---|---|")
        yield from (f"| `{code}` | {sentence} |" for code, sentence in table.items())
    yield from ("", "## Warnings", "", "They keep nothing from being served.", "", "| Code | Meaning |", "|---|---|")
    yield from (f"| `{code}` | {sentence} |" for code, sentence in WARNINGS.items())
    told = (
        ("Before the format is asked", "What the JSON text itself must keep to.", JSON_RULES),
        ("Refused", "The document is in order, and this of it is not served.", REFUSALS),
        ("Not served yet", "Translated already, and refused until this version has it.", WAITS),
        ("Changed", "What is other here than in the document; the same or less.", NOTES),
    )
    for title, words, table in told:
        yield from ("", f"## {title}", "", words, "")
        yield from ("| Word | Meaning |", "|---|---|") if table else ("Nothing of the format waits in this version.",)
        yield from (f"| `{word}` | {sentence} |" for word, sentence in table.items())


def _commands() -> Iterator[str]:
    parser = build_parser()
    yield from ("# Commands", "", MADE, "")
    yield f"{parser.description}"
    yield from ("", "These options may stand before or after the command:", "")
    yield from _options(parser)
    yield from ("", "Exit codes are listed in [error codes](errors.md#exit-codes).")
    for name, command in subcommands(parser).items():
        yield from _command(f"synapsor {name}", command)
        for action, inner in subcommands(command).items():
            yield from _command(f"synapsor {name} {action}", inner, level=3)


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the commands below a parser, by name."""
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]  # noqa: SLF001  # no public way
    return {name: inner for group in groups for name, inner in group.choices.items()}


def _command(title: str, parser: argparse.ArgumentParser, level: int = 2) -> Iterator[str]:
    yield from ("", f"{'#' * level} `{title}`", "", f"{parser.description}")
    lines = list(_options(parser))
    if lines:
        yield from ("", *lines)


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    everywhere = {"--config", "--json", "--no-color", "--verbose"} if parser.prog != "synapsor" else set()
    rows = [row for action in parser._actions if (row := _option(action, everywhere))]  # noqa: SLF001  # see above
    if rows:
        yield from ("| Argument | Meaning | Without it |", "|---|---|---|", *rows)


def _option(action: argparse.Action, everywhere: set[str]) -> str:
    hidden = isinstance(action, argparse._HelpAction | argparse._SubParsersAction)  # noqa: SLF001  # see above
    if hidden or everywhere & set(action.option_strings):
        return ""
    value = str(
        action.metavar or ("{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper())
    )
    name = (
        ", ".join(action.option_strings)
        if action.option_strings
        else (str(action.metavar or action.dest) if not action.choices else value)
    )
    shown = name if not action.option_strings or action.nargs == 0 else f"{name} {value}"
    return f"| `{shown}` | {(action.help or '').replace('|', chr(92) + '|')} | {_absent(action)} |"


def _absent(action: argparse.Action) -> str:
    if action.required and action.nargs != "*":
        return "required"
    plain = action.default in {None, False, ""} if not isinstance(action.default, list) else not action.default
    return "" if plain or action.default == argparse.SUPPRESS else f"`{action.default}`"


def _cases() -> Iterator[str]:
    yield from ("# Cases", "", MADE, "")
    yield "What `synapsor test` runs: `policies/x.test.yaml` beside `policies/x.yaml`. It is read as strictly as a contract. Editors complete and"
    yield "check it with [cases.schema.json](cases.schema.json), which `synapsor schema --cases` prints as well."
    yield "[Test a contract](../how-to/test-a-contract.md) shows one."
    for model in (CaseFile, Fixture, Case, Expect, Change, Behind, Wait):
        yield from ("", f"## {model.__name__}", "", (model.__doc__ or "").strip().splitlines()[0], "")
        yield from ("| Key | Needed | Meaning |", "|---|---|---|")
        for name, field in model.model_fields.items():
            yield f"| `{field.alias or name}` | {'yes' if field.is_required() else ''} | {field.description} |"


def _configuration() -> Iterator[str]:
    yield from ("# Configuration", "", MADE, "")
    yield "A project's wiring is `synapsor.yaml`, found in the current directory or above it, or named with `--config`. Paths are relative to"
    yield "it. It is read strictly: an unknown key, a key given twice, or a value in clear where a secret belongs stops the program."
    yield from ("", "A secret is never written here, only where it is kept:", "")
    yield "- `${env:NAME}`: the environment variable of the process that needs it."
    yield "- `${file:path}`: a file of this user with mode 0600."
    yield "- `sqlite:///relative/path`: for SQLite, whose address holds no secret."
    for model in _CONFIG_MODELS:
        title = {Config: "synapsor.yaml", ApprovalsConfig: "approvals.yaml"}.get(model, model.__name__)
        yield from ("", f"## {title}", "", (model.__doc__ or "").strip().splitlines()[0], "")
        yield from ("| Key | Holds | Without it | Meaning |", "|---|---|---|---|")
        for name, field in model.model_fields.items():
            key = field.alias or name
            yield f"| `{key}` | {_holds(field)} | {_default(field)} | {CONFIG_MEANINGS[model.__name__][key]} |"


def _holds(field: FieldInfo) -> str:
    words = _words(field.annotation)
    limits = {
        name: value
        for part in field.metadata
        for name in ("ge", "le")
        if (value := getattr(part, name, None)) is not None
    }
    return words + (f", {limits['ge']} to {limits['le']}" if len(limits) == 2 else "")  # noqa: PLR2004  # both ends


def _words(annotation: Any) -> str:
    inner = next((m for m in _CONFIG_MODELS if m is annotation), None)
    if inner is not None:
        return f"[{inner.__name__}](#{inner.__name__.lower()})"
    of_enum = isinstance(annotation, type) and issubclass(annotation, StrEnum)
    origin = getattr(annotation, "__origin__", None)
    parts = tuple(member.value for member in annotation) if of_enum else get_args(annotation)
    if str(origin) == "typing.Literal" or (parts and all(isinstance(p, str | int) for p in parts)):
        return " or ".join(f"`{part}`" for part in parts)
    if origin is dict:
        return f"names, each with {_words(parts[1])}"
    if origin is tuple:
        return f"a list, each {_words(parts[0])}"
    named = {"Path": "a path", "SecretRef": "a reference", "str": "text", "int": "a whole number"}
    named |= {"IPv4Network": "a network", "IPv6Network": "a network"}
    if annotation is not None and getattr(annotation, "__name__", "") in named:
        return named[annotation.__name__]
    words = (_words(part) for part in parts if part is not type(None) and not _is_mark(part))
    return ", or ".join(dict.fromkeys(words))


def _is_mark(part: Any) -> bool:
    """Tell whether this is a validator or constraint of an Annotated type, not a type."""
    return not isinstance(part, type) and not get_args(part)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "the defaults"
    if value is None:
        return "none"
    plain = str(value) if isinstance(value, Path) else value
    return f"`{json.dumps(plain)}`".replace('"', "")


def main() -> None:
    """Write the pages and say which."""
    for name, text in rendered().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"docs/reference/{name}\n")


if __name__ == "__main__":
    main()
