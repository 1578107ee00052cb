"""Checks of HTTP services on this machine."""

from __future__ import annotations

import urllib.error
import urllib.request

TIMEOUT_SECONDS = 2.0
#: Without a proxy: the services run on this machine, and the environment may name a proxy.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def is_http_ok(url: str) -> bool:
    """Return whether a GET request to the URL is answered with 200."""
    try:
        with _opener.open(url, timeout=TIMEOUT_SECONDS) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


def http_url(host: str, port: int) -> str:
    """Return the http URL under which this machine reaches a service that is bound to `host`."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
