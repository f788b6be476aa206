"""The mutants of synapsor.config."""

from scripts.mutant_table.mutant import Mutant

MUTANTS = (
    Mutant(
        "notify.quorum",
        "notify:quorum",
        "config/events.py",
        '            kind="approval_recorded",\n',
        "",
        "tests/acceptance/test_notifier.py -k others_have",
    ),
    Mutant(
        "notify.tls.mail-clear",
        "notify:tls",
        "config/notify.py",
        'if smtp.tls == "none" and smtp.host not in LOOPBACK_NAMES:',
        "if False:",
        "tests/acceptance/test_notifier_mail.py -k in_clear",
    ),
    Mutant(
        "companion.own-reader",
        "companion:own-credential",
        "config/approvals.py",
        'update={"read": approvals.read[name]}',
        "update={}",
        "tests/attack/test_companion_looks.py -k approves_what_is",
    ),
    Mutant(
        "companion.no-writer",
        "companion:own-credential",
        "config/approvals.py",
        "if any(ref.target in writers for ref in approvals.read.values()):",
        "if False:",
        "tests/attack/test_companion_looks.py -k no_writers",
    ),
    Mutant(
        "console.unverified",
        "console:unverified",
        "config/console.py",
        'if console.development_identity is not None and profile != "development":',
        "if False:",
        "tests/unit/test_console.py -k contradicts_itself",
    ),
    Mutant(
        "prompts.console-secret",
        "prompts:lead-to-a-person",
        "config/links.py",
        "[A-Za-z0-9.-]+|http",
        "[^/]+|http",
        "tests/unit/test_config.py -k could_hold_a_secret",
    ),
    Mutant(
        "lanes.of-a-file",
        "worker:lanes",
        "config/sources.py",
        "if (source.lanes or 1) > 1 and not source.has_many_writers:",
        "if False:",
        "tests/unit/test_config.py -k four_lanes",
    ),
    Mutant(
        "lanes.of-a-file-told",
        "worker:lanes",
        "config/sources.py",
        "    if lanes > 1 and not source.has_many_writers:",
        "    if False:",
        "tests/unit/test_cli.py -k more_lanes",
    ),
)
