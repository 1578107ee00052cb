"""The sweep: find open work that no worker processes. It reads the state, so a lost message has no effect.

Each sweep fills the queues of the stages (`hand_out`). The rest of the work waits in the state until there is room.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import redis

from afterturn import faults
from afterturn.database import queries, sqlstates
from afterturn.database.sqlstates import Kind
from afterturn.embedding import missing_vectors
from afterturn.hot import heartbeats, keys, pending
from afterturn.importing import cutting
from afterturn.pipeline import fair_choice, hand_out
from afterturn.pipeline.archiving import states
from afterturn.pipeline.enqueue import FIRST, LATER
from afterturn.pipeline.hand_out import Room
from afterturn.pipeline.runtime import Runtime
from afterturn.pipeline.stages import archive, cold, spaces

logger = logging.getLogger(__name__)

_SQL = queries.load("sweep")
_COLD_SQL = queries.load("cold")
_DOCUMENTS = queries.load("documents")
_MERGES_SQL = queries.load("merges")

#: Sessions in one archive message: one transaction archives them all. Larger: fewer transactions, but a backlog keeps
#: the users' rows locked for longer (20 sessions of 500 turns: about 2 s) and occupies one process while others idle.
SESSIONS_PER_ARCHIVE = 20
#: Batches handed out per sweep while their endpoint is unavailable: one of them will probe the endpoint.
PROBES = 2
#: Messages that one sweep sends to each other stage while the archive is behind: turns that are not archived fill
#: Redis, and recall does not find them by meaning. Larger: a backlog is archived later. Smaller: facts come later.
TRICKLE = 5
#: The largest number of memories that one sweep hands out to `index`: a large one takes a thread several seconds.
INDEXES = 4
#: Users that one sweep looks at for old turns. More: the move of an old database occupies more threads.
COLD = 4
#: Users whose stems one sweep hands out to be replaced, after an upgrade: about a millisecond for each of their texts.
#: A million users take half a day at most of one thread; until then recall finds their texts as before.
STEMS = 20
#: Sessions, or users, that one sweep checks for a stage whose work often has to wait for their batches. Fewer: if many
#: have to wait, the others are found later. More: each costs three look-ups and a write.
LOOKED_AT = 100
#: Expired documents that one sweep deletes, a few milliseconds for a hundred. More: the sweep takes longer.
EXPIRED = 1_000
#: Step of a batch -> the stage that processes it next.
STAGE_AFTER = {"pending": "extract", "extracted": "embed", "unjudged": "judge", "embedded": "consolidate"}
#: The stages that call the LLM.
LLM_STAGES = frozenset({"extract", "judge", "summarize", "sleep"})
#: The stages that call the embedder.
EMBEDDER_STAGES = frozenset({"embed", "vectors"})
#: An archive task that died is repeated after this time, or after a lease if that is shorter. Too short: two tasks
#: archive the same entries, harmlessly.
ARCHIVE_CLAIM_SECONDS = 10.0
#: Two sweeps, of any process, begin at least this part of AFTERTURN_SWEEP_SECONDS apart.
GATE_FRACTION = 0.2
#: While a queue is not short, work may still wait in it: it is handed out again after this many times the usual time.
#: A lost message is still found within 60 s.
PATIENCE = 2
#: After a restart or failure of the broker, work is handed out again after this time, because its message may be lost.
#: Shorter: more messages are sent twice, harmlessly.
LOST_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """The result of a sweep."""

    #: How many sessions, batches or users were handed out, by stage.
    handed_out: dict[str, int]
    #: Whether a queue was filled, so that more work may be open.
    is_behind: bool


NOTHING = Swept(handed_out={}, is_behind=False)


def sweep(runtime: Runtime) -> dict[str, int]:
    """Sweep once, and return how much was handed out, by stage."""
    return sweep_queues(runtime).handed_out


def sweep_queues(runtime: Runtime) -> Swept:
    """Hand out open work, up to the room in the queues.

    Does nothing when another sweep began a moment ago by Redis's clock, or when the broker is unavailable.
    """
    milliseconds = max(1, int(runtime.settings.sweep_seconds * 1_000 * GATE_FRACTION))
    if not runtime.redis.set(keys.SWEEP_GATE, "1", nx=True, px=milliseconds):
        return NOTHING
    faults.point("sweep.begun")
    rooms = hand_out.read_rooms(runtime.redis, runtime.enqueue, longest=runtime.settings.hint_window)
    if rooms is None:
        return NOTHING
    sweeping = _Sweep(runtime, rooms)
    for part in sweeping.parts():
        _isolate(part)
    hand_out.remember(runtime.redis, rooms, sweeping.messages)
    heartbeats.record(runtime.redis, heartbeats.SWEEP)
    faults.point("sweep.enqueued")
    return Swept(handed_out=dict(sweeping.handed_out), is_behind=sweeping.is_behind())


def _look(runtime: Runtime) -> dict[str, bool]:
    """Return which kinds of work may be open, in one round trip: most sweeps find nothing."""
    with runtime.postgres.connection() as connection:
        arguments = {
            "sleep_seconds": runtime.settings.sleep_seconds,
            "has_cold_store": runtime.settings.cold_url is not None,
        }
        row = connection.execute(_SQL["look"], arguments).fetchone()
    assert row is not None, "it has no table to return rows of"
    return row


def _isolate(part: Callable[[], None]) -> None:
    """Run a part of the sweep. If it fails, the others still run. Raises the errors of an unavailable server."""
    try:
        part()
    except redis.RedisError:
        raise
    except Exception as error:
        if sqlstates.kind_of(error) is Kind.OUTAGE:
            raise
        logger.exception("a part of the sweep failed (%s)", sqlstates.describe(error))


def reconcile(runtime: Runtime) -> int:
    """Add sessions with pending turns that the due index lacks. Returns how many sessions were missing."""
    return pending.reconcile(runtime.redis)


def reconcile_if_due(runtime: Runtime) -> None:
    """Reconcile and clean up, unless a worker did so recently by Redis's clock.

    Messages accumulate while no worker runs.
    """
    milliseconds = max(1, int(runtime.settings.reconcile_seconds * 800))
    if runtime.redis.set(keys.RECONCILE_GATE, "1", nx=True, px=milliseconds):
        reconcile(runtime)
        with runtime.postgres.connection() as connection:
            states.clean_up(connection)


class _Sweep:
    """One sweep: the room in the queues, and the work handed out so far."""

    def __init__(self, runtime: Runtime, rooms: Mapping[str, Room]) -> None:
        self._runtime = runtime
        self._rooms = rooms
        #: Whether recent messages may be lost.
        self._is_interrupted = runtime.enqueue.is_interrupted()
        #: How many sessions, batches or users were handed out, by stage.
        self.handed_out: Counter[str] = Counter(dict.fromkeys(hand_out.HANDED_OUT, 0))
        #: The number of these messages, by stage.
        self.messages: Counter[str] = Counter()

    def parts(self) -> Iterator[Callable[[], None]]:
        """Yield the parts of the sweep in order, without parts that have no open work."""
        yield self.hand_out_archives
        owed = _look(self._runtime)
        if owed["batches"]:
            yield from (self.cut, self.cut_imports, self.end_pauses)
            for step in STAGE_AFTER:
                yield partial(self.hand_out_batches, step)
        if owed["others"]:
            yield from (self.hand_out_summaries, self.hand_out_sleeps, self.hand_out_indexes)
            yield self.delete_expired_documents
            yield from (self.hand_out_stems, self.hand_out_vectors, self.hand_out_spaces, self.hand_out_erasures)
            yield self.hand_out_merges
            if self._runtime.settings.cold_url is not None:
                yield self.hand_out_cold

    def hand_out_archives(self) -> None:
        """Hand out sessions with pending turns, several in one message."""
        room = self._rooms["archive"]
        claim_seconds = min(ARCHIVE_CLAIM_SECONDS, self._runtime.settings.lease_seconds)
        sessions = pending.claim_due(
            self._runtime.redis,
            claim_seconds=claim_seconds,
            grace_seconds=0.0 if room.is_short else claim_seconds * PATIENCE,
            limit=room.free * SESSIONS_PER_ARCHIVE,
        )
        faults.point("sweep.archives_claimed")
        for start in range(0, len(sessions), SESSIONS_PER_ARCHIVE):
            chunk = sessions[start : start + SESSIONS_PER_ARCHIVE]
            self._send("archive", [[s.tenant_id, s.user_id, s.session_id] for s in chunk])
        self.handed_out["archive"] += len(sessions)
        faults.point("sweep.archives_enqueued")

    def cut(self) -> None:
        """Cut batches in sessions that are due. They are handed out like all others.

        A few sessions are cut even if many batches already wait, so that a quiet user's batch is among them.
        """
        runtime = self._runtime
        limit = TRICKLE if self._is_archive_behind() else max(hand_out.SHORT_QUEUE, self._rooms["extract"].free)
        archive.cut_due(runtime.postgres, runtime.settings, limit=limit)
        faults.point("sweep.cut_committed")

    def cut_imports(self) -> None:
        """Cut batches of imported conversations. They are handed out like all others."""
        cutting.cut_imported_batches(self._runtime.postgres, self._runtime.settings)
        faults.point("sweep.imports_cut")

    def delete_expired_documents(self) -> None:
        """Delete documents whose time to live has passed. Nobody reads them any more."""
        with self._runtime.postgres.connection() as connection:
            connection.execute(_DOCUMENTS["delete_expired"], {"limit": EXPIRED})

    def end_pauses(self) -> None:
        """Resume batches whose pause is over, or that a smaller budget paused before the setting was raised."""
        with self._runtime.postgres.connection() as connection:
            connection.execute(_SQL["resume"], {"daily_tokens": self._runtime.settings.user_daily_tokens})
        fair_choice.end_pauses(self._runtime)

    def hand_out_batches(self, step: str) -> None:
        """Hand out batches at a step: first those whose message was lost, then those that were never handed out."""
        stage = STAGE_AFTER[step]
        limit = self._limit(stage)
        lapsed = self._marked("lapsed_batches", stage, step=step, limit=limit)
        fresh = fair_choice.choose_batches(self._runtime, step, limit=limit - len(lapsed))
        faults.point("sweep.hints_committed")
        self._send_all(stage, [(r["tenant_id"], r["user_id"], str(r["batch_id"])) for r in lapsed])
        for batch in fresh:
            self._send(stage, batch.tenant_id, batch.user_id, batch.batch_id, priority=batch.priority)
        self.handed_out[stage] += len(fresh)

    def hand_out_summaries(self) -> None:
        """Hand out sessions that owe a summary."""
        sessions = self._marked("owed_summaries", "summarize", limit=self._limit("summarize"), at_least=LOOKED_AT)
        self._send_all("summarize", [(r["tenant_id"], r["user_id"], r["session_id"]) for r in sessions])

    def hand_out_sleeps(self) -> None:
        """Hand out users whose whole memory is to be consolidated."""
        sleep_seconds = self._runtime.settings.sleep_seconds
        sleeps = self._marked(
            "owed_sleeps", "sleep", limit=self._limit("sleep"), at_least=LOOKED_AT, sleep_seconds=sleep_seconds
        )
        self._send_all("sleep", _users(sleeps))

    def hand_out_indexes(self) -> None:
        """Hand out users whose memory is to be indexed."""
        self._send_all("index", _users(self._marked("owed_indexes", "index", limit=self._limit("index", INDEXES))))

    def hand_out_stems(self) -> None:
        """Hand out users whose texts have the stems of an earlier release."""
        self._send_all("index", _users(self._marked("owed_stems", "index", limit=self._limit("index", STEMS))))

    def hand_out_vectors(self) -> None:
        """Hand out users with texts that the embedder refused, when the next attempt is due."""
        limit = self._limit("vectors")
        if limit <= 0:
            return
        with self._runtime.postgres.connection() as connection:
            users = missing_vectors.claim_due(connection, limit=limit, hint_seconds=self._runtime.settings.hint_seconds)
        self._send_all("vectors", [(user.tenant_id, user.user_id) for user in users])

    def hand_out_spaces(self) -> None:
        """Hand out users whose vectors lag behind the embedding spaces, after those above. A built space serves."""
        limit = min(self._limit("vectors"), self._rooms["vectors"].free - self.messages["vectors"])
        if self._runtime.next_embedder_breaker.is_open():
            limit = min(PROBES, limit)
        for user in spaces.claim_owed(self._runtime, limit=max(0, limit)):
            self._send("vectors", user.tenant_id, user.user_id, priority=LATER)
            self.handed_out["vectors"] += 1

    def hand_out_cold(self) -> None:
        """Hand out users with old turns, and the deletion of objects. Nothing while the object store is away."""
        limit = self._limit("cold", COLD)
        if limit <= 0 or self._runtime.redis.exists(keys.COLD_AWAY):
            return
        age_seconds = self._runtime.settings.cold_after_days * cold.DAY_SECONDS
        with self._runtime.postgres.connection() as connection:
            arguments = {
                "limit": limit,
                "age_seconds": age_seconds,
                "look_seconds": cold.look_seconds(age_seconds),
                "hint_seconds": self._runtime.settings.hint_seconds * PATIENCE,
            }
            users = connection.execute(_COLD_SQL["owed"], arguments).fetchall()
            row = connection.execute(_COLD_SQL["has_due_deletions"]).fetchone()
        self._send_all("cold", _users(users))
        if row is not None and row["has_due"] and not users:
            self._send("cold")

    def hand_out_merges(self) -> None:
        """Hand out users whose merge into another user is not completed."""
        limit = self._limit("merge")
        if limit <= 0:
            return
        with self._runtime.postgres.connection() as connection:
            arguments = {"limit": limit, "hint_seconds": self._runtime.settings.hint_seconds}
            users = connection.execute(_MERGES_SQL["owed"], arguments).fetchall()
        self._send_all("merge", _users(users))

    def hand_out_erasures(self) -> None:
        """Hand out users whose erasure is not completed."""
        self._send_all("erase", _users(self._marked("owed_erasures", "erase", limit=self._limit("erase"))))

    def _limit(self, stage: str, most: int | None = None) -> int:
        """Return how many messages a stage may get; while its endpoint is unavailable, a few that may probe it."""
        runtime, free = self._runtime, self._rooms[stage].free
        breaker = (
            runtime.llm_breaker
            if stage in LLM_STAGES
            else runtime.embedder_breaker
            if stage in EMBEDDER_STAGES
            else None
        )
        if breaker is not None and breaker.is_open():
            most = PROBES
        elif self._is_archive_behind():
            most = min(TRICKLE, most or TRICKLE)
        return free if most is None else min(free, most)

    def is_behind(self) -> bool:
        """Return whether a queue was filled, so that more work may be open."""
        filled = (count >= self._rooms[stage].free for stage, count in self.messages.items())
        return self._is_archive_behind() or any(filled)

    def _is_archive_behind(self) -> bool:
        """Return whether there may have been no room for all turns that wait to be archived."""
        return self.messages["archive"] >= self._rooms["archive"].free

    def _marked(
        self, query: str, stage: str, *, limit: int, at_least: int = 0, **arguments: Any
    ) -> list[dict[str, Any]]:
        """Run a query that marks what it returns as handed out.

        If there is room, it checks at least `at_least` rows, because many of them may have to wait.
        """
        if limit <= 0:
            return []
        limit = limit if limit <= PROBES else max(limit, at_least)
        seconds = self._runtime.settings.hint_seconds * (1 if self._rooms[stage].is_short else PATIENCE)
        arguments |= {"limit": limit, "hint_seconds": min(seconds, LOST_SECONDS) if self._is_interrupted else seconds}
        with self._runtime.postgres.connection() as connection:
            return connection.execute(_SQL[query], arguments).fetchall()

    def _send_all(self, stage: str, messages: Sequence[Iterable[str]]) -> None:
        for number, arguments in enumerate(messages):
            self._send(stage, *arguments, priority=fair_choice.priority_in(stage, number))
        self.handed_out[stage] += len(messages)

    def _send(self, stage: str, *arguments: Any, priority: int = FIRST) -> None:
        self._runtime.enqueue.send(stage, *arguments, priority=priority)
        self.messages[stage] += 1


def _users(rows: Iterable[Mapping[str, str]]) -> list[tuple[str, str]]:
    return [(row["tenant_id"], row["user_id"]) for row in rows]
