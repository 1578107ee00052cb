"""What is shown while the parts of the stack start and stop."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console

from afterturn.local.stack import Stack, State
from api_shim.cli.demo.paragraphs import print_markup

SERVER_NAMES = {"redis": "Redis", "postgres": "PostgreSQL", "api": "HTTP API", "flower": "Flower"}


class Parts:
    """Follows the parts of a stack: a changing line on a terminal, and one line when all are ready."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("")
        self._started: list[str] = []
        self._awaited: list[str] = []

    def tell(self, name: str, state: State) -> None:
        """Take note of what happens to one part: the watcher of a stack."""
        if state == "starting":
            self._started.append(name)
            self._awaited.append(name)
        elif state == "ready":
            self._awaited.remove(name)
        else:
            self._awaited = [name]
        verb = "Stopping" if state == "stopping" else "Starting"
        self._status.update(f"{verb} {', '.join(SERVER_NAMES.get(part, part) for part in self._awaited)} …")

    @contextlib.contextmanager
    def started(self, stack: Stack) -> Iterator[None]:
        """Within: the stack runs. It is stopped afterwards, even when the terminal is gone."""
        began = time.monotonic()
        with self._showing():
            stack.start()
        parts = ", ".join(SERVER_NAMES.get(name, name) for name in self._started if name != "schema")
        print_markup(self._console, f"Ready in {time.monotonic() - began:.1f} s: {parts}")
        try:
            yield
        finally:
            with self._showing():
                stack.stop()

    @contextlib.contextmanager
    def _showing(self) -> Iterator[None]:
        with contextlib.suppress(OSError):
            self._status.start()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                self._status.stop()
