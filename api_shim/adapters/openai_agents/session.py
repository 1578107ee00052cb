"""A session of the OpenAI Agents SDK whose history is part of the memory.

Each call runs in a thread with the process's synchronous connections, so that a session works in every thread and
event loop, also after a loop was closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from agents.items import TResponseInputItem
from agents.memory import SessionABC, SessionSettings
from agents.memory.session_settings import coerce_session_settings, resolve_session_limit

from afterturn import ids
from afterturn.client import plans
from afterturn.client.driver import Driver
from afterturn.client.effects import Plan
from afterturn.client.session import ClientSession
from afterturn.errors import InvalidInput
from api_shim.adapters.openai_agents import run_context
from api_shim.adapters.openai_agents.run_context import Wrapper

if TYPE_CHECKING:
    from afterturn.settings import Settings

Result = TypeVar("Result")

#: Users whose prepared calls a session keeps. More: more memory; fewer: calls are prepared anew.
_USERS_KEPT = 100


class AfterturnSession(SessionABC):
    """The history of one conversation, from which facts about the user are learnt in the background.

    What was added is returned exactly. Threads and event loops may share a session. A call that is cancelled has its
    whole effect or none.
    """

    session_settings: SessionSettings | None

    def __init__(
        self,
        session_id: str,
        *,
        user_id: str | None = None,
        agent_id: str | None = None,
        session_settings: SessionSettings | dict[str, Any] | None = None,
        clear_forgets: bool = False,
        tenant_id: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Set the conversation and its user. No connection is opened.

        Args:
            session_id: the conversation.
            user_id: the user whose memory it belongs to. Default: `user_id` of the run's context, an attribute or a
                key; without one, the session has a memory of its own.
            agent_id: the agent that writes the items; stored with each turn.
            session_settings: the SDK's settings, such as the default limit of `get_items`.
            clear_forgets: whether `clear_session` also removes the turns and the facts learnt from them. By default it
                hides the history and keeps the facts, because the SDK's compaction clears a session and adds a summary.
            tenant_id: the customer that the user belongs to. Default: AFTERTURN_TENANT.
            settings: the settings. Default: read from the environment.

        Raises InvalidId or SettingsError.
        """
        if settings is None:
            from afterturn.settings import from_environment  # slow to import: pydantic

            settings = from_environment()
        self.session_id = ids.validate_session_id(session_id)
        self.session_settings = coerce_session_settings({} if session_settings is None else session_settings)
        self._user_id = None if user_id is None else ids.validate_user_id(user_id)
        self._agent_id = agent_id
        self._tenant_id = tenant_id
        self._clear_forgets = clear_forgets
        self._settings = settings
        self._driver = Driver(settings)
        self._sessions: dict[str | None, ClientSession] = {}

    async def get_items(self, limit: int | None = None, *, wrapper: Wrapper | None = None) -> list[TResponseInputItem]:
        """Return the items of the conversation, oldest first.

        Args:
            limit: only the last items. Default: the limit of `session_settings`, or all.
            wrapper: the run's context.

        Raises MemoryUnavailable.
        """
        session = self._session_for(wrapper)
        wanted = resolve_session_limit(limit, self.session_settings)
        items: list[TResponseInputItem] = await self._run(lambda: plans.items.read(session, wanted))
        return items

    async def add_items(self, items: list[TResponseInputItem], *, wrapper: Wrapper | None = None) -> None:
        """Append items, all or none, in one round trip to Redis. Raises InvalidInput or MemoryUnavailable.

        Args:
            items: JSON data.
            wrapper: the run's context.
        """
        if isinstance(items, str | bytes | Mapping):
            raise InvalidInput(f"items must be a list of items, not {type(items).__name__}")
        session = self._session_for(wrapper)
        added, shown = list(items), run_context.shown_in(wrapper)
        if added:
            await self._complete(lambda: plans.items.add(session, added, memories_shown=shown))

    async def pop_item(self, *, wrapper: Wrapper | None = None) -> TResponseInputItem | None:
        """Remove the newest item, with the facts that rest on it alone, and return it, or None if there is none.

        Calls at the same time remove different items. Raises MemoryUnavailable.
        """
        session = self._session_for(wrapper)
        item: TResponseInputItem | None = await self._complete(lambda: plans.items.take_newest(session))
        return item

    async def clear_session(self, *, wrapper: Wrapper | None = None) -> None:
        """Hide all items, in one step. Facts stay, unless the session was made with `clear_forgets`.

        Raises MemoryUnavailable.
        """
        session = self._session_for(wrapper)
        await self._complete(lambda: plans.items.clear(session, forgets=self._clear_forgets))

    async def _atomic_replace_items(self, items: list[TResponseInputItem]) -> bool:
        """Replace all items in one step; the SDK's compaction calls this instead of clearing and adding.

        Return False if the caller has to do both itself.
        """
        if self._clear_forgets:
            return False
        session, added = self._session_for(None), list(items)
        await self._complete(lambda: plans.items.replace(session, added))
        return True

    def _session_for(self, wrapper: Wrapper | None) -> ClientSession:
        """Return the session of the user of a call."""
        user_id = self._user_id if self._user_id is not None else run_context.user_of(wrapper)
        session = self._sessions.get(user_id)
        if session is None:
            session = ClientSession(
                user_id=user_id,
                session_id=self.session_id,
                agent_id=self._agent_id,
                tenant_id=self._tenant_id,
                settings=self._settings,
            )
            if len(self._sessions) >= _USERS_KEPT:
                self._sessions.clear()
            self._sessions[user_id] = session
        return session

    async def _run(self, make_plan: Callable[[], Plan[Result]]) -> Result:
        return await asyncio.to_thread(lambda: self._driver.run(make_plan()))

    async def _complete(self, make_plan: Callable[[], Plan[Result]]) -> Result:
        """Run a plan that writes. A cancellation of the caller is raised once the plan has ended."""
        running = asyncio.ensure_future(self._run(make_plan))
        cancelled: asyncio.CancelledError | None = None
        while not running.done():
            try:
                await asyncio.wait({running})
            except asyncio.CancelledError as error:
                cancelled = cancelled or error
        if cancelled is not None:
            running.exception()  # it is known to the caller as cancelled
            raise cancelled
        return running.result()
