"""Free ports for servers that take their time to start."""

import socket
from contextlib import ExitStack

import pytest

from afterturn.errors import LocalServerError
from afterturn.local import ports


def listening(stack, port=0):
    listener = stack.enter_context(socket.socket())
    listener.bind((ports.LOOPBACK, port))
    listener.listen()
    return listener.getsockname()[1]


def test_a_free_port_is_none_that_an_outgoing_connection_could_get():
    with ExitStack() as stack:
        for _ in range(20):
            port = ports.free()
            assert port in ports.SERVER_PORTS
            # Nobody listens on it: it can be bound, and is not chosen again.
            listening(stack, port)
            assert not ports.is_free(port)


def test_ports_in_use_are_passed_over(monkeypatch):
    with ExitStack() as stack:
        taken = listening(stack)
        monkeypatch.setattr(ports, "SERVER_PORTS", range(taken, taken + 1))
        with pytest.raises(LocalServerError, match="no free port"):
            ports.free()
