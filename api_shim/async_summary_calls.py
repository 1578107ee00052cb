"""The same calls about summary, profile and preferences for asyncio."""

from __future__ import annotations

from abc import abstractmethod

from afterturn.database.statement import Row, Statement
from afterturn.summaries import preferences, summary_queries
from afterturn.summaries.preferences import Preference
from afterturn.summaries.summary import Summary
from api_shim.async_fact_calls import AsyncFactCalls


class AsyncSummaryCalls(AsyncFactCalls):
    """Summary, profile and preferences of one user: the calls, arguments and errors are those of `SummaryCalls`."""

    @abstractmethod
    async def _run(self, statement: Statement) -> list[Row]: ...

    async def summary(self) -> str | None:
        """Return the session's summary; None while there is none. See `MemoryClient.summary`."""
        found = await self.session_summary()
        return None if found is None else found.text

    async def session_summary(self) -> Summary | None:
        """Return the session's summary as statements with their episodes. See `MemoryClient.session_summary`."""
        return summary_queries.parse_summary(
            await self._run(summary_queries.summary_statement(self._conversation.session))
        )

    async def profile(self) -> str | None:
        """Return what is always of use to know of the user. See `MemoryClient.profile`."""
        rows = await self._run(summary_queries.profile_statement(self._conversation.session.user))
        return rows[0]["text"] if rows else None

    async def preferences(self) -> dict[str, str]:
        """Return the user's current preferences by key. See `MemoryClient.preferences`."""
        return preferences.values_by_key(await self._preferences())

    async def set_preference(self, key: str, value: str, *, edit_id: str | None = None) -> str:
        """Let a preference have this value from now on. See `MemoryClient.set_preference`."""
        name = await self._run(summary_queries.user_name_statement(self._conversation.session.user))
        said = preferences.make_preference_fact(key, value, name=name[0]["display_name"] if name else None)
        before = preferences.find_preference(await self._preferences(), key)
        if before is None:
            return await self.add_fact(said.text, **said.fields, edit_id=edit_id)
        return await self.correct_fact(before.fact_id, said.text, **said.fields, valid_from=said.since, edit_id=edit_id)

    async def _preferences(self) -> list[Preference]:
        return preferences.parse_preferences(
            await self._run(summary_queries.preferences_statement(self._conversation.session.user))
        )
