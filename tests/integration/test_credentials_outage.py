"""A Postgres that is stopped, or hangs: known keys go on for a stated time, so that turns are written to Redis."""

import os
import signal
import time
from contextlib import contextmanager

import psutil
import pytest
from fastapi.testclient import TestClient

from afterturn.access import access_log, fresh_value, key_cache, keys
from afterturn.database import pool
from afterturn.local.postgres_server import PostgresServer
from afterturn.pipeline import prepare
from afterturn.principal import ALL_RIGHTS, EveryUser, Principal
from api_shim.http.app import create_app

TURNS = "/v1/users/ana/sessions/chat/turns"
TURN = {"turns": [{"role": "user", "content": "Hello"}]}
#: Far more than a loaded machine needs, and far less than the timeout of Postgres.
SOON_SECONDS = 20.0
ACTOR = access_log.make_system_actor()
EVERYTHING = Principal(tenant_id="default", users=EveryUser(), rights=ALL_RIGHTS)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A Postgres of this module's own, which is stopped and frozen."""
    with PostgresServer(tmp_path_factory.mktemp("outage"), durable=False) as opened:
        yield opened


@pytest.fixture
def own(settings, server, hot_store, monkeypatch):
    """Settings of that server, whose keys are read again after half a second."""
    monkeypatch.setattr(fresh_value, "FRESH_SECONDS", 0.5)
    given = {"postgres_url": server.url, "postgres_timeout_seconds": 60}
    made = type(settings)(**settings.model_dump(exclude_unset=True) | given)
    prepare.prepare_database(server.url, made)
    with pool.worker_connection(made) as connection:
        connection.execute("DELETE FROM api_keys")
    return made


def make_headers(settings):
    with pool.worker_connection(settings) as connection:
        made = keys.create(connection, EVERYTHING, actor=ACTOR)
    return {"Authorization": f"Bearer {made.text}"}


@contextmanager
def away(server, how):
    """Stop the server, or freeze its processes: connections are then accepted and never answered."""
    if how == "stopped":
        server.stop_at_once()
        try:
            yield
        finally:
            server.start()
        return
    parent = psutil.Process(server.process.pid)
    processes = [parent.pid, *(child.pid for child in parent.children(recursive=True))]
    for process_id in processes:
        os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        for process_id in processes:
            os.kill(process_id, signal.SIGCONT)


def write(client, headers=None):
    """Write a turn. Returns the status and how long it took, seconds."""
    began = time.monotonic()
    answer = client.post(TURNS, json=TURN, headers=headers)
    return answer, time.monotonic() - began


def wait_for(client, headers, status, seconds=60.0):
    deadline = time.monotonic() + seconds
    while write(client, headers)[0].status_code != status:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("how", ["stopped", "hangs"])
def test_a_known_key_goes_on_writing_and_an_unknown_one_is_no_401(own, server, how):
    known, unknown = make_headers(own), make_headers(own)
    with TestClient(create_app(own)) as client:
        wait_for(client, known, 201)
        with away(server, how):
            times = []
            until = time.monotonic() + 3
            while time.monotonic() < until:
                answer, seconds = write(client, known)
                assert answer.status_code == 201
                times.append(seconds)
                time.sleep(0.05)
            # A quarter of a second each time that the key is read again, and not the 60 s of the setting.
            assert max(times) < SOON_SECONDS, sorted(times)[-5:]
            refused, _ = write(client, unknown)
            # A client would drop its key after a 401.
            assert (refused.status_code, refused.json()["code"]) == (503, "memory_unavailable")
            assert write(client)[0].status_code == 401
        wait_for(client, unknown, 201)


def test_a_known_key_ends_when_the_outage_lasts_too_long(own, server, monkeypatch):
    monkeypatch.setattr(key_cache, "OUTAGE_SECONDS", 1.5)
    known = make_headers(own)
    with TestClient(create_app(own)) as client:
        wait_for(client, known, 201)
        with away(server, "stopped"):
            wait_for(client, known, 503)
            answer, _ = write(client, known)
            assert "not known any more whether the credential is valid" in answer.json()["detail"]
        wait_for(client, known, 201)


def test_a_key_that_was_revoked_is_not_used_after_an_outage(own, server):
    known = make_headers(own)
    with TestClient(create_app(own)) as client:
        wait_for(client, known, 201)
        with away(server, "stopped"):
            assert write(client, known)[0].status_code == 201
        with pool.worker_connection(own) as connection:
            [key] = keys.list_keys(connection)
            keys.revoke(connection, str(key.key_id), actor=ACTOR)
        wait_for(client, known, 401)


@pytest.mark.parametrize("how", ["stopped", "hangs"])
def test_an_api_without_keys_goes_on_writing(own, server, how):
    with TestClient(create_app(own)) as client:
        wait_for(client, None, 201)
        with away(server, how):
            until = time.monotonic() + 2
            while time.monotonic() < until:
                answer, seconds = write(client)
                assert answer.status_code == 201 and seconds < SOON_SECONDS
                time.sleep(0.05)


def test_an_api_that_starts_during_the_outage_refuses_requests_without_a_credential(own, server):
    with away(server, "stopped"), TestClient(create_app(own)) as client:
        answer, _ = write(client)
        assert (answer.status_code, answer.json()["code"]) == (503, "memory_unavailable")
        assert "not known whether keys exist" in answer.json()["detail"]
