"""The requirements on the Redis of the hot store: its version, and a policy that never deletes turns."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from afterturn.errors import SettingsError
from afterturn.hot import memory, redis_url

if TYPE_CHECKING:
    from afterturn.settings import Settings

logger = logging.getLogger(__name__)

#: XRANGE with an exclusive start needs 6.2.
OLDEST = (6, 2)


def require(client: redis.Redis) -> None:
    """Raise SettingsError if the server must not be used, and RedisError if it does not answer.

    If this user may not run INFO, the server is accepted with a warning.
    """
    try:
        version = str(client.info("server").get("redis_version", ""))  # type: ignore[union-attr]
        policy = memory.from_info(client.info("memory")).policy  # type: ignore[arg-type]
    except NoPermissionError as error:
        logger.warning("cannot check whether AFTERTURN_REDIS_URL deletes turns at its maxmemory (%s)", error)
        return
    except ResponseError as error:
        raise RedisError(str(error)) from error
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers and numbers < OLDEST:
        oldest = ".".join(str(number) for number in OLDEST)
        raise SettingsError(f"AFTERTURN_REDIS_URL is Redis {version}; {oldest} or newer is needed")
    if policy != memory.POLICY:
        raise SettingsError(
            f"the Redis of AFTERTURN_REDIS_URL deletes keys when its memory is full (maxmemory-policy {policy}): "
            f"acknowledged turns would be lost; set its maxmemory-policy to {memory.POLICY}"
        )


def require_if_it_answers(settings: Settings) -> None:
    """Do the same when a process starts. A server that does not answer is not an error here."""
    seconds = settings.redis_timeout_seconds
    with redis_url.open_client(settings.redis_url, socket_timeout=seconds, socket_connect_timeout=seconds) as client:
        try:
            require(client)
        except RedisError as error:
            logger.warning("Redis (AFTERTURN_REDIS_URL) does not answer yet: %s", error)
