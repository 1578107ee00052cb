"""Rate limits of callers, counted in Redis, so that all processes of the API share them.

While Redis is away or full, requests are not limited. Limits protect the servers from too many requests, they protect
no data; and without Redis no turn is written anyway: refusing what can still be read would make the outage larger.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from redis.exceptions import NoScriptError, RedisError

from afterturn.access.caller import Caller
from afterturn.hot import keys, scripts

if TYPE_CHECKING:
    from redis.asyncio import Redis

WINDOW_SECONDS = 60
#: How long a request waits for its limit. Longer: a Redis that hangs delays requests that do not need it. Shorter: a
#: process that is busy with too many requests no longer limits them.
TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a caller has used of its limit, after the present request."""

    is_within: bool
    limit: int
    remaining: int
    #: Until the whole limit is there again.
    reset_seconds: int
    #: Until the next request is within the limit; 0 if it is now.
    retry_after_seconds: int

    def headers(self) -> dict[str, str]:
        """Return the header fields of draft-ietf-httpapi-ratelimit-headers, and Retry-After for a refused request."""
        fields = {
            "RateLimit-Policy": f'"default";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"default";r={self.remaining};t={self.reset_seconds}',
        }
        return fields if self.is_within else fields | {"Retry-After": str(self.retry_after_seconds)}


async def count_request(client: Redis, caller: Caller, default_per_minute: int | None) -> Usage | None:
    """Count a request of a caller. Returns None if the caller has no limit, or Redis does not answer.

    Args:
        client: the hot store.
        caller: a caller without a limit of its own has the default.
        default_per_minute: the setting AFTERTURN_API_REQUESTS_PER_MINUTE.
    """
    limit = caller.requests_per_minute or default_per_minute
    if limit is None:
        return None
    name = f"{caller.kind}\x00{caller.principal.tenant_id}\x00{caller.name}"
    key = keys.rate_limit(hashlib.sha256(name.encode()).hexdigest()[:32])
    script, arguments = scripts.RATE_LIMIT, (1, key, limit, WINDOW_SECONDS * 1000)
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            try:
                reply = await client.execute_command("EVALSHA", script.sha, *arguments)  # type: ignore[no-untyped-call]
            except NoScriptError:
                reply = await client.execute_command("EVAL", script.source, *arguments)  # type: ignore[no-untyped-call]
    except (RedisError, TimeoutError):
        return None
    is_within, remaining, reset_milliseconds, retry_milliseconds = cast(list[int], reply)
    return Usage(
        is_within=bool(is_within),
        limit=limit,
        remaining=remaining,
        reset_seconds=math.ceil(reset_milliseconds / 1000),
        retry_after_seconds=math.ceil(retry_milliseconds / 1000),
    )
