#!/bin/sh
# Renew requirements/*.lock: exact versions with hashes, valid for every supported Python and platform, naming no package index.
set -eu
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${PYTHON:-python3}" -m venv "$tools"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv
compile() {
  echo "lock: $1"
  output=requirements/$1.lock
  shift
  "$tools/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
    --no-emit-index-url --no-emit-find-links --no-annotate --no-header --output-file "$output" "$@"
}
compile dev --extra dev pyproject.toml
# The others take dev's versions, so that a run differs from a test only in what it leaves out.
compile run --constraint requirements/dev.lock pyproject.toml
printf 'hatchling\n' >"$tools/build.in"
compile build --constraint requirements/dev.lock "$tools/build.in"
