"""The Celery app. commands.py starts its parts.

The settings follow from tests that killed real workers on Redis: with late acknowledgement a message can still be lost
there, so nothing depends on a message. Results are off, one message is prefetched, and arguments are only ids.
"""

from __future__ import annotations

from celery import Celery
from kombu import Queue

from afterturn import settings as settings_module
from afterturn.pipeline.broker.connection import BrokerAMQP
from afterturn.pipeline.broker.settings import celery_settings
from afterturn.pipeline.enqueue import MESSAGE_VERSION, STAGES, task_name

from . import ending, lifecycle, sweeping, warm_up
from .ending import EndInTime
from .events import SendEventsTogether
from .heartbeat import Heartbeat
from .wake import WakeConsumer

ending.remap_sigterm()
settings = settings_module.load()

#: The package of the tasks is beside this one; in an installation both are inside the package `afterturn`.
TASKS = f"{__package__.removesuffix('worker')}tasks"

app = Celery("afterturn", amqp=BrokerAMQP, include=[f"{TASKS}.{stage}" for stage in STAGES])
app.conf.update(
    **celery_settings(settings.celery_broker_url),
    task_queues=[Queue(stage) for stage in STAGES],
    task_routes={task_name(stage): {"queue": stage} for stage in STAGES},
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_reject_on_worker_lost=False,
    worker_prefetch_multiplier=1,
    worker_send_task_events=True,
    worker_hijack_root_logger=True,
    worker_consumer=f"{__package__}.consumer:PatientConsumer",
    # SIGTERM: running tasks may finish within this time; the rest is left to other workers.
    worker_soft_shutdown_timeout=ending.SOFT_SECONDS,
    worker_enable_soft_shutdown_on_idle=False,
    enable_utc=True,
    timezone="UTC",
    # Beat itself sweeps (see sweeping.py). No message expires: that would compare beat's clock with a worker's.
    beat_schedule={
        "reconcile": {
            "task": task_name("reconcile"),
            "schedule": settings.reconcile_seconds,
            "args": (MESSAGE_VERSION,),
            "options": {"queue": "sweep"},
        },
    },
    beat_scheduler=f"{__package__}.schedule:MonotonicScheduler",
)
app.steps["worker"].add(WakeConsumer)
app.steps["worker"].add(EndInTime)
app.steps["consumer"].add(SendEventsTogether)
app.steps["consumer"].add(Heartbeat)
lifecycle.connect()
sweeping.connect()
warm_up.connect()
