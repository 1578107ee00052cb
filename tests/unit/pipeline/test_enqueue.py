"""The producer and the worker use our broker, whatever the environment says to Celery."""

import subprocess
import sys

SHOW = """
from afterturn.pipeline.enqueue import Enqueue
from afterturn.worker.app import app
print(Enqueue("redis://ours:1/0")._celery.connection_for_write().as_uri())
print(app.connection_for_read().as_uri(), app.connection_for_write().as_uri())
"""


def test_the_agents_own_celery_settings_do_not_reach_ours(empty_directory):
    environment = {"CELERY_BROKER_URL": "redis://theirs:9/0", "AFTERTURN_REDIS_URL": "redis://ours:1/0"}
    shown = subprocess.run(
        [sys.executable, "-c", SHOW], env=environment, cwd=empty_directory, capture_output=True, text=True, check=True
    ).stdout
    assert shown.split() == ["redis://ours:1/0"] * 3
