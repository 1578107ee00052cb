"""Addresses of this machine."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a service that is bound to `host`."""
    return host == "localhost" or _is_loopback_address(host) is True


def may_be_loopback(address: str | None) -> bool:
    """Return whether a request that arrived at this address may come from this machine.

    None, or what is no address (a Unix socket), is not known to be reachable from elsewhere.
    """
    return address is None or _is_loopback_address(address) is not False


def _is_loopback_address(text: str) -> bool | None:
    """Return whether an address is one of loopback; None if the text is no address."""
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback
