"""The user lock in Redis. It only saves work: what makes applying correct is `users.version` in Postgres."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.exceptions import LockError
from redis.lock import Lock

from afterturn.hot import keys
from afterturn.scopes import UserScope

logger = logging.getLogger(__name__)


@contextmanager
def try_lock_user(client: redis.Redis, scope: UserScope, *, seconds: float) -> Iterator[bool]:
    """Yield whether nobody else is applying for this user; True as well when Redis does not answer.

    Args:
        client: the hot store.
        scope: the user.
        seconds: when the lock ends by itself, should this process die.
    """
    # thread_local=False: the token belongs to this block, whichever thread ends it.
    lock = Lock(client, keys.user_lock(scope), timeout=seconds, blocking=False, thread_local=False)
    try:
        is_acquired = lock.acquire()
    except redis.RedisError as error:
        logger.warning("the user lock is skipped: %s", type(error).__name__)
        yield True
        return
    try:
        yield bool(is_acquired)
    finally:
        if is_acquired:
            _release(lock)


def _release(lock: Lock) -> None:
    try:
        lock.release()
    except (LockError, redis.RedisError) as error:
        logger.warning("the user lock was not released: %s", type(error).__name__)
