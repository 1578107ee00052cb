"""The client. What each call does is a plan (`plans/`); `write` alone goes straight to Redis.

async_memory_client.py is generated from this file: `make client` after each change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from afterturn import tokens
from afterturn.client import plans
from afterturn.client.driver import Driver
from afterturn.client.session import ClientSession, arguments
from afterturn.context.budget import Shares
from afterturn.context.context import Context, ContextRequest
from afterturn.context.counting import TokenCounter
from afterturn.context.providers import ContextProvider
from afterturn.context.strategies import History, SummaryAndRecent
from afterturn.facts.fact import Fact, TimeAxis
from afterturn.llm.costs import CostGrouping, Costs
from afterturn.memories import Memory
from afterturn.summaries.summary import Summary
from afterturn.turns import Turn, make_payload

if TYPE_CHECKING:
    from afterturn.settings import Settings

DEFAULT_SHARES = Shares()
DEFAULT_HISTORY = SummaryAndRecent()


class MemoryClient:
    """The memory of one user, and one conversation of theirs: writes turns, recalls memories, edits facts.

    Making a client opens nothing: the first call does. Threads may share a client.

    An edit of facts is one round trip to Redis, like a write, and takes effect in about a second. A repeated call with
    the same `edit_id` is the same edit. An edit of a fact that does not exist, or is another user's, changes nothing.
    """

    def __init__(
        self,
        user_id: str,
        session_id: str = "default",
        agent_id: str | None = None,
        *,
        tenant_id: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Set whose memory it is, and which conversation.

        Args:
            user_id: whose memory.
            session_id: which conversation.
            agent_id: which agent writes.
            tenant_id: which customer; AFTERTURN_TENANT when not given.
            settings: read from the environment when not given.

        Raises InvalidId or SettingsError.
        """
        self._session = ClientSession(
            user_id=user_id, session_id=session_id, agent_id=agent_id, tenant_id=tenant_id, settings=settings
        )
        self._driver = Driver(self._session.settings)

    def write(
        self,
        role: str,
        content: str | None = None,
        *,
        turn_id: str | None = None,
        name: str | None = None,
        occurred_at: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        memories_shown: Sequence[str] = (),
    ) -> str:
        """Write one turn, in one round trip to Redis, and return its id.

        `write(text)` alone stores one string that holds a whole exchange. Calling it again with the same `turn_id`
        is the same turn.

        Args:
            role: user, assistant, system, tool or exchange.
            content: what was said.
            turn_id: the caller's id; minted when not given.
            name: the speaker's name.
            occurred_at: when it was said, with a timezone; now when not given.
            metadata: JSON of the caller's own, tool calls included.
            memories_shown: ids of the memories that the assistant had been shown.

        Raises InvalidInput, or MemoryUnavailable when Redis did not acknowledge it.
        """
        session = self._session
        turn_id, payload = make_payload(
            role,
            content,
            limit_bytes=session.settings.turn_limit_bytes,
            turn_id=turn_id,
            name=name,
            agent_id=session.agent_id,
            occurred_at=occurred_at,
            metadata=metadata,
            memories_shown=memories_shown,
        )
        session.note_pending(self._driver.send(session.write_call, arguments([(turn_id, payload)])))
        return turn_id

    def write_many(self, turns: Iterable[Mapping[str, Any]]) -> list[str]:
        """Write up to 1,000 turns in one round trip, all or none, and return their ids.

        Args:
            turns: mappings of `write`'s arguments, such as {"role": "user", "content": "Hello"}.

        Raises InvalidInput, or MemoryUnavailable when Redis did not acknowledge them.
        """
        session = self._session
        entries = session.entries(turns)
        if entries:
            session.note_pending(self._driver.send(session.write_call, arguments(entries)))
        return [turn_id for turn_id, _ in entries]

    def history(self, limit: int = 20) -> list[Turn]:
        """Return the session's last turns, oldest first, those not archived yet included.

        When Postgres is away, only the turns that are still in Redis. Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(plans.history.history(self._session, limit))

    def remove(self, turn_id: str) -> None:
        """Take back a turn of this session, in one round trip to Redis; what rests on it alone goes with it.

        It is hidden from `history` and `recall` at once. A turn that does not exist, or that was taken back before, is
        no error; writing it again does not bring it back. Raises InvalidId or MemoryUnavailable.
        """
        self._driver.run(plans.removal.remove(self._session, turn_id))

    def pop(self) -> Turn | None:
        """Take back the session's newest turn and return it; None where there is none.

        Two callers at once may take back the same one. Raises MemoryUnavailable.
        """
        return self._driver.run(plans.removal.pop(self._session))

    def flush(self, wait_seconds: float | None = None) -> None:
        """Cut and process pending turns without waiting for a full batch.

        Args:
            wait_seconds: when given, wait until their facts are there, at most this long.

        Raises FlushTimeout when it takes longer, or MemoryUnavailable.
        """
        self._driver.run(plans.flush.flush(self._session, wait_seconds))

    def recall(
        self,
        query: str | None = None,
        limit: int = 10,
        *,
        kinds: Iterable[str] | None = None,
        topics: Iterable[str] | None = None,
        session_id: str | None = None,
        agent_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        time: Literal["world", "recorded"] = "world",
        as_of: datetime | None = None,
        min_score: float | None = None,
        include_superseded: bool = False,
        metadata: Mapping[str, Any] | None = None,
        order: Literal["newest", "importance"] | None = None,
        cursor: str | None = None,
        explain: bool = False,
    ) -> list[Memory]:
        """Return the memories that answer `query`, best first; without one, the newest turns, newest first.

        Filters only leave out: fewer memories than `limit` are returned where no more pass. When Postgres is away, only
        turns that are still in Redis are searched.

        Args:
            query: a question, or a topic.
            limit: how many, 1 to 1,000.
            kinds: some of fact, turn and episode. Facts and turns when not given; without a query turns, or facts
                where the order is importance.
            topics: facts with any of these topics.
            session_id: what was said in this conversation; all the user's when not given.
            agent_id: what this agent wrote, and what rests on it.
            since: what was said then or later; with time="recorded", what came to be known then or later.
            until: what was said before, or came to be known before.
            time: which of its two times `since`, `until` and `as_of` mean.
            as_of: what was true then (world), or what was believed then (recorded), rather than now.
            min_score: leave out what has a lower score.
            include_superseded: facts that were replaced too, after all others.
            metadata: turns whose metadata hold this, and what rests on them.
            order: without a query: newest or importance.
            cursor: that of the last memory of the page before; everything else must be the same.
            explain: say in each memory's `score_parts` where its score comes from.

        Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(
            plans.recall.recall(
                self._session,
                query,
                limit,
                kinds=kinds,
                topics=topics,
                session_id=session_id,
                agent_id=agent_id,
                since=since,
                until=until,
                time=time,
                as_of=as_of,
                min_score=min_score,
                include_superseded=include_superseded,
                metadata=metadata,
                order=order,
                cursor=cursor,
                explain=explain,
            )
        )

    def context(
        self,
        query: str | None,
        token_budget: int,
        *,
        shares: Shares = DEFAULT_SHARES,
        history: History = DEFAULT_HISTORY,
        providers: Sequence[ContextProvider] = (),
        count_tokens: TokenCounter = tokens.estimate,
        role: Literal["system", "developer"] = "system",
    ) -> Context:
        """Return messages for a prompt: what is remembered, fenced off as data, and the session's recent turns.

        They never take more than `token_budget`. When Postgres is away, only the turns that are still in Redis.

        Args:
            query: what to recall, usually the user's message; without one nothing is recalled.
            token_budget: how many tokens the messages may take together, 1 to 10,000,000.
            shares: what each part may take of it.
            history: which of the session's turns are shown: SummaryAndRecent, LastTurns, LastTokens, ImportantOnly.
            providers: outside facts, such as ClockProvider("Europe/Lisbon").
            count_tokens: counts the tokens of a text, such as `lambda text: len(encoding.encode(text))`; an estimate
                when not given.
            role: whose message the memory is: system, or developer.

        Raises InvalidInput, or MemoryUnavailable when Redis does not answer.
        """
        request = ContextRequest(
            token_budget=token_budget,
            shares=shares,
            history=history,
            providers=providers,
            count_tokens=count_tokens,
            role=role,
        )
        return self._driver.run(plans.context.context(self._session, query, request))

    def facts(
        self,
        *,
        subject: str | None = None,
        attribute: str | None = None,
        topic: str | None = None,
        category: str | None = None,
        include_superseded: bool = False,
        as_of: datetime | None = None,
        time: TimeAxis = "world",
        limit: int = 100,
    ) -> list[Fact]:
        """Return the user's current facts, those said last first, each with its evidence.

        Args:
            subject: only about this person or thing, by name, in upper or lower case.
            attribute: only this property of it, such as lives_in.
            topic: only with this topic.
            category: only of this category.
            include_superseded: superseded facts as well.
            as_of: a moment, with a timezone: the facts of that time instead of the current ones.
            time: what `as_of` means. `world`: what was true then, as far as is known today; a fact without a
                `valid_from` holds since it was said. `recorded`: what was believed then, whatever became of it since.
            limit: how many at most, 1 to 1,000.

        Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(
            plans.facts.facts(
                self._session,
                subject=subject,
                attribute=attribute,
                topic=topic,
                category=category,
                include_superseded=include_superseded,
                as_of=as_of,
                time=time,
                limit=limit,
            )
        )

    def fact_history(self, fact_id: str | UUID) -> list[Fact]:
        """Return all versions of a fact, oldest first: which fact superseded which, and why.

        The id may be that of any version. Empty where there is no such fact. Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(plans.facts.fact_history(self._session, fact_id))

    def add_fact(
        self,
        text: str,
        *,
        category: str | None = None,
        topics: Sequence[str] = (),
        subject: str | None = None,
        attribute: str | None = None,
        value: str | None = None,
        importance: float | None = None,
        valid_from: datetime | None = None,
        valid_to: datetime | None = None,
        pinned: bool = False,
        edit_id: str | None = None,
    ) -> str:
        """Enter a fact by hand and return the id that it will have. What a person enters outranks what was extracted.

        Args:
            text: one sentence that stands alone, up to 2,000 characters.
            category: such as place or preference; other when not given.
            topics: words that one would look for, up to 20.
            subject: whom or what it is about, by name.
            attribute: which property of the subject, such as lives_in.
            value: the property's value. With all three, a conversation that gives another value is recognised.
            importance: 0 (trivial) to 1 (essential).
            valid_from: since when it holds, with a timezone.
            valid_to: until when it held.
            pinned: whether it is kept in any clean-up.
            edit_id: the caller's id; a repeated call with the same id is the same edit.

        Raises InvalidInput, or MemoryUnavailable when Redis did not acknowledge it.
        """
        return self._driver.run(
            plans.edits.add_fact(
                self._session,
                text,
                category=category,
                topics=topics,
                subject=subject,
                attribute=attribute,
                value=value,
                importance=importance,
                valid_from=valid_from,
                valid_to=valid_to,
                pinned=pinned,
                edit_id=edit_id,
            )
        )

    def add_facts(self, facts: Iterable[Mapping[str, Any]], *, edit_id: str | None = None) -> list[str]:
        """Enter up to 1,000 facts in one round trip, all or none, and return the ids that they will have.

        Args:
            facts: mappings of `add_fact`'s arguments, such as {"text": "Ana lives in Porto.", "subject": "Ana"}.
            edit_id: the caller's id; a repeated call with the same id is the same edit.

        Raises InvalidInput, or MemoryUnavailable when Redis did not acknowledge them.
        """
        return self._driver.run(plans.edits.add_facts(self._session, facts, edit_id=edit_id))

    def correct_fact(
        self,
        fact_id: str | UUID,
        text: str,
        *,
        category: str | None = None,
        topics: Sequence[str] = (),
        subject: str | None = None,
        attribute: str | None = None,
        value: str | None = None,
        importance: float | None = None,
        valid_from: datetime | None = None,
        valid_to: datetime | None = None,
        pinned: bool | None = None,
        edit_id: str | None = None,
    ) -> str:
        """Supersede a fact with a corrected one and return the id that it will have. The old one stays in the history.

        What is not given is taken over from the old fact, except its value. Without `valid_from` and `valid_to` the old
        fact was wrong from the beginning; with `valid_from` it was true until then. Where the old fact was superseded
        meanwhile, the current version is corrected. The arguments are those of `add_fact`.

        Raises InvalidInput, or MemoryUnavailable when Redis did not acknowledge it.
        """
        return self._driver.run(
            plans.edits.correct_fact(
                self._session,
                fact_id,
                text,
                category=category,
                topics=topics,
                subject=subject,
                attribute=attribute,
                value=value,
                importance=importance,
                valid_from=valid_from,
                valid_to=valid_to,
                pinned=pinned,
                edit_id=edit_id,
            )
        )

    def pin_fact(self, fact_id: str | UUID, *, edit_id: str | None = None) -> None:
        """Pin a fact: it is kept in any clean-up, and is listed first. Raises InvalidInput or MemoryUnavailable."""
        self._driver.run(plans.edits.pin_fact(self._session, fact_id, edit_id=edit_id))

    def unpin_fact(self, fact_id: str | UUID, *, edit_id: str | None = None) -> None:
        """Unpin a fact. Raises InvalidInput or MemoryUnavailable."""
        self._driver.run(plans.edits.unpin_fact(self._session, fact_id, edit_id=edit_id))

    def delete_fact(self, fact_id: str | UUID, *, edit_id: str | None = None) -> None:
        """Retract a fact. No older version is reinstated; `fact_history` still shows it.

        To remove all that is stored of a user, forget the user. Raises InvalidInput or MemoryUnavailable.
        """
        self._driver.run(plans.edits.delete_fact(self._session, fact_id, edit_id=edit_id))

    def summary(self) -> str | None:
        """Return the session's summary; None while there is none. Raises MemoryUnavailable."""
        return self._driver.run(plans.summaries.summary(self._session))

    def session_summary(self) -> Summary | None:
        """Return the session's summary as statements, each with the episodes that it rests on.

        None while there is none. It is at most AFTERTURN_SUMMARY_TOKENS long, and follows the session within about a
        minute. Raises MemoryUnavailable.
        """
        return self._driver.run(plans.summaries.session_summary(self._session))

    def profile(self) -> str | None:
        """Return the user's profile, what is always of use to know, one fact a line; None while there is none.

        It is at most AFTERTURN_PROFILE_TOKENS long. Raises MemoryUnavailable.
        """
        return self._driver.run(plans.summaries.profile(self._session))

    def preferences(self) -> dict[str, str]:
        """Return the user's current preferences by key, such as {"colour": "green"}. Raises MemoryUnavailable.

        A value that a person entered counts before one from a conversation, a later one before an earlier one.
        """
        return self._driver.run(plans.preferences.preferences(self._session))

    def set_preference(self, key: str, value: str, *, edit_id: str | None = None) -> str:
        """Set a preference by hand, from now on, and return the id of its fact.

        The value before stays in that fact's history. It takes effect in about a second.

        Args:
            key: such as colour, or reply_language.
            value: such as green.
            edit_id: the caller's id; a repeated call with the same id is the same edit.

        Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(plans.preferences.set_preference(self._session, key, value, edit_id=edit_id))

    def costs(self, *, by: CostGrouping = "day", days: int | None = 30) -> list[Costs]:
        """Return how many LLM calls were made for this user, and their tokens.

        Args:
            by: day (the newest first), stage, batch (the costliest first), or user for one sum.
            days: of the last days, in UTC, today included; None for all of them.

        Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(plans.costs.costs(self._session, by=by, days=days))
