"""The environment of afterturn's processes, and the file by which other programs find a running `afterturn up`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from afterturn.local import passwords
from afterturn.settings import PREFIX, Settings

#: Where the packages of afterturn lie: a source tree that was put on PYTHONPATH, or site-packages.
PACKAGES = Path(__file__).resolve().parents[2]
#: How the folders are called into which packages are installed.
INSTALLED = ("site-packages", "dist-packages")
#: Variables of somebody else's Celery or Flower that would override ours: CELERY_BROKER_URL wins over the app's own
#: broker, and FLOWER_PORT (which Kubernetes sets for a service of that name) over a default.
FOREIGN_PREFIXES = ("CELERY_", "FLOWER_", PREFIX)


def of_settings(settings: Settings) -> dict[str, str]:
    """Return the variables that give `settings` when they are loaded: those that differ from the defaults."""
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
        return str(value.expanduser().absolute())  # the child has another current directory
    return str(value)


def of_child(settings: Settings, own: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the whole environment of a Python process of ours, made from our own environment and `settings`."""
    variables = {name: value for name, value in own.items() if not name.startswith(FOREIGN_PREFIXES)}
    variables |= of_settings(settings)
    variables["PYTHONPATH"] = _search_path(own.get("PYTHONPATH", ""))
    variables["PYTHONSAFEPATH"] = "1"
    variables["PYTHONUNBUFFERED"] = "1"
    # A worker that is told to end finishes what it does, but not for longer than its soft shutdown lasts.
    variables["REMAP_SIGTERM"] = "SIGQUIT"
    return variables


def _search_path(given: str) -> str:
    """Return a PYTHONPATH on which nothing of the caller's current directory can stand before ours.

    Ours come first where they are a source tree; in site-packages they cannot: its packages would stand before the
    standard library.
    """
    entries = [Path(entry) for entry in given.split(os.pathsep) if os.path.isabs(entry)]
    kept = [str(entry) for entry in entries if entry.resolve() != Path.cwd()]
    return os.pathsep.join(kept if PACKAGES.name in INSTALLED else [str(PACKAGES), *kept])


def write_file(path: Path, variables: Mapping[str, str]) -> None:
    """Write a file for `. path` in a shell, readable by its owner only: it holds the servers' passwords."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    passwords.write_private(path, "".join(lines))
