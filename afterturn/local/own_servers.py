"""Recognize the URLs of embedded servers: a shell that read the file of an `afterturn up` has them in its environment.

The next `afterturn up` in that shell starts these servers itself. They are recognized by their generated passwords.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from afterturn.local import ports, postgres_cluster, postgres_login
from afterturn.settings import Settings

#: What to do if a given server of this machine is away.
HINT = (
    "is that the server of an earlier `afterturn up`, whose file this shell has read? "
    "Then: unset AFTERTURN_REDIS_URL AFTERTURN_BROKER_URL AFTERTURN_POSTGRES_URL"
)


def without_own_servers(settings: Settings, data_dir: Path) -> Settings:
    """Return the settings without the URLs of the servers that are embedded in this data directory."""
    given = settings.model_dump(exclude_unset=True)
    passwords = {
        "redis_url": [data_dir / "redis.password"],
        "broker_url": [data_dir / "redis.password"],
        "postgres_url": postgres_passwords(data_dir),
    }
    own = {
        name
        for name, files in passwords.items()
        if name in given and _host_and_password(_text(settings, name))[1] in _read_all(files)
    }
    return Settings(**{name: value for name, value in given.items() if name not in own}) if own else settings


def postgres_passwords(data_dir: Path) -> list[Path]:
    """Return the files with the passwords of the embedded PostgreSQL."""
    directory = data_dir / "postgres"
    return [directory / f"{postgres_login.LOGIN}.password", postgres_cluster.superuser_password_path(directory)]


def hint_for(url: str) -> str:
    """Return what may be wrong with a given server that does not answer; empty for one of another machine."""
    host, _ = _host_and_password(url)
    return f"; {HINT}" if host in (ports.LOOPBACK, "localhost", "::1") else ""


def _text(settings: Settings, name: str) -> str:
    return settings.postgres_url.get_secret_value() if name == "postgres_url" else str(getattr(settings, name))


def _read_all(files: list[Path]) -> set[str]:
    found = set()
    for path in files:
        with contextlib.suppress(OSError):
            found.add(path.read_text().strip())
    return found


def _host_and_password(url: str) -> tuple[str | None, str | None]:
    """Return both from a URL, or from libpq's `key=value` pairs; None for one that it does not have."""
    host = password = None
    with contextlib.suppress(ValueError):
        if "://" in url:
            parts = urlsplit(url)
            host, password = parts.hostname, parts.password and unquote(parts.password)
    with contextlib.suppress(psycopg.ProgrammingError):
        named = {name: str(value) for name, value in conninfo_to_dict(url).items()}
        host, password = host or named.get("host"), password or named.get("password")
    return host, password
