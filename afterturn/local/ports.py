"""TCP ports on this machine's loopback interface."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable
from pathlib import Path

from afterturn.errors import LocalServerError, PortTaken

LOOPBACK = "127.0.0.1"
#: Starts on a free port. Another program may take the port between our choice and the server's bind.
ATTEMPTS = 3
#: The servers' own message for a port in use.
IN_USE = "Address already in use"


def is_port_free(port: int) -> bool:
    """Return whether no program listened on the port of the loopback interface a moment ago."""
    return _find_problem(LOOPBACK, port) == ""


def require_free_port(port: int, name: str, *, host: str = LOOPBACK, setting: str = "") -> None:
    """Raise PortTaken when `name` cannot listen on a port: another program does, or this user may not.

    Args:
        port: the port.
        name: what listens there, for the message.
        host: the address or the name of the interface.
        setting: what names the port, for the message.
    """
    problem = _find_problem(host, port)
    if problem:
        named = f" ({setting})" if setting else ""
        if problem == IN_USE:
            fix = f"stop the program that listens there, or {f'set {setting}' if setting else 'choose another port'}"
        else:
            fix = f"set {setting} or {setting.removesuffix('PORT')}HOST" if setting else "choose another port"
        raise PortTaken(f"{problem}: port {port}, for {name}{named}; {fix}")


def _find_problem(host: str, port: int) -> str:
    """Return why nobody can listen on a port of a host; empty if it is free."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        return f"{host} is no address of this machine ({error.strerror})"
    for family, kind, protocol, _, address in addresses:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                return IN_USE if error.errno == errno.EADDRINUSE else f"{host} cannot be used ({error.strerror})"
    return ""


def is_in_use(error: LocalServerError) -> bool:
    """True when a server could not bind its port."""
    return IN_USE.casefold() in str(error).casefold()


def start_on_port(port: int, name: str, start: Callable[[int], None]) -> int:
    """Call `start` with a port and return the port.

    Args:
        port: the port; 0: a free one, and another one if a program takes it before the server does.
        name: the server's name, for the error message.
        start: starts the server on the given port.

    Raises what `start` raises, and PortTaken when the given port is in use.
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
