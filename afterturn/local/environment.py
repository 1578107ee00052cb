"""The environment variables of afterturn's processes, and the file by which other programs find `afterturn up`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from afterturn.local import passwords
from afterturn.settings import PREFIX, Settings

#: The folder that contains afterturn's packages: a source tree on PYTHONPATH, or site-packages.
PACKAGES = Path(__file__).resolve().parents[2]
#: Names of folders into which packages are installed.
INSTALLED = ("site-packages", "dist-packages")
#: Prefixes of the caller's variables that are not passed on, because they would override ours: CELERY_BROKER_URL has
#: priority over the app's own broker; FLOWER_PORT, which Kubernetes sets for a service of that name, over a default.
FOREIGN_PREFIXES = ("CELERY_", "FLOWER_", PREFIX)


def settings_to_variables(settings: Settings) -> dict[str, str]:
    """Return the environment variables from which `settings.load` makes these settings: those that were set."""
    variables = {}
    for name in sorted(settings.model_fields_set):
        value = getattr(settings, name)
        if value is not None:
            variables[PREFIX + name.upper()] = _text(value)
    return variables


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value.expanduser().absolute())  # the child process has another current directory
    return str(value)


def child_environment(settings: Settings, own: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the whole environment of a Python child process.

    Args:
        settings: the child's settings.
        own: the environment of this process.
    """
    variables = {name: value for name, value in own.items() if not name.startswith(FOREIGN_PREFIXES)}
    variables |= settings_to_variables(settings)
    variables["PYTHONPATH"] = _search_path(own.get("PYTHONPATH", ""))
    variables["PYTHONSAFEPATH"] = "1"
    variables["PYTHONUNBUFFERED"] = "1"
    # With SIGQUIT a worker finishes its tasks, but not for longer than its soft shutdown.
    variables["REMAP_SIGTERM"] = "SIGQUIT"
    return variables


def _search_path(given: str) -> str:
    """Return a PYTHONPATH on which nothing of the caller's current directory comes before our packages.

    A source tree of ours is put first. Site-packages is not, because its packages would then come before the standard
    library.
    """
    entries = [Path(entry) for entry in given.split(os.pathsep) if os.path.isabs(entry)]
    kept = [str(entry) for entry in entries if entry.resolve() != Path.cwd()]
    return os.pathsep.join(kept if PACKAGES.name in INSTALLED else [str(PACKAGES), *kept])


def write_environment_file(path: Path, variables: Mapping[str, str]) -> None:
    """Write a file for `. path` in a shell. Only its owner can read it, because it contains the servers' passwords."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    passwords.write_private(path, "".join(lines))
