"""The synchronous client. Each method runs a plan (`plans/`); only `write` and `write_many` call Redis directly.

async_memory_client.py is generated from this file. Run `make client` after each change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from afterturn import tokens
from afterturn.chat_messages import NOT_GIVEN, Content, Message, NotGiven
from afterturn.client import known_secrets, plans
from afterturn.client.agent_state import Checkpoint, Lock, State
from afterturn.client.driver import Driver
from afterturn.client.session import ClientSession, write_arguments, write_one_arguments
from afterturn.context.budget import Shares
from afterturn.context.context import Context, ContextRequest
from afterturn.context.counting import TokenCounter
from afterturn.context.providers import ContextProvider
from afterturn.context.strategies import History, SummaryAndRecent
from afterturn.facts.fact import Contradiction, Fact, TimeAxis
from afterturn.lives import LifeName
from afterturn.llm.costs import CostGrouping, Costs
from afterturn.memories import Episode, Memory, Session
from afterturn.summaries.summary import Summary
from afterturn.threads.thread import Thread
from afterturn.turns import Turn, make_payload

if TYPE_CHECKING:
    from afterturn.settings import Settings

DEFAULT_SHARES = Shares()
DEFAULT_HISTORY = SummaryAndRecent()


class MemoryClient:
    """Write turns of one session of a user, recall the user's memories, and edit the user's facts.

    A new client opens no connection: the first call opens it. Threads may share a client.

    An edit of facts is one round trip to Redis, like a write, and takes effect in about a second. Repeating a call with
    the same `edit_id` has no further effect. Editing a fact that does not exist, or that belongs to another user,
    changes nothing.
    """

    def __init__(
        self,
        user_id: str | None = None,
        session_id: str = "default",
        agent_id: str | None = None,
        *,
        tenant_id: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Set the user and the session of this client.

        Args:
            user_id: the user whose memory is read and written. Without it, the session has a memory of its own, which
                no user and no other session sees; `session_id` must then be given.
            session_id: the conversation. Turns are written to it.
            agent_id: the agent that writes the turns; stored with each turn.
            tenant_id: the customer that the user belongs to. Default: AFTERTURN_TENANT.
            settings: the settings. Default: read from the environment.

        Raises InvalidId or SettingsError.
        """
        self._session = ClientSession(
            user_id=user_id, session_id=session_id, agent_id=agent_id, tenant_id=tenant_id, settings=settings
        )
        #: The user whose memory it is; of a session without a user, the id to export and to forget it by.
        self.user_id = self._session.scope.user_id
        self._driver = Driver(self._session.settings)
        #: Versioned JSON documents of the user, the session or the agent.
        self.state = State(self._session, self._driver)

    def lock(
        self, name: str, *, lease_seconds: float = 30.0, wait_seconds: float = 10.0, fence: int | None = None
    ) -> Lock:
        """Return a lock of the user, not taken yet: `with memory.lock("plan") as lock: ...` takes and leaves it.

        Args:
            name: an id: one holder has the lock of this name and user at a time.
            lease_seconds: how long the lock is held without `lock.renew()`, 0.01 to 3,600. A holder that is paused for
                longer has lost it: `memory.state.put("plan", value, fence=lock)` then raises StaleFence.
            wait_seconds: how long to wait while somebody else has the lock. Then LockBusy is raised.
            fence: that of the holder, if it took the lock in another process: this lock can renew and leave it.

        Raises InvalidInput.
        """
        return Lock(self._session, self._driver, name, lease_seconds, wait_seconds, fence)

    def checkpoint(self, task_id: str, *, fence: int | Lock | None = None) -> Checkpoint:
        """Return the checkpoint of a task: it stores the results of steps, so that a task continues after them.

        Args:
            task_id: an id of the task, unique for the user.
            fence: a lock, or its fence: nothing is stored if the lock was lost.

        Raises InvalidInput.
        """
        return Checkpoint(self._session, self._driver, task_id, fence)

    def write(
        self,
        role: str | Message,
        content: Content | NotGiven = NOT_GIVEN,
        *,
        turn_id: str | None = None,
        name: str | None = None,
        occurred_at: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        memories_shown: Sequence[str] = (),
        **message_fields: Any,
    ) -> str:
        """Write one turn in one round trip to Redis and return its id.

        `write(message)` takes a message of a chat API as it is: a dictionary or an object of its SDK. Its fields may
        also be arguments: `write(**message)`. `write(text)` stores the text as one turn with the role "exchange": a
        whole exchange in one string.

        Writing the same `turn_id` with the same role, content, name and metadata again has no effect.

        Args:
            role: user, assistant, system, developer, tool, function or exchange; or the whole message.
            content: the text of the turn, a list of content parts, or None beside tool calls. Texts are joined; images
                and other parts are kept in the metadata, and the text has a mark for each, such as [image].
            turn_id: an id that the caller chooses. Default: a new id.
            name: the speaker's name.
            occurred_at: the time of the turn, with a timezone. Default: now.
            metadata: the caller's own JSON data.
            memories_shown: ids of the memories that the assistant saw before it wrote this turn.
            message_fields: other fields of the message, such as tool_calls, tool_call_id or refusal. They are kept in
                the metadata.

        Raises InvalidInput (TurnIdUsed if the session has a turn with this id and other content), or MemoryUnavailable
        if Redis does not acknowledge the turn.
        """
        session = self._session
        turn_id, payload = make_payload(
            role,
            content,
            limit_bytes=session.settings.turn_limit_bytes,
            future_seconds=session.settings.future_limit_seconds,
            turn_id=turn_id,
            name=name,
            agent_id=session.agent_id,
            occurred_at=occurred_at,
            metadata=metadata,
            memories_shown=memories_shown,
            fields=message_fields,
        )
        if session.redacts_turns:
            payload = known_secrets.redact_payload(session.scope.user, payload)
        session.warn_of_backlog(self._driver.send(session.write_call, write_one_arguments(turn_id, payload)))
        return turn_id

    def write_many(self, turns: Iterable[Message]) -> list[str]:
        """Write up to 1,000 turns in one round trip to Redis, all or none, and return their ids.

        Args:
            turns: messages of a chat API as they are, or the arguments of `write` for each turn, such as
                {"role": "user", "content": "Hello"}.

        Raises InvalidInput (TurnIdUsed if the session has a turn with one of the ids and other content), or
        MemoryUnavailable if Redis does not acknowledge the turns.
        """
        session = self._session
        entries = session.make_entries(turns)
        if entries:
            session.warn_of_backlog(self._driver.send(session.write_call, write_arguments(entries)))
        return [turn_id for turn_id, _ in entries]

    def history(self, limit: int = 20, *, before: str | None = None) -> list[Turn]:
        """Return the last turns of the session, oldest first, including turns that are not archived yet.

        If Postgres is unavailable, only the turns that are still in Redis are returned, without `before`.

        Args:
            limit: the largest number of turns, 1 to 1,000.
            before: the id of a turn. Only the turns before it are returned: the previous page.

        Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(plans.history.history(self._session, limit, before))

    def sessions(self, *, limit: int = 100, cursor: str | None = None) -> list[Session]:
        """Return the user's sessions: those that are not archived yet first, then the last active first.

        Fewer than `limit` sessions are returned if no others follow.

        Args:
            limit: the largest number of sessions, 1 to 1,000.
            cursor: the `cursor` of the last session of the previous page.

        Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(plans.sessions.sessions(self._session, limit=limit, cursor=cursor))

    def close_session(self) -> None:
        """Say that this session has ended: its pending turns are processed now, and its summary is made.

        Nothing more is stored about it: a turn that is written later continues the session. Raises MemoryUnavailable.
        """
        self._driver.run(plans.flush.flush(self._session, None))

    def clear_session(self) -> int:
        """Remove all turns that the session has now, as `remove` does, and return their number.

        Turns that are written meanwhile stay. Raises MemoryUnavailable.
        """
        return self._driver.run(plans.sessions.clear(self._session))

    def remove(self, turn_id: str) -> None:
        """Remove a turn of this session, and the facts and summaries that have no other evidence.

        One round trip to Redis. `history` and `recall` hide the turn at once; workers delete the rest. Removing a turn
        that does not exist, or that is already removed, is not an error. Writing a removed turn again does not restore
        it.

        Args:
            turn_id: the id that `write` returned.

        Raises InvalidId or MemoryUnavailable.
        """
        self._driver.run(plans.removal.remove(self._session, turn_id))

    def pop(self) -> Turn | None:
        """Remove the newest turn of the session and return it, or None if the session has no turn.

        Two callers at the same time may remove the same turn. Raises MemoryUnavailable.
        """
        return self._driver.run(plans.removal.pop(self._session))

    def flush(self, wait_seconds: float | None = None) -> None:
        """Cut and process pending turns without waiting for a full batch.

        Args:
            wait_seconds: wait until the turns are processed, at most this long. Default: do not wait.

        Raises FlushTimeout if processing takes longer, FlushFailed if a batch of the turns is dead, or
        MemoryUnavailable.
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
        include_faded: bool = False,
        metadata: Mapping[str, Any] | None = None,
        order: Literal["newest", "importance"] | None = None,
        cursor: str | None = None,
        explain: bool = False,
    ) -> list[Memory]:
        """Return the memories that answer `query`, best first; without a query, the newest turns, newest first.

        Filters exclude memories. Fewer than `limit` memories are returned if no others match. If Postgres is
        unavailable, only the turns that are still in Redis are searched.

        Args:
            query: a question or a topic.
            limit: the largest number of memories, 1 to 1,000.
            kinds: any of fact, turn and episode. Default: fact and turn; without a query, turn (with
                order="importance": fact).
            topics: only facts with at least one of these topics.
            session_id: only memories from this conversation. Default: from all conversations of the user.
            agent_id: only turns that this agent wrote, and memories based on them.
            since: only memories said at this time or later (time="recorded": recorded at this time or later).
            until: only memories said before this time (time="recorded": recorded before this time).
            time: the time that `since`, `until` and `as_of` are compared with: "world" is the time in the real world,
                "recorded" is the time when afterturn stored it.
            as_of: facts that were true at this time (time="recorded": that were stored as true at this time), instead
                of the current facts.
            min_score: only memories with at least this score.
            include_superseded: also return superseded facts, after all other memories, and facts that have faded.
            include_faded: also return facts that have faded: plans and states that nobody spoke of for a while.
            metadata: only turns whose metadata contain these keys and values, and memories based on them.
            order: the order without a query: newest or importance.
            cursor: the `cursor` of the last memory of the previous page. All other arguments must be the same.
            explain: fill each memory's `score_parts`, which shows how its score was computed.

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
                include_faded=include_faded,
                metadata=metadata,
                order=order,
                cursor=cursor,
                explain=explain,
            )
        )

    def episodes(
        self,
        query: str | None = None,
        *,
        session_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> list[Episode]:
        """Return what happened, part by part of the conversations, the latest first; with `query`, the best first.

        Without a query, fewer than `limit` episodes are returned if no others follow.

        Args:
            query: a question or a topic: episodes that are similar to it.
            session_id: only episodes of this conversation. Default: of all conversations of the user.
            since: only episodes that ended at this time or later; with a query, see `recall`.
            until: only episodes that began before this time; with a query, see `recall`.
            limit: the largest number of episodes, 1 to 1,000.
            cursor: the `cursor` of the last episode of the previous page. All other arguments must be the same.

        Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(
            plans.episodes.episodes(
                self._session, query, session_id=session_id, since=since, until=until, limit=limit, cursor=cursor
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
        """Return messages for a prompt: a message with the user's memory, marked as data, then the recent turns.

        The messages never take more tokens than `token_budget`. If Postgres is unavailable, they contain only the turns
        that are still in Redis.

        Args:
            query: what to recall, usually the user's message. Without a query, nothing is recalled.
            token_budget: the largest number of tokens of all messages together, 1 to 10,000,000.
            shares: the largest fraction of the budget that each part may use.
            history: how the session's turns are selected: SummaryAndRecent, LastTurns, LastTokens or ImportantOnly.
            providers: outside data, such as ClockProvider("Europe/Lisbon").
            count_tokens: a function that counts the tokens of a text, such as
                `lambda text: len(encoding.encode(text))`. Default: an estimate.
            role: the role of the message with the memory: system or developer.

        Raises InvalidInput, or MemoryUnavailable if Redis does not answer.
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
        life: LifeName | None = None,
        include_superseded: bool = False,
        include_faded: bool = False,
        as_of: datetime | None = None,
        time: TimeAxis = "world",
        limit: int = 100,
        cursor: str | None = None,
    ) -> list[Fact]:
        """Return the user's current facts with their evidence, the most recently said first.

        Args:
            subject: only facts about this person or thing, by name. Upper and lower case are equal.
            attribute: only facts with this attribute, such as lives_in.
            topic: only facts with this topic.
            category: only facts of this category.
            life: only facts of this kind: lasting, event, plan, state or attitude.
            include_superseded: also return superseded facts, and facts that have faded. Not together with `as_of`.
            include_faded: also return facts that have faded: plans and states that nobody spoke of for a while.
            as_of: the facts at this time, with a timezone, instead of the current facts.
            time: the meaning of `as_of`. "world": facts that were true at that time, according to what is known today;
                a fact without `valid_from` is true from the time when it was said. "recorded": facts that were stored
                as current at that time, even if they were superseded or retracted later.
            limit: the largest number of facts, 1 to 1,000. Fewer are returned if no others follow.
            cursor: the `cursor` of the last fact of the previous page. All other arguments must be the same.

        Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(
            plans.facts.facts(
                self._session,
                subject=subject,
                attribute=attribute,
                topic=topic,
                category=category,
                life=life,
                include_superseded=include_superseded,
                include_faded=include_faded,
                as_of=as_of,
                time=time,
                limit=limit,
                cursor=cursor,
            )
        )

    def fact_history(self, fact_id: str | UUID) -> list[Fact]:
        """Return all versions of a fact, oldest first, with the reason why each was superseded.

        Args:
            fact_id: the id of any version of the fact.

        The list is empty if the fact does not exist. Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(plans.facts.fact_history(self._session, fact_id))

    def contradictions(self, *, limit: int = 100) -> list[Contradiction]:
        """Return the pairs of current facts that cannot both be true, those found last first.

        Neither of the two is newer by what it says, so both stay current. The next clear word settles a pair: what is
        said later replaces, ends or repeats one of them, or a person keeps one with `keep_fact`, or corrects one.

        Args:
            limit: the largest number of pairs, 1 to 1,000.

        Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(plans.facts.contradictions(self._session, limit=limit))

    def has_fact(self, fact_id: str | UUID) -> bool:
        """Return whether the user has a fact with this id, of whatever status, or has just added it.

        Args:
            fact_id: the id of any version of the fact.

        True if Postgres is unavailable. Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(plans.facts.has_fact(self._session, fact_id))

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
        life: LifeName | None = None,
        pinned: bool = False,
        edit_id: str | None = None,
    ) -> str:
        """Add a fact that a person entered and return its id. It takes precedence over extracted facts.

        Args:
            text: one sentence that can be understood without context, up to 2,000 characters.
            category: the category, such as place or preference. Default: other.
            topics: up to 20 words to find the fact by.
            subject: the name of the person or thing that the fact is about.
            attribute: the attribute of the subject, such as lives_in.
            value: the value of the attribute. If subject, attribute and value are all given, a later conversation that
                states another value is recognised as a contradiction.
            importance: 0 (trivial) to 1 (essential).
            valid_from: the time from which the fact is true, with a timezone.
            valid_to: the time at which the fact stopped being true, with a timezone.
            life: the kind of statement: lasting, event, plan, state or attitude. Default: by its other arguments. What
                a person entered never fades, whatever its life.
            pinned: protect the fact from every clean-up, and show it first in profiles and contexts.
            edit_id: an id that the caller chooses. Repeating a call with the same id has no further effect.

        Raises InvalidInput, or MemoryUnavailable if Redis does not acknowledge the edit.
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
                life=life,
                pinned=pinned,
                edit_id=edit_id,
            )
        )

    def add_facts(self, facts: Iterable[Mapping[str, Any]], *, edit_id: str | None = None) -> list[str]:
        """Add up to 1,000 facts in one round trip to Redis, all or none, and return their ids.

        Args:
            facts: the arguments of `add_fact` for each fact, such as {"text": "Ana lives in Porto.", "subject": "Ana"}.
            edit_id: an id that the caller chooses. Repeating a call with the same id has no further effect.

        Raises InvalidInput, or MemoryUnavailable if Redis does not acknowledge the edit.
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
        life: LifeName | None = None,
        pinned: bool | None = None,
        edit_id: str | None = None,
    ) -> str:
        """Supersede a fact by a corrected one and return the new id. The old fact stays in `fact_history`.

        Arguments that are not given are copied from the old fact, except `value`. With `valid_from`, the old fact was
        true until that time; without `valid_from` and `valid_to`, it was never true. If the fact was already
        superseded, its current version is corrected.

        Args:
            fact_id: the fact to correct.
            text: the corrected sentence. This and the other arguments are those of `add_fact`.

        Raises InvalidInput, or MemoryUnavailable if Redis does not acknowledge the edit.
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
                life=life,
                pinned=pinned,
                edit_id=edit_id,
            )
        )

    def pin_fact(self, fact_id: str | UUID, *, edit_id: str | None = None) -> None:
        """Pin a fact: no clean-up removes it, and profiles and contexts show it first.

        Raises InvalidInput or MemoryUnavailable.
        """
        self._driver.run(plans.edits.pin_fact(self._session, fact_id, edit_id=edit_id))

    def unpin_fact(self, fact_id: str | UUID, *, edit_id: str | None = None) -> None:
        """Unpin a fact. Raises InvalidInput or MemoryUnavailable."""
        self._driver.run(plans.edits.unpin_fact(self._session, fact_id, edit_id=edit_id))

    def keep_fact(self, fact_id: str | UUID, *, edit_id: str | None = None) -> None:
        """Settle the contradictions of a fact: it stays, and the facts that contradict it are superseded.

        Without contradictions it has no effect. Raises InvalidInput or MemoryUnavailable.
        """
        self._driver.run(plans.edits.keep_fact(self._session, fact_id, edit_id=edit_id))

    def delete_fact(self, fact_id: str | UUID, *, edit_id: str | None = None) -> None:
        """Retract a fact. Its older versions stay superseded, and `fact_history` still returns it.

        To delete everything that is stored about a user, run `afterturn forget`. Raises InvalidInput or
        MemoryUnavailable.
        """
        self._driver.run(plans.edits.delete_fact(self._session, fact_id, edit_id=edit_id))

    def summary(self) -> str | None:
        """Return the text of the session's summary, or None if there is none yet. Raises MemoryUnavailable."""
        return self._driver.run(plans.summaries.summary(self._session))

    def session_summary(self) -> Summary | None:
        """Return the session's summary as statements with their source episodes, or None if there is none yet.

        It has at most AFTERTURN_SUMMARY_TOKENS tokens and is updated within about a minute after new turns. Raises
        MemoryUnavailable.
        """
        return self._driver.run(plans.summaries.session_summary(self._session))

    def profile(self) -> str | None:
        """Return the user's profile, or None if there is none yet: the most useful facts, one per line.

        It has at most AFTERTURN_PROFILE_TOKENS tokens. Raises MemoryUnavailable.
        """
        return self._driver.run(plans.summaries.profile(self._session))

    def threads(self, *, limit: int = 100) -> list[Thread]:
        """Return how the matters of the user developed, the one that was last said something about first.

        A matter is what facts of several days are about: a studio, an illness, a job search. Its thread is written in
        the nightly consolidation (AFTERTURN_SLEEP_SECONDS). A step is shown while all facts under it are believed.

        Args:
            limit: the largest number of threads, 1 to 1,000. A user has at most 40.

        Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(plans.threads.threads(self._session, limit=limit))

    def preferences(self) -> dict[str, str]:
        """Return the user's current preferences by key, such as {"colour": "green"}.

        A value that a person entered takes precedence over a value from a conversation, and a later value over an
        earlier one. Raises MemoryUnavailable.
        """
        return self._driver.run(plans.preferences.preferences(self._session))

    def set_preference(self, key: str, value: str, *, edit_id: str | None = None) -> str:
        """Set a preference that a person entered and return the id of its fact.

        It takes effect in about a second. The previous value stays in the fact's history.

        Args:
            key: the name of the preference, such as colour or reply_language.
            value: the new value, such as green.
            edit_id: an id that the caller chooses. Repeating a call with the same id has no further effect.

        Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(plans.preferences.set_preference(self._session, key, value, edit_id=edit_id))

    def costs(self, *, by: CostGrouping = "day", days: int | None = 30) -> list[Costs]:
        """Return the number of LLM calls for this user, and their tokens.

        Args:
            by: what to group by: day (newest first), stage or batch (most tokens first), or user (one total).
            days: the number of days to count, in UTC, including today. None counts all days.

        Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(plans.costs.costs(self._session, by=by, days=days))
