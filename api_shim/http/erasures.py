"""The routes that export and forget a user. They need the right to administer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Annotated, Literal

import redis
from fastapi import HTTPException, Path, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from afterturn.database.pool import Connection
from afterturn.errors import MemoryUnavailable
from afterturn.forgetting import erasures
from afterturn.forgetting import export as user_export
from afterturn.forgetting.erasures import ErasureProgress
from afterturn.forgetting.stores import list_user_stores
from afterturn.hot import redis_url
from afterturn.scopes import UserScope
from afterturn.settings import Settings
from api_shim import remains
from api_shim.http.administrator import UserAdministrator
from api_shim.http.routes import make_router

router = make_router("/v1/users/{user_id:id}")

#: The size of a part of an exported file. Smaller: more time for each record. Larger: more memory.
_PART_BYTES = 65_536


class ErasureOut(BaseModel):
    """How far an erasure is. It is a receipt when `status` is completed; it contains no ids of the user."""

    receipt_id: str = Field(description="the name of this erasure")
    status: Literal["requested", "completed"]
    owner_hash: str = Field(description="a hash of tenant id and user id")
    epoch: int = Field(description="how often this user was forgotten, including this time")
    requested_at: datetime
    completed_at: datetime | None = Field(description="all turns that were acknowledged before this time are deleted")
    removed: dict[str, int] = Field(description="the number of removed records by kind, so far")
    still_on_disk: dict[str, str] = Field(description="where deleted data remains on disk, and until when")


@router.post("/erasures", operation_id="forget_user", status_code=202, summary="Forget a user")
async def forget(administrator: UserAdministrator, response: Response) -> ErasureOut:
    """Request that all data of the user are deleted. Workers do it; the receipt shows how far they are.

    A repeated request returns the receipt of the unfinished erasure.
    """
    scope = administrator.scope

    def request(connection: Connection) -> ErasureProgress | None:
        return erasures.read_progress(connection, scope, erasures.request_erasure(connection, scope))

    progress = await administrator.act("forget", request)
    assert progress is not None, "the erasure was just requested"
    receipt = _make_receipt(administrator.settings, scope, progress)
    response.headers["Location"] = f"erasures/{receipt.receipt_id}"
    return receipt


@router.get("/erasures/{receipt_id:id}", operation_id="get_erasure", summary="Get the receipt of an erasure")
async def receipt(
    administrator: UserAdministrator, receipt_id: Annotated[str, Path(description="the receipt_id of the erasure")]
) -> ErasureOut:
    """Return how far an erasure of the user is."""
    scope = administrator.scope
    epoch = _parse_receipt_id(scope, receipt_id)
    progress = None
    if epoch is not None:
        progress = await administrator.act(
            "erasures.read", lambda connection: erasures.read_progress(connection, scope, epoch)
        )
    if progress is None:
        raise HTTPException(404, "this user has no erasure with this id")
    return _make_receipt(administrator.settings, scope, progress)


@router.get(
    "/export",
    operation_id="export_user",
    summary="Export all data of a user",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}},
)
async def export(administrator: UserAdministrator) -> StreamingResponse:
    """Return all data of the user as JSON Lines: one record of Redis or of a table per line.

    If a server fails meanwhile, the connection is closed before the end of the answer.
    """
    await administrator.act("export", lambda _: None)
    parts = _read_parts(administrator.settings, administrator.scope)
    first = await asyncio.to_thread(next, parts, b"")
    return StreamingResponse(_stream(first, parts), media_type="application/x-ndjson")


async def _stream(first: bytes, parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the parts, which another thread reads. The reader's connections are closed also when the caller leaves."""
    try:
        part = first
        while part:
            yield part
            part = await asyncio.to_thread(next, parts, b"")
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            await asyncio.shield(asyncio.to_thread(close))


def _read_parts(settings: Settings, scope: UserScope) -> Iterator[bytes]:
    """Yield the lines of an export in parts. Raises MemoryUnavailable."""
    part = bytearray()
    seconds = settings.redis_timeout_seconds
    try:
        with redis_url.open_client(
            settings.redis_url, redis.Redis, socket_timeout=seconds, socket_connect_timeout=seconds
        ) as client:
            for record in user_export.export_records(list_user_stores(settings, client), scope):
                part += json.dumps(record.values, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
                if len(part) >= _PART_BYTES:
                    yield bytes(part)
                    part.clear()
    except RedisError as error:
        raise MemoryUnavailable(f"Redis (AFTERTURN_REDIS_URL) did not answer: {type(error).__name__}") from error
    if part:
        yield bytes(part)


def _make_receipt(settings: Settings, scope: UserScope, progress: ErasureProgress) -> ErasureOut:
    client = redis_url.open_client(settings.redis_url)
    return ErasureOut(
        receipt_id=_receipt_id(scope, progress.epoch),
        status="requested" if progress.completed_at is None else "completed",
        owner_hash=erasures.owner_hash(scope),
        epoch=progress.epoch,
        requested_at=progress.requested_at,
        completed_at=progress.completed_at,
        removed=progress.removed,
        still_on_disk=remains.list_remains(list_user_stores(settings, client)),
    )


def _receipt_id(scope: UserScope, epoch: int) -> str:
    return f"{erasures.owner_hash(scope)[:16]}-{epoch}"


def _parse_receipt_id(scope: UserScope, receipt_id: str) -> int | None:
    """Return the number of the erasure; None if the id is not one of this user."""
    _, _, number = receipt_id.rpartition("-")
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        return None
    return int(number) if _receipt_id(scope, int(number)) == receipt_id else None
