"""Agent code with a tasks.py and a worker.py of its own can use the client, and the workers never import them."""

import subprocess
import sys

from api_shim import MemoryClient

AGENT = """
import tasks, worker
assert tasks.MINE and worker.MINE
from api_shim import MemoryClient
MemoryClient("ana").write("user", "from a foreign directory")
assert "celery" not in __import__("sys").modules
"""


def test_a_write_from_a_foreign_directory(settings, hot_store, empty_directory):
    for name in ("tasks", "worker"):
        (empty_directory / f"{name}.py").write_text("MINE = True\n")
    (empty_directory / "agent.py").write_text(AGENT)
    environment = {"AFTERTURN_REDIS_URL": settings.redis_url}
    subprocess.run([sys.executable, "agent.py"], cwd=empty_directory, env=environment, check=True, timeout=120)
    [turn] = MemoryClient("ana", settings=settings).history()
    assert turn.content == "from a foreign directory"


def test_up_and_its_workers_from_a_foreign_directory(workers, settings, monkeypatch, empty_directory):
    """The stack's processes run in a directory of their own, wherever the caller stands."""
    for name in ("tasks", "worker"):
        (empty_directory / f"{name}.py").write_text("raise SystemExit('the foreign file was imported')\n")
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "I live in Porto.", name="Ana")
    memory.flush(wait_seconds=60)
    assert "Ana lives in Porto." in {found.text for found in memory.recall("Porto")}
