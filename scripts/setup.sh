#!/bin/sh
# Usage: scripts/setup.sh [run|dev]     Make .venv from the locked, hashed requirements and put this checkout in it.
# run: what the product needs. dev (default): also what the tests and checks need. Does nothing when .venv is up to date.
set -eu
cd "$(dirname "$0")/.."
kind=${1:-dev}
case $kind in run | dev) ;; *) echo "setup: say run or dev, not '$kind'" >&2; exit 2 ;; esac

say() { echo "setup: $*"; }
fail() {
  echo "setup: FAILED: $1" >&2
  echo "setup: what to do: $2" >&2
  exit 1
}
# Long output is shown only when the step fails.
quietly() {
  if ! "$@" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    return 1
  fi
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
find_python() {
  for candidate in ${PYTHON:-} python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11; do
    # A version manager's stub may be on PATH and still not run, so each candidate is tried. An active environment may be the
    # very .venv that is about to be replaced, so what counts is the interpreter beneath it.
    if new_enough "$candidate"; then "$candidate" -c 'import sys; print(sys._base_executable)'; return 0; fi
  done
  return 1
}
apt_install() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
  say "installing $* with apt-get (a minute or more)"
  quietly apt-get update -qq || return 1
  quietly env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends -y "$@"
}

fingerprint() { cat "requirements/$1.lock" requirements/build.lock pyproject.toml scripts/setup.sh | cksum; }
up_to_date() {
  [ -f ".venv/$1.stamp" ] && [ "$(cat ".venv/$1.stamp")" = "$(fingerprint "$1") $PWD" ] && new_enough .venv/bin/python
}
# dev holds everything of run, so either serves a run.
if up_to_date dev || { [ "$kind" = run ] && up_to_date run; }; then
  say ".venv is up to date"
  exit 0
fi

python=$(find_python) || {
  apt_install python3 python3-venv && python=$(find_python)
} || fail "no Python 3.11 or newer was found" "install one, or name it: PYTHON=/path/to/python3 make ..."
say "using $python ($("$python" -c 'import platform; print(platform.python_version())'))"

if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
  package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  apt_install "$package" && "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
    fail "$python cannot make virtual environments" "as root: apt-get install $package"
fi

if ! { [ -x .venv/bin/python ] && new_enough .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
  say "creating .venv (some seconds)"
  rm -rf .venv
  quietly "$python" -m venv .venv || fail "the virtual environment could not be created" "look at the lines above"
fi
rm -f .venv/run.stamp .venv/dev.stamp

pip_install() { quietly .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input "$@"; }
again="check that a PyPI index can be reached (pip's own settings apply), then run the command again"
say "installing the $(grep -c == "requirements/$kind.lock") packages of requirements/$kind.lock, once; a minute or more, by the line"
if [ "$kind" = dev ]; then
  # Most of its modules are never imported, so those that are are compiled then.
  pip_install --no-compile --require-hashes -r requirements/dev.lock || fail "the locked packages could not be installed" "$again"
else
  pip_install --require-hashes -r requirements/run.lock -r requirements/build.lock ||
    fail "the locked packages could not be installed" "$again"
fi
say "installing synapsor from this checkout (some seconds)"
pip_install --no-deps --no-build-isolation --editable . || fail "synapsor could not be installed" "look at the lines above"
echo "$(fingerprint "$kind") $PWD" >".venv/$kind.stamp"
say "done"
