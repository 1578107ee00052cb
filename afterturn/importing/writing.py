"""Writing imported turns: through the door that all turns take, never many at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import redis
from redis.exceptions import RedisError, ResponseError

from afterturn import turns
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import MemoryUnavailable
from afterturn.hot import keys, scripts
from afterturn.importing.lines import Line
from afterturn.scopes import SessionScope
from afterturn.settings import Settings

_SQL = queries.load("archive")

#: Imported turns that wait for the archive at a time. More: the archive's transactions take longer than a few tenths of
#: a second, and live turns wait for them. Fewer: the import takes longer; the archive comes by about once a second.
PENDING_TURNS = 400
#: Turns that are looked up and written together.
TURNS_AT_ONCE = 100
#: How often it looks whether the archive has come by.
LOOK_SECONDS = 0.1


@dataclass(slots=True)
class Progress:
    """How far an import has come."""

    written: int = 0
    #: Archived by an earlier run, or by whoever wrote them first.
    known: int = 0
    #: How long it has been waiting for the archive, just now.
    waiting_seconds: float = 0.0

    @property
    def done(self) -> int:
        """Turns that need nothing more."""
        return self.written + self.known


class Importer:
    """Writes lines as turns of old conversations."""

    def __init__(self, settings: Settings, client: redis.Redis, connection: Connection) -> None:
        """The connection must be a worker's, which sees all users."""
        self.progress = Progress()
        self._settings = settings
        self._redis = client
        self._connection = connection
        #: Sessions whose turns may still wait for the archive.
        self._pending: set[SessionScope] = set()

    def steps(self, lines: Iterable[Line]) -> Iterator[Progress]:
        """Write all lines that are not archived yet, in order; yields after each step, and while it waits.

        Raises MemoryUnavailable when a server is away: what was written is safe, and the same lines may come again.
        """
        rest = iter(lines)
        while chunk := list(islice(rest, TURNS_AT_ONCE)):
            new = self._new(chunk)
            self.progress.known += len(chunk) - len(new)
            for session, of_session in _by_session(new).items():
                yield from self._written(session, of_session)
            yield self.progress

    def _new(self, chunk: Sequence[Line]) -> list[Line]:
        named = {
            "tenants": [line.session.tenant_id for line in chunk],
            "users": [line.session.user_id for line in chunk],
            "sessions": [line.session.session_id for line in chunk],
            "turns": [line.turn.turn_id for line in chunk],
        }
        rows = self._connection.execute(_SQL["known_turns"], named).fetchall()
        known = {(row["tenant_id"], row["user_id"], row["session_id"], row["turn_id"]) for row in rows}
        keyed = [((*_names(line.session), line.turn.turn_id), line) for line in chunk]
        return [line for key, line in keyed if key not in known]

    def _written(self, session: SessionScope, lines: Sequence[Line]) -> Iterator[Progress]:
        limit = self._settings.turn_limit_bytes
        payloads = [(line.turn.turn_id, turns.encode(line.turn, limit_bytes=limit)) for line in lines]
        shard = keys.shard_of(session.tenant_id, session.user_id)
        touched = (keys.pending(session), keys.due(shard), keys.pending_bytes(shard))
        size = sum(len(payload) for _, payload in payloads)
        arguments: list[str | bytes | int] = [
            keys.member(session),
            self._settings.pending_limit_bytes_per_shard,
            size,
            *(part for payload in payloads for part in payload),
        ]
        since = time.monotonic()
        # A write that the limit refuses waits like one for which there is no room among the import's own.
        while self._waiting() + len(lines) > PENDING_TURNS or not self._is_accepted(touched, arguments):
            self.progress.waiting_seconds = time.monotonic() - since
            yield self.progress
            time.sleep(LOOK_SECONDS)
        self.progress.waiting_seconds = 0.0
        self._pending.add(session)
        self.progress.written += len(lines)

    def _is_accepted(self, touched: tuple[str, ...], arguments: list[str | bytes | int]) -> bool:
        try:
            scripts.WRITE.run(self._redis, touched, *arguments)
        except ResponseError as error:
            if str(error).startswith("PENDINGLIMIT"):
                return False
            raise _away(error) from error
        except RedisError as error:
            raise _away(error) from error
        return True

    def _waiting(self) -> int:
        """Return how many turns of the import's sessions wait for the archive."""
        sessions = list(self._pending)
        if not sessions:
            return 0
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for session in sessions:
                    pipeline.xlen(keys.pending(session))
                lengths = pipeline.execute()
        except RedisError as error:
            raise _away(error) from error
        self._pending = {session for session, length in zip(sessions, lengths, strict=True) if length}
        return sum(lengths)


def _names(session: SessionScope) -> tuple[str, str, str]:
    return session.tenant_id, session.user_id, session.session_id


def _by_session(lines: Iterable[Line]) -> dict[SessionScope, list[Line]]:
    found: dict[SessionScope, list[Line]] = {}
    for line in lines:
        found.setdefault(line.session, []).append(line)
    return found


def _away(error: RedisError) -> MemoryUnavailable:
    return MemoryUnavailable(f"Redis (AFTERTURN_REDIS_URL) failed: {type(error).__name__}")
