"""Questions to a starting service: are you there?"""

from __future__ import annotations

import ipaddress
import urllib.error
import urllib.request

TIMEOUT_SECONDS = 2.0
#: Asked on this machine itself, so never through the proxy that the environment may name.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def http_answers(url: str) -> bool:
    """True when a GET of the URL is answered with 200."""
    try:
        with _opener.open(url, timeout=TIMEOUT_SECONDS) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


def is_loopback(host: str) -> bool:
    """True when only this machine can reach what listens at `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address(host: str, port: int) -> str:
    """Return the http URL under which this machine reaches what listens at `host`."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
