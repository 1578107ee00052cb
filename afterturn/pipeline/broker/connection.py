"""Celery's connections to the broker, over our transports."""

from __future__ import annotations

from typing import Any

import kombu
import kombu.connection
from celery.app.amqp import AMQP
from kombu.transport import redis as kombu_redis

from afterturn.pipeline.broker import transport

#: kombu's transport -> ours. Other brokers than Redis keep theirs.
_OURS = {
    kombu_redis.Transport: transport.Transport,
    kombu_redis.SentinelTransport: transport.SentinelTransport,
}


class _OverOurTransports:
    """The URL stays kombu's, because Flower reads it; only the class of the transport is another."""

    def get_transport_cls(self) -> Any:
        theirs = super().get_transport_cls()  # type: ignore[misc]
        return _OURS.get(theirs, theirs)


class BrokerConnection(_OverOurTransports, kombu.Connection):  # type: ignore[misc]  # kombu ships no types
    """A connection to the broker."""

    def Pool(self, limit: int | None = None, **options: Any) -> Any:
        return _Pool(self, limit, **options)


class _PooledConnection(_OverOurTransports, kombu.connection.PooledConnection):  # type: ignore[misc]
    pass


class _Pool(kombu.connection.ConnectionPool):  # type: ignore[misc]
    """What producers take their connections from. kombu's pool makes connections of its own class."""

    def new(self) -> Any:
        return _PooledConnection(self, **dict(self.connection._info(resolve=False)))


class BrokerAMQP(AMQP):  # type: ignore[misc]
    """What a Celery app makes connections with: `Celery(amqp=BrokerAMQP)`."""

    Connection = BrokerConnection
