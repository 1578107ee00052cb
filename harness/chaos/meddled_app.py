"""The workers' Celery app, which reads messages from another broker than the one to which it sends them."""

from __future__ import annotations

import os

from afterturn.worker.app import app

app.conf.update(broker_read_url=os.environ["MEDDLED_BROKER_URL"])
