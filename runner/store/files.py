"""Bytes <-> files that are whole or absent: links are not followed, and what the disk refuses is one sentence."""

import contextlib
import errno
import os
import resource
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

SCRAP = ".*.tmp"  # what a write that was killed leaves beside its file
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)  # the process is in trouble, not the file
_UNSYNCED = (errno.EINVAL, errno.ENOTSUP)  # some network file systems cannot sync a folder


class Corrupt(Exception):
    """A file that is not what was written; the message is the reason in plain words."""


class StoreError(Exception):
    """The results folder cannot be used; the message is one sentence for the user."""


def refused(error: OSError | UnicodeError) -> str:
    """Return one sentence for what the system refused, or for bytes that are no text, wherever that was."""
    if isinstance(error, UnicodeError):
        return f"A file or a name must be text in UTF-8; got one that is not ({error}). Write it anew as UTF-8."
    where = f"{error.filename!r} must be usable" if error.filename else "The system must let this be done"
    return f"{where}; it is not: {error.strerror or error}. Mend that and run the same command again."


# ---- writing


def write_file(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step: a temporary file beside it, synced, then renamed over it.

    A link at `path` is replaced, not written through. StoreError where the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    with refusals_worded(path, len(content)):
        try:
            _write_new(temporary, content)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        sync_folder(path.parent)


def _write_new(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet and let it reach the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> bytes:
    """Let a file that others wrote reach the disk and return its bytes; an empty one is made where there is none."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        os.fsync(descriptor)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Let the folder's renames reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNSYNCED:
            raise
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> Path:
    """Make the folder and return it; StoreError where it cannot be made or a link or a file stands in its place."""
    refuse_link(folder)
    if not folder.is_dir():
        with refusals_worded(folder, None):
            folder.mkdir(parents=True, exist_ok=True)
            sync_folder(folder.parent)
    return folder


def remove(path: Path) -> None:
    """Delete a file, a link or a whole folder as far as it goes; links inside are not followed."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def refuse_link(folder: Path) -> None:
    """Raise StoreError if the folder is a symbolic link: what a results folder holds lies in it."""
    if folder.is_symlink():
        raise StoreError(
            f"results_dir must hold its folders itself; {str(folder)!r} is a symbolic link, which is not followed. "
            "Remove the link or choose another results_dir."
        )


@contextlib.contextmanager
def refusals_worded(path: Path, needed: int | None) -> Iterator[None]:
    """Turn an OSError on the way to `path`, `needed` bytes or None for a folder, into one StoreError sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreError(_full_sentence(path, needed, error)) from error
        raise StoreError(
            f"results_dir must be a folder that can be written; {str(path)!r} cannot be "
            f"({error.strerror or error}). Mend that or choose another results_dir, and run the same command again."
        ) from error


def _full_sentence(path: Path, needed: int | None, error: OSError) -> str:
    """Return what does not fit, where, and how much room there is."""
    wanted = "another folder" if needed is None else f"{needed:,} bytes"
    return (
        f"results_dir must have room for what is recorded; {str(path)!r} needs {wanted}, {_room(path, error)}. "
        "Free some space or choose another results_dir, and run the same command again."
    )


def _room(path: Path, error: OSError) -> str:
    """Return how much may be written, by the limit that was met: the disk, a quota, a size of file."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if error.errno == errno.EFBIG:
        return f"a file may have {limit:,}" if limit != resource.RLIM_INFINITY else "more than a file may have"
    if error.errno == errno.EDQUOT:
        return "more than the disk quota leaves"
    above = next((folder for folder in path.parents if folder.is_dir()), Path("/"))
    with contextlib.suppress(OSError):
        system = os.statvfs(above)
        files = " and no further file can be made" if system.f_files and not system.f_favail else ""
        return f"{system.f_bavail * system.f_frsize:,} are free{files}"
    return "the disk is full"


# ---- reading


def open_plain(path: Path) -> BinaryIO:
    """Open a plain file to read; Corrupt where there is none or something else, a link included, is in its place."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # a named pipe must not block
    except OSError as error:
        raise _unreadable(path, error) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Corrupt(f"{path.name} is no plain file")
    return open(descriptor, "rb")


def read_plain(path: Path, most: int) -> bytes:
    """Return the bytes of a plain file; Corrupt where it cannot be read or has more than `most` of them."""
    with open_plain(path) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise Corrupt(f"{path.name} has more than {most:,} bytes")
        return read_all(path, file)


def read_all(path: Path, file: BinaryIO) -> bytes:
    """Return what the open file holds; Corrupt where the disk does not give it."""
    try:
        return file.read()
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> Exception:
    """Return what to raise: Corrupt for this file, StoreError where no file could be read."""
    if error.errno in _EXHAUSTED:
        return StoreError(f"results_dir must be readable; {str(path)!r} is not ({error.strerror}). Run it again.")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return Corrupt(f"{path.name} is missing")
    if error.errno == errno.ELOOP:
        return Corrupt(f"{path.name} is a symbolic link, which is not followed")
    return Corrupt(f"{path.name} cannot be read ({error.strerror})")


def plain(text: str) -> str:
    """Return a name as one printable line, so that a hostile one neither breaks a line nor steers the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
