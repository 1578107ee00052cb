"""One `afterturn up` for all pages; each page has a tenant, a shell and a working directory of its own."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from afterturn import running_up
from afterturn import settings as settings_module
from afterturn.access import keys
from afterturn.database.pool import worker_connection
from tests.docs.terminal import Terminal, Up


@pytest.fixture(scope="session")
def home_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a reader who has set nothing, in a home directory of their own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AFTERTURN_")}
    programs = str(Path(sys.executable).parent)
    home = str(tmp_path_factory.mktemp("home"))
    caches = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    own = {"HOME": home, "XDG_CACHE_HOME": caches, "COLUMNS": "120"}
    return kept | own | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def up(home_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """The terminal of `afterturn up`, for all pages: a page finds it running."""
    terminal = Up(home_environment, tmp_path_factory.mktemp("up") / "log")
    yield terminal
    terminal.stop()


@pytest.fixture
def terminal(
    up: Up, home_environment: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Terminal]:
    """A new shell of a page's own, which knows where the servers are, and Python after it."""
    up.start()
    work = tmp_path / "work"
    work.mkdir()
    page = re.sub(r"\W+", "-", request.node.name)
    environment = home_environment | {"PWD": str(work), "AFTERTURN_TENANT": page}
    opened = Terminal(up, environment, tmp_path / "environment")
    yield opened
    opened.close()
    if remove_keys(Path(home_environment["HOME"])):
        # The API remembers that it needs a key.
        up.stop()


def remove_keys(home: Path) -> bool:
    """Delete the keys that a page has made; return whether there were any. That of `afterturn up` itself stays."""
    servers = running_up.find_servers(home / running_up.DEFAULT_DATA_DIR.relative_to("~"))
    with worker_connection(settings_module.load(servers.urls)) as connection:
        connection.execute("UPDATE api_keys SET rotated_from = NULL")
        made = "DELETE FROM api_keys WHERE label IS DISTINCT FROM %s"
        return connection.execute(made, (keys.MACHINE_LABEL,)).rowcount > 0
