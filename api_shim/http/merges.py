"""The routes that merge a user into another one. They need the right to administer both."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import HTTPException, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from afterturn import ids
from afterturn.database.pool import Connection
from afterturn.forgetting import merges
from afterturn.forgetting.merges import MergeReceipt
from afterturn.principal import Right
from afterturn.scopes import UserScope
from api_shim.http.administrator import UserAdministrator
from api_shim.http.principal import CallerPrincipal
from api_shim.http.routes import make_router
from api_shim.http.schemas import ErrorOut

router = make_router("/v1/users/{user_id:id}")


class MergeIn(BaseModel):
    """Which user becomes part of the user in the path."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(description="the id of the user who vanishes, such as an anonymous visitor who signed in")


class MergeOut(BaseModel):
    """How far a merge is. It is a receipt when `status` is completed."""

    merge_id: UUID
    status: Literal["requested", "completed"]
    source: str
    target: str
    requested_at: datetime
    completed_at: datetime | None
    moved: dict[str, int] = Field(description="the number of moved records by kind")
    sessions: dict[str, str] = Field(
        description="sessions that have another id now, because both users had one with the same id"
    )


@router.post(
    "/merges",
    operation_id="merge_users",
    status_code=202,
    summary="Merge a user into this one",
    responses={409: {"model": ErrorOut, "description": "The users cannot be merged (`merge_refused`)."}},
)
async def merge(
    administrator: UserAdministrator, caller: CallerPrincipal, body: MergeIn, response: Response
) -> MergeOut:
    """Request that all that is known of another user becomes part of this one. Workers do it; see the receipt.

    Turns that are still written for the other user are archived for this one. A repeated request returns the same
    receipt. A merge cannot be undone.
    """
    source = UserScope(administrator.tenant_id, ids.validate_id("source", body.source))
    caller.check(Right.ADMIN, source.user_id)

    def request(connection: Connection) -> MergeReceipt:
        return merges.request_merge(connection, source, administrator.scope)

    receipt = await administrator.act("users.merge", request)
    response.headers["Location"] = f"merges/{receipt.merge_id}"
    return _describe(receipt)


@router.get("/merges/{merge_id}", operation_id="get_merge", summary="Get the receipt of a merge")
async def receipt(
    administrator: UserAdministrator, merge_id: Annotated[UUID, Path(description="the merge_id of the merge")]
) -> MergeOut:
    """Return how far a merge into the user is."""
    found = await administrator.act(
        "merges.read", lambda connection: merges.read_merge(connection, administrator.scope, merge_id)
    )
    if found is None:
        raise HTTPException(404, "no merge into this user has this id")
    return _describe(found)


def _describe(receipt: MergeReceipt) -> MergeOut:
    return MergeOut(
        merge_id=receipt.merge_id,
        status="requested" if receipt.completed_at is None else "completed",
        source=receipt.source_user,
        target=receipt.target_user,
        requested_at=receipt.requested_at,
        completed_at=receipt.completed_at,
        moved=receipt.moved,
        sessions=receipt.sessions,
    )
