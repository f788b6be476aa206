"""The files of `deploy/` say what they must: a user, a secret and a network for each process, and nothing that it does not need."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from synapsor.cli.parser import build_parser
from synapsor.config import load_config

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = {"serve": "reader", "worker": "writer", "console": "reader"}
"""Each process with the one credential that it is given."""

HARDENED = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "ProtectProc": "invisible",
    "MemoryDenyWriteExecute": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "SystemCallArchitectures": "native",
    "ReadWritePaths": "/var/lib/synapsor",
    "UMask": "0077",
    "LimitCORE": "0",
}
EXPOSED = re.compile(r"Overall exposure level for .*: ([0-9.]+)")
MOST_EXPOSED = 2.0


def unit(name: str) -> dict[str, list[str]]:
    """Return what a unit's service says, by its key."""
    text = (DEPLOY / "systemd" / f"synapsor-{name}.service").read_text(encoding="utf-8")
    said: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            said.setdefault(key, []).append(value)
    return said


@pytest.mark.requirement("deploy:apart")
def test_each_unit_has_a_user_and_a_credential_of_its_own_and_shares_the_ledgers_group() -> None:
    units = {name: unit(name) for name in UNITS}
    assert {name: said["User"] for name, said in units.items()} == {n: [f"synapsor-{n}"] for n in UNITS}
    assert {tuple(said["Group"]) for said in units.values()} == {("synapsor",)}
    given = {name: said["LoadCredential"] for name, said in units.items()}
    assert given == {name: [f"{secret}:/etc/synapsor/secrets/{secret}"] for name, secret in UNITS.items()}
    users = (DEPLOY / "systemd" / "synapsor.sysusers").read_text(encoding="utf-8")
    assert all(f"u synapsor-{name} -" in users and f"m synapsor-{name} synapsor" in users for name in UNITS)
    readers_of_codes = re.findall(r"^m (\S+) synapsor-codes$", users, re.MULTILINE)
    assert readers_of_codes == ["synapsor-worker", "synapsor-console"]
    directory = (DEPLOY / "systemd" / "synapsor.tmpfiles").read_text(encoding="utf-8")
    assert "d /var/lib/synapsor 2770 root synapsor -" in directory


@pytest.mark.requirement("deploy:hardened")
@pytest.mark.parametrize("name", sorted(UNITS))
def test_a_unit_may_write_the_ledger_and_do_nothing_else_to_the_machine(name: str) -> None:
    said = unit(name)
    assert {key: said.get(key, ["absent"]) for key in HARDENED} == {key: [value] for key, value in HARDENED.items()}
    assert said["SystemCallFilter"] == ["@system-service", "~@privileged", "@chown"]
    assert said["RestartPreventExitStatus"] == ["2 5 6"]
    ((command),) = said["ExecStart"]
    program, *arguments = command.split()
    assert program == "/opt/synapsor/bin/synapsor"
    assert build_parser().parse_args(arguments).module == name


@pytest.mark.requirement("deploy:hardened")
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
@pytest.mark.parametrize("name", sorted(UNITS))
def test_systemd_reads_a_unit_without_a_word_and_calls_it_little_exposed(name: str, tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / f"synapsor-{name}.service").read_text(encoding="utf-8")
    file = tmp_path / f"synapsor-{name}.service"
    file.write_text(text.replace("/opt/synapsor/bin/synapsor", "/usr/bin/true"), encoding="utf-8")
    read = subprocess.run(["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False)
    assert (read.returncode, read.stdout, read.stderr) == (0, "", "")
    command = ["systemd-analyze", "security", "--offline=true", str(file)]
    judged = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unrecognized option" in judged.stderr:
        pytest.skip("this systemd judges no unit offline")
    found = EXPOSED.search(judged.stdout)
    assert found is not None
    assert float(found[1]) <= MOST_EXPOSED


@pytest.mark.requirement("deploy:apart")
def test_the_script_that_starts_the_units_does_what_the_how_to_says_and_is_a_script() -> None:
    script = ROOT / "scripts" / "units.sh"
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    page = (ROOT / "docs" / "how-to" / "deploy.md").read_text(encoding="utf-8")
    (lines,) = [block for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "systemd-sysusers" in block]
    installed = set(re.findall(r"deploy/\S+|policies/\S+\.yaml", lines))
    assert all(list(ROOT.glob(name.rstrip("/"))) for name in installed), installed
    assert '"systemd-sysusers" in block' in (ROOT / "scripts" / "units_inside.py").read_text(encoding="utf-8")


def compose() -> dict[str, Any]:
    """Return the compose file."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return found


@pytest.mark.requirement("deploy:apart")
def test_in_containers_server_and_worker_share_the_ledger_and_nothing_else() -> None:
    services = compose()["services"]
    assert {n: (s["user"], s["secrets"], s["networks"]) for n, s in services.items()} == {
        "serve": ("10001:10000", ["reader"], ["reading"]),
        "worker": ("10002:10000", ["writer"], ["writing"]),
        "people": ("10003:10000", [{"source": "people", "target": "reader"}], ["reading"]),
    }
    assert [n for n, s in services.items() if any(":/keys" in volume for volume in s["volumes"])] == ["people"]
    for service in services.values():
        writable = [volume for volume in service["volumes"] if not volume.endswith(":ro")]
        assert writable == ["ledger:/var/lib/synapsor"]
        assert "environment" not in service
        assert "ports" not in service
    assert all(network["internal"] for network in compose()["networks"].values())


@pytest.mark.requirement("deploy:hardened")
@pytest.mark.parametrize("name", ["serve", "worker", "people"])
def test_a_container_is_read_only_and_has_no_power(name: str) -> None:
    service = compose()["services"][name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert build_parser().parse_args(service["command"]).module == {"people": "inbox"}.get(name, name)


@pytest.mark.requirement("deploy:hardened")
def test_the_image_is_made_of_the_locked_packages_in_two_stages_and_runs_as_nobody_special() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    build, final = re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]
    assert "--require-hashes -r requirements/run.lock -r requirements/build.lock" in build
    assert "COPY --from=build /opt/synapsor /opt/synapsor" in final
    assert re.findall(r"^USER (.*)$", final, re.MULTILINE) == ["10001:10000"]
    assert "-m 2770 /var/lib/synapsor" in final
    assert not re.search(r"^(?:ADD|COPY (?!--from=build))", final, re.MULTILINE)
    copied = re.findall(r"^COPY (.*) \S+$", build, re.MULTILINE)
    assert all((ROOT / name).exists() for line in copied for name in line.split())


@pytest.mark.requirement("deploy:apart")
def test_the_project_that_is_deployed_is_in_order_and_asks_for_the_credentials_that_are_given() -> None:
    config = load_config(DEPLOY / "synapsor.yaml")
    (source,) = config.sources.values()
    assert (config.profile, config.ledger_group, str(config.ledger.parent)) == (
        "production",
        "synapsor",
        HARDENED["ReadWritePaths"],
    )
    assert (str(source.read), str(source.write)) == ("${credential:reader}", "${credential:writer}")
