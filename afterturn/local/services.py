"""The Python processes of `afterturn up`: what each runs, when it is ready and how long it may take to end."""

from __future__ import annotations

import secrets
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from afterturn.errors import SettingsError
from afterturn.local import commands, environment, ports, probes
from afterturn.local.process import ChildProcess
from afterturn.settings import Settings

ServiceName = Literal["fast worker", "slow worker", "api", "flower", "beat"]
#: Started together: none waits for another. Ended in the order of ENDING.
NAMES: tuple[ServiceName, ...] = ("fast worker", "slow worker", "api", "flower", "beat")
#: First nothing new is begun, then what runs is finished, then the doors close. Each tuple ends together.
ENDING: tuple[tuple[ServiceName, ...], ...] = (("beat",), ("fast worker", "slow worker"), ("api", "flower"))
#: Imports on a slow and busy machine.
START_SECONDS = 60.0
#: Longer than the workers' soft shutdown (20 s), which hands back what it could not finish.
WORKER_STOP_SECONDS = 25.0
STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One process, and what its stack must know about it."""

    name: ServiceName
    process: ChildProcess
    is_ready: Callable[[], bool]
    #: Where people find it; empty when there is nothing to visit.
    address: str = ""
    #: Its port was chosen here: where somebody else takes it before the process does, another one serves as well.
    has_any_port: bool = False
    stop_seconds: float = STOP_SECONDS


class Builder:
    """Makes the services of one data directory. Nothing is started here."""

    def __init__(self, settings: Settings, data_dir: Path) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._environment = environment.of_child(settings)
        # Empty, and ours: `celery -A worker.app` looks for worker.py in the current directory first.
        self._working_dir = data_dir / "run"
        self._working_dir.mkdir(mode=0o700, exist_ok=True)
        # Two stacks may share one broker, on which every worker needs a name of its own.
        self._node_host = f"{socket.gethostname()}-{secrets.token_hex(3)}"

    def build(self, name: ServiceName) -> Service:
        make = {
            "fast worker": self._fast_worker,
            "slow worker": self._slow_worker,
            "api": self._api,
            "flower": self._flower,
            "beat": self._beat,
        }[name]
        return make()

    def _fast_worker(self) -> Service:
        node = f"fast@{self._node_host}"
        return self._worker("fast worker", commands.fast_worker(self._settings.fast_concurrency, node=node), node)

    def _slow_worker(self) -> Service:
        node = f"slow@{self._node_host}"
        return self._worker("slow worker", commands.slow_worker(self._settings.slow_concurrency, node=node), node)

    def _worker(self, name: ServiceName, command: list[str], node: str) -> Service:
        process = self._process(name, command)
        return Service(
            name=name,
            process=process,
            # Celery's own line, written when it consumes. A ping over the broker would cost a reply queue.
            is_ready=lambda: process.log_says(f"{node} ready"),
            stop_seconds=WORKER_STOP_SECONDS,
        )

    def _beat(self) -> Service:
        process = self._process("beat", commands.beat(str(self._data_dir / "beat-schedule")))
        return Service(name="beat", process=process, is_ready=lambda: process.log_says("beat: Starting"))

    def _api(self) -> Service:
        host, port = self._settings.api_host, self._settings.api_port or ports.free()
        ports.check_free(port, "the API (AFTERTURN_API_PORT)")
        service = self._http("api", commands.api(host, port), probes.address(host, port), "/healthz")
        return replace(service, has_any_port=not self._settings.api_port)

    def _flower(self) -> Service:
        host, port = self._settings.flower_host, self._settings.flower_port or ports.free()
        ports.check_free(port, "Flower (AFTERTURN_FLOWER_PORT)")
        login = self._settings.flower_basic_auth
        variables = {"FLOWER_BASIC_AUTH": login.get_secret_value()} if login is not None else {}
        service = self._http(
            "flower", commands.flower(host, port), probes.address(host, port), "/healthcheck", variables
        )
        return replace(service, has_any_port=not self._settings.flower_port)

    def _http(
        self, name: ServiceName, command: list[str], address: str, health: str, variables: dict[str, str] | None = None
    ) -> Service:
        process = self._process(name, command, variables)
        return Service(
            name=name, process=process, is_ready=lambda: probes.http_answers(address + health), address=address
        )

    def _process(self, name: str, command: list[str], variables: dict[str, str] | None = None) -> ChildProcess:
        return ChildProcess(
            name,
            [sys.executable, "-m", *command],
            log_path=self._data_dir / "logs" / f"{name.replace(' ', '-')}.log",
            working_dir=self._working_dir,
            environment=self._environment | (variables or {}),
        )


def check_doors(settings: Settings, names: tuple[ServiceName, ...]) -> None:
    """Raise SettingsError when the API or Flower would be open to other machines without a login."""
    if "api" in names and not probes.is_loopback(settings.api_host) and settings.api_key is None:
        raise SettingsError(
            f"AFTERTURN_API_KEY must be set when the API is not bound to loopback (AFTERTURN_API_HOST is "
            f"{settings.api_host}): without it every machine that reaches this one could read all memories"
        )
    if "flower" in names and not probes.is_loopback(settings.flower_host) and settings.flower_basic_auth is None:
        raise SettingsError(
            "AFTERTURN_FLOWER_BASIC_AUTH (user:password) must be set when Flower is not bound to loopback "
            f"(AFTERTURN_FLOWER_HOST is {settings.flower_host}): Flower can stop the workers"
        )
