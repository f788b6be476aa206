#!/bin/sh
# Put real Postgres and MariaDB server binaries and a Chromium in place for the tests; says nothing when they are there. No service is
# started.
# As root on Debian or Ubuntu: with apt-get. As an ordinary user: the same packages, verified by apt, unpacked under .servers/.
# `where` prints the bin directory of the Postgres that the tests take, or nothing, and puts nothing in place.
set -eu
cd "$(dirname "$0")/.."

say() { echo "servers: $*"; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
  if ! "$@" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    return 1
  fi
}

is_postgres() { [ -x "$1/initdb" ] && [ -x "$1/postgres" ]; }
# What was named, then the newest that is installed (the packages themselves know where), what is on the PATH, what was unpacked here.
where_postgres() {
  on_path=$(command -v postgres || true)
  for bin in ${SYN_PG_BIN:+"$SYN_PG_BIN"} \
    $(dpkg-query -S '*/bin/initdb' 2>/dev/null | sed 's/^[^:]*: //; s:/initdb$::' | sort -rV) \
    ${on_path:+"$(dirname "$(readlink -f "$on_path")")"} \
    $(find "$PWD/.servers/root" -path '*/bin/initdb' 2>/dev/null | sed 's:/initdb$::' | sort -rV); do
    if is_postgres "$bin"; then
      echo "$bin"
      return
    fi
  done
}
have_postgres() { [ -n "$(where_postgres)" ]; }
have_mariadb() {
  for prefix in ${SYN_MARIADB_PREFIX:+"$SYN_MARIADB_PREFIX"} "" .servers/root; do
    if [ -x "$prefix/usr/sbin/mariadbd" ] && [ -d "$prefix/usr/share/mysql" ]; then return 0; fi
  done
  return 1
}
# As tests/console.py looks for it.
unpacked=.servers/root
have_chromium() {
  for place in ${SYN_CHROMIUM:+"$SYN_CHROMIUM"} /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome \
    "$unpacked/usr/lib/chromium/chromium" .servers/browsers/chromium-*/chrome-linux*/chrome; do
    if [ -x "$place" ] && ! grep -qs /snap/ "$place"; then return 0; fi
  done
  return 1
}
missing() {
  if ! have_postgres; then echo postgres; fi
  if ! have_mariadb; then echo mariadb; fi
  if ! have_chromium; then echo chromium; fi
}
# Ubuntu's package is a snap in disguise, which does not run everywhere; there the browser comes from the library that drives it.
chromium_package() {
  case $(apt-cache "$@" policy chromium | awk '$1 == "Candidate:" {print $2}') in
    '' | '(none)' | *snap*) ;;
    *) echo chromium fonts-dejavu-core ;;
  esac
}
driven_chromium() {
  say "fetching a Chromium into .servers/"
  PLAYWRIGHT_BROWSERS_PATH=$PWD/.servers/browsers quietly .venv/bin/python -m playwright install "$@" --no-shell chromium
}
# The distribution's own major version; options for apt-get and apt-cache come as arguments.
postgres_package() { apt-cache "$@" depends postgresql | awk '$1 == "Depends:" && $2 ~ /^postgresql-[0-9]+$/ {print $2; exit}'; }

install_as_root() {
  quietly apt-get update -qq
  export DEBIAN_FRONTEND=noninteractive
  for engine in $1; do
    say "installing $engine with apt-get (a minute or more)"
    if [ "$engine" = mariadb ]; then
      quietly apt-get install -qq -y --no-install-recommends mariadb-server-core
      continue
    fi
    if [ "$engine" = chromium ]; then
      wanted=$(chromium_package)
      # $wanted holds several words on purpose.
      if [ -n "$wanted" ]; then quietly apt-get install -qq -y --no-install-recommends $wanted; else driven_chromium --with-deps; fi
      continue
    fi
    # Debian's Postgres package makes a cluster and starts it as a service unless this is set before it is unpacked.
    quietly apt-get install -qq -y --no-install-recommends postgresql-common
    sed -i -E 's/^[# ]*create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    quietly apt-get install -qq -y --no-install-recommends "$(postgres_package)"
  done
}

unpack_as_user() {
  mkdir -p .servers/lists/partial .servers/cache/archives/partial .servers/debs .servers/root
  dest=$PWD/.servers
  options="-o Dir::State::lists=$dest/lists -o Dir::Cache=$dest/cache -o Debug::NoLocking=1 -o APT::Sandbox::User="
  say "fetching $(echo $1) into .servers/ (not installed, no root needed; a minute or more)"
  # $options and $wanted hold several words each on purpose.
  quietly apt-get -qq $options update
  wanted=
  for engine in $1; do
    case $engine in
      mariadb) wanted="$wanted mariadb-server-core" ;;
      postgres) wanted="$wanted $(postgres_package $options)" ;;
      chromium) wanted="$wanted $(chromium_package $options)" ;;
    esac
  done
  needed=$(apt-get -qq $options -s --no-install-recommends install $wanted | awk '/^Inst/ {print $2}')
  if [ -n "$wanted" ]; then (cd "$dest/debs" && quietly apt-get -qq $options download $wanted $needed); fi
  for deb in "$dest"/debs/*.deb; do
    # Ubuntu's Chromium may be all that is missing, and is no package.
    if [ -e "$deb" ]; then dpkg-deb -x "$deb" "$dest/root"; fi
  done
  rm -rf "$dest/cache" "$dest/debs" "$dest/lists"
  if ! have_chromium; then driven_chromium; fi
}

if [ "${1:-}" = where ]; then
  where_postgres
  exit
fi
engines=$(missing)
[ -n "$engines" ] || exit 0
if ! command -v apt-get >/dev/null; then
  echo "servers: no binaries of: $(echo $engines), and no apt-get to get them with" >&2
  echo "servers: what to do: install them, or set SYN_PG_BIN (a bin directory), SYN_MARIADB_PREFIX (the directory above usr/) and SYN_CHROMIUM" >&2
  exit 1
fi
if [ "$(id -u)" = 0 ]; then install_as_root "$engines"; else unpack_as_user "$engines"; fi
engines=$(missing)
if [ -n "$engines" ]; then
  echo "servers: still missing: $(echo $engines)" >&2
  echo "servers: what to do: install PostgreSQL 14 or newer, MariaDB 10.6 or newer and Chromium yourself, then run the command again" >&2
  exit 1
fi
say "done"
