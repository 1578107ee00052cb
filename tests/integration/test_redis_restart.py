"""Workers survive a Redis that is killed while they work, and what was acknowledged stays (Celery 5.7.0 does not)."""

import time

import pytest

from afterturn import settings as settings_module
from afterturn.local.redis_server import RedisServer
from afterturn.local.stack import Stack
from api_shim import MemoryClient
from api_shim.cli.processes import COMMANDS
from harness import servers
from tests.conftest import QUICK
from tests.integration.conftest import WORKERS


@pytest.mark.slow
def test_workers_survive_a_redis_restart(settings, database, tmp_path):
    with RedisServer(tmp_path / "redis", appendfsync="always") as redis_server:
        ours = settings_module.load(
            QUICK
            | {
                "AFTERTURN_REDIS_URL": redis_server.url,
                "AFTERTURN_POSTGRES_URL": settings.postgres_url.get_secret_value(),
            }
        )
        servers.empty(ours)
        with Stack(ours, data_dir=tmp_path / "stack", commands=COMMANDS, names=WORKERS) as stack:
            memory = MemoryClient("ana", settings=ours)
            memory.write_many({"role": "user", "content": f"I own {number} cats."} for number in range(300))
            for _ in range(3):
                time.sleep(0.5)
                redis_server.kill()
                redis_server.start()
                memory.write("user", "I live in Porto.", name="Ana")
            memory.flush(wait_seconds=60)
            assert stack.ended() is None
        assert database.execute("SELECT count(*), count(DISTINCT turn_id) FROM turns").fetchone() == (303, 303)
        assert "Ana lives in Porto." in {found.text for found in memory.recall("Where does Ana live?", kinds=["fact"])}
