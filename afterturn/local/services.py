"""The services of `afterturn up`: the command of each, the check whether it is ready, and its time to stop."""

from __future__ import annotations

import secrets
import socket
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from afterturn.access import keys, network
from afterturn.database.pool import worker_connection
from afterturn.errors import MemoryUnavailable, SettingsError
from afterturn.local import environment, ports, probes
from afterturn.local.process import ChildProcess
from afterturn.settings import Settings

ServiceName = Literal["fast worker", "slow worker", "api", "flower", "beat"]
#: What follows the Python interpreter on the command line of each service. The caller gives it, because the services
#: are packages above this one. {node}, {port} and {schedule} are filled in.
Commands = Mapping[ServiceName, Sequence[str]]
#: They are started together, because none depends on another. They are stopped in STOP_ORDER.
SERVICE_NAMES: tuple[ServiceName, ...] = ("fast worker", "slow worker", "api", "flower", "beat")
#: First no new work is begun, then running work is finished, then the HTTP services stop. A group stops together.
STOP_ORDER: tuple[tuple[ServiceName, ...], ...] = (("beat",), ("fast worker", "slow worker"), ("api", "flower"))
#: Enough for the imports on a slow and busy machine.
START_SECONDS = 60.0
#: Longer than the workers' soft shutdown (20 s), after which they return unfinished tasks to the broker.
WORKER_STOP_SECONDS = 25.0
STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One process, and what the stack needs to know about it."""

    name: ServiceName
    #: The name, with a number where several processes have the same name: "slow worker 2".
    title: str
    process: ChildProcess
    is_ready: Callable[[], bool]
    #: Its http URL; empty for a service without one.
    address: str = ""
    #: True if its port was chosen here: if another program takes it first, the service starts on another port.
    has_any_port: bool = False
    stop_seconds: float = STOP_SECONDS


class ServiceBuilder:
    """Makes the services of one data directory, without starting them."""

    def __init__(self, settings: Settings, data_dir: Path, commands: Commands) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._commands = commands
        self._environment = environment.child_environment(settings)
        # Empty, and ours, whatever the caller's current directory contains.
        self._working_dir = data_dir / "run"
        self._working_dir.mkdir(mode=0o700, exist_ok=True)
        # Two stacks may share one broker, where the names of all workers must be different.
        self._node_host = f"{socket.gethostname()}-{secrets.token_hex(3)}"

    def build_all(self, names: Iterable[ServiceName]) -> list[Service]:
        """Make the services with these names; the slow worker has AFTERTURN_SLOW_PROCESSES processes."""
        processes = {"slow worker": self._settings.slow_processes}
        return [self.build(name, number) for name in names for number in range(1, processes.get(name, 1) + 1)]

    def build(self, name: ServiceName, number: int = 1) -> Service:
        """Make one service. `number` tells the processes of the slow worker apart, from 1."""
        if name == "slow worker":
            return self._slow_worker(number)
        make = {
            "fast worker": self._fast_worker,
            "api": self._api,
            "flower": self._flower,
            "beat": self._beat,
        }[name]
        return make()

    def _fast_worker(self) -> Service:
        return self._worker("fast worker", f"fast@{self._node_host}")

    def _slow_worker(self, number: int) -> Service:
        suffix = "" if number == 1 else f"-{number}"
        return self._worker("slow worker", f"slow{suffix}@{self._node_host}", number)

    def _worker(self, name: ServiceName, node: str, number: int = 1) -> Service:
        title = name if number == 1 else f"{name} {number}"
        process = self._process(name, title, node=node)
        return Service(
            name=name,
            title=title,
            process=process,
            # Celery writes this line when it begins to consume. A ping over the broker would need a reply queue.
            is_ready=lambda: process.log_contains(f"{node} ready"),
            stop_seconds=WORKER_STOP_SECONDS,
        )

    def _beat(self) -> Service:
        process = self._process("beat", "beat", schedule=self._data_dir / "beat-schedule")
        return Service(
            name="beat",
            title="beat",
            process=process,
            # Until the first sweep (worker/sweeping.py), `afterturn status` says that none is completed. A sweep that
            # fails is repeated while the other parts work.
            is_ready=lambda: (
                process.log_contains("the first sweep is completed") or process.log_contains("the sweep fails")
            ),
        )

    def _api(self) -> Service:
        require_free_ports(self._settings, ("api",))
        host, port = self._settings.api_host, self._settings.api_port or ports.find_free_port()
        service = self._http("api", host, port, "/healthz")
        return replace(service, has_any_port=not self._settings.api_port)

    def _flower(self) -> Service:
        require_free_ports(self._settings, ("flower",))
        host, port = self._settings.flower_host, self._settings.flower_port or ports.find_free_port()
        service = self._http("flower", host, port, "/healthcheck")
        return replace(service, has_any_port=not self._settings.flower_port)

    def _http(self, name: ServiceName, host: str, port: int, health: str) -> Service:
        process = self._process(name, name, port=port)
        address = probes.http_url(host, port)
        return Service(
            name=name,
            title=name,
            process=process,
            is_ready=lambda: probes.is_http_ok(address + health),
            address=address,
        )

    def _process(self, name: ServiceName, title: str, **values: object) -> ChildProcess:
        return ChildProcess(
            title,
            [sys.executable, *(part.format(**values) for part in self._commands[name])],
            log_path=self._data_dir / "logs" / f"{title.replace(' ', '-')}.log",
            working_dir=self._working_dir,
            environment=self._environment,
        )


def require_free_ports(settings: Settings, names: Iterable[ServiceName]) -> None:
    """Raise PortTaken when the API or Flower cannot listen on its port; SettingsError when both have the same."""
    listening = {
        "api": ("the HTTP API", settings.api_host, settings.api_port, "AFTERTURN_API_PORT"),
        "flower": ("Flower", settings.flower_host, settings.flower_port, "AFTERTURN_FLOWER_PORT"),
    }
    if {"api", "flower"} <= set(names) and settings.api_port == settings.flower_port != 0:
        raise SettingsError(f"AFTERTURN_API_PORT and AFTERTURN_FLOWER_PORT are both {settings.api_port}")
    for name in names:
        if name in listening:
            title, host, port, setting = listening[name]
            # With 0 the host alone is tried: a port is chosen later.
            ports.require_free_port(port, title, host=host, setting=setting)


def require_logins(settings: Settings, names: Iterable[ServiceName]) -> None:
    """Raise SettingsError when other machines could reach the API or Flower, and there is no login for it.

    For the API a key in the database is enough, so that the database must answer if no setting names a credential.
    """
    if "api" in names and not network.is_loopback(settings.api_host) and not settings.has_credential:
        _require_key(settings)
    if "flower" in names and not network.is_loopback(settings.flower_host) and settings.flower_basic_auth is None:
        raise SettingsError(
            "AFTERTURN_FLOWER_BASIC_AUTH (user:password) must be set when Flower is not bound to loopback "
            f"(AFTERTURN_FLOWER_HOST is {settings.flower_host}): Flower can stop the workers"
        )


def has_credential(settings: Settings) -> bool:
    """Return whether a setting or a key in the database is a credential of the API. Raises MemoryUnavailable."""
    if settings.has_credential:
        return True
    with worker_connection(settings) as connection:
        return keys.exists(connection)


def _require_key(settings: Settings) -> None:
    try:
        with worker_connection(settings) as connection:
            if keys.list_keys(connection):
                return
        reason = "there is no key"
    except MemoryUnavailable as error:
        reason = f"it is not known whether there is a key: {error}"
    raise SettingsError(
        f"the API is not bound to loopback (AFTERTURN_API_HOST is {settings.api_host}), and {reason}. Make one with "
        "`afterturn keys create`, or set AFTERTURN_API_KEY: without a key nobody could use the API"
    )
