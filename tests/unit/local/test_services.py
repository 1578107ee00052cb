"""The services of a stack: no secret stands on a command line, and no door is open to others without a login."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from afterturn import settings as settings_module
from afterturn.errors import LocalServerError, SettingsError
from afterturn.local import services
from afterturn.local.services import ServiceBuilder, ServiceName
from afterturn.settings import Settings
from api_shim.cli.processes import COMMANDS

SECRETS = {
    "AFTERTURN_REDIS_URL": "redis://:s3cret@127.0.0.1:1/0",
    "AFTERTURN_POSTGRES_URL": "postgresql://afterturn:s3cret@127.0.0.1:1/afterturn",
    "AFTERTURN_API_KEY": "s3cret",
    "AFTERTURN_FLOWER_BASIC_AUTH": "ana:s3cret",
    "AFTERTURN_LLM_API_KEY": "s3cret",
}


def load(**variables: str) -> Settings:
    return settings_module.load({"AFTERTURN_API_PORT": "0", "AFTERTURN_FLOWER_PORT": "0"} | variables)


@pytest.mark.parametrize("name", services.SERVICE_NAMES)
def test_no_secret_stands_on_a_command_line(name: ServiceName, tmp_path: Path) -> None:
    service = ServiceBuilder(load(**SECRETS), tmp_path, COMMANDS).build(name)
    assert not any("s3cret" in argument for argument in service.process._arguments)
    assert SECRETS.items() <= service.process._environment.items()


def test_two_stacks_on_one_broker_have_workers_of_different_names(tmp_path: Path) -> None:
    first, second = (
        ServiceBuilder(load(), tmp_path, COMMANDS).build("fast worker").process._arguments for _ in range(2)
    )
    assert first[first.index("--node") + 1] != second[second.index("--node") + 1]


@pytest.mark.parametrize(("name", "setting"), [("api", "AFTERTURN_API_PORT"), ("flower", "AFTERTURN_FLOWER_PORT")])
def test_a_port_in_use_is_named_with_its_setting(name: ServiceName, setting: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = load(**{setting: str(other.getsockname()[1])})
        with pytest.raises(LocalServerError, match=setting):
            ServiceBuilder(settings, tmp_path, COMMANDS).build(name)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "example.org"])
@pytest.mark.parametrize(
    ("name", "where", "wanted"),
    [
        ("api", "AFTERTURN_API_HOST", "AFTERTURN_API_KEY"),
        ("flower", "AFTERTURN_FLOWER_HOST", "AFTERTURN_FLOWER_BASIC_AUTH"),
    ],
)
def test_a_service_that_other_machines_can_reach_needs_a_login(
    name: ServiceName, where: str, wanted: str, host: str
) -> None:
    with pytest.raises(SettingsError, match=wanted):
        services.require_logins(load(**{where: host}), (name,))
    services.require_logins(load(**{where: host, wanted: "ana:s3cret"}), (name,))
    services.require_logins(load(**{where: host}), ())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_loopback_no_login_is_needed(host: str) -> None:
    services.require_logins(load(AFTERTURN_API_HOST=host, AFTERTURN_FLOWER_HOST=host), ("api", "flower"))


def test_the_slow_worker_has_as_many_processes_as_the_setting_says(tmp_path: Path) -> None:
    builder = ServiceBuilder(load(AFTERTURN_SLOW_PROCESSES="3"), tmp_path, COMMANDS)
    built = builder.build_all(("fast worker", "slow worker", "beat"))
    assert [service.title for service in built] == [
        "fast worker",
        "slow worker",
        "slow worker 2",
        "slow worker 3",
        "beat",
    ]
    slow = [service for service in built if service.name == "slow worker"]
    assert len({service.process.log_path for service in slow}) == 3
    assert len({tuple(service.process._arguments) for service in slow}) == 3
