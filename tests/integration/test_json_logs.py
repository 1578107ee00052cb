"""Logs as JSON: each line of each process is an object, and none has content."""

import json
import logging
import time

import httpx
import psycopg
import pytest

from afterturn.errors import MemoryUnavailable
from afterturn.json_logs import JsonFormatter
from afterturn.local.stack import Stack
from api_shim.cli.processes import COMMANDS

CANARY = "canary7311"
BASE = "/v1/users/ana/sessions/chat"


@pytest.fixture
def logs(settings, hot_store, tmp_path):
    """An API, workers and beat that log JSON: the address of the API and the folder of the logs."""
    given = type(settings)(**settings.model_dump(exclude_unset=True) | {"api_port": 0, "log_format": "json"})
    names = ("api", "fast worker", "slow worker", "beat")
    with Stack(given, data_dir=tmp_path / "stack", commands=COMMANDS, names=names) as stack:
        yield stack.address("api"), tmp_path / "stack" / "logs"


@pytest.mark.slow
def test_every_line_of_every_process_is_an_object_without_content(logs, database):
    address, folder = logs
    # An error whose message repeats the turn, in a worker.
    database.execute(f"ALTER TABLE facts ADD CONSTRAINT no_canary CHECK (text NOT LIKE '%{CANARY}%') NOT VALID")
    try:
        with httpx.Client(base_url=address, timeout=60) as client:
            turns = [{"role": "user", "content": f"I live in {CANARY}.", "name": "Ana"}]
            assert client.post(f"{BASE}/turns", json={"turns": turns}).status_code == 201
            client.get(f"{BASE}/memories", params={"query": CANARY})
            client.post(f"{BASE}/turns", json={"turns": [{"role": CANARY}]})
            client.post(f"{BASE}/turns", content=f'{{"{CANARY}"')
            client.get(f"/v1/users/ana/facts?subject={CANARY}")
            client.post(f"{BASE}/flush")
            deadline = time.monotonic() + 60
            while "CheckViolation" not in _text_of(folder) and time.monotonic() < deadline:
                time.sleep(0.2)
    finally:
        database.execute("ALTER TABLE facts DROP CONSTRAINT no_canary")
    text = _text_of(folder)
    assert CANARY not in text
    assert "CheckViolation" in text
    assert [line for line in text.splitlines() if not line.startswith("{")] == []
    lines = [json.loads(line) for line in text.splitlines()]
    assert all({"time", "level", "logger", "message", "process"} <= line.keys() for line in lines)
    served = [line for line in lines if line.get("status") == 201]
    assert len(served) == 1, served
    [written] = served
    assert (written["method"], written["path"], written["level"]) == ("POST", f"{BASE}/turns", "info")
    assert {path.name for path in folder.iterdir()} >= {"api.log", "beat.log"}
    assert all(path.read_text() for path in folder.glob("*.log"))


def _text_of(folder) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.log")))


def test_the_text_of_errors_of_libraries_is_left_out_and_that_of_ours_is_kept():
    try:
        try:
            raise psycopg.errors.CheckViolation(f"Failing row contains ({CANARY}).")
        except psycopg.Error as error:
            raise MemoryUnavailable("Postgres did not answer") from error
    except MemoryUnavailable as error:
        record = logging.LogRecord(
            "afterturn.client", logging.ERROR, __file__, 1, "it failed: %s", ("x",), (type(error), error, None)
        )
    line = JsonFormatter().format(record)
    fields = json.loads(line)
    assert CANARY not in line and "\n" not in line
    assert (fields["level"], fields["message"]) == ("error", "it failed: x")
    assert [error["type"].rpartition(".")[2] for error in fields["errors"]] == ["MemoryUnavailable", "CheckViolation"]
    assert fields["errors"][0]["code"] == "memory_unavailable"
    assert "test_json_logs.py" in fields["errors"][0]["frames"][0]
