"""FastAPI dependencies of the routes for administrators. What they do is in the access log before it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request

from afterturn import ids
from afterturn.access import access_log
from afterturn.access.access_log import Actor
from afterturn.database import pool
from afterturn.database.pool import Connection
from afterturn.errors import Forbidden
from afterturn.principal import EveryUser, Right
from afterturn.scopes import UserScope
from afterturn.settings import Settings
from api_shim.http.principal import CallerPrincipal, UserId

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Administrator:
    """A caller with the right to administer a tenant, or one user of it."""

    tenant_id: str
    #: None: all users of the tenant.
    user_id: str | None
    actor: Actor
    settings: Settings

    @property
    def scope(self) -> UserScope:
        assert self.user_id is not None, "the route is about no user"
        return UserScope(self.tenant_id, self.user_id)

    async def act(
        self, action: str, work: Callable[[Connection], Result], *, details: dict[str, Any] | None = None
    ) -> Result:
        """Record an action, then do it, outside the event loop. Raises MemoryUnavailable.

        Args:
            action: its name in the access log.
            work: does it, with a connection that has the worker role.
            details: numbers and fixed words for the access log.
        """
        return await asyncio.to_thread(self._act, action, work, details)

    def _act(self, action: str, work: Callable[[Connection], Result], details: dict[str, Any] | None) -> Result:
        with pool.worker_connection(self.settings) as connection:
            access_log.record(
                connection,
                action,
                actor=self.actor,
                tenant_id=self.tenant_id,
                user_id=self.user_id,
                details=details,
            )
            return work(connection)


def _admit_to_tenant(request: Request, caller: CallerPrincipal) -> Administrator:
    if Right.ADMIN not in caller.rights:
        raise Forbidden(f"the credential does not have the right to {Right.ADMIN}")
    if not isinstance(caller.users, EveryUser):
        raise Forbidden("this call needs a credential for all users of the tenant")
    return _make_administrator(request, caller, None)


def _admit_to_user(request: Request, caller: CallerPrincipal, user_id: UserId) -> Administrator:
    caller.check(Right.ADMIN, user_id)
    return _make_administrator(request, caller, ids.validate_known_id("user_id", user_id))


def _make_administrator(request: Request, caller: CallerPrincipal, user_id: str | None) -> Administrator:
    address = None if request.client is None else request.client.host
    return Administrator(
        tenant_id=caller.tenant_id,
        user_id=user_id,
        actor=access_log.make_actor(request.state.caller, address),
        settings=request.app.state.settings,
    )


#: The administrator of the caller's tenant, or of the user in the path.
TenantAdministrator = Annotated[Administrator, Depends(_admit_to_tenant)]
UserAdministrator = Annotated[Administrator, Depends(_admit_to_user)]
