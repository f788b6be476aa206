"""The `synapsor` command: find the command, run it, and turn whatever it raises into a message, a fix and an exit code.

Nothing heavy is imported before the command is known. An unexpected error is one line without its text, which could quote a secret.
"""

from __future__ import annotations

import importlib
import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from synapsor.cli import collector
from synapsor.cli.parser import build_parser

INTERRUPTED = 130
USAGE = 2
UNEXPECTED = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    collector.collect_seldom()
    # Another package's plugin would be loaded into this process, and be shown every value that is validated.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    parser = build_parser()
    given = sys.argv[1:] if argv is None else argv
    if not given:
        parser.print_help(sys.stderr)
        return USAGE
    try:
        "".join(given).encode()
    except UnicodeEncodeError:
        parser.error("an argument is not UTF-8 text")
    arguments = parser.parse_args(given)
    from synapsor.cli import logs

    logs.configure(verbose=arguments.verbose)
    _leave_no_core()
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left; the interpreter must not try to flush it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNEXPECTED
    return code


def _run(arguments: Namespace) -> int:
    try:
        command = importlib.import_module(f"synapsor.cli.{arguments.module}")
        code: int = command.run(arguments)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  # the outermost place: whatever it is becomes one line
        cause = _only_cause(error)
        if isinstance(cause, KeyboardInterrupt):
            raise cause from None
        return _tell(arguments, cause)
    return code


def _only_cause(error: BaseException) -> BaseException:
    """Return the error inside task groups that hold just one."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _tell(arguments: Namespace, error: BaseException) -> int:
    import secrets

    from synapsor.cli.terminal import as_json, note
    from synapsor.errors import DecisionRefused, LedgerFailure, SynapsorError, place, rule_of

    if isinstance(error, SynapsorError):
        message, code = str(error), error.exit_code
        fix = error.fix or next((told for kind, told in _fixes().items() if isinstance(error, kind)), "")
        rule = rule_of(error)
    else:
        reference = secrets.token_hex(4)
        message, fix, code, rule = (
            f"Unexpected failure: {place(error)} (reference {reference}).",
            "Run again with SYNAPSOR_DEBUG=1 and report it.",
            UNEXPECTED,
            "unexpected",
        )
    if os.environ.get("SYNAPSOR_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)  # without locals, which could hold secrets
    # A named rule is what the reference explains; the names of classes say nothing to a person.
    named = f" ({rule})" if isinstance(error, DecisionRefused | LedgerFailure) else ""
    note(f"synapsor: {message}{named}", indent=2)
    if fix:
        note(f"  fix: {fix}".replace("\n", "\n       "), indent=7)
    if arguments.json:
        body = {"rule": rule, "message": message, "fix": fix, "exit_code": code}
        print(as_json({"schema": "synapsor.error/1", "ok": False, "error": body}))
    return code


def _fixes() -> dict[type[Exception], str]:
    """Return what helps against an error that names no fix of its own."""
    from synapsor.errors import DecisionRefused, IntegrityError, LedgerFailure

    return {
        DecisionRefused: "Look at it again with `synapsor show`, or ask another person.",
        IntegrityError: "`synapsor verify` says whether the record holds; decide and apply nothing before.",
        LedgerFailure: "Look at the ledger's file, its directory and the space on its disk; `synapsor verify` reads all of it.",
    }


def _leave_no_core() -> None:
    """Keep a crash from writing this process's memory, and the secrets in it, to a file."""
    try:
        import resource  # not there on every platform

        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    except (ImportError, OSError, ValueError):
        pass


if __name__ == "__main__":
    sys.exit(main())
