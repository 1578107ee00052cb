"""The workers' app, reading its messages from another broker than the one that messages are sent to."""

from __future__ import annotations

import os

from afterturn.worker.app import app

app.conf.update(broker_read_url=os.environ["MEDDLED_BROKER_URL"])
