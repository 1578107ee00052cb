"""Events go out together, a few times per second."""

from types import SimpleNamespace

import pytest

from afterturn.worker.events import EVENTS_SECONDS, MAX_BUFFERED_EVENTS, SendEventsTogether


class Dispatcher:
    """Counts what is sent."""

    on_send_buffered = None

    def __init__(self):
        self.flushed = 0

    def flush(self):
        self.flushed += 1


@pytest.fixture
def consumer():
    timers = []
    hub = SimpleNamespace(call_repeatedly=lambda seconds, call, *arguments: timers.append((seconds, call, arguments)))
    return SimpleNamespace(
        hub=hub, event_dispatcher=Dispatcher(), connection_errors=(ConnectionError,), timers=timers, steps=[]
    )


def test_many_events_are_sent_at_once_at_the_next_tick(consumer):
    SendEventsTogether(consumer).start(consumer)
    [(seconds, tick, arguments)] = consumer.timers
    assert seconds == EVENTS_SECONDS
    assert consumer.event_dispatcher.buffer_limit == MAX_BUFFERED_EVENTS
    for _ in range(10):
        consumer.event_dispatcher.on_send_buffered()
    assert consumer.event_dispatcher.flushed == 0
    tick(*arguments)
    tick(*arguments)
    assert consumer.event_dispatcher.flushed == 1


def test_the_last_ones_are_sent_when_the_consumer_stops_even_if_the_broker_is_away(consumer):
    step = SendEventsTogether(consumer)
    step.start(consumer)
    consumer.event_dispatcher.on_send_buffered()
    step.stop(consumer)
    assert consumer.event_dispatcher.flushed == 1

    def fail():
        raise ConnectionError

    consumer.event_dispatcher.flush = fail
    consumer.event_dispatcher.on_send_buffered()
    step.stop(consumer)


def test_without_an_event_loop_it_is_no_part_of_the_consumer(consumer):
    assert SendEventsTogether(consumer).include_if(consumer)
    consumer.hub = None
    assert not SendEventsTogether(consumer).include_if(consumer)
