"""Ties the life of a child process to that of its parent."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1

# Loaded at import: between fork and exec nothing may allocate or take the import lock.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(sig: int = signal.SIGKILL) -> None:
    """Ask the kernel to send `sig` to this process when the thread that forked it ends. Linux only, elsewhere nothing.

    Call it after any change of user: the kernel forgets the wish when the credentials change.
    """
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(sig), 0, 0, 0)


def dying_with_parent(sig: int = signal.SIGKILL) -> Callable[[], None]:
    """Build a `preexec_fn` for subprocess.Popen; it also covers a parent that died before the wish was made."""
    parent = os.getpid()

    def preexec() -> None:
        die_with_parent(sig)
        if _libc is not None and os.getppid() != parent:
            os._exit(1)

    return preexec
