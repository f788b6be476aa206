"""Become a server that dies with its starter: drop to an account, ask the kernel for a signal, then exec.

A separate program rather than a preexec_fn: forking Python code out of a threaded test process is a deadlock waiting to happen.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(signal_number: str, uid: str, gid: str, *command: str) -> None:
    """Replace this process with the command; a uid of -1 keeps the account."""
    if int(uid) >= 0:
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    # After the change of account, which clears it.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal_number))
    os.execv(command[0], command)  # the tests' own server binaries


if __name__ == "__main__":
    main(*sys.argv[1:])
