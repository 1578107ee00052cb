"""The stack of `afterturn up`: start and stop servers, schema, workers, API, Flower and beat, in order."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self

import redis
from pydantic import SecretStr

from afterturn import running_up
from afterturn.embedding import named_model
from afterturn.errors import LocalServerError, MemoryUnavailable
from afterturn.hot import redis_url, server_requirements
from afterturn.local import data_directory, environment, lock, own_servers, ports, services
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.process import ChildProcess
from afterturn.local.redis_server import RedisServer
from afterturn.local.services import Commands, Service, ServiceName
from afterturn.pipeline import prepare
from afterturn.settings import Settings

State = Literal["starting", "ready", "stopping"]
Watcher = Callable[[str, State], None]
CHECK_SECONDS = 5
#: A process that looks for the running `up` has the lock for a moment.
LOCK_SECONDS = 0.5


class Stack:
    """The processes of one data directory: `with Stack(settings, data_dir=…, commands=…) as stack: stack.settings`."""

    def __init__(
        self,
        settings: Settings,
        *,
        data_dir: Path,
        commands: Commands,
        names: tuple[ServiceName, ...] = services.SERVICE_NAMES,
        durable: bool = True,
        watcher: Watcher = lambda _name, _state: None,
    ) -> None:
        """Configure the stack without starting it.

        Redis and PostgreSQL are embedded unless `settings` has their URLs. `names` are the services besides them, and
        `commands` their command lines; `watcher` is called with each part's name and new state. Raises SettingsError
        when other machines could use the API or Flower without a login.
        """
        # Keys in a database of its own are looked for when that is started.
        self._is_postgres_given = "postgres_url" in settings.model_fields_set
        services.require_logins(settings, [name for name in names if name != "api" or self._is_postgres_given])
        #: After the start it also has the URLs of the embedded servers.
        self.settings = settings
        self.data_dir = data_directory.find(data_dir)
        self.redis: RedisServer | None = None
        self.postgres: PostgresServer | None = None
        self.services: list[Service] = []
        #: After the start: settings that have no effect on this database.
        self.warnings: list[str] = []
        self._names = names
        self._commands = commands
        self._durable = durable
        self._tell = watcher
        self._locks = contextlib.ExitStack()

    def start(self) -> Self:
        """Start everything and return when all parts are ready.

        Raises LocalServerError when a part cannot be started, or when another stack uses this data directory;
        DataDirectoryUnusable when that cannot be written; PortTaken when a port is in use, before anything is started;
        MemoryUnavailable when a given server does not answer. Parts that were started are stopped again.
        """
        data_directory.prepare(self.data_dir)
        with data_directory.explaining_errors(self.data_dir):
            self._start()
        return self

    def _start(self) -> None:
        self._locks.enter_context(
            lock.hold_lock(self.data_dir / running_up.LOCK, "afterturn up", wait_seconds=LOCK_SECONDS)
        )
        try:
            self.settings = own_servers.without_own_servers(self.settings, self.data_dir)
            services.require_free_ports(self.settings, self._names)
            self.environment_file.unlink(missing_ok=True)
            self._start_servers()
            self._migrate()
            services.require_logins(self.settings, self._names)
            self._write_environment_file()
            self._start_services()
        except BaseException:
            self.stop()
            raise

    def _start_servers(self) -> None:
        given = self.settings.model_fields_set
        if "redis_url" in given:
            _check_redis(self.settings.redis_url)
        else:
            self._tell("redis", "starting")
            self.redis = RedisServer(self.data_dir, port=ports.reuse_port(self.data_dir / "redis.port")).start()
            self._set(redis_url=self.redis.url)
            self._tell("redis", "ready")
        if "postgres_url" not in given:
            self._tell("postgres", "starting")
            port = ports.reuse_port(self.data_dir / "postgres.port")
            self.postgres = PostgresServer(self.data_dir, port=port, durable=self._durable).start()
            self._tell("postgres", "ready")

    def _write_environment_file(self) -> None:
        variables = environment.settings_to_variables(self.settings)
        urls = {name: variables[name] for name in running_up.SERVERS if name in variables}
        environment.write_environment_file(self.environment_file, urls)

    def _set(self, **values: object) -> None:
        self.settings = Settings(**(self.settings.model_dump(exclude_unset=True) | values))

    def _migrate(self) -> None:
        self._tell("schema", "starting")
        url = self.settings.postgres_url.get_secret_value() if self.postgres is None else self.postgres.url
        try:
            prepare.prepare_database(url, self.settings)
        except MemoryUnavailable as error:
            raise type(error)(f"{error}{own_servers.hint_for(url)}") from None
        if self.postgres is not None:
            self._set(postgres_url=SecretStr(self.postgres.create_login()))
        self.warnings = named_model.read_warnings(self.settings)
        self._tell("schema", "ready")

    def _start_services(self) -> None:
        """Start all services, then wait for each: most of the time is their imports, which run at the same time."""
        builder = services.ServiceBuilder(self.settings, self.data_dir, self._commands)
        self.services = builder.build_all(self._names)
        for service in self.services:
            self._tell(service.title, "starting")
            service.process.start()
        for place in range(len(self.services)):
            self._wait_until_ready(builder, place)
            self._tell(self.services[place].title, "ready")

    def _wait_until_ready(self, builder: services.ServiceBuilder, place: int) -> None:
        """Wait for a service. It starts once more, on another port, where ours was taken before it could bind it."""
        service = self.services[place]
        try:
            service.process.wait_until_ready(service.is_ready, deadline_seconds=services.START_SECONDS)
        except LocalServerError as error:
            if not service.has_any_port or not ports.is_in_use(error):
                raise
            service = self.services[place] = builder.build(service.name)
            service.process.start()
            service.process.wait_until_ready(service.is_ready, deadline_seconds=services.START_SECONDS)

    @property
    def environment_file(self) -> Path:
        """A file with the servers' URLs: after `. file` in a shell, programs started there use these servers."""
        return self.data_dir / running_up.FILE

    @property
    def processes(self) -> list[ChildProcess]:
        """All processes that run or have run, in the order of their start."""
        servers = [server.process for server in (self.redis, self.postgres) if server is not None]
        return [process for process in servers if process is not None] + [item.process for item in self.services]

    def ended(self) -> ChildProcess | None:
        """Return the first process that has ended without being stopped; None while all processes run."""
        return next((process for process in self.processes if not process.is_running), None)

    def address(self, name: ServiceName) -> str:
        """Return a service's URL, such as http://127.0.0.1:8600; empty when it is not part of the stack."""
        return next((service.address for service in self.services if service.name == name), "")

    def stop(self) -> None:
        """Stop beat, the workers (which finish their tasks), the HTTP services, and then the servers."""
        for names in services.STOP_ORDER:
            self._stop_services([service for service in self.services if service.name in names])
        for name, server in (("postgres", self.postgres), ("redis", self.redis)):
            if server is not None:
                self._tell(name, "stopping")
                server.stop()
        self._locks.close()

    def _stop_services(self, ending: list[Service]) -> None:
        running = [service for service in ending if service.process.is_running]
        for service in running:
            self._tell(service.title, "stopping")
            service.process.send_signal(signal.SIGTERM)  # once: after a second one a worker drops its tasks
        for service in running:
            service.process.wait(service.stop_seconds)
            service.process.kill()

    def kill(self) -> None:
        """Kill everything. No acknowledged turn is lost, and unfinished work continues after the next start."""
        for service in self.services:
            service.process.kill()
        if self.postgres is not None:
            self.postgres.stop_at_once()
        if self.redis is not None:
            self.redis.kill()
        self._locks.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()


def _check_redis(url: str) -> None:
    """Raise MemoryUnavailable or SettingsError where the given Redis cannot, or must not, be used."""
    with redis_url.open_client(url, socket_connect_timeout=CHECK_SECONDS, socket_timeout=CHECK_SECONDS) as client:
        try:
            server_requirements.require(client)
        except redis.RedisError as error:
            hint = own_servers.hint_for(url)
            raise MemoryUnavailable(f"AFTERTURN_REDIS_URL cannot be reached: {error}{hint}") from None
