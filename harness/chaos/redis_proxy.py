"""A proxy before a Redis that cuts the connection, or answers with an error, at commands of one kind.

Everything else goes through to the real server, byte by byte.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Self
from urllib.parse import urlsplit

_LOOPBACK = "127.0.0.1"
_CHUNK_BYTES = 65_536


class RedisProxy:
    """`with RedisProxy(server.url) as proxy:` clients use `proxy.url`."""

    def __init__(self, url: str) -> None:
        """Prepare a proxy of the server of this URL."""
        parts = urlsplit(url)
        self._target = (parts.hostname or _LOOPBACK, parts.port or 6379)
        self._listener = socket.create_server((_LOOPBACK, 0))
        login, _, _ = parts.netloc.rpartition("@")
        self.url = parts._replace(netloc=f"{login}@{_LOOPBACK}:{self._listener.getsockname()[1]}").geturl()
        self._command = b""
        self._error: bytes | None = None
        #: How often the fault has occurred.
        self.struck = 0

    @contextlib.contextmanager
    def failing(self, command: str, error: str | None = None) -> Iterator[None]:
        """Within: cut the connection at each such command, before the server sees it; or answer with the error."""
        self._error = None if error is None else f"-{error}\r\n".encode()
        self._command, self.struck = command.upper().encode(), 0
        try:
            yield
        finally:
            self._command = b""

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(self._target) as server:
            threading.Thread(target=_copy, args=(server, client), daemon=True).start()
            while received := client.recv(_CHUNK_BYTES):
                if self._strikes(received):
                    self.struck += 1
                    if self._error is None:
                        return
                    client.sendall(self._error)
                else:
                    server.sendall(received)

    def _strikes(self, received: bytes) -> bool:
        """Return whether one of the commands that were received is of the kind. Its name is an argument of its own."""
        name = self._command
        return bool(name) and b"$%d\r\n%b\r\n" % (len(name), name) in received


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while received := source.recv(_CHUNK_BYTES):
            target.sendall(received)
        target.shutdown(socket.SHUT_RDWR)
