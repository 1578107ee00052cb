"""Find the servers of a running `afterturn up` by its data directory, where the environment names no servers.

`afterturn up` writes the URLs of its servers to the file `environment` in its data directory, and locks the file `lock`
there for as long as it runs. A file that an earlier run has left is not used: nobody has the lock. Nor is one that
another user may have written.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DATA_DIR_VARIABLE = "AFTERTURN_DATA_DIR"
DEFAULT_DATA_DIR = Path("~/.local/share/afterturn")
#: The variables that are read from the file. All others in it are ignored.
SERVERS = ("AFTERTURN_REDIS_URL", "AFTERTURN_BROKER_URL", "AFTERTURN_POSTGRES_URL")
FILE = "environment"
LOCK = "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a data directory says."""

    #: Variable -> URL; empty if no usable `up` runs there.
    urls: Mapping[str, str]
    #: Why it is empty, for an error message.
    problem: str = ""


def add_servers(variables: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables with the URLs of the running `afterturn up`.

    Servers that the variables name win: if they are others than those of the running `up`, nothing is added.
    """
    given = {name: variables[name] for name in SERVERS if variables.get(name)}
    if given.keys() >= {"AFTERTURN_REDIS_URL", "AFTERTURN_POSTGRES_URL"}:
        return variables
    urls = find_servers(Path(variables.get(DATA_DIR_VARIABLE) or DEFAULT_DATA_DIR)).urls
    if any(urls.get(name) != url for name, url in given.items()):
        return variables
    return {**variables, **urls}


def find_servers(data_dir: Path) -> Found:
    """Return the URLs of the servers of the `afterturn up` that runs with a data directory."""
    try:
        directory = data_dir.expanduser().absolute()
    except RuntimeError:
        return Found(urls={}, problem=f"the home directory of {data_dir} is unknown")
    try:
        text, problem = _read_private(directory / FILE)
    except (FileNotFoundError, NotADirectoryError):
        return Found(urls={}, problem=f"no `afterturn up` runs with the data directory {directory}")
    except OSError as error:
        return Found(urls={}, problem=f"{directory / FILE} cannot be read ({error.strerror})")
    if problem:
        return Found(urls={}, problem=problem)
    if not is_locked(directory / LOCK):
        return Found(urls={}, problem=f"the `afterturn up` of {directory} does not run any more")
    return Found(urls=_parse(text))


def _read_private(path: Path) -> tuple[str, str]:
    """Return the content of a file, and why it must not be used, if so. Raises OSError."""
    # O_NONBLOCK: nobody waits for a pipe of that name.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, encoding="utf-8", errors="replace") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return "", f"{path} is not a file"
        if status.st_uid != os.geteuid():
            return "", f"{path} belongs to another user"
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            return "", f"{path} is accessible to other users (chmod 600 it)"
        return file.read(), ""


def is_locked(path: Path) -> bool:
    """Return whether a process has the lock on a file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _parse(text: str) -> dict[str, str]:
    """Return the variables of SERVERS in a file of lines `export NAME=value`, quoted for a shell."""
    urls = {}
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            for word in shlex.split(line.removeprefix("export "))[:1]:
                name, separator, value = word.partition("=")
                if separator and name in SERVERS:
                    urls[name] = value
    return urls
