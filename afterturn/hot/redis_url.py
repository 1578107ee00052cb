"""Parse the URL of a Redis, for the clients of redis-py and for Celery's broker.

    redis://user:password@host:6379/0?socket_timeout=5        rediss:// with TLS
    unix:///run/redis/redis.sock?db=1                         redis+socket:// is Celery's name for the same
    sentinel://user:password@one:26379,two:26379/master/0     redis+sentinel:// is the same; rediss+sentinel:// with TLS

redis-py and Celery each support only some of these. They fail late on the rest, or ignore it silently. So the URL is
parsed here, and unsupported parts are refused with an error that names the setting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel

from afterturn.errors import SettingsError

Server = Literal["tcp", "unix", "sentinel"]

#: Scheme -> (kind of connection, whether with TLS).
SCHEMES: Mapping[str, tuple[Server, bool]] = {
    "redis": ("tcp", False),
    "rediss": ("tcp", True),
    "unix": ("unix", False),
    "redis+socket": ("unix", False),
    "sentinel": ("sentinel", False),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
}
PORT = 6379
SENTINEL_PORT = 26379
_FALSE = ("", "0", "f", "false", "n", "no")


def _flag(text: str) -> bool:
    return text.casefold() not in _FALSE


def _certificates(text: str) -> str:
    """Convert Celery's value to redis-py's: CERT_REQUIRED -> required."""
    word = text.casefold().removeprefix("cert_")
    if word not in ("none", "optional", "required"):
        raise ValueError("must be none, optional or required")
    return word


#: Options after the `?` -> how their text is read.
_OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "socket_timeout": float,
    "socket_connect_timeout": float,
    "socket_keepalive": _flag,
    "retry_on_timeout": _flag,
    "health_check_interval": int,
    "max_connections": int,
    "client_name": str,
    "ssl_cert_reqs": _certificates,
    "ssl_check_hostname": _flag,
    "ssl_ca_certs": str,
    "ssl_ca_path": str,
    "ssl_certfile": str,
    "ssl_keyfile": str,
    "ssl_password": str,
}
#: Options that can also be written before the `?`. The value before the `?` has priority, except for the database.
_PLACES = ("db", "virtual_host", "username", "password", "sentinel_username", "sentinel_password")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisUrl:
    """A URL that was read."""

    server: Server
    is_tls: bool
    #: (host, port): of the server, or of each Sentinel; empty for a socket.
    hosts: tuple[tuple[str, int], ...]
    #: Of the socket; empty otherwise.
    path: str
    #: The server's name at the Sentinels; empty without Sentinels.
    master: str
    database: int
    username: str | None
    password: str | None
    #: The login of the Sentinels themselves: `username` and `password`.
    sentinel_login: Mapping[str, str]
    #: Arguments of redis-py's connections.
    options: Mapping[str, Any]


def parse(url: str, setting: str = "AFTERTURN_REDIS_URL") -> RedisUrl:
    """Return the parts of a URL. Raises SettingsError that names the setting without showing the URL."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES:
            raise ValueError(f"it must begin with one of {', '.join(f'{scheme}://' for scheme in SCHEMES)}")
        return _read(parts)
    except ValueError as error:
        raise SettingsError(f"{setting}: {error}") from None


def _read(parts: SplitResult) -> RedisUrl:
    server, is_tls = SCHEMES[parts.scheme]
    login, _, places = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    given, options = _read_options(parts.query)
    segments = [unquote(segment) for segment in parts.path.split("/") if segment]
    master = segments.pop(0) if server == "sentinel" and segments else ""
    if server == "sentinel" and (not master or master.isdecimal()):
        raise ValueError("it does not name the master: sentinel://one:26379,two:26379/MASTER/0")
    if server == "unix" and not segments:
        raise ValueError("it does not name the socket: unix:///run/redis/redis.sock")
    text = given.get("db", given.get("virtual_host", "0" if server == "unix" else "/".join(segments)))
    return RedisUrl(
        server=server,
        is_tls=is_tls,
        hosts=() if server == "unix" else _read_hosts(places, server),
        path=unquote(parts.path) if server == "unix" else "",
        master=master,
        database=_read_database(text),
        username=unquote(username) or given.get("username"),
        password=unquote(password) or given.get("password"),
        sentinel_login={
            name.removeprefix("sentinel_"): value for name, value in given.items() if name.startswith("sentinel_")
        },
        options=options,
    )


