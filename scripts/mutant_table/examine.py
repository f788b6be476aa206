"""The mutants of synapsor.examine."""

from scripts.mutant_table.mutant import Mutant

MUTANTS = (
    Mutant(
        "drift.doctor",
        "drift:refused",
        "examine/sources.py",
        "            found += [finding async for finding in _drift(project, loaded)]\n",
        "            pass\n",
        "tests/attack/test_drift.py -k named_and_refused",
    ),
    Mutant(
        "doctor.provider-keys",
        "doctor:provider",
        "examine/provider.py",
        "if await provider.can_sign():",
        "if not await provider.can_sign() or True:",
        "tests/acceptance/test_doctor.py -k what_a_login_would_need",
    ),
    Mutant(
        "doctor.channel-address",
        "doctor:channels",
        "examine/channels.py",
        "    if refused:\n",
        "    if False:\n",
        "tests/acceptance/test_doctor.py -k calls_none",
    ),
    Mutant(
        "doctor.proxy",
        "doctor:console",
        "examine/console.py",
        "if ipaddress.ip_network(network).prefixlen == 0:",
        "if False:",
        "tests/acceptance/test_doctor.py -k overheard",
    ),
    Mutant(
        "doctor.beside",
        "doctor:companion",
        "examine/companion.py",
        'if started == {"serve", "approvals"}:',
        "if False:",
        "tests/acceptance/test_doctor.py -k beside_the_agent",
    ),
    Mutant(
        "doctor.open",
        "doctor:companion",
        "examine/secrets.py",
        "elif mode & _OTHERS:",
        "elif False:",
        "tests/acceptance/test_doctor.py -k beside_the_agent",
    ),
    Mutant(
        "codes.doctor-unheld",
        "doctor:codes",
        "examine/codes.py",
        "role in one.roles and one.name in kept for one",
        "role in one.roles for one",
        "tests/unit/test_cli_codes.py -k from_the_first_day",
    ),
    Mutant(
        "doctor.goes-on",
        "doctor:goes-on",
        "examine/sources.py",
        '            found += told(failed.source, [_unreachable("reader", failed)])\n            continue',
        "            raise",
        "tests/unit/test_cli.py -k with_everything_else",
    ),
)
