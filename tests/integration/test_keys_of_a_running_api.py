"""The API as a process of its own, and keys that commands change meanwhile."""

from __future__ import annotations

import time
from contextlib import contextmanager

import httpx
import pytest

from afterturn.access import fresh_value
from afterturn.errors import SettingsError
from afterturn.local.stack import Stack
from api_shim.cli.processes import COMMANDS
from harness.waiting import wait_until
from tests import canary

TURNS = "/v1/users/ana/sessions/chat/turns"
TURN = {"turns": [{"role": "user", "content": "Hello"}]}
#: What docs/how-to/keys.md says is 5 s, the time after which a key is read again; a machine that others use adds to it.
EFFECT_SECONDS = 60.0


@contextmanager
def served(settings, directory, **changed):
    """Run the API; yield a client, and the directory with its log."""
    given = type(settings)(**settings.model_dump(exclude_unset=True) | {"api_port": 0} | changed)
    with (
        Stack(given, data_dir=directory / "stack", commands=COMMANDS, names=("api",)) as stack,
        httpx.Client(base_url=stack.address("api"), timeout=60) as client,
    ):
        yield client, directory / "stack"


def wait_for(client, headers, status):
    """Send requests until one is answered with this status."""
    began = time.monotonic()
    while client.post(TURNS, json=TURN, headers=headers).status_code != status:
        assert time.monotonic() - began < EFFECT_SECONDS
        time.sleep(0.1)


def test_changes_take_effect_within_the_stated_time(settings, hot_store, command, tmp_path):
    assert fresh_value.FRESH_SECONDS <= 5.0
    with served(settings, tmp_path) as (client, directory):
        assert client.post(TURNS, json=TURN).status_code == 201
        log = (directory / "logs" / "api.log").read_text()
        assert "needs no credential" in log and "afterturn keys create" in log
        key = command("keys", "create", "--requests-per-minute", "100000").out.strip()
        headers = {"Authorization": f"Bearer {key}"}
        wait_for(client, {}, 401)
        answer = client.post(TURNS, json=TURN, headers=headers)
        assert answer.status_code == 201 and answer.headers["ratelimit-policy"] == '"default";q=100000;w=60'
        new = command("keys", "rotate", key, "--grace", "0s").out.strip()
        assert client.post(TURNS, json=TURN, headers={"Authorization": f"Bearer {new}"}).status_code == 201
        wait_for(client, headers, 401)
        command("keys", "revoke", new)
        wait_for(client, {"Authorization": f"Bearer {new}"}, 401)
        assert client.post(TURNS, json=TURN).status_code == 401
    assert canary.logs(directory, key, new, key[3:], new[3:]) == []


def test_other_machines_are_served_once_there_is_a_key(settings, hot_store, command, tmp_path):
    elsewhere = {"api_host": "0.0.0.0"}
    with pytest.raises(SettingsError, match="afterturn keys create"), served(settings, tmp_path, **elsewhere):
        pass
    key = command("keys", "create").out.strip()
    with served(settings, tmp_path, **elsewhere) as (client, directory):
        assert client.post(TURNS, json=TURN).status_code == 401
        host = {"Host": "memory.example.com"}
        assert client.post(TURNS, json=TURN, headers=host | {"Authorization": f"Bearer {key}"}).status_code == 201
        assert "needs no credential" not in (directory / "logs" / "api.log").read_text()


def test_the_command_refuses_to_serve_other_machines_without_a_key(settings, command):
    refused = command("api", "--host", "0.0.0.0", "--port", "0")
    assert refused.code == 2 and "error [settings_error]" in refused.error
    assert "afterturn keys create" in refused.error and "AFTERTURN_API_KEY" in refused.error


def test_wrong_credentials_count_for_the_address_that_a_proxy_names(settings, hot_store, command, tmp_path):
    with served(settings, tmp_path, api_key="s3cret") as (client, _):
        bad = {"Authorization": "Bearer guess", "X-Forwarded-For": "203.0.113.7"}
        statuses = [client.get(TURNS, headers=bad).status_code for _ in range(310)]
        assert statuses[0] == 401 and statuses[-1] == 429
        good = {"Authorization": "Bearer s3cret"}
        assert client.get(TURNS, headers=good).status_code == 200

        def is_refused():
            # While the test waits for its turn, the address may be allowed a request again.
            for _ in range(20):
                client.get(TURNS, headers=bad)
            return client.get(TURNS, headers=good | {"X-Forwarded-For": "203.0.113.7"}).status_code == 429

        wait_until(is_refused, seconds=60)
