#!/bin/sh
# Start the units of deploy/ under a systemd of their own, with a real Postgres and MariaDB beside them, and play the main job through them
# as docs/how-to/deploy.md says it: a Debian below UNITS_ROOT (made once, by debootstrap), booted by systemd-nspawn without a network.
# Needs root, debootstrap, systemd-nspawn and Debian's packages; where one of them is not there it says so and ends with 0.
set -eu
cd "$(dirname "$0")/.."
root=${UNITS_ROOT:-/var/tmp/synapsor-units}
name=synapsor-units-$$

skip() { echo "units: not run here: $*"; exit 0; }
[ "$(id -u)" = 0 ] || skip "only root can boot a system"
for tool in debootstrap systemd-nspawn nsenter; do
  command -v "$tool" >/dev/null || skip "there is no $tool (apt-get install debootstrap systemd-container)"
done

base=$root/base
if [ ! -e "$base/ready" ]; then
  echo "units: making a Debian (some minutes, once)"
  rm -rf "$base"
  mkdir -p "$root"
  debootstrap --include=systemd,systemd-sysv,dbus,python3,python3-venv,ca-certificates,postgresql,mariadb-server,procps,libnss-systemd \
    bookworm "$base" >"$root/debootstrap.log" 2>&1 || skip "debootstrap ended with an error, see $root/debootstrap.log"
  touch "$base/ready"
fi

top=$root/top
leader=
boot=
end() {
  if [ -n "$boot" ]; then
    kill -TERM "$boot" 2>/dev/null || true
    wait "$boot" 2>/dev/null || true
  fi
  if mountpoint -q "$top/root"; then umount "$top/root"; fi
}
trap end EXIT
if mountpoint -q "$top/root"; then umount "$top/root"; fi
rm -rf "$top"
mkdir -p "$top/upper" "$top/work" "$top/root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$top/upper,workdir=$top/work" "$top/root" || skip "there is no overlay file system"

echo "units: installing synapsor into it"
at=$top/root
mkdir -p "$at/src" "$root/wheels"
.venv/bin/python -m pip download -q --no-deps --only-binary=:all: --python-version 3.11 -d "$root/wheels" \
  -r requirements/run.lock -r requirements/build.lock 2>"$root/pip.log" || skip "the packages cannot be had, see $root/pip.log"
cp -r "$root/wheels" "$at/wheels"
git ls-files -z | xargs -0 cp --parents -t "$at/src"
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$at" sh -ec '
  python3 -m venv /opt/synapsor
  /opt/synapsor/bin/pip install -q --no-index --find-links /wheels --require-hashes -r /src/requirements/run.lock -r /src/requirements/build.lock
  /opt/synapsor/bin/pip install -q --no-deps --no-build-isolation /src'

echo "units: booting"
systemd-nspawn --quiet --directory="$at" --machine="$name" --register=no --keep-unit --private-network --boot --console=pipe \
  </dev/null >"$root/boot.log" 2>&1 &
boot=$!
for _ in $(seq 120); do
  leader=$(cat "/proc/$boot/task/$boot/children" 2>/dev/null | tr -d ' ' || true)
  if [ -n "$leader" ] && nsenter -t "$leader" -m -u -i -n -p systemctl is-system-running --quiet 2>/dev/null; then break; fi
  kill -0 "$boot" 2>/dev/null || skip "systemd-nspawn cannot boot here, see $root/boot.log"
  sleep 0.5
done

nsenter -t "$leader" -m -u -i -n -p env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root \
  /opt/synapsor/bin/python /src/scripts/units_inside.py
