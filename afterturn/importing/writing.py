"""Write imported turns into the pending streams, like all turns, a limited number at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import redis
from redis.exceptions import RedisError, ResponseError

from afterturn import turn_redaction, turns
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import MemoryUnavailable
from afterturn.hot import keys, scripts
from afterturn.importing.lines import ImportLine
from afterturn.scopes import SessionScope
from afterturn.settings import Settings

_SQL = queries.load("archive")

#: Largest number of imported turns that wait to be archived. More: the archive's transactions take longer than a few
#: tenths of a second, and live turns wait for them. Fewer: the import takes longer, because the archive runs about once
#: a second.
MAX_PENDING_TURNS = 400
#: Turns that are looked up and written together.
CHUNK_TURNS = 100
#: How often the importer checks whether turns were archived.
POLL_SECONDS = 0.1


@dataclass(slots=True)
class ImportProgress:
    """The progress of an import, in turns."""

    written: int = 0
    #: Turns that were archived before: by an earlier run, or written by another program.
    already_archived: int = 0
    #: Turns with the id of a turn that has other content. They are not written.
    conflicting: int = 0
    #: How long the importer has been waiting for the archive now; 0 while it does not wait.
    waiting_seconds: float = 0.0

    @property
    def done(self) -> int:
        """Turns that nothing remains to be done for."""
        return self.written + self.already_archived + self.conflicting


class Importer:
    """Writes import lines as turns."""

    def __init__(self, settings: Settings, client: redis.Redis, connection: Connection) -> None:
        """`connection` must have the worker role, which reads the turns of all users."""
        self.progress = ImportProgress()
        self._settings = settings
        self._redis = client
        self._connection = connection
        #: Sessions whose turns may still wait to be archived.
        self._pending_sessions: set[SessionScope] = set()

    def write_lines(self, lines: Iterable[ImportLine]) -> Iterator[ImportProgress]:
        """Write the lines that are not archived yet, in order. Yields the progress after each step and while waiting.

        Raises MemoryUnavailable when a server does not answer. Turns that were written are safe, and the same lines can
        be written again.
        """
        remaining = iter(lines)
        while chunk := list(islice(remaining, CHUNK_TURNS)):
            new = self._exclude_archived(chunk)
            for session, session_lines in _group_by_session(new).items():
                yield from self._write_session_lines(session, session_lines)
            yield self.progress

    def _exclude_archived(self, chunk: Sequence[ImportLine]) -> list[ImportLine]:
        arguments = {
            "tenants": [line.session.tenant_id for line in chunk],
            "users": [line.session.user_id for line in chunk],
            "sessions": [line.session.session_id for line in chunk],
            "turns": [line.turn.turn_id for line in chunk],
        }
        rows = self._connection.execute(_SQL["archived_contents"], arguments).fetchall()
        archived = {
            (SessionScope(row["tenant_id"], row["user_id"], row["session_id"]), row["turn_id"]): row for row in rows
        }
        if self._settings.turn_secrets == "redact":
            chunk = [replace(line, turn=turn_redaction.redact_turn(line.turn)) for line in chunk]
        for line in chunk:
            row = archived.get((line.session, line.turn.turn_id))
            if row is not None and turns.is_said_by_row(line.turn, row):
                self.progress.already_archived += 1
            elif row is not None:
                self.progress.conflicting += 1
        return [line for line in chunk if (line.session, line.turn.turn_id) not in archived]

    def _write_session_lines(self, session: SessionScope, lines: Sequence[ImportLine]) -> Iterator[ImportProgress]:
        limit = self._settings.turn_limit_bytes
        payloads = {line.turn.turn_id: turns.encode(line.turn, limit_bytes=limit) for line in lines}
        started = time.monotonic()
        # Wait while this import has too many pending turns, and also when the shard's pending limit refuses the write.
        while self._pending_turns() + len(payloads) > MAX_PENDING_TURNS or not self._try_write(session, payloads):
            self.progress.waiting_seconds = time.monotonic() - started
            yield self.progress
            time.sleep(POLL_SECONDS)
        self.progress.waiting_seconds = 0.0
        self._pending_sessions.add(session)
        self.progress.written += len(payloads)

    def _try_write(self, session: SessionScope, payloads: dict[str, bytes]) -> bool:
        """Write turns to Redis, by id. Return False when the pending limit of the shard is reached.

        A turn whose id a pending turn has with other content is removed from `payloads` and counted.
        """
        while payloads:
            try:
                self._write(session, payloads)
                return True
            except ResponseError as error:
                if str(error).startswith("PENDINGLIMIT"):
                    return False
                if not str(error).startswith("TURNIDUSED "):
                    raise _unavailable(error) from error
                del payloads[str(error).removeprefix("TURNIDUSED ")]
                self.progress.conflicting += 1
            except RedisError as error:
                raise _unavailable(error) from error
        return True

    def _write(self, session: SessionScope, payloads: Mapping[str, bytes]) -> None:
        shard = keys.shard_of(session.tenant_id, session.user_id)
        script_keys = (keys.pending(session), keys.due(shard), keys.pending_bytes(shard), keys.known_ids(session))
        arguments: list[str | bytes | int] = [
            keys.member(session),
            self._settings.pending_limit_bytes_per_shard,
            sum(len(payload) for payload in payloads.values()),
        ]
        for turn_id, payload in payloads.items():
            arguments += [turn_id, payload]
        arguments += turns.digests_of_given([*payloads.values()])
        scripts.WRITE.run(self._redis, script_keys, *arguments)

    def _pending_turns(self) -> int:
        """Return how many turns of the import's sessions wait to be archived."""
        sessions = list(self._pending_sessions)
        if not sessions:
            return 0
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for session in sessions:
                    pipeline.xlen(keys.pending(session))
                lengths = pipeline.execute()
        except RedisError as error:
            raise _unavailable(error) from error
        self._pending_sessions = {session for session, length in zip(sessions, lengths, strict=True) if length}
        return sum(lengths)


def _group_by_session(lines: Iterable[ImportLine]) -> dict[SessionScope, list[ImportLine]]:
    groups: dict[SessionScope, list[ImportLine]] = {}
    for line in lines:
        groups.setdefault(line.session, []).append(line)
    return groups


def _unavailable(error: RedisError) -> MemoryUnavailable:
    return MemoryUnavailable(f"Redis (AFTERTURN_REDIS_URL) failed: {type(error).__name__}")
