"""The environment of a run of the demo: its settings, its directory, its console, and its signals."""

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

#: Settings that the demo does not take from the environment, so that it changes no existing data and uses free ports.
OWN = frozenset(
    {
        *("redis_url", "broker_url", "postgres_url", "data_dir", "tenant"),
        *("api_host", "api_key", "flower_host", "flower_basic_auth"),
    }
)
#: Defaults of the demo: small batches, so that a few turns make several of them, and frequent sweeps, which would cost
#: too much with many users.
QUICK = {"batch_turns": 10, "sweep_seconds": 0.25}
#: The width of the output if it is not a terminal.
WIDTH = 110


def make_settings(tenant_id: str) -> Settings:
    """Return the settings of the environment, overridden by those of the demo. Raises SettingsError."""
    given = settings_module.load_without_servers().model_dump(exclude_unset=True)
    kept = {name: value for name, value in given.items() if name not in OWN}
    return Settings(**QUICK | kept | {"tenant": tenant_id, "api_port": 0, "flower_port": 0})


def make_console() -> Console:
    """Return the console to print to. Characters that the terminal cannot encode become question marks."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)


@contextlib.contextmanager
def open_directory(given: Path | None) -> Iterator[Path]:
    """Yield the given directory, or a new one that is removed afterwards."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="afterturn-demo-", ignore_cleanup_errors=True) as temporary:
        yield Path(temporary)


@contextlib.contextmanager
def signals_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt inside the block, as Ctrl-C does.

    A signal that the caller ignores, such as SIGHUP under nohup, stays ignored.
    """
    numbers = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is not signal.SIG_IGN]
    before = [(number, signal.signal(number, signal.default_int_handler)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
