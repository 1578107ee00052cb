"""TCP ports of this machine's loopback."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

from afterturn.errors import LocalServerError

LOOPBACK = "127.0.0.1"
#: A free port may be taken by somebody else between our choice and the server's bind.
ATTEMPTS = 3
#: How servers word it.
IN_USE = "Address already in use"


def is_free(port: int) -> bool:
    """True when nobody listens on the port (a moment ago)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def check_free(port: int, name: str) -> None:
    """Raise LocalServerError when somebody listens on the port that `name` is to have."""
    if not is_free(port):
        raise LocalServerError(
            f"{IN_USE}: port {port}, for {name}; stop the program that listens there, or choose another port"
        )


def is_in_use(error: LocalServerError) -> bool:
    """True when a server could not bind its port."""
    return IN_USE.casefold() in str(error).casefold()


def start_on(port: int, name: str, start: Callable[[int], None]) -> int:
    """Call `start` with the port, or (0) with a free one, again while it is taken in between. Return the port.

    Raises what `start` raises, and LocalServerError when the given port is in use.
    """
    if port:
        check_free(port, name)
        start(port)
        return port
    for _ in range(ATTEMPTS - 1):
        chosen = free()
        try:
            start(chosen)
            return chosen
        except LocalServerError as error:
            if not is_in_use(error):
                raise
    chosen = free()
    start(chosen)
    return chosen


def free() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def same_as_before(path: Path) -> int:
    """Return the port noted in the file `path` if it is free, otherwise a new one; note it there.

    A server that keeps its port keeps its URL, so that clients need no new settings after a restart.
    """
    with contextlib.suppress(FileNotFoundError, ValueError):
        noted = int(path.read_text())
        if is_free(noted):
            return noted
    port = free()
    path.write_text(f"{port}\n")
    return port
