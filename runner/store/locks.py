"""A lock file <-> the one process that holds it; the kernel frees it when that process ends, however it ends.

`flock` itself rather than a lock library: filelock waits by asking again and again, where the kernel wakes who waits;
it cannot tell whether a lock is held without making the file, which `python -m runner verify` must not; and where a
file system has no flock it writes a marker instead, which outlives a holder that was killed.
"""

import contextlib
import fcntl
import os
from pathlib import Path


def open_lock(path: Path) -> int:
    """Return the lock file's descriptor, the file made if it was missing; OSError, of a link or a folder too."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)


def hold(descriptor: int) -> None:
    """Take the lock, waiting for whoever has it; OSError where the file system has no locks."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def try_to_hold(descriptor: int) -> None:
    """Take the lock at once; OSError where another has it or it cannot be had."""
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def release(descriptor: int) -> None:
    """Close a lock's file, which frees the lock whatever the disk says to it."""
    with contextlib.suppress(OSError):
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Tell whether a process has the lock; the file is not made for that."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
