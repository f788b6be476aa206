#!/bin/sh
# Run the checks and every test but the soak. Most tests wait for servers and processes, so four runs go side by side; each takes the next part
# that is left. Then the storms of kills run alone, for on a busy machine their workers are killed before they have begun.
set -u
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE # or each of some thousand processes would compile again what it imports

# What a test writes need not outlive the machine, and every record of a ledger waits for the disk: so into memory, where there is plenty.
free_disk() { df -Pk "$1" 2>/dev/null | awk 'NR == 2 {print $4}'; }
free_memory() { awk '/^MemAvailable/ {print $2}' /proc/meminfo 2>/dev/null; }
plenty() { [ "${1:-0}" -gt 10000000 ]; }
work=$(mktemp -d) || exit
if [ -z "${TMPDIR:-}" ] && plenty "$(free_disk /dev/shm)" && plenty "$(free_memory)"; then
  rm -rf "$work"
  work=$(mktemp -d /dev/shm/synapsor-test.XXXXXX) || exit
  export TMPDIR="$work"
fi
chmod 755 "$work" # the servers run as somebody else
running=
checking=
beside=
end() {
  for each in $running $checking $beside; do kill "$each" && wait "$each"; done 2>/dev/null
  rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM

# In the background and waited for, so that a signal is heard at once.
pytest() {
  .venv/bin/python -m pytest -p no:cacheprovider "$@" &
  running=$!
  wait "$running"
  code=$?
  running=
  return "$code"
}
# The longest first. A new folder is in the last part, and a new file of attacks or unit tests in one of theirs, whatever its name.
part() {
  case $1 in
    1) pytest tests/browser ;;
    2) pytest tests/acceptance ;;
    3) pytest tests/attack --ignore-glob='*/attack/test_[a-o]*.py' ;;
    4) pytest tests/attack/test_[ab]*.py ;;
    5) pytest tests/attack/test_c*.py ;;
    6) pytest tests/attack/test_[l-o]*.py ;;
    7) pytest tests/chaos --deselect tests/chaos/test_worker_chaos.py::test_a_storm ;;
    8) pytest tests/attack/test_[d-k]*.py ;;
    9) pytest tests/unit/test_[a-d]*.py ;;
    10) pytest tests/unit/test_[e-r]*.py ;;
    11) pytest tests/unit --ignore-glob='*/unit/test_[a-r]*.py' ;;
    12) pytest --ignore=tests/attack --ignore=tests/acceptance --ignore=tests/browser --ignore=tests/chaos --ignore=tests/unit ;;
  esac
}
parts() {
  failed=0
  for each in 1 2 3 4 5 6 7 8 9 10 11 12; do
    if mkdir "$work/part-$each" 2>/dev/null; then part "$each" || failed=1; fi
  done
  return "$failed"
}
# Beside the tests, the types take no time of their own. The tests of what fails the checks are not waited for.
failed_checks() {
  cat "$work/log-checks"
  echo "make check FAILED, so the tests were ended: mend what is told above, then run the command again" >&2
  exit 1
}
trap failed_checks USR1
(
  trap - EXIT
  trap 'kill "$making"; exit 130' TERM
  make --no-print-directory check >"$work/log-checks" 2>&1 &
  making=$!
  wait "$making" || { kill -USR1 $$; exit 1; }
) &
checking=$!
for each in 1 2 3; do
  (
    trap 'kill $running; exit 130' TERM
    trap - EXIT USR1
    parts
  ) >"$work/log-$each" 2>&1 &
  beside="$beside $!"
done
parts
all=$?
for each in $beside; do wait "$each" || all=1; done
beside=
wait "$checking" || failed_checks
checking=
cat "$work/log-checks" "$work"/log-[123]
if [ "$all" != 0 ]; then exit 1; fi
pytest tests/chaos -k test_a_storm
