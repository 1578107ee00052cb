"""The user lock in Redis. It only saves work: correctness depends on `users.version` in Postgres."""

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
    """Try to lock the user for the length of the block. Yields False if another worker has the lock.

    Yields True without a lock if Redis does not answer.

    Args:
        client: the hot store.
        scope: the user.
        seconds: the lock expires after this time, if this process dies.
    """
    # thread_local=False: another thread than the one that acquired the lock may release it.
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
