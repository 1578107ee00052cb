"""docker-compose.yml starts the same processes as `afterturn up`, and only with the user's own passwords."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from afterturn import settings as settings_module
from afterturn.local.services import WORKER_STOP_SECONDS, ServiceName
from api_shim.cli.app import app
from api_shim.cli.processes import COMMANDS

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("migrate", "worker-fast", "worker-slow", "beat", "api", "flower")
LASTING = tuple(name for name in SERVICES if name != "migrate")

#: Service -> its name in `afterturn up`, for the services that both start.
OF_UP: dict[str, ServiceName] = {
    "worker-fast": "fast worker",
    "worker-slow": "slow worker",
    "beat": "beat",
    "api": "api",
    "flower": "flower",
}
#: ${NAME:?why}: Compose stops with this message if NAME is not set.
REQUIRED = re.compile(r"\$\{([A-Z_]+):\?[^}]+\}")


def test_all_services_are_listed() -> None:
    assert set(SERVICES) == {"redis", "postgres", *OURS}
    assert set(COMPOSE["volumes"]) == {"redis-data", "postgres-data"}


@pytest.mark.parametrize("name", OF_UP)
def test_the_commands_are_those_of_afterturn_up(name: str) -> None:
    _, _, *words = COMMANDS[OF_UP[name]]
    words = words[: next(place for place, word in enumerate(words) if word.startswith("-"))]
    assert SERVICES[name]["command"][: len(words) + 1] == ["afterturn", *words]


@pytest.mark.parametrize("name", OURS)
def test_the_command_line_knows_each_option(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, *arguments = SERVICES[name]["command"]
    values = [re.sub(r"\$\{\w+:-(\w+)\}", r"\1", argument) for argument in arguments]
    with pytest.raises(SystemExit) as ended:
        app([*values, "--help"])
    assert ended.value.code == 0, capsys.readouterr().err


def test_the_defaults_are_those_of_the_settings() -> None:
    defaults = settings_module.load({})
    assert SERVICES["worker-fast"]["command"].count(f"${{AFTERTURN_FAST_CONCURRENCY:-{defaults.fast_concurrency}}}")
    assert SERVICES["worker-slow"]["command"].count(f"${{AFTERTURN_SLOW_CONCURRENCY:-{defaults.slow_concurrency}}}")
    assert SERVICES["worker-slow"]["deploy"]["replicas"] == f"${{AFTERTURN_SLOW_PROCESSES:-{defaults.slow_processes}}}"
    assert SERVICES["api"]["ports"] == [f"127.0.0.1:${{AFTERTURN_API_PORT:-{defaults.api_port}}}:8600"]
    assert SERVICES["flower"]["ports"] == [f"127.0.0.1:${{AFTERTURN_FLOWER_PORT:-{defaults.flower_port}}}:5555"]


@pytest.mark.parametrize("name", OURS)
def test_each_environment_variable_is_a_setting(name: str) -> None:
    given = {key: value for key, value in SERVICES[name]["environment"].items() if key.startswith("AFTERTURN_")}
    settings_module.load({key: "" if value.startswith("${") else value for key, value in given.items()})


@pytest.mark.parametrize("name", LASTING)
def test_long_running_services_have_a_healthcheck_and_restart(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries"} <= service["healthcheck"].keys()


def test_the_schema_is_migrated_once_before_the_other_processes_start() -> None:
    assert SERVICES["migrate"]["restart"] == "no"
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in set(OURS) - {"migrate"}:
        assert SERVICES[name]["depends_on"] == {
            "redis": {"condition": "service_healthy"},
            "postgres": {"condition": "service_healthy"},
            "migrate": {"condition": "service_completed_successfully"},
        }


@pytest.mark.parametrize("name", SERVICES)
def test_no_password_is_in_the_file(name: str) -> None:
    for key, value in SERVICES[name].get("environment", {}).items():
        if re.search(r"PASSWORD|KEY|AUTH|URL", key):
            assert "${" in value, key
        if re.search(r"PASSWORD|API_KEY$|AUTH$|REDIS_URL|POSTGRES_URL", key) and not re.search("LLM|EMBEDDING", key):
            assert REQUIRED.search(value), key
    assert not REQUIRED.search(" ".join(SERVICES[name]["command"])), "a command line is no place for a secret"


def test_every_service_with_a_port_needs_a_secret() -> None:
    secrets = {match[1] for match in REQUIRED.finditer((ROOT / "docker-compose.yml").read_text())}
    assert secrets == {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "AFTERTURN_API_KEY", "AFTERTURN_FLOWER_BASIC_AUTH"}
    assert "AFTERTURN_API_KEY" in SERVICES["api"]["environment"]["AFTERTURN_API_KEY"]
    assert "AFTERTURN_FLOWER_BASIC_AUTH" in SERVICES["flower"]["environment"]["AFTERTURN_FLOWER_BASIC_AUTH"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_only_on_loopback(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", ["redis", "postgres"])
def test_images_of_other_projects_are_pinned(name: str) -> None:
    assert re.search(r":\d+\.\d+", SERVICES[name]["image"])


def test_redis_persists_turns_and_never_evicts_them() -> None:
    command = " ".join(SERVICES["redis"]["command"])
    for option in ("--appendonly yes", "--appendfsync everysec", '--save ""', "--maxmemory-policy noeviction"):
        assert option in command
    assert "requirepass" in command


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_privileges_and_enough_time_to_stop(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]
    assert int(service["stop_grace_period"].removesuffix("s")) > WORKER_STOP_SECONDS


def test_the_image() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert "USER afterturn" in lines
    assert [line for line in lines if line.startswith("FROM")][-1] == "FROM python:3.12-slim"
    assert any("--constraint constraints.txt" in line for line in lines)
    assert "REMAP_SIGTERM=SIGQUIT" in " ".join(lines)
