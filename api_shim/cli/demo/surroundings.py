"""What a run of the demo stands in: its settings, its directory, its console, and what Ctrl-C does."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from afterturn import settings as settings_module
from afterturn.settings import Settings

#: What the demo has of its own, whatever the environment says: it touches nobody's data and takes no fixed port.
OWN = frozenset(
    {
        *("redis_url", "broker_url", "postgres_url", "data_dir", "tenant"),
        *("api_host", "api_key", "flower_host", "flower_basic_auth"),
    }
)
#: Where the environment does not say otherwise: a few turns still go through in several batches, and what is owed is
#: looked for more often than a server with many users would want to.
QUICK = {"batch_turns": 10, "sweep_seconds": 0.25}
#: Where no terminal says how wide it is.
WIDTH = 110


def settings(tenant_id: str) -> Settings:
    """Return the environment's settings with the demo's own in them. Raises SettingsError."""
    given = settings_module.load().model_dump(exclude_unset=True)
    kept = {name: value for name, value in given.items() if name not in OWN}
    return Settings(**QUICK | kept | {"tenant": tenant_id, "api_port": 0, "flower_port": 0})


def console() -> Console:
    """Return the console to print to; a terminal that cannot show a character shows a question mark."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)


@contextlib.contextmanager
def directory(given: Path | None) -> Iterator[Path]:
    """Yield the given directory, or a new one that is removed afterwards."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="afterturn-demo-", ignore_cleanup_errors=True) as temporary:
        yield Path(temporary)


@contextlib.contextmanager
def signals_interrupt() -> Iterator[None]:
    """Within: SIGTERM, and the end of the terminal, do what Ctrl-C does: they raise KeyboardInterrupt.

    What the caller ignores (nohup: the end of the terminal) stays ignored.
    """
    numbers = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is not signal.SIG_IGN]
    before = [(number, signal.signal(number, signal.default_int_handler)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
