"""`afterturn state`: documents on the command line."""

import io
import sys
from types import SimpleNamespace

import pytest

from afterturn import MemoryClient


@pytest.fixture
def memory(settings, hot_store):
    return MemoryClient("ana", "chat", "planner", settings=settings)


def test_documents_on_the_command_line(memory, command, monkeypatch):
    assert command("state", "get", "plan", "--user", "ana").code == 1
    assert command("state", "put", "plan", '{"nights": 2.0, "a": "é"}', "--user", "ana").out == "1\n"
    assert memory.state.get("plan") == ({"nights": 2.0, "a": "é"}, 1)
    assert command("state", "get", "plan", "--user", "ana").out == '{"nights": 2.0, "a": "\\u00e9"}\n'
    refused = command("state", "put", "plan", "1", "--user", "ana", "--expected", "7")
    assert refused.code == 2 and "concurrency_error" in refused.error
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"[1]")))
    assert command.json("state", "put", "plan", "-", "--user", "ana", "--expected", "1") == {
        "key": "plan",
        "version": 2,
    }
    assert command.json("state", "get", "plan", "--user", "ana") == {"key": "plan", "version": 2, "value": [1]}
    [entry] = command.json("state", "list", "--user", "ana")
    assert set(entry) == {"key", "version", "updated_at", "expires_at", "cursor"} and entry["version"] == 2
    assert command("state", "list", "--user", "ana").out == "plan\tversion 2\n"
    assert command("state", "list", "--user", "ben").out == "no documents\n"
    assert command("state", "delete", "plan", "--user", "ana", "--expected", "2").code == 0
    assert command("state", "delete", "plan", "--user", "ana").code == 1
    for bad in ("NaN", "{", "Porto"):
        assert "invalid_input" in command("state", "put", "plan", bad, "--user", "ana").error


def test_documents_of_sessions_and_agents(memory, command):
    memory.state.put("plan", 1, scope="session")
    memory.state.put("plan", 2, scope="agent")
    assert command("state", "get", "plan", "--user", "ana", "--session", "chat", "--of-session").out == "1\n"
    assert command("state", "get", "plan", "--user", "ana", "--agent", "planner").out == "2\n"
    assert command("state", "get", "plan", "--user", "ana").code == 1
    both = command("state", "list", "--user", "ana", "--agent", "planner", "--of-session")
    assert "invalid_input" in both.error


def test_a_read_is_in_the_access_log(memory, command, database):
    command("state", "get", "plan", "--user", "ana")
    command("state", "list", "--user", "ana")
    rows = database.execute("SELECT action, about_user FROM access_log ORDER BY entry_id").fetchall()
    assert rows == [("state.get", "ana"), ("state.list", "ana")]
