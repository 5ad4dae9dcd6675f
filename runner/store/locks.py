"""A lock file <-> the one process that holds it; the kernel frees it when that process ends, however it ends.

`flock` itself rather than a lock library: filelock cannot tell whether a lock is held without making the file,
which `python -m runner verify` must not, and where a file system has no flock it writes a marker instead, which
outlives a holder that was killed.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from runner.store.files import StoreError


def open_lock(path: Path) -> int:
    """Return the lock file's descriptor, the file made if it was missing; OSError, of a link or a folder too."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)


def try_to_hold(descriptor: int) -> bool:
    """Take the lock at once; return whether it was free. OSError where the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def hold(descriptor: int) -> None:
    """Take the lock, waiting for whoever has it; OSError where the file system has no locks."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def check_locks(path: Path) -> None:
    """Try a lock on the file; StoreError where two cannot exclude each other: each training would be made twice."""
    first, second = open_lock(path), open_lock(path)
    try:
        works = try_to_hold(first) and not try_to_hold(second)
    except OSError:
        works = False
    finally:
        release(first)
        release(second)
    if not works:
        raise StoreError(
            f"results_dir must be on a file system with file locks (flock); {str(path.parent)!r} has none that hold. "
            "Choose another results_dir, or mount the file system with locks."
        )


def release(descriptor: int) -> None:
    """Close a lock's file, which frees the lock whatever the disk says to it."""
    with contextlib.suppress(OSError):
        os.close(descriptor)


@contextlib.contextmanager
def shared(path: Path) -> Iterator[None]:
    """Have the lock beside others who share it; the file is not made for that, and where it is none nothing is had."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            stack.callback(release, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield


def is_held(path: Path) -> bool:
    """Tell whether a process has the lock for itself; the file is not made for that."""
    return not _can_have(path, os.O_RDONLY, fcntl.LOCK_SH)


def is_shared(path: Path) -> bool:
    """Tell whether any process has the lock, alone or beside others; the file is not made for that."""
    return not _can_have(path, os.O_RDWR, fcntl.LOCK_EX)


def _can_have(path: Path, mode: int, lock: int) -> bool:
    """Tell whether the lock could be had at this moment, or there is none."""
    try:
        descriptor = os.open(path, mode | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, lock | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
