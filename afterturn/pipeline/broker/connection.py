"""Celery's connections to the broker, over our transports."""

from __future__ import annotations

from typing import Any

import kombu
from celery.app.amqp import AMQP
from kombu.transport import redis as kombu_redis

from afterturn.pipeline.broker import transport

#: kombu's transport -> ours. Other brokers than Redis keep theirs.
_OURS = {
    kombu_redis.Transport: transport.Transport,
    kombu_redis.SentinelTransport: transport.SentinelTransport,
}


class BrokerConnection(kombu.Connection):  # type: ignore[misc]  # kombu ships no types
    """A connection. Its URL looks the same as kombu's, because Flower reads it."""

    def get_transport_cls(self) -> Any:
        theirs = super().get_transport_cls()
        return _OURS.get(theirs, theirs)


class BrokerAMQP(AMQP):  # type: ignore[misc]
    """What a Celery app makes connections with: `Celery(amqp=BrokerAMQP)`."""

    Connection = BrokerConnection
