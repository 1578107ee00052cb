"""The broker's transport on a real Redis: what is delivered, given back and sent where Redis refuses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from kombu import Queue

from afterturn.local.redis_server import RedisServer
from afterturn.pipeline.broker import settings as broker_settings
from afterturn.pipeline.broker.connection import BrokerConnection
from afterturn.pipeline.enqueue import Enqueue
from afterturn.settings import Settings
from harness.chaos import redis_faults

HOUR = 3_600


@pytest.fixture
def connection(settings: Settings) -> Iterator[BrokerConnection]:
    given = broker_settings.celery_settings(settings.redis_url)
    with BrokerConnection(given["broker_url"], transport_options=given["broker_transport_options"]) as opened:
        yield opened


def take(connection: BrokerConnection, prefetch: int = 1):
    """Consume the queue of the sweep; return the channel and the messages that were delivered."""
    channel = connection.channel()
    channel.basic_qos(0, prefetch, False)
    taken = []
    consumer = connection.Consumer(
        Queue("sweep"), channel=channel, on_message=taken.append, accept=["json"], auto_declare=True
    )
    consumer.consume()
    while not taken:
        connection.drain_events(timeout=60)
    return channel, taken


def test_an_acknowledgement_that_fails_does_not_use_up_the_prefetch_limit(
    settings: Settings, redis_server: RedisServer, connection: BrokerConnection, hot_store: redis.Redis
) -> None:
    Enqueue(settings.redis_url).send("sweep")
    channel, [message] = take(connection)
    assert not channel.qos.can_consume()
    with redis_faults.read_only(redis_server):
        message.ack()
    assert channel.qos.can_consume()
    assert hot_store.hlen("unacked") == 1, "Redis returns it after the visibility timeout"


def test_when_a_message_was_taken_is_redis_s_time(
    settings: Settings, connection: BrokerConnection, hot_store: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kombu.transport.redis.time", lambda: 0.0)
    Enqueue(settings.redis_url).send("sweep")
    take(connection)
    [(_, taken_at)] = hot_store.zrange("unacked_index", 0, -1, withscores=True)
    now, _ = hot_store.time()
    assert abs(now - taken_at) < 10


def test_a_message_that_nobody_acknowledges_is_returned_once(
    settings: Settings, connection: BrokerConnection, hot_store: redis.Redis
) -> None:
    Enqueue(settings.redis_url).send("sweep")
    channel, _ = take(connection)
    others = [channel, connection.channel()]
    for other in others:
        other.qos.restore_visible()
    assert hot_store.llen("sweep") == 0, "it was taken just now"
    [tag] = hot_store.zrange("unacked_index", 0, -1)
    now, _ = hot_store.time()
    hot_store.zadd("unacked_index", {tag: now - 2 * HOUR})
    for other in others:
        other.qos._vrestore_count = 0
        other.qos.restore_visible()
    assert (hot_store.llen("sweep"), hot_store.hlen("unacked"), hot_store.zcard("unacked_index")) == (1, 0, 0)


def test_hints_are_sent_taken_and_given_back_at_a_full_memory(
    settings: Settings, redis_server: RedisServer, connection: BrokerConnection, hot_store: redis.Redis
) -> None:
    with redis_faults.full_memory(redis_server):
        assert Enqueue(settings.redis_url).send("sweep")
        _, [message] = take(connection)
        message.requeue()
        assert hot_store.llen("sweep") == 1
        _, [again] = take(connection)
        again.ack()
        assert (hot_store.hlen("unacked"), hot_store.zcard("unacked_index")) == (0, 0)


def test_a_broker_that_refuses_is_a_hint_less_not_an_error(
    settings: Settings, redis_server: RedisServer, hot_store: redis.Redis
) -> None:
    enqueue = Enqueue(settings.redis_url)
    with redis_faults.read_only(redis_server):
        assert enqueue.send("sweep") is False
    assert enqueue.send("sweep") is True


def test_a_channel_keeps_its_client_until_it_gets_another_pool(
    connection: BrokerConnection, hot_store: redis.Redis
) -> None:
    channel = connection.channel()
    with channel.conn_or_acquire() as first, channel.conn_or_acquire() as again:
        assert again is first
    with channel.conn_or_acquire(hot_store) as given:
        assert given is hot_store
    channel._disconnect_pools()
    with channel.conn_or_acquire() as other:
        assert other is not first
        assert other.ping()


def test_an_acknowledgement_forgets_one_message_and_no_other(
    settings: Settings, connection: BrokerConnection, hot_store: redis.Redis
) -> None:
    for _ in range(2):
        Enqueue(settings.redis_url).send("sweep")
    channel, [first] = take(connection)
    channel.basic_qos(0, 2, False)
    _, [second] = take(connection)
    first.ack()
    assert hot_store.hkeys("unacked") == hot_store.zrange("unacked_index", 0, -1) == [second.delivery_tag.encode()]
    second.ack()
    assert (hot_store.hlen("unacked"), hot_store.zcard("unacked_index")) == (0, 0)
