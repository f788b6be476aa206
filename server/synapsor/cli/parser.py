"""Every command and option, and nothing else: built for each start, so it imports nothing of the product."""

from __future__ import annotations

import argparse
import difflib
import os
import re
from pathlib import Path
from typing import Any, NoReturn

MOST = 500
EXIT_CODES = """\
exit codes:
  0 ok   1 finding or rejection   2 usage or configuration   3 stale or conflict
  4 source or ledger unavailable   5 integrity or authority invalid
  6 unsupported   130 interrupted
"""


class Parser(argparse.ArgumentParser):
    """A parser that names the nearest word when one is mistyped."""

    def error(self, message: str) -> NoReturn:
        """Print the message and end with 2."""
        if typed := _UNKNOWN.search(message):
            known = [str(word) for action in self._actions for word in action.choices or ()]
            if close := difflib.get_close_matches(typed[1], known, n=1):
                message = f"{message}; did you mean `{close[0]}`?"
        for action in self._actions:
            if action.choices and message.endswith(f"required: {action.metavar}"):
                message = f"{message}, one of {', '.join(map(str, action.choices))}"
        super().error(message)


_UNKNOWN = re.compile(r"invalid choice: '([^']*)'")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; `module` in its result names the file of the command."""
    parser = Parser(
        prog="synapsor",
        description="The boundary between an LLM agent and your database:\nthe agent asks, a person decides, a worker applies.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _globals(parser, top=True)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _serving(commands)
    _authoring(commands)
    _contracts(commands)
    _importing(commands)
    _deciding(commands)
    _operators(commands)
    _looking(commands)
    _rest(commands)
    return parser


def _globals(parser: argparse.ArgumentParser, *, top: bool) -> None:
    """Take the global options before and after the command; the second must not undo the first by its default."""

    def default(value: Any) -> Any:
        return value if top else argparse.SUPPRESS

    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=default(None),
        help="the project's synapsor.yaml (default: found upwards)",
    )
    parser.add_argument("--json", action="store_true", default=default(False), help="one JSON document on stdout")
    parser.add_argument("--no-color", action="store_true", default=default(False), help="no colours (so does NO_COLOR)")
    parser.add_argument("--verbose", action="store_true", default=default(False), help="more log lines on stderr")


def _command(commands: Any, name: str, help_text: str, *, module: str = "") -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help_text, description=help_text, allow_abbrev=False
    )
    _globals(parser, top=False)
    parser.set_defaults(module=module or name)
    return parser


def _handle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "handle",
        nargs="?",
        default="latest",
        metavar="HANDLE",
        help="a proposal, `latest`, or any handle that leads to one",
    )


def _signer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--operator", metavar="NAME", help="who you are (default: the one whose key you have)")
    parser.add_argument(
        "--key", type=Path, metavar="FILE", help="your private key (default: ~/.config/synapsor/keys/NAME.pem)"
    )


def _serving(commands: Any) -> None:
    serve = _command(
        commands, "serve", "Serve reviewed capabilities to a model over MCP; stdio unless --http is given."
    )
    serve.add_argument("--http", metavar="HOST:PORT", help="serve Streamable HTTP and SSE instead of stdio")
    worker = _command(commands, "worker", "Apply approved proposals, each exactly once.")
    worker.add_argument("--once", action="store_true", help="work on one job and end")
    worker.add_argument("--drain", action="store_true", help="end when nothing is due")
    worker.add_argument("--name", help="the worker's name in receipts")
    worker.add_argument(
        "--supervised",
        action="store_true",
        help="apply only what both `supervised:` of synapsor.yaml and the contract allow for a worker that nobody watches",
    )


def _authoring(commands: Any) -> None:
    check = _command(commands, "check", "Check configuration and contracts; no database is needed.")
    check.add_argument("files", nargs="*", type=Path, metavar="FILE", help="contracts (default: those of the project)")
    lint = _command(
        commands,
        "lint",
        "Find matters of taste and risk in contracts, beside what `check` refuses; no database is needed.",
    )
    lint.add_argument("files", nargs="*", type=Path, metavar="FILE", help="contracts (default: those of the project)")
    lint.add_argument("--strict", action="store_true", help="warnings, too, end with 1; errors always do, notes never")
    lint.add_argument("--sarif", action="store_true", help="one SARIF 2.1.0 document on stdout")
    explain = _command(
        commands, "explain", "Tell in plain words what a capability reads or asks for, whose rows, and who decides."
    )
    explain.add_argument("capabilities", nargs="*", metavar="CAPABILITY", help="names (default: all of the project)")
    explain.add_argument("--sql", action="store_true", help="the statements that its source is sent, too")
    explain.add_argument(
        "--plan",
        action="store_true",
        help="how its source would run the read, too: cost, rows, and whether an index serves it; asks the live source",
    )
    diff = _command(
        commands, "diff", "Tell whether authority grows from one version of a contract to another; exits with 1 if so."
    )
    diff.add_argument(
        "before",
        metavar="A",
        help="a contract file, a digest or the handle of an activation; or alone, a contract whose active version is compared with its file",
    )
    diff.add_argument("after", nargs="?", metavar="B", help="the version that A is compared with")
    test = _command(commands, "test", "Run the cases beside a contract, over a database in memory.", module="cases")
    test.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="cases (default: policies/x.test.yaml beside policies/x.yaml)",
    )
    test.add_argument("--name", default="", metavar="TEXT", help="only cases with this in their name")
    test.add_argument("--junit", type=Path, metavar="FILE", help="write the outcomes as JUnit XML, too")


def _contracts(commands: Any) -> None:
    activate = _command(commands, "activate", "Sign that the contracts as they are now may be served.")
    activate.add_argument("contracts", nargs="*", metavar="CONTRACT", help="names (default: all of the project)")
    activate.add_argument("--yes", action="store_true", help="do not ask")
    _signer(activate)
    rollback = _command(commands, "rollback", "Activate a version of a contract again that was activated earlier.")
    rollback.add_argument("contract", metavar="CONTRACT")
    rollback.add_argument(
        "--to",
        metavar="VERSION",
        help="its digest, or the handle of one of its activations (default: the version that was active before this one)",
    )
    rollback.add_argument("--yes", action="store_true", help="do not ask")
    _signer(rollback)
    history = _command(commands, "history", "List the activations of a contract, newest first.")
    history.add_argument("contract", metavar="CONTRACT")
    history.add_argument("--limit", type=_count, default=50, metavar="N")
    history.add_argument(
        "--body", metavar="VERSION", help="print one version instead, as JSON that is a contract file as well"
    )
    tools = _command(
        commands, "tools", "What the model sees of each capability, and what it costs; no database is needed."
    )
    tools.add_argument(
        "capabilities", nargs="*", metavar="CAPABILITY", help="show these in full (default: list the cost of all)"
    )
    tools.add_argument("--budget", type=_tokens, metavar="TOKENS", help="end with 1 when all tools together cost more")
    schema = _command(commands, "schema", "Print the JSON Schema of a contract, for editors.")
    schema.add_argument("--cases", action="store_true", help="the schema of a file of cases instead")
    schema.add_argument("--write", type=Path, metavar="FILE", help="write it to a file instead")
    call = _command(commands, "call", "Call a capability as a model would, and print the envelope.")
    call.add_argument("capability")
    call.add_argument(
        "--arg",
        action="append",
        default=[],
        metavar="NAME=TEXT",
        help="one argument; NAME:=JSON for numbers and booleans",
    )
    call.add_argument("--args-json", metavar="JSON", help="all arguments as one JSON object")
    call.add_argument(
        "--as",
        dest="session",
        action="append",
        default=[],
        metavar="NAME=TEXT,…",
        help="session values instead of the configured ones",
    )
    receipts = _command(commands, "receipts", "The receipts of what was applied.")
    receipts.add_argument(
        "action",
        choices=["ddl", "list"],
        help="ddl: the table that the owner of a source makes; list: the newest receipts",
    )
    receipts.add_argument("--source", metavar="NAME", help="the table of this source alone (ddl)")
    receipts.add_argument(
        "--role",
        metavar="NAME",
        help="the worker's role in the source (ddl); without it, the user of the write URL where that is known here, "
        "or else the guess `synapsor_writer`, which the script then says",
    )
    receipts.add_argument("--limit", type=_count, metavar="N", help="how many (list); 50 without it")


def _importing(commands: Any) -> None:
    taken = _command(
        commands,
        "import",
        "Translate a public contract (JSON, spec_version 0.1) into a contract that a reviewer can read.",
        module="importing",
    )
    taken.add_argument("file", type=Path, metavar="FILE", help="the public contract")
    taken.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="NAME",
        help="the source whose catalogue has the columns' types (default: the only one there is); THEIRS=NAME where the contract names several",
    )
    taken.add_argument(
        "--types", type=Path, metavar="TYPES", help="a types file instead of a catalogue (default: the one beside FILE)"
    )
    taken.add_argument("--name", metavar="NAME", help="the contract's name (default: the one that it has)")
    taken.add_argument("--out", type=Path, metavar="FILE", help="write it to a new file instead of standard output")
    taken.add_argument("--write-types", type=Path, metavar="FILE", help="write the types that were used to a new file")


def _deciding(commands: Any) -> None:
    inbox = _command(commands, "inbox", "List what waits for a decision.")
    inbox.add_argument("--all", action="store_true", help="decided ones too")
    inbox.add_argument("--limit", type=_count, default=50, metavar="N")
    show = _command(commands, "show", "Show a proposal: who asked, what would change, under which guards.")
    _handle(show)
    show.add_argument("--full", action="store_true", help="cut nothing")
    for verdict, text in (
        ("approve", "Approve one exact change with your key."),
        ("reject", "Reject a proposal with your key and a reason."),
    ):
        decide = _command(commands, verdict, text, module="decide")
        _handle(decide)
        _signer(decide)
        decide.add_argument("--full", action="store_true", help="show long values in full")
        decide.add_argument(
            "--digest", metavar="SHA256", help="the digest you have seen; needed where there is no terminal to ask on"
        )
        decide.add_argument(
            "--reason",
            default="",
            help="recorded with the decision" + ("; told to the agent" if verdict == "reject" else ""),
        )
        decide.set_defaults(verdict=verdict)
    undo = _command(commands, "undo", "Ask for an applied change to be undone; other people decide on it.")
    _handle(undo)
    undo.add_argument("--reason", required=True, metavar="TEXT", help="why; those who decide see it")
    _signer(undo)
    policy = _command(commands, "policy", "Automatic approval: stop it at once, start it again, or see how it stands.")
    actions = policy.add_subparsers(metavar="ACTION", required=True, dest="action")
    for action, text in (
        ("stop", "Stop automatic approval, and what policies approved and is not applied yet."),
        ("start", "Let automatic approval run again."),
        ("status", "Whether automatic approval runs, and what each policy approved today."),
    ):
        switch = _command(actions, action, text, module="policy")
        if action != "status":
            switch.add_argument("--reason", default="", help="recorded with the switch")
            _signer(switch)


def _operators(commands: Any) -> None:
    operator = _command(commands, "operator", "The people whose keys this project trusts.")
    actions = operator.add_subparsers(metavar="ACTION", required=True, dest="action")
    add = _command(
        actions, "add", "Make a key and trust it, or trust the public key of somebody else.", module="operator"
    )
    add.add_argument("name")
    add.add_argument(
        "--role", action="append", required=True, metavar="ROLE", help="what they may decide; may be given again"
    )
    add.add_argument(
        "--principal",
        action="append",
        default=[],
        metavar="NAME",
        help="a session principal that is this person; may be given again",
    )
    add.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="where the new private key goes; its public half is written beside it, as NAME.pub",
    )
    add.add_argument("--public-key", metavar="BASE64", help="trust this public key and make none")
    add.add_argument(
        "--no-passphrase", action="store_true", help="do not ask for a passphrase; the key file alone decides"
    )
    change = _command(
        actions, "change", "Give an operator other roles or principals; the key and the name stay.", module="operator"
    )
    change.add_argument("name")
    change.add_argument(
        "--role",
        action="append",
        default=[],
        metavar="ROLE",
        help="what they may decide from now on, instead of all before; may be given again",
    )
    change.add_argument(
        "--principal",
        action="append",
        default=[],
        metavar="NAME",
        help="a session principal that is this person, instead of all before; may be given again",
    )
    change.add_argument("--no-principal", action="store_true", help="no session principal is this person any more")
    _command(actions, "list", "List the operators.", module="operator")
    revoke = _command(actions, "revoke", "Stop trusting an operator's key.", module="operator")
    revoke.add_argument("name")


def _looking(commands: Any) -> None:
    replay = _command(
        commands, "replay", "What was asked, seen, decided and done, every digest recomputed; touches no source."
    )
    _handle(replay)
    reveal = _command(commands, "reveal", "Look behind a token of a hidden column; who, what and why is recorded.")
    reveal.add_argument(
        "subject", metavar="TOKEN|EVIDENCE", help="a token as the model saw it, or evidence by its handle"
    )
    reveal.add_argument(
        "--column", metavar="COLUMN", help="which column of the evidence (default: the only one with tokens)"
    )
    reveal.add_argument("--reason", required=True, metavar="TEXT", help="why; it is recorded")
    _signer(reveal)
    verify = _command(commands, "verify", "Verify the ledger from its first event to its last.")
    verify.add_argument(
        "--head", metavar="SEQ:HASH", help="a head that was kept elsewhere; finds a tail that was cut off"
    )
    _command(commands, "doctor", "Prove that the credentials and schemas are safe to use.")


def _rest(commands: Any) -> None:
    demo = _command(commands, "demo", "The whole story on an embedded shop, through a real MCP client.")
    demo.add_argument("--dir", default=".synapsor-demo", metavar="DIR", help="where its project goes")
    demo.add_argument(
        "--engine",
        choices=["sqlite", "postgres", "mariadb", "mysql"],
        default="sqlite",
        help="a server's URLs come from SHOP_READ_URL and SHOP_WRITE_URL",
    )
    demo.set_defaults(urls={n: os.environ[n] for n in ("SHOP_READ_URL", "SHOP_WRITE_URL") if n in os.environ})
    token = _command(commands, "token", "Make a bearer token for an HTTP client.")
    token.add_argument("action", choices=["new"], help="print a token once, and the hash that goes into synapsor.yaml")
    _command(commands, "version", "Print the version.")


def _tokens(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("from 1")
    return number


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST:
        raise argparse.ArgumentTypeError(f"from 1 to {MOST}")
    return number
