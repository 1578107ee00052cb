"""kombu's Redis transport, changed so that workers keep running while Redis refuses or fails.

Every error of Redis counts as a connection error: the worker reconnects instead of ending. kombu treats only lost
connections so, and ends at a replica (READONLY), a full memory (OOM), a disk that cannot be written (MISCONF) or a
cluster that is down.

Writes succeed at a full memory (see scripts.py), because hints start the work that empties Redis.

If an acknowledgement fails, its message no longer counts as taken by this worker. In kombu it would use up the prefetch
limit without end. Redis returns the message after the visibility timeout, when no work is left for it.

Redis's clock gives the time at which a message was taken, not the clocks of the hosts.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
import redis.sentinel
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import dumps, loads
from redis.exceptions import RedisClusterException, RedisError

from afterturn.hot import scripts
from afterturn.hot.clients import ReconnectingRedis

logger = logging.getLogger(__name__)

CONNECTION_ERRORS = (*kombu_redis.Transport.connection_errors, RedisError, RedisClusterException)
#: The errors of an acknowledgement.
_FAILURES = (RedisError, RedisClusterException, OSError)


class Client(ReconnectingRedis):
    """A client whose writes to queues and bindings succeed when memory is full; transactions would fail."""

    def lpush(self, name: Any, *values: Any) -> Any:
        return scripts.WRITE_AT_FULL_MEMORY.run(self, (name,), "LPUSH", *values)

    def sadd(self, name: Any, *values: Any) -> Any:
        return scripts.WRITE_AT_FULL_MEMORY.run(self, (name,), "SADD", *values)

    def pipeline(self, transaction: Any = False, shard_hint: Any = None) -> Any:
        return super().pipeline(transaction, shard_hint)


class QoS(kombu_redis.QoS):  # type: ignore[misc]  # kombu ships no types
    """The messages that a worker has taken and not acknowledged."""

    def append(self, message: Any, delivery_tag: str) -> None:
        delivery = message.delivery_info
        stored = dumps([message._raw, delivery["exchange"], delivery["routing_key"]])
        with self.channel.conn_or_acquire() as client:
            scripts.BROKER_DELIVER.run(client, (self.unacked_index_key, self.unacked_key), delivery_tag, stored)
        virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        try:
            self._forget(delivery_tag)
        except _FAILURES as error:
            logger.warning("a message could not be acknowledged (%s); it is delivered again without harm", error)
        virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if requeue:
            self.restore_by_tag(delivery_tag, leftmost=True)
        self.ack(delivery_tag)

    def _forget(self, delivery_tag: str) -> None:
        with self.channel.conn_or_acquire() as client:
            scripts.BROKER_FORGET.run(client, (self.unacked_index_key, self.unacked_key), delivery_tag)

    def restore_visible(self, start: int = 0, num: int | None = 10, interval: int = 10) -> None:
        """Requeue messages that were not acknowledged within the visibility timeout. kombu calls it repeatedly."""
        self._vrestore_count += 1
        if (self._vrestore_count - 1) % interval:
            return
        seconds = int(self.visibility_timeout)
        with self.channel.conn_or_acquire() as client:
            for tag in scripts.BROKER_LAPSED.run(client, (self.unacked_index_key,), seconds, num or 1_000):
                self.restore_by_tag(tag, client)

    def restore_by_tag(self, tag: str | bytes, client: redis.Redis | None = None, leftmost: bool = False) -> None:
        """Return a message to its queue. If that fails, it is returned after the visibility timeout."""
        try:
            with self.channel.conn_or_acquire(client) as connected:
                stored = connected.hget(self.unacked_key, tag)
                if stored:
                    self._return(connected, tag, *loads(bytes_to_str(stored)), leftmost=leftmost)
        except _FAILURES as error:
            logger.warning("a message could not be requeued (%s); the sweep sends another one", error)

    def _return(
        self, client: redis.Redis, tag: str | bytes, message: Any, exchange: str, key: str, *, leftmost: bool
    ) -> None:
        message["headers"]["redelivered"] = True
        message["properties"]["delivery_info"]["redelivered"] = True
        priority = self.channel._get_message_priority(message, reverse=False)
        queues = [self.channel._q_for_pri(queue, priority) for queue in self.channel._lookup(exchange, key)]
        # BRPOP takes from the right. kombu's argument calls the left end the beginning.
        side = "LPUSH" if leftmost else "RPUSH"
        keys = (self.unacked_index_key, self.unacked_key, *queues)
        scripts.BROKER_RETURN.run(client, keys, tag, dumps(message), side)


class _OurChannel:
    """The common part of both kinds of channels."""

    QoS = QoS
    #: Arguments of redis-py's connections that kombu does not know, and `path` of a socket, and `tls`.
    connection_options: dict[str, Any] = {}  # noqa: RUF012  # kombu sets it per instance
    #: The client of `conn_or_acquire`, for as long as the channel has the same pool of connections.
    _kept_client: Client | None = None

    @contextmanager
    def conn_or_acquire(self, client: redis.Redis | None = None) -> Iterator[redis.Redis]:
        """Yield a client. kombu makes a new one for each command, which takes as long as several commands."""
        if client is not None:
            yield client
            return
        kept = self._kept_client
        if kept is None or kept.connection_pool is not self.pool:  # type: ignore[attr-defined]
            kept = self._kept_client = self._create_client()  # type: ignore[attr-defined]
        yield kept

    def _get_client(self) -> Any:
        return Client

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        options = dict(self.connection_options)
        path, is_tls = options.pop("path", ""), options.pop("tls", False)
        if is_tls:
            self.connection_class = self.connection_class_ssl  # type: ignore[attr-defined]
        elif path:
            self.connection_class = redis.UnixDomainSocketConnection
        parameters: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[misc]
        if path:
            for name in ("host", "port", "socket_keepalive", "socket_keepalive_options"):
                parameters.pop(name, None)
            parameters["path"] = path
        return parameters | options


class Channel(_OurChannel, kombu_redis.Channel):  # type: ignore[misc]
    """A channel to a Redis."""

    from_transport_options = (*kombu_redis.Channel.from_transport_options, "connection_options")


class SentinelChannel(_OurChannel, kombu_redis.SentinelChannel):  # type: ignore[misc]
    """A channel to the Redis that the Sentinels name."""

    from_transport_options = (*kombu_redis.SentinelChannel.from_transport_options, "connection_options")


class Transport(kombu_redis.Transport):  # type: ignore[misc]
    """The transport to a Redis."""

    Channel = Channel
    connection_errors = CONNECTION_ERRORS


class SentinelTransport(kombu_redis.SentinelTransport):  # type: ignore[misc]
    """The transport to the Redis that the Sentinels name."""

    Channel = SentinelChannel
    connection_errors = CONNECTION_ERRORS
