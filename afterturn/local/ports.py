"""TCP ports on this machine's loopback interface."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

from afterturn.errors import LocalServerError

LOOPBACK = "127.0.0.1"
#: Starts on a free port. Another program may take the port between our choice and the server's bind.
ATTEMPTS = 3
#: The servers' own message for a port in use.
IN_USE = "Address already in use"


def is_port_free(port: int) -> bool:
    """Return whether no program listened on the port a moment ago."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def require_free_port(port: int, name: str) -> None:
    """Raise LocalServerError when a program listens on the port that is configured for `name`."""
    if not is_port_free(port):
        raise LocalServerError(
            f"{IN_USE}: port {port}, for {name}; stop the program that listens there, or choose another port"
        )


def is_in_use(error: LocalServerError) -> bool:
    """True when a server could not bind its port."""
    return IN_USE.casefold() in str(error).casefold()


def start_on_port(port: int, name: str, start: Callable[[int], None]) -> int:
    """Call `start` with a port and return the port.

    Args:
        port: the port; 0: a free one, and another one if a program takes it before the server does.
        name: the server's name, for the error message.
        start: starts the server on the given port.

    Raises what `start` raises, and LocalServerError when the given port is in use.
    """
    if port:
        require_free_port(port, name)
        start(port)
        return port
    for _ in range(ATTEMPTS - 1):
        chosen = find_free_port()
        try:
            start(chosen)
            return chosen
        except LocalServerError as error:
            if not is_in_use(error):
                raise
    chosen = find_free_port()
    start(chosen)
    return chosen


def find_free_port() -> int:
    """Return a port on which no program listens."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def reuse_port(path: Path) -> int:
    """Return the port in the file `path` if it is free. Otherwise return a free one and write it to the file.

    A server that keeps its port keeps its URL, so that clients need no new settings after a restart.
    """
    with contextlib.suppress(FileNotFoundError, ValueError):
        previous = int(path.read_text())
        if is_port_free(previous):
            return previous
    port = find_free_port()
    path.write_text(f"{port}\n")
    return port
