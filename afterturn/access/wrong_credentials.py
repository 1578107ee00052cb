"""Wrong credentials per client address, counted in this process: guessing is bounded, without a server to ask.

Keys and tokens cannot be guessed, so they are checked in any case. Everything else could be a guess of
AFTERTURN_API_KEY, which a person may have chosen: from an address that sent too many wrong credentials it is refused
without being compared.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict

#: More: a key that a person chose is guessed sooner. Fewer: a client with an old key locks its neighbours out, where
#: many share an address. Per process of the API.
WRONG_PER_MINUTE = 300
#: Addresses that are remembered. More at once: the one that was wrong the longest time ago is forgotten.
ADDRESSES_LIMIT = 10_000

_WINDOW_SECONDS = 60.0
_INTERVAL_SECONDS = _WINDOW_SECONDS / WRONG_PER_MINUTE


class WrongCredentials:
    """What each address has used of its limit (GCRA, as hot/rate_limit.lua)."""

    def __init__(self) -> None:
        #: Address -> when it has its whole limit again, by time.monotonic().
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def seconds_to_wait(self, address: str | None) -> int:
        """Return in how many seconds this address may try again; 0: now."""
        full_at = self._full_at.get(_network(address), 0.0)
        return max(0, math.ceil(full_at + _INTERVAL_SECONDS - _WINDOW_SECONDS - time.monotonic()))

    def count(self, address: str | None) -> None:
        """Count a wrong credential of an address."""
        network, now = _network(address), time.monotonic()
        full_at = max(now, self._full_at.pop(network, now)) + _INTERVAL_SECONDS
        self._full_at[network] = min(full_at, now + _WINDOW_SECONDS)
        while len(self._full_at) > ADDRESSES_LIMIT:
            self._full_at.popitem(last=False)


def _network(address: str | None) -> str:
    """Return the part of an address that one client has: of IPv6 the first 64 bits."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return str(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
