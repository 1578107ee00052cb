"""Processes whose wall clocks are wrong, or step while they run: wall_clock.c gives each process a clock of its own.

Their monotonic clocks stay right, as on a machine whose time is set.
"""

from __future__ import annotations

import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from afterturn.local import services
from afterturn.local.services import Service, ServiceName
from afterturn.settings import Settings
from api_shim.cli.processes import COMMANDS

NAMES: tuple[ServiceName, ...] = ("fast worker", "slow worker", "beat")
SOURCE = Path(__file__).with_name("wall_clock.c")


def find_compiler() -> str | None:
    """Return the C compiler that builds the clocks; None if there is none."""
    return shutil.which("cc")


class Clock:
    """The wall clock of one process."""

    def __init__(self, directory: Path, name: str) -> None:
        """Build the library and create the file of a correct clock."""
        self._library = directory / "wall_clock.so"
        self._path = directory / f"{name}.clock"
        if not self._library.exists():
            command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(self._library), str(SOURCE), "-ldl", "-lm"]
            subprocess.run(command, check=True, timeout=60)
        self.step(0)

    def step(self, seconds: float) -> None:
        """Set the clock ahead of the correct time by this many seconds; negative: behind."""
        with self._path.open("r+b" if self._path.exists() else "wb") as file:
            file.write(struct.pack("d", seconds))

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of the process."""
        return {"LD_PRELOAD": str(self._library), "WALL_CLOCK_FILE": str(self._path)}


class ClockedWorkers:
    """The workers and beat, as `afterturn up` starts them, each with a clock of its own."""

    def __init__(self, settings: Settings, directory: Path, ahead: Mapping[ServiceName, float] | None = None) -> None:
        """Prepare without a start. `ahead`: process -> seconds by which its clock is ahead at its start."""
        self._settings = settings
        self._directory = directory
        self.clocks = {name: Clock(directory, name) for name in NAMES}
        for name, seconds in (ahead or {}).items():
            self.clocks[name].step(seconds)
        self.services: dict[ServiceName, Service] = {}

    def __enter__(self) -> Self:
        builder = services.ServiceBuilder(self._settings, self._directory, COMMANDS)
        for name in NAMES:
            service = self.services[name] = builder.build(name)
            service.process._environment |= self.clocks[name].variables
            service.process.start()
        try:
            for service in self.services.values():
                service.process.wait_until_ready(service.is_ready, deadline_seconds=services.START_SECONDS)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for service in self.services.values():
            service.process.kill()

    def stand_still(self, name: ServiceName, seconds: float) -> None:
        """Stop a process for this many seconds, like a paused virtual machine."""
        process = self.services[name].process
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)
