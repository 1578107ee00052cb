"""The stack of one data directory: the same URLs after a restart, and one running stack at a time."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import redis

from afterturn import running_up
from afterturn import settings as settings_module
from afterturn.cold import exporting
from afterturn.database.user_tables import UserTables
from afterturn.errors import LocalServerError, MemoryUnavailable
from afterturn.local import ports
from afterturn.local.stack import Stack
from afterturn.pipeline import prepare
from afterturn.settings import Settings
from api_shim import MemoryClient
from api_shim.cli.processes import COMMANDS


def servers(data_dir: Path, **variables: str) -> Stack:
    return Stack(settings_module.load(variables), data_dir=data_dir, commands={}, names=(), durable=False)


def test_a_started_stack_has_servers_and_the_schema(tmp_path: Path) -> None:
    with servers(tmp_path) as stack:
        with redis.Redis.from_url(stack.settings.redis_url) as client:
            assert client.ping()
        with psycopg.connect(stack.postgres.url) as connection:
            assert connection.execute("SELECT count(*) FROM batches").fetchone() == (0,)
        assert stack.ended() is None


def test_a_part_cannot_leave_row_level_security(tmp_path: Path) -> None:
    with servers(tmp_path) as stack, psycopg.connect(_login_of_parts(stack), autocommit=True) as connection:
        for role in ("SET ROLE afterturn_app", "RESET ROLE"):
            connection.execute(role)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("INSERT INTO users (tenant_id, user_id) VALUES ('other', 'ben')")
            assert connection.execute("SELECT current_setting('is_superuser')").fetchone() == ("off",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM turns")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE ROLE another")


def _login_of_parts(stack: Stack) -> str:
    return stack.settings.postgres_url.get_secret_value()


def test_scrub_and_migrate_work_with_the_login_of_the_parts(tmp_path: Path) -> None:
    with servers(tmp_path) as stack:
        store = UserTables(stack.settings, complete_turns=exporting.make_completion(stack.settings))
        for rewrite in (False, True):
            assert [step.name for step in store.scrub(rewrite=rewrite) if not step.is_done] == []
        assert prepare.prepare_database(stack.settings.postgres_url.get_secret_value(), stack.settings) == []


def test_scrub_works_while_the_parts_work(tmp_path: Path) -> None:
    """With embedded servers, the login of the parts, workers and beat, and an agent that writes."""
    given = settings_module.load({"AFTERTURN_BATCH_IDLE_SECONDS": "0"})
    names = ("fast worker", "slow worker", "beat")
    with Stack(given, data_dir=tmp_path, commands=COMMANDS, names=names, durable=False) as stack:
        memory = MemoryClient("ana", settings=stack.settings)
        for number in range(3):
            memory.write("user", f"I own {number} boats.")
            memory.flush(wait_seconds=60)
            memory.write("user", "I live in Porto.")
            steps = list(
                UserTables(stack.settings, complete_turns=exporting.make_completion(stack.settings)).scrub(
                    rewrite=False
                )
            )
            assert [(step.name, step.detail) for step in steps if not step.is_done] == []


def test_a_data_directory_of_an_older_release_gets_the_login(tmp_path: Path) -> None:
    with servers(tmp_path) as stack:
        before = stack.settings.postgres_url
        with psycopg.connect(stack.postgres.url, autocommit=True) as connection:
            connection.execute("DROP OWNED BY afterturn_login; DROP ROLE afterturn_login")
    with servers(tmp_path) as stack, psycopg.connect(stack.settings.postgres_url.get_secret_value()) as connection:
        assert stack.settings.postgres_url == before
        assert connection.execute("SELECT current_user::text").fetchone() == ("afterturn_login",)


def test_a_restarted_stack_has_the_same_urls(tmp_path: Path) -> None:
    with servers(tmp_path) as stack:
        first = (stack.settings.redis_url, stack.settings.postgres_url)
    with servers(tmp_path) as stack:
        assert (stack.settings.redis_url, stack.settings.postgres_url) == first


def test_another_program_finds_the_servers_by_the_environment_file(tmp_path: Path) -> None:
    with servers(tmp_path) as stack:
        printed = subprocess.run(
            ["/bin/sh", "-c", '. "$0"; echo "$AFTERTURN_REDIS_URL $AFTERTURN_POSTGRES_URL"', stack.environment_file],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert printed == [stack.settings.redis_url, stack.settings.postgres_url.get_secret_value()]
        assert stack.environment_file.stat().st_mode & 0o077 == 0


def test_a_second_stack_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    expected = rf"afterturn up already runs in {tmp_path}, started by process {os.getpid()}"
    with servers(tmp_path) as stack:
        with pytest.raises(LocalServerError, match=expected):
            servers(tmp_path).start()
        assert stack.ended() is None


def test_given_servers_are_used_and_not_stopped(tmp_path: Path) -> None:
    with servers(tmp_path / "one") as given:
        urls = {
            "AFTERTURN_REDIS_URL": given.settings.redis_url,
            "AFTERTURN_POSTGRES_URL": given.settings.postgres_url.get_secret_value(),
        }
        with servers(tmp_path / "two", **urls) as stack:
            assert stack.processes == []
            assert stack.settings.redis_url == given.settings.redis_url
        assert given.ended() is None


def test_a_given_redis_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(MemoryUnavailable, match="AFTERTURN_REDIS_URL cannot be reached"):
        servers(tmp_path, AFTERTURN_REDIS_URL="redis://:s3cret@127.0.0.1:1/0").start()


def test_started_parts_are_stopped_when_another_part_fails(tmp_path: Path) -> None:
    with pytest.raises(MemoryUnavailable):
        servers(tmp_path, AFTERTURN_POSTGRES_URL="postgresql://nobody@127.0.0.1:1/nothing").start()
    with servers(tmp_path) as stack:
        assert stack.ended() is None


def test_a_service_takes_another_port_where_its_own_was_taken_meanwhile(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as listener:
        taken = listener.getsockname()[1]
        chosen, find_free_port = [taken], ports.find_free_port
        monkeypatch.setattr(ports, "find_free_port", lambda: chosen.pop() if chosen else find_free_port())
        # As if it had been free when it was looked at.
        monkeypatch.setattr(ports, "require_free_port", lambda *_arguments, **_options: None)
        served = Settings(**settings.model_dump(exclude_unset=True) | {"api_port": 0})
        with Stack(served, data_dir=tmp_path, commands=COMMANDS, names=("api",)) as stack:
            assert chosen == []
            assert urlsplit(stack.address("api")).port != taken
            assert httpx.get(f"{stack.address('api')}/healthz").status_code == 200


def test_a_dead_server_is_noticed(tmp_path: Path) -> None:
    with servers(tmp_path) as stack:
        assert stack.redis is not None
        stack.redis.kill()
        ended = stack.ended()
        assert ended is not None
        assert (ended.name, ended.exit_description) == ("redis", "killed by SIGKILL")


def test_kill_ends_everything_and_loses_nothing(tmp_path: Path) -> None:
    with servers(tmp_path) as stack, redis.Redis.from_url(stack.settings.redis_url) as client:
        client.set("turn", "kept")
        stack.kill()
        assert not any(process.is_running for process in stack.processes)
    with servers(tmp_path) as stack, redis.Redis.from_url(stack.settings.redis_url) as client:
        assert client.get("turn") == b"kept"


def test_a_shell_that_has_read_the_file_of_an_earlier_run_starts_its_own_servers(tmp_path: Path) -> None:
    with servers(tmp_path) as stack:
        variables = {
            "AFTERTURN_REDIS_URL": stack.settings.redis_url,
            "AFTERTURN_BROKER_URL": stack.settings.redis_url,
            "AFTERTURN_POSTGRES_URL": stack.settings.postgres_url.get_secret_value(),
        }
    with servers(tmp_path, **variables) as stack:
        assert stack.redis is not None and stack.postgres is not None
        assert stack.settings.broker_url is None
        with pytest.raises(LocalServerError, match="already runs in"):
            servers(tmp_path, **variables).start()


def test_a_shell_that_names_its_own_servers_keeps_them(tmp_path: Path) -> None:
    """Also after a run with them, which wrote their URLs to the file."""
    with servers(tmp_path / "one") as given:
        urls = {"AFTERTURN_REDIS_URL": given.settings.redis_url}
        for _ in range(2):
            with servers(tmp_path / "two", **urls) as stack:
                assert stack.redis is None
                assert stack.settings.redis_url == given.settings.redis_url


def test_a_running_stack_is_found_and_an_ended_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in running_up.SERVERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AFTERTURN_DATA_DIR", str(tmp_path))
    # As in a new process: another test of this one may have read the environment.
    settings_module._from_environment.cache_clear()
    with servers(tmp_path) as stack:
        memory = MemoryClient("ana")
        memory.write("user", "Hello.")
        assert [turn.content for turn in memory.history()] == ["Hello."]
        assert settings_module.load().redis_url == stack.settings.redis_url
    settings_module._from_environment.cache_clear()
    assert settings_module.load().redis_url == settings_module.load({}).redis_url
