"""Show which parts of the stack start and stop."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console

from afterturn.local.stack import Stack, State
from api_shim.cli.demo.paragraphs import print_markup

SERVER_NAMES = {"redis": "Redis", "postgres": "PostgreSQL", "api": "HTTP API", "flower": "Flower"}


class PartsDisplay:
    """Shows the state of the parts of a stack: a changing line on a terminal, and one line when all are ready."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("")
        self._started: list[str] = []
        self._awaited: list[str] = []

    def show_state(self, name: str, state: State) -> None:
        """Show the new state of one part. It is the watcher of a stack."""
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
    def run_stack(self, stack: Stack) -> Iterator[None]:
        """Start the stack, and stop it at the end of the block, even if the terminal is closed."""
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