def _read_options(query: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the options that have a place before the `?`, and those of the connections."""
    given: dict[str, str] = {}
    options: dict[str, Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name in _PLACES:
            given[name] = text
        elif name in _OPTIONS:
            try:
                options[name] = _OPTIONS[name](text)
            except ValueError as error:
                raise ValueError(f"the value of its option {name} is not valid ({error})") from None
        else:
            raise ValueError(f"its option {name} is unknown; known are {', '.join(sorted((*_PLACES, *_OPTIONS)))}")
    return given, options


def _read_hosts(places: str, server: Server) -> tuple[tuple[str, int], ...]:
    default_port = SENTINEL_PORT if server == "sentinel" else PORT
    hosts = []
    for place in places.split(","):
        if ";" in place:
            raise ValueError("separate its Sentinels by commas: sentinel://one:26379,two:26379/MASTER/0")
        # One at a time, because the standard library reads only one.
        split = urlsplit(f"//{place}")
        hosts.append((unquote(split.hostname or "127.0.0.1"), split.port or default_port))
    return tuple(hosts)


def _read_database(text: str) -> int:
    number = text.strip("/") or "0"
    if not number.isdecimal():
        raise ValueError("its database must be a number, as in redis://127.0.0.1:6379/0")
    return int(number)


def connection_arguments(url: RedisUrl) -> dict[str, Any]:
    """Return the arguments of redis-py's connections, except for the place of the server."""
    login = {"username": url.username, "password": url.password}
    return {"db": url.database, **{name: text for name, text in login.items() if text}, **url.options}


def open_client(url: str, client_class: type[redis.Redis] = redis.Redis, **options: Any) -> redis.Redis:
    """Return a client. The URL's options have priority over `options`. It opens no connection. Raises SettingsError."""
    client: redis.Redis = _open(parse(url), options, redis, redis.sentinel.Sentinel, client_class)
    return client


def open_async_client(url: str, **options: Any) -> redis.asyncio.Redis:
    """Return a client for asyncio. The arguments are those of `open_client`."""
    client: redis.asyncio.Redis = _open(
        parse(url), options, redis.asyncio, redis.asyncio.sentinel.Sentinel, redis.asyncio.Redis
    )
    return client


def _open(url: RedisUrl, options: Mapping[str, Any], library: Any, sentinel_class: Any, client_class: Any) -> Any:
    """Open a client of `library`: redis, or redis.asyncio, which has classes of the same names."""
    arguments = dict(options) | connection_arguments(url)
    if url.server == "sentinel":
        sentinels = sentinel_class(url.hosts, sentinel_kwargs=_of_sentinels(url, arguments))
        return sentinels.master_for(url.master, redis_class=client_class, **arguments, ssl=url.is_tls)
    if url.server == "unix":
        arguments |= {"connection_class": library.UnixDomainSocketConnection, "path": url.path}
        arguments.pop("socket_keepalive", None)
    else:
        [(host, port)] = url.hosts
        kind = library.SSLConnection if url.is_tls else library.Connection
        arguments |= {"connection_class": kind, "host": host, "port": port}
    return client_class.from_pool(library.ConnectionPool(**arguments))


def _of_sentinels(url: RedisUrl, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the connections to the Sentinels: their login, and the timeouts of the others."""
    timeouts = ("socket_timeout", "socket_connect_timeout", "socket_keepalive")
    return {name: arguments[name] for name in timeouts if name in arguments} | dict(url.sentinel_login)
