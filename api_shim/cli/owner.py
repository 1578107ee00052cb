"""The arguments that select the user of a command: USER as the first argument, or --user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from afterturn import MemoryClient
    from afterturn.scopes import UserScope
    from afterturn.settings import Settings

User = Annotated[str | None, typer.Argument(metavar="USER", help="The user.", show_default=False)]
UserOption = Annotated[str | None, typer.Option("--user", "-u", help="The user, instead of USER.", show_default=False)]
Tenant = Annotated[
    str | None, typer.Option(help="The tenant of the user. Default: AFTERTURN_TENANT.", show_default=False)
]
Session = Annotated[str, typer.Option("--session", "-s", help="The conversation.")]


class UserGroup(TyperGroup):
    """A group of commands that is also a command for a user: `facts ana` is `facts --user ana`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["--user", *args]
        return super().parse_args(ctx, args)


def choose(user: str | None, option: str | None) -> str:
    """Return the user that USER or --user names. Raises InvalidInput if neither or both do."""
    from afterturn.errors import InvalidInput

    if user is not None and option is not None and user != option:
        raise InvalidInput(f"two users are given: {user!r} and --user {option!r}")
    chosen = option if user is None else user
    if chosen is None:
        raise InvalidInput("the user is missing: give USER as the first argument, or --user USER")
    return chosen


def split(words: Sequence[str] | None, option: str | None) -> tuple[str, list[str]]:
    """Return the user and the other arguments of a command `[USER] …`: with --user, all words are other arguments."""
    given = list(words or ())
    return (
        (choose(None, option), given) if option is not None else (choose(given[0] if given else None, None), given[1:])
    )


def make_scope(settings: Settings, tenant: str | None, user: str) -> UserScope:
    """Return the scope of the user that the command line selects. Raises InvalidId."""
    from afterturn import ids
    from afterturn.scopes import UserScope

    tenant_id = settings.tenant if tenant is None else tenant
    return UserScope(ids.validate_known_id("tenant", tenant_id), ids.validate_known_id("user", user))


def _open_client(user: str, session: str, agent: str | None, tenant: str | None, settings: Settings) -> MemoryClient:
    """Return a user's client; with the id of the memory of a session without a user, that session's."""
    from afterturn import MemoryClient, ids
    from afterturn.client.session import DEFAULT_SESSION_ID
    from afterturn.errors import InvalidId

    if not ids.is_session_memory(user):
        return MemoryClient(user, session, agent, tenant_id=tenant, settings=settings)
    if session == DEFAULT_SESSION_ID:
        session = user.removeprefix(ids.SESSION_MEMORY_PREFIX)
    client = MemoryClient(None, session, agent, tenant_id=tenant, settings=settings)
    if client.user_id != user:
        raise InvalidId(f"{user} is not the memory of the session {session}: name its session with --session")
    return client


def make_client(
    user: str, session: str = "default", *, tenant: str | None, agent: str | None = None, action: str | None = None
) -> MemoryClient:
    """Return the client for the user that the command line selects. Raises InvalidId or SettingsError.

    `action` names a read of the user's memory: it gets an entry in the access log.
    """
    from afterturn import settings as settings_module
    from api_shim.cli import audited

    settings = settings_module.load()
    client = _open_client(user, session, agent, tenant, settings)
    if action is not None:
        audited.record(settings, action, make_scope(settings, tenant, user))
    return client
