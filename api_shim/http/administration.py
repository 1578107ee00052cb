"""The routes for administrators of a tenant: its users, and its dead letters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from afterturn import turns
from afterturn.database import steps
from afterturn.database.pool import Connection
from afterturn.hot import redis_url
from afterturn.pipeline import dead_letters
from afterturn.pipeline.dead_letters import Targets
from afterturn.settings import Settings
from afterturn.watching import dead
from afterturn.watching import users as user_list
from afterturn.watching.dead import DeadBatch, DeadItem, Filters
from api_shim.http.administrator import Administrator, TenantAdministrator
from api_shim.http.pages import Cursor, Limit, next_cursor
from api_shim.http.routes import make_router
from api_shim.http.schemas import Body

router = make_router("/v1")


class UserOut(BaseModel):
    """One user with the size of the memory."""

    model_config = ConfigDict(from_attributes=True)

    user_id: str
    created_at: datetime
    last_active_at: datetime | None = Field(description="when the last turn was archived")
    sessions: int
    current_facts: int


class UsersOut(BaseModel):
    """Users in the order of their ids."""

    users: list[UserOut]
    next_cursor: str | None = Field(description="the cursor of the next page; null: there is none")


class DeadLetterOut(BaseModel):
    """A batch, an entry or a text that was given up on. It has no content."""

    kind: Literal["batch", "entry", "vector"]
    dead_id: UUID = Field(description="the id by which it is replayed and discarded")
    user_id: str
    session_id: str
    item: str | None = Field(description="the id of the entry, or what has no vector; null for a batch")
    turns: int | None = Field(description="the number of turns of a batch")
    reason: str = Field(description="a stable code, and a description of the failure")
    attempts: int
    dead_at: datetime | None
    discarded_at: datetime | None


class DeadLettersOut(BaseModel):
    """Dead letters: batches, then single entries and texts without a vector; of each kind the latest first."""

    dead_letters: list[DeadLetterOut]


class DeadIdsIn(Body):
    """The dead letters to replay or discard."""

    dead_ids: list[UUID] = Field(min_length=1, max_length=1_000)


class DoneOut(BaseModel):
    """How many dead letters were changed, and how many were not dead (any more)."""

    done: int
    skipped: int


@router.get("/users", operation_id="list_users", summary="List the users of the tenant")
async def users(
    administrator: TenantAdministrator,
    prefix: Annotated[
        str | None, Query(min_length=1, max_length=200, description="only users whose ids begin with this")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> UsersOut:
    """Return the users of the caller's tenant in the order of their ids, with the sizes of their memories."""
    prefix = None if prefix is None else turns.make_storable(prefix)
    read = user_list.read_users(administrator.tenant_id, prefix=prefix, limit=limit, cursor=cursor)
    found = await administrator.act("users.list", lambda connection: steps.run(connection, read))
    return UsersOut(users=[UserOut.model_validate(user) for user in found], next_cursor=next_cursor(found, limit))


@router.get("/dead-letters", operation_id="list_dead_letters", summary="List dead letters")
async def list_dead(
    administrator: TenantAdministrator,
    user_id: Annotated[str | None, Query(min_length=1, max_length=200, description="only of this user")] = None,
    reason: Annotated[
        str | None, Query(min_length=1, max_length=200, description="only those whose reason begins with this")
    ] = None,
    include_discarded: Annotated[bool, Query(description="also discarded ones")] = False,
    limit: Limit = 100,
) -> DeadLettersOut:
    """Return what was given up on in the caller's tenant, without content."""
    filters = Filters(
        tenant_id=administrator.tenant_id,
        user_id=None if user_id is None else turns.make_storable(user_id),
        reason=None if reason is None else turns.make_storable(reason),
        with_discarded=include_discarded,
    )

    def read(connection: Connection) -> list[DeadLetterOut]:
        batches = steps.run(connection, dead.read_dead(filters, limit=limit))
        items = steps.run(connection, dead.read_dead_items(filters, limit=limit))
        return [*map(_describe_batch, batches), *map(_describe_item, items)][:limit]

    return DeadLettersOut(dead_letters=await administrator.act("dead.list", read))


@router.post("/dead-letters/replay", operation_id="replay_dead_letters", summary="Process dead letters again")
async def replay(administrator: TenantAdministrator, body: DeadIdsIn) -> DoneOut:
    """Process dead letters again, after the present batches of their users. Remove the cause first."""
    return await _change(administrator, "dead.replay", body.dead_ids, partial(_replay, administrator.settings))


@router.post("/dead-letters/discard", operation_id="discard_dead_letters", summary="Discard dead letters")
async def discard(administrator: TenantAdministrator, body: DeadIdsIn) -> DoneOut:
    """Discard dead letters: they are no longer counted or listed. They can still be replayed."""
    return await _change(administrator, "dead.discard", body.dead_ids, dead_letters.discard)


async def _change(
    administrator: Administrator, action: str, dead_ids: list[UUID], change: Callable[..., int]
) -> DoneOut:
    wanted = list(dict.fromkeys(dead_ids))

    def work(connection: Connection) -> int:
        targets = _find_targets(connection, administrator.tenant_id, wanted)
        return change(connection, targets, actor=administrator.actor.name or administrator.actor.kind)

    done = await administrator.act(action, work, details={"dead_letters": len(wanted)})
    return DoneOut(done=done, skipped=len(wanted) - done)


def _find_targets(connection: Connection, tenant_id: str, dead_ids: list[UUID]) -> Targets:
    """Return the users of these dead letters. Those of other tenants do not exist. Raises InvalidInput."""
    known = dead_letters.named_in_tenant(connection, tenant_id, dead_ids)
    if unknown := set(dead_ids) - {dead_id for ids in known.values() for dead_id in ids}:
        raise dead_letters.unknown_batches(unknown)
    return known


def _replay(settings: Settings, connection: Connection, targets: Targets, *, actor: str) -> int:
    with redis_url.open_client(settings.redis_url, socket_timeout=settings.redis_timeout_seconds) as client:
        return dead_letters.replay(connection, targets, actor=actor, client=client)


def _describe_batch(batch: DeadBatch) -> DeadLetterOut:
    return DeadLetterOut(
        kind="batch",
        dead_id=batch.dead_id,
        user_id=batch.user_id,
        session_id=batch.session_id,
        item=None,
        turns=batch.turns,
        reason=batch.reason,
        attempts=batch.attempts,
        dead_at=batch.dead_at,
        discarded_at=batch.discarded_at,
    )


def _describe_item(item: DeadItem) -> DeadLetterOut:
    return DeadLetterOut(
        kind="entry" if item.kind == "entry" else "vector",
        dead_id=item.dead_id,
        user_id=item.user_id,
        session_id=item.session_id,
        item=item.item,
        turns=None,
        reason=item.reason,
        attempts=item.attempts,
        dead_at=item.dead_at,
        discarded_at=item.discarded_at,
    )
