"""The data directory of `afterturn up`: make it, and say in one sentence why it cannot be used."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from afterturn import system_user
from afterturn.errors import DataDirectoryUnusable, LocalServerError

FIX = "choose another one with --data-dir or AFTERTURN_DATA_DIR"
#: What is written to see whether the disk takes it.
TRIAL_BYTES = 64 * 1024
#: The free space that new servers need: a new PostgreSQL takes about 60 MB, and the first segments of its log.
NEW_MEGABYTES = 200
#: The free space with which existing servers are started. With less they would stop at once.
USED_MEGABYTES = 20


def find(path: Path) -> Path:
    """Return the absolute path of a data directory. Raises DataDirectoryUnusable."""
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise DataDirectoryUnusable(f"the data directory {path} cannot be found ({error}); {FIX}") from None


def prepare(path: Path) -> None:
    """Make the directory if it does not exist, and try to write to it. Raises DataDirectoryUnusable."""
    with explaining_errors(path):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=path) as trial:
            trial.write(bytes(TRIAL_BYTES))
            trial.flush()
            os.fsync(trial.fileno())
        free = shutil.disk_usage(path).free // 1_000_000
        needed = USED_MEGABYTES if (path / "postgres").exists() else NEW_MEGABYTES
    if free < needed:
        raise DataDirectoryUnusable(
            f"the disk of the data directory {path} has {free} MB left, and {needed} MB are needed: make room, or {FIX}"
        )


@contextlib.contextmanager
def explaining_errors(path: Path) -> Iterator[None]:
    """Raise DataDirectoryUnusable for an error of the file system in a data directory."""
    try:
        yield
    except OSError as error:
        if error.errno is None or isinstance(error, ConnectionError | TimeoutError):
            raise
        named = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else path
        if not _concerns(path, named, error):
            raise LocalServerError(f"{named}: {error.strerror}") from None
        raise DataDirectoryUnusable(
            f"the data directory {path} cannot be used: {_explain(error, named)}; {FIX}"
        ) from None


def _concerns(path: Path, named: Path, error: OSError) -> bool:
    """Return whether an error is one of the data directory or of a folder above it."""
    is_of_the_disk = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return is_of_the_disk or named == path or path in named.parents or named in path.parents


def _explain(error: OSError, named: Path) -> str:
    match error.errno:
        case errno.EEXIST | errno.ENOTDIR:
            return f"there is a file in the way at {_file_in_the_way(named)}"
        case errno.EACCES | errno.EPERM:
            return f"the user {system_user.read_name()} may not write there ({named}: {error.strerror})"
        case errno.EROFS:
            return f"{named} is on a file system that is read-only"
        case errno.ENOSPC | errno.EDQUOT:
            return "the disk is full"
    return f"{named}: {error.strerror}"


def _file_in_the_way(path: Path) -> Path:
    return next((part for part in (*reversed(path.parents), path) if part.exists() and not part.is_dir()), path)
