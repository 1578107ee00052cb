"""What keeps `afterturn up` from starting is one sentence with a stable code and the fix, before it starts anything."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from afterturn import settings as settings_module
from afterturn.errors import DataDirectoryUnusable, PortTaken, SettingsError
from afterturn.local import data_directory, services
from afterturn.local.stack import Stack
from afterturn.settings import Settings

UP = [sys.executable, "-m", "api_shim.cli.main", "up"]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(bare_environment: dict[str, str]) -> Run:
    """Run `afterturn up` until it ends."""

    def ended(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*UP, *map(str, arguments)],
            env=bare_environment | variables,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return ended


def assert_one_error(ended: subprocess.CompletedProcess[str], code: str, *parts: str) -> None:
    assert ended.returncode == 2, ended
    assert ended.stderr.startswith(f"error [{code}]: "), ended.stderr
    assert ended.stderr.count("\n") == 1 and "Traceback" not in ended.stderr
    for part in parts:
        assert part in ended.stderr, ended.stderr


def test_a_file_in_the_way_of_the_data_directory(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        ended = run("--data-dir", path)
        assert_one_error(ended, "data_directory_unusable", str(tmp_path / "file"), "--data-dir", "a file in the way")


def test_a_home_that_nobody_has(run: Run) -> None:
    ended = run("--data-dir", "~nobody-of-that-name/data")
    assert_one_error(ended, "data_directory_unusable", "~nobody-of-that-name")


@pytest.mark.parametrize(
    ("number", "part"),
    [
        (errno.EROFS, "read-only"),
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EACCES, "may not write there"),
        (errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG)),
    ],
)
def test_what_the_file_system_refuses(tmp_path: Path, number: int, part: str) -> None:
    path = tmp_path / "data"
    with pytest.raises(DataDirectoryUnusable) as raised, data_directory.explaining_errors(path):
        raise OSError(number, os.strerror(number), str(path / "redis"))
    message = str(raised.value)
    assert part in message and str(path) in message and "AFTERTURN_DATA_DIR" in message


def test_a_name_that_is_too_long(run: Run, tmp_path: Path) -> None:
    assert_one_error(run("--data-dir", tmp_path / ("x" * 300)), "data_directory_unusable")


AS_NOBODY = """
import os, pathlib, sys
from afterturn.errors import DataDirectoryUnusable
from afterturn.local import data_directory
os.setgid(65534)
os.setuid(65534)
try:
    data_directory.prepare(pathlib.Path(sys.argv[1]))
except DataDirectoryUnusable as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_that_the_user_may_not_write(tmp_path: Path) -> None:
    (tmp_path / "of-root").mkdir(mode=0o755)
    path = tmp_path / "of-root" / "data"
    command = [sys.executable, "-c", AS_NOBODY, str(path)]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert f"the data directory {path} cannot be used: the user nobody may not write there" in printed
    assert printed.count("\n") == 1


def test_a_disk_with_little_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=150_000_000))
    with pytest.raises(DataDirectoryUnusable, match="has 150 MB left, and 200 MB are needed"):
        data_directory.prepare(tmp_path)
    (tmp_path / "postgres").mkdir()
    data_directory.prepare(tmp_path)


@pytest.mark.parametrize(
    ("setting", "option", "title"),
    [("AFTERTURN_API_PORT", "--api-port", "the HTTP API"), ("AFTERTURN_FLOWER_PORT", "--flower-port", "Flower")],
)
def test_a_port_that_is_taken_is_found_before_anything_is_started(
    run: Run, tmp_path: Path, setting: str, option: str, title: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        others = ["--api-port", "0", "--flower-port", "0"]
        ended = run("--data-dir", tmp_path / "data", *others, option, port)
    assert_one_error(ended, "port_taken", f"port {port}, for {title} ({setting})")
    assert ended.stdout == ""
    assert not (tmp_path / "data" / "redis").exists() and not (tmp_path / "data" / "postgres").exists()


def _settings(**variables: object) -> Settings:
    return settings_module.load({f"AFTERTURN_{name}": str(value) for name, value in variables.items()})


def test_a_port_of_another_interface_is_looked_at() -> None:
    with socket.create_server(("127.0.0.2", 0)) as other:
        port = other.getsockname()[1]
        taken = _settings(API_HOST="127.0.0.2", API_PORT=port, API_KEY="k" * 20)
        with pytest.raises(PortTaken, match="AFTERTURN_API_PORT"):
            services.require_free_ports(taken, ("api",))
        services.require_free_ports(_settings(API_PORT=port), ("api",))
        with pytest.raises(PortTaken):
            services.require_free_ports(_settings(API_HOST="0.0.0.0", API_PORT=port, API_KEY="k" * 20), ("api",))
        # What is not started needs no port.
        services.require_free_ports(taken, ("beat",))


def test_a_host_that_is_not_of_this_machine() -> None:
    for host in ("192.0.2.1", "no-such-host.invalid"):
        with pytest.raises(PortTaken, match=host):
            services.require_free_ports(_settings(API_HOST=host, API_PORT=0, API_KEY="k" * 20), ("api",))


def test_the_same_port_twice() -> None:
    same = _settings(API_PORT=9_555, FLOWER_PORT=9_555)
    with pytest.raises(SettingsError, match="AFTERTURN_API_PORT and AFTERTURN_FLOWER_PORT are both 9555"):
        services.require_free_ports(same, ("api", "flower"))
    services.require_free_ports(_settings(API_PORT=0, FLOWER_PORT=0), ("api", "flower"))


def test_a_part_of_the_data_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "redis").touch()
    stack = Stack(settings_module.load({}), data_dir=tmp_path, commands={}, names=(), durable=False)
    with pytest.raises(DataDirectoryUnusable, match=r"a file in the way at .*redis"):
        stack.start()


def test_a_shell_that_has_read_the_file_of_another_up(run: Run, tmp_path: Path) -> None:
    """That one has ended, and had another data directory."""
    ended = run(
        *("--data-dir", tmp_path / "data", "--api-port", "0", "--flower-port", "0"),
        AFTERTURN_REDIS_URL="redis://:old@127.0.0.1:1/0",
    )
    assert_one_error(ended, "memory_unavailable", "unset AFTERTURN_REDIS_URL")
