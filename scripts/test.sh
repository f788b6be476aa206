#!/bin/sh
# Run every test but the soak. Most tests wait for servers and processes, so three runs go side by side; each takes the next part that is
# left. Then the storms of kills run alone, for on a busy machine their workers are killed before they have begun.
set -u
cd "$(dirname "$0")/.."

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
beside=
end() {
  for each in $running $beside; do kill "$each" && wait "$each"; done 2>/dev/null
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
# The longest first; a new folder is in the first, and a new file of attacks in one of the next two.
part() {
  case $1 in
    1) pytest --ignore=tests/attack --ignore=tests/acceptance --ignore=tests/browser --ignore=tests/chaos ;;
    2) pytest tests/attack/test_[a-d]*.py ;;
    3) pytest tests/attack --ignore-glob='*/attack/test_[a-d]*.py' ;;
    4) pytest tests/browser ;;
    5) pytest tests/acceptance ;;
    6) pytest tests/chaos --deselect tests/chaos/test_worker_chaos.py::test_a_storm ;;
  esac
}
parts() {
  failed=0
  for each in 1 2 3 4 5 6; do
    if mkdir "$work/part-$each" 2>/dev/null; then part "$each" || failed=1; fi
  done
  return "$failed"
}
for each in 1 2; do
  (
    trap 'kill $running; exit 130' TERM
    trap - EXIT
    parts
  ) >"$work/log-$each" 2>&1 &
  beside="$beside $!"
done
parts
all=$?
for each in $beside; do wait "$each" || all=1; done
beside=
cat "$work/log-1" "$work/log-2"
if [ "$all" != 0 ]; then exit 1; fi
pytest tests/chaos -k test_a_storm
