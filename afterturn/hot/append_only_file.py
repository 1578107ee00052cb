"""Rewrite Redis's append-only file, so that it no longer contains deleted data."""

from __future__ import annotations

import time
from typing import Any, cast

import redis
from redis.exceptions import ResponseError

from afterturn.user_store import ScrubStep

_POLL_SECONDS = 0.2


def rewrite(client: redis.Redis, *, wait_seconds: float = 600.0) -> ScrubStep:
    """Make Redis rewrite its append-only file, and wait until it is done."""
    name = "append-only file"
    try:
        if not _state(client)["aof_enabled"]:
            detail = "there is none; a snapshot, if any, ends with the next one"
            return ScrubStep(name=name, is_done=True, detail=detail)
        _rewrite(client, wait_seconds)
    except (redis.RedisError, TimeoutError) as error:
        return ScrubStep(name=name, is_done=False, detail=f"{type(error).__name__}: {error}")
    return ScrubStep(name=name, is_done=True, detail="rewritten")


def _rewrite(client: redis.Redis, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    # A rewrite that is already running may contain data that was deleted since it began. Start another one after it.
    while not _has_begun(client):
        _wait(deadline)
    while (state := _state(client))["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"]:
        _wait(deadline)
    if state["aof_last_bgrewrite_status"] != "ok":
        raise TimeoutError("the rewrite failed; Redis's log says why")


def _has_begun(client: redis.Redis) -> bool:
    try:
        client.bgrewriteaof()  # type: ignore[no-untyped-call]
    except ResponseError as error:
        if "already in progress" in str(error):
            return False
        raise
    return True


def _state(client: redis.Redis) -> dict[str, Any]:
    return cast(dict[str, Any], client.info("persistence"))


def _wait(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError("it takes too long")
    time.sleep(_POLL_SECONDS)
