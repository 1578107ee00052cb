"""The servers of a running `afterturn up` are found by its data directory, and only those that are safe to use."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading

import pytest

from afterturn import running_up
from afterturn import settings as settings_module
from afterturn.local import environment, lock

REDIS = "redis://:it's; $x@127.0.0.1:1/0"
POSTGRES = "postgresql://afterturn_login:pw@127.0.0.1:2/afterturn"
URLS = {"AFTERTURN_REDIS_URL": REDIS, "AFTERTURN_POSTGRES_URL": POSTGRES}


@pytest.fixture
def data_dir(tmp_path):
    environment.write_environment_file(tmp_path / "environment", URLS)
    return tmp_path


@pytest.fixture
def running(data_dir):
    """The data directory of a running `up`."""
    with lock.hold_lock(data_dir / "lock", "afterturn up"):
        yield data_dir


def variables(data_dir, **more):
    return {"AFTERTURN_DATA_DIR": str(data_dir), **more}


def test_the_servers_of_a_running_up_are_used(running):
    assert running_up.find_servers(running) == running_up.Found(urls=URLS)
    assert running_up.add_servers(variables(running)) == variables(running) | URLS


def test_the_process_environment_is_read_so(running, monkeypatch):
    for name in running_up.SERVERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AFTERTURN_DATA_DIR", str(running))
    for load in (settings_module.load, settings_module.load_with, settings_module.from_environment):
        assert load().redis_url == REDIS
        assert load().postgres_url.get_secret_value() == POSTGRES
    assert "redis_url" not in settings_module.load_without_servers().model_fields_set
    assert settings_module.load_with(data_dir=running / "other").redis_url != REDIS


def test_a_mapping_that_is_given_is_all_that_counts(running):
    assert "redis_url" not in settings_module.load(variables(running)).model_fields_set


def test_a_file_that_a_dead_up_has_left_is_not_used(data_dir):
    (data_dir / "lock").write_text("1\n")
    found = running_up.find_servers(data_dir)
    assert found.urls == {} and "does not run any more" in found.problem
    assert running_up.add_servers(variables(data_dir)) == variables(data_dir)
    (data_dir / "lock").unlink()
    assert running_up.find_servers(data_dir).urls == {}


def test_a_directory_without_an_up_is_named(tmp_path):
    found = running_up.find_servers(tmp_path / "no")
    assert found.problem == f"no `afterturn up` runs with the data directory {tmp_path / 'no'}"


def test_a_relative_directory_is_taken_from_here(running, monkeypatch):
    monkeypatch.chdir(running.parent)
    assert running_up.find_servers(running_up.Path(running.name)).urls == URLS
    monkeypatch.chdir("/")
    found = running_up.find_servers(running_up.Path(running.name))
    assert found.urls == {} and f"/{running.name}" in found.problem


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602, 0o666])
def test_a_file_that_others_can_use_is_not_trusted(running, mode):
    (running / "environment").chmod(mode)
    found = running_up.find_servers(running)
    assert found.urls == {} and "accessible to other users" in found.problem


def test_a_file_of_another_user_is_not_trusted(running, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    found = running_up.find_servers(running)
    assert found.urls == {} and "belongs to another user" in found.problem


@pytest.mark.parametrize("kind", ["symlink", "pipe", "folder", "file in the way"])
def test_what_is_not_a_file_is_not_read(running, tmp_path, kind):
    path = running / "environment"
    content = path.read_text()
    path.unlink()
    if kind == "symlink":
        (running / "other").write_text(content)
        (running / "other").chmod(0o600)
        path.symlink_to(running / "other")
    elif kind == "pipe":
        os.mkfifo(path, 0o600)
    elif kind == "folder":
        path.mkdir(0o700)
    else:
        path = running / "lock"
        assert running_up.find_servers(path).urls == {}
        return
    found = running_up.find_servers(running)
    assert found.urls == {} and str(path) in found.problem


def test_other_variables_of_the_file_are_ignored(running):
    with (running / "environment").open("a") as file:
        file.write(
            "export AFTERTURN_TENANT=evil\nexport PATH=/tmp\nrm -rf x\n'unclosed\nAFTERTURN_BROKER_URL=amqp://b\n"
        )
    assert running_up.find_servers(running).urls == URLS | {"AFTERTURN_BROKER_URL": "amqp://b"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"AFTERTURN_REDIS_URL": "redis://own"}, {}),
        ({"AFTERTURN_POSTGRES_URL": "postgresql://own"}, {}),
        ({"AFTERTURN_BROKER_URL": "amqp://own"}, {}),
        ({"AFTERTURN_REDIS_URL": REDIS}, {"AFTERTURN_POSTGRES_URL": POSTGRES}),
        ({"AFTERTURN_REDIS_URL": ""}, URLS),
        ({"AFTERTURN_REDIS_URL": "redis://own", "AFTERTURN_POSTGRES_URL": "postgresql://own"}, {}),
    ],
)
def test_servers_that_the_environment_names_win(running, given, expected):
    assert running_up.add_servers(variables(running, **given)) == variables(running, **given) | expected


def test_looking_for_an_up_does_not_keep_another_from_starting(tmp_path):
    """`up` waits a moment for the lock, which a look takes for an instant."""
    path = tmp_path / "lock"
    path.touch()
    with contextlib.ExitStack() as stack:
        held = os.open(path, os.O_RDONLY)
        stack.callback(os.close, held)
        fcntl.flock(held, fcntl.LOCK_SH)
        threading.Timer(0.1, fcntl.flock, (held, fcntl.LOCK_UN)).start()
        with lock.hold_lock(path, "afterturn up", wait_seconds=2.0):
            assert running_up.is_locked(path)
    assert not running_up.is_locked(path)


def test_the_error_of_a_server_that_nobody_named_says_where_was_looked(tmp_path):
    loaded = settings_module.load(variables(tmp_path))
    for name in ("redis_url", "postgres_url"):
        explanation = loaded.explain_default(name)
        assert f"AFTERTURN_{name.upper()} is not set" in explanation
        assert str(tmp_path) in explanation
    named = settings_module.load({"AFTERTURN_REDIS_URL": "redis://h"})
    assert named.explain_default("redis_url") == ""
