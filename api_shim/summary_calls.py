"""The calls of `MemoryClient` about what is always of use: the session's summary, the profile, preferences."""

from __future__ import annotations

from abc import abstractmethod

from afterturn.database.statement import Row, Statement
from afterturn.summaries import preferences, summary_queries
from afterturn.summaries.preferences import Preference
from afterturn.summaries.summary import Summary
from api_shim.fact_calls import FactCalls


class SummaryCalls(FactCalls):
    """Summary, profile and preferences of one user."""

    @abstractmethod
    def _run(self, statement: Statement) -> list[Row]: ...

    def summary(self) -> str | None:
        """Return the session's summary; None while there is none. Raises MemoryUnavailable."""
        found = self.session_summary()
        return None if found is None else found.text

    def session_summary(self) -> Summary | None:
        """Return the session's summary as statements, each with the episodes that it rests on; None as above.

        It is at most AFTERTURN_SUMMARY_TOKENS long, and follows the session within about a minute. Raises
        MemoryUnavailable.
        """
        return summary_queries.parse_summary(self._run(summary_queries.summary_statement(self._conversation.session)))

    def profile(self) -> str | None:
        """Return what is always of use to know of the user, one fact a line; None while there is nothing.

        It is at most AFTERTURN_PROFILE_TOKENS long. Raises MemoryUnavailable.
        """
        rows = self._run(summary_queries.profile_statement(self._conversation.session.user))
        return rows[0]["text"] if rows else None

    def preferences(self) -> dict[str, str]:
        """Return the user's current preferences by key, such as {"colour": "green"}. Raises MemoryUnavailable.

        Those that a person entered count before those that were said, and those said last before earlier ones.
        """
        return preferences.values_by_key(self._preferences())

    def set_preference(self, key: str, value: str, *, edit_id: str | None = None) -> str:
        """Let a preference have this value from now on, by a person's word, and return the id of its fact.

        What it was before stays in that fact's history. It takes effect in about a second.

        Args:
            key: such as colour, or reply_language.
            value: such as green.
            edit_id: the caller's id; a repeated call with the same id is the same edit.

        Raises InvalidInput or MemoryUnavailable.
        """
        name = self._run(summary_queries.user_name_statement(self._conversation.session.user))
        said = preferences.make_preference_fact(key, value, name=name[0]["display_name"] if name else None)
        before = preferences.find_preference(self._preferences(), key)
        if before is None:
            return self.add_fact(said.text, **said.fields, edit_id=edit_id)
        return self.correct_fact(before.fact_id, said.text, **said.fields, valid_from=said.since, edit_id=edit_id)

    def _preferences(self) -> list[Preference]:
        return preferences.parse_preferences(
            self._run(summary_queries.preferences_statement(self._conversation.session.user))
        )
