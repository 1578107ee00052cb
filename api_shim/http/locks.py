"""The routes of locks: one holder at a time, for the length of its lease, with a fence for each write."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field

from afterturn.errors import StaleFence
from api_shim.http.principal import UserWriter
from api_shim.http.routes import make_router
from api_shim.http.schemas import Body, ErrorOut

router = make_router("/v1/users/{user_id:id}/locks")

#: How long a request may wait for a lock. More: waiting requests hold connections that others need.
WAIT_SECONDS_LIMIT = 10.0

LeaseSeconds = Annotated[
    float, Field(ge=0.01, le=3_600, description="how long the lock is held unless it is renewed, in seconds")
]
Fence = Annotated[int, Field(ge=1, description="the fence of the holder")]
Name = Annotated[str, Path(description="the name of the lock")]
_BUSY: dict[int | str, dict[str, Any]] = {409: {"model": ErrorOut, "description": "Somebody else has the lock."}}
_LOST: dict[int | str, dict[str, Any]] = {409: {"model": ErrorOut, "description": "The lock is lost."}}


class LockIn(Body):
    """How a lock is taken."""

    lease_seconds: LeaseSeconds = 30.0
    wait_seconds: float = Field(
        0.0, ge=0, le=WAIT_SECONDS_LIMIT, description="how long to wait while somebody else has it, in seconds"
    )


class RenewIn(Body):
    """Which holder renews its lease."""

    fence: Fence
    lease_seconds: LeaseSeconds = 30.0


class LockOut(BaseModel):
    """A lock that is held."""

    name: str
    fence: int = Field(description="larger than those of all holders before; pass it to each write")


@router.post("/{name:id}", operation_id="take_lock", summary="Take a lock", responses=_BUSY)
async def take(memory: UserWriter, name: Name, body: LockIn) -> LockOut:
    """Take a lock of the user and return its fence. 409 (`lock_busy`) if somebody else has it."""
    lock = memory.lock(name, lease_seconds=body.lease_seconds, wait_seconds=body.wait_seconds)
    return LockOut(name=name, fence=await lock.acquire())


@router.put("/{name:id}", operation_id="renew_lock", summary="Renew a lock", responses=_LOST)
async def renew(memory: UserWriter, name: Name, body: RenewIn) -> LockOut:
    """Begin the lease of a lock anew. 409 (`stale_fence`) if it is lost."""
    await memory.lock(name, lease_seconds=body.lease_seconds, fence=body.fence).renew()
    return LockOut(name=name, fence=body.fence)


@router.delete("/{name:id}", operation_id="release_lock", summary="Leave a lock", status_code=204, responses=_LOST)
async def release(
    memory: UserWriter, name: Name, fence: Annotated[int, Query(ge=1, description="the fence of the holder")]
) -> Response:
    """Leave a lock. 409 (`stale_fence`) if it was lost before."""
    if not await memory.lock(name, fence=fence).release():
        raise StaleFence("the lock was lost before")
    return Response(status_code=204)
