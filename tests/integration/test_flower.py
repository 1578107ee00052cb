"""Flower shows the tasks by name, with ids as arguments, and asks for a login where others could reach it."""

import time

import httpx
import pytest

from afterturn.errors import SettingsError
from afterturn.local.stack import Stack
from api_shim import MemoryClient
from api_shim.cli.processes import COMMANDS
from tests.integration.conftest import WORKERS


def test_the_stages_are_visible_in_flower(settings, hot_store, tmp_path):
    ours = type(settings)(
        **settings.model_dump(exclude_unset=True) | {"flower_port": 0, "flower_basic_auth": "ana:s3cret"}
    )
    with Stack(ours, data_dir=tmp_path / "stack", commands=COMMANDS, names=(*WORKERS, "flower")) as stack:
        memory = MemoryClient("ana", settings=ours)
        memory.write("user", "I live in Porto.", name="Ana")
        memory.flush(wait_seconds=60)
        with httpx.Client(base_url=stack.address("flower"), timeout=60) as client:
            assert client.get("/healthcheck").text == "OK"
            assert client.get("/tasks").status_code == 401
            client.auth = ("ana", "s3cret")
            seen = {}
            deadline = time.monotonic() + 60
            wanted = {f"afterturn.{stage}" for stage in ("archive", "extract", "consolidate")}
            while not wanted <= {task["name"] for task in seen.values() if task["state"] == "SUCCESS"}:
                assert time.monotonic() < deadline, seen
                seen = client.get("/api/tasks").json()
                time.sleep(0.2)
    arguments = {task["args"] for task in seen.values() if task["name"] == "afterturn.archive"}
    assert any("'ana', 'default'" in shown for shown in arguments)
    assert not any("Porto" in str(task) for task in seen.values())
    names = {task["name"] for task in seen.values()}
    assert "afterturn.sweep" not in names, "one each second would hide the others"
    assert "afterturn.embed" not in names, "the task that extracts a batch also embeds it"


@pytest.mark.parametrize("name", ["flower", "api"])
def test_no_door_is_open_to_others_without_a_login(settings, tmp_path, name):
    ours = settings.model_copy(update={f"{name}_host": "0.0.0.0"})
    with pytest.raises(SettingsError, match=f"AFTERTURN_{'FLOWER_BASIC_AUTH' if name == 'flower' else 'API_KEY'}"):
        Stack(ours, data_dir=tmp_path, commands=COMMANDS, names=(name,))
