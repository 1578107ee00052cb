"""Celery's settings of the broker, from its URL."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from afterturn.hot import redis_url
from afterturn.hot.redis_url import RedisUrl

#: A task that runs longer is delivered a second time. This is harmless: the second one finds nothing to do.
VISIBILITY_SECONDS = 3_600
#: The timeout for a broker that hangs. Shorter: calls to a slow broker fail needlessly.
SOCKET_SECONDS = 5


#: The setting with the URL, for error messages.
SETTING = "AFTERTURN_BROKER_URL (unset: AFTERTURN_REDIS_URL)"


def is_redis(url: str) -> bool:
    """Return whether the broker is a Redis, with or without Sentinels."""
    return urlsplit(url).scheme in redis_url.SCHEMES


def celery_settings(url: str) -> dict[str, Any]:
    """Return the broker's URL, transport and options as Celery's settings.

    Args:
        url: of a Redis, as redis_url.py describes it, or of another broker, as kombu reads it.

    Raises SettingsError.
    """
    options: dict[str, Any] = {}
    if is_redis(url):
        parsed = redis_url.parse(url, SETTING)
        url = _kombu_url(parsed)
        options = {
            "visibility_timeout": VISIBILITY_SECONDS,
            "socket_timeout": SOCKET_SECONDS,
            "socket_connect_timeout": SOCKET_SECONDS,
            "connection_options": _connection_options(parsed),
        }
        if parsed.server == "sentinel":
            options |= {"master_name": parsed.master, "sentinel_kwargs": dict(parsed.sentinel_login)}
    return {
        # All three are needed: CELERY_BROKER_URL, which belongs to the agent if it uses Celery, overrides each alone.
        **dict.fromkeys(("broker_url", "broker_read_url", "broker_write_url"), url),
        "broker_transport_options": options,
        # Without a limit: an outage of an hour must not end a worker.
        "broker_connection_max_retries": None,
        "broker_connection_retry_on_startup": True,
    }


def _connection_options(url: RedisUrl) -> dict[str, Any]:
    """Return the options that kombu's URL cannot express. Flower shows them, so they contain no password."""
    options: dict[str, Any] = dict(url.options)
    if url.is_tls:
        # kombu checks no certificate by itself. The hot store's client does.
        options = {"tls": True, "ssl_cert_reqs": "required"} | options
    if url.path:
        options["path"] = url.path
    return options


def _kombu_url(url: RedisUrl) -> str:
    """Return the URL for kombu: without options; for a socket only the login and the database."""
    login = ""
    if url.username or url.password:
        login = f"{quote(url.username or '', safe='')}:{quote(url.password or '', safe='')}@"
    scheme = "sentinel" if url.server == "sentinel" else "rediss" if url.is_tls else "redis"
    hosts = [(f"[{host}]" if ":" in host else host, port) for host, port in url.hosts] or [("localhost", 0)]
    places = [f"{host}:{port}" if port else host for host, port in hosts]
    return ";".join(f"{scheme}://{login}{place}/{url.database}" for place in places)
