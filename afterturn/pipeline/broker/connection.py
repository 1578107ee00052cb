"""Celery's connections to the broker, over our transports."""

from __future__ import annotations

from typing import Any

import kombu
import kombu.connection
from celery.app.amqp import AMQP
from kombu.transport import redis as kombu_redis

from afterturn.pipeline.broker import transport

#: kombu's transport -> ours. Other brokers than Redis use kombu's transport.
_OURS = {
    kombu_redis.Transport: transport.Transport,
    kombu_redis.SentinelTransport: transport.SentinelTransport,
}


class _OverOurTransports:
    """Replaces the class of the transport. The URL does not change, because Flower reads it."""

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
    """The pool of the producers' connections. kombu's pool makes connections of kombu's class."""

    def new(self) -> Any:
        return _PooledConnection(self, **dict(self.connection._info(resolve=False)))


class BrokerAMQP(AMQP):  # type: ignore[misc]
    """Makes the connections of a Celery app: `Celery(amqp=BrokerAMQP)`."""

    Connection = BrokerConnection
