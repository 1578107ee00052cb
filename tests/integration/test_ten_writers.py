"""Ten processes write to one session while the workers run: every turn once, each writer's own order kept."""

import subprocess
import sys
import time

import pytest

from api_shim import MemoryClient

WRITERS = 10
TURNS_EACH = 300

WRITER = """
import sys
from api_shim import MemoryClient
memory = MemoryClient("ana", "busy", f"writer-{sys.argv[1]}")
for number in range(int(sys.argv[2])):
    memory.write("user", f"writer {sys.argv[1]} says {number}")
"""


@pytest.mark.slow
def test_ten_writers_to_one_session(workers, settings, database):
    environment = {
        "AFTERTURN_REDIS_URL": settings.redis_url,
        "AFTERTURN_POSTGRES_URL": settings.postgres_url.get_secret_value(),
    }
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(writer), str(TURNS_EACH)], env=environment)
        for writer in range(WRITERS)
    ]
    assert [writer.wait(120) for writer in writers] == [0] * WRITERS
    deadline = time.monotonic() + 60
    while database.execute("SELECT count(*) FROM turns").fetchone() != (WRITERS * TURNS_EACH,):
        assert time.monotonic() < deadline, database.execute("SELECT count(*) FROM turns").fetchone()
        time.sleep(0.2)
    rows = database.execute("SELECT position, agent_id, content FROM turns ORDER BY position").fetchall()
    assert [row[0] for row in rows] == list(range(1, WRITERS * TURNS_EACH + 1))
    for writer in range(WRITERS):
        said = [content for _, agent_id, content in rows if agent_id == f"writer-{writer}"]
        assert said == [f"writer {writer} says {number}" for number in range(TURNS_EACH)]
    assert len(MemoryClient("ana", "busy", settings=settings).history(1_000)) == 1_000
