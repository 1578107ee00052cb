"""Convert AFTERTURN_POSTGRES_URL for libpq. No message repeats a part of it: it could be part of the password."""

from __future__ import annotations

from psycopg import ProgrammingError, conninfo

from afterturn.errors import SettingsError
from afterturn.settings import Settings

_FIX = (
    "write postgresql://user:password@host:port/database, with %40 for @, %2F for /, %3A for : and %25 for % in the "
    "password, and parameters that libpq knows (sslmode, not ssl); or key=value pairs"
)


def get_connection_string(settings: Settings) -> str:
    """Return the connection string of AFTERTURN_POSTGRES_URL. Raises SettingsError if libpq cannot read it."""
    return check_connection_string(settings.postgres_url.get_secret_value())


def check_connection_string(text: str) -> str:
    """Return `text` if libpq can read it and host and port are possible ones. Raises SettingsError.

    A password with an unescaped character moves parts of itself to host and port, and libpq would print them.
    """
    try:
        parameters = conninfo.conninfo_to_dict(text)
    except ProgrammingError:
        raise SettingsError(f"AFTERTURN_POSTGRES_URL cannot be read: {_FIX}") from None
    ports = str(parameters.get("port") or "").split(",")
    hosts = str(parameters.get("host") or "").split(",")
    if any(port and not (port.isascii() and port.isdigit() and int(port) < 65_536) for port in ports):
        raise SettingsError(f"AFTERTURN_POSTGRES_URL has a port that is not a number below 65536: {_FIX}")
    if any("@" in host[1:] for host in hosts):
        raise SettingsError(f"AFTERTURN_POSTGRES_URL has an @ in its host: {_FIX}")
    return text
