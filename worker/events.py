"""Send the events for Flower a few times per second, instead of after each task.

Celery publishes buffered events after every iteration of its loop, each time through a new client object. At full load
this took a tenth of a worker's time, and the same share of the broker's.
"""

from __future__ import annotations

import contextlib
from typing import Any

from celery import bootsteps

#: Larger: fewer messages, and Flower shows them later.
EVENTS_SECONDS = 0.2
#: When so many events are buffered, they are sent at once. Larger: a longer message. Smaller (Celery's default is 24):
#: at full load more messages.
MAX_BUFFERED_EVENTS = 200


class SendEventsTogether(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery ships no types
    """A step of the consumer. It starts again with each connection to the broker."""

    requires = ("celery.worker.consumer.events:Events",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._has_events = False

    def include_if(self, consumer: Any) -> bool:
        return consumer.hub is not None

    def start(self, consumer: Any) -> None:
        consumer.event_dispatcher.on_send_buffered = self._note
        consumer.event_dispatcher.buffer_limit = MAX_BUFFERED_EVENTS
        consumer.hub.call_repeatedly(EVENTS_SECONDS, self._send, consumer)

    def stop(self, consumer: Any) -> None:
        with contextlib.suppress(*consumer.connection_errors):
            self._send(consumer)

    def _note(self) -> None:
        self._has_events = True

    def _send(self, consumer: Any) -> None:
        if self._has_events and consumer.event_dispatcher is not None:
            self._has_events = False
            consumer.event_dispatcher.flush()
