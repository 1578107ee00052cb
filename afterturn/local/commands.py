"""The command lines of afterturn's processes: the one place from which `afterturn up` takes them.

docker-compose.yml writes them out; a test compares the two. Each is what follows `python -m`. No secret stands on a
command line, where every user of a machine can read it; those go by the environment.
"""

from __future__ import annotations

APP = "worker.app"
#: Short transactions; never made to wait behind an LLM.
FAST_QUEUES = ("sweep", "archive", "consolidate", "erase")
#: Calls to LLM and embedder, in threads that mostly wait.
SLOW_QUEUES = ("extract", "embed", "judge", "summarize", "sleep", "index")
#: Gossip and mingle make workers talk to each other at the start, which nothing here needs; -E feeds Flower.
WORKER_OPTIONS = ("--without-gossip", "--without-mingle", "-E", "-l", "info")


def fast_worker(concurrency: int | str, *, node: str = "fast@%h") -> list[str]:
    return _worker(node, FAST_QUEUES, concurrency, "prefork")


def slow_worker(concurrency: int | str, *, node: str = "slow@%h") -> list[str]:
    return _worker(node, SLOW_QUEUES, concurrency, "threads")


def _worker(node: str, queues: tuple[str, ...], concurrency: int | str, pool: str) -> list[str]:
    start = ["celery", "-A", APP, "worker", "-n", node, "-Q", ",".join(queues)]
    return [*start, "-c", str(concurrency), "--pool", pool, *WORKER_OPTIONS]


def beat(schedule_path: str) -> list[str]:
    """The clock. The schedule file holds when each entry ran last; it may be lost."""
    return ["celery", "-A", APP, "beat", "-l", "info", "--schedule", schedule_path]


def api(host: str, port: int | str) -> list[str]:
    return ["uvicorn", "api_shim.http.app:create_app", "--factory", "--host", host, "--port", str(port)]


def flower(host: str, port: int | str) -> list[str]:
    """Nothing persistent: what Flower shows is what it has seen since its start. Its login is FLOWER_BASIC_AUTH."""
    return ["celery", "-A", APP, "flower", f"--address={host}", f"--port={port}", "--persistent=False"]
