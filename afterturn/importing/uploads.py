"""Imports of uploaded files: check every line first, then write the turns, and keep the status in Redis.

An upload is named by the hash of its content. If the process that writes it dies, the same upload continues it: turns
that are archived already are not written again.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import redis
from redis.exceptions import RedisError

from afterturn.database.pool import worker_connection
from afterturn.errors import AfterturnError, MemoryUnavailable
from afterturn.hot import keys, redis_url
from afterturn.hot.commands import RedisSteps
from afterturn.importing.lines import ImportLine, LineDefaults, LineProblem, LineReader
from afterturn.importing.writing import Importer, ImportProgress
from afterturn.scopes import UserScope
from afterturn.settings import Settings

#: A running import writes its status at least this often.
STATUS_SECONDS = 1.0
#: A status that says "running" and is older belongs to a process that died.
STALE_SECONDS = 30.0

State = Literal["running", "completed", "interrupted", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStatus:
    """How far an import is, in turns. It has no content and no ids."""

    state: State
    total: int
    written: int = 0
    #: Turns that were archived before.
    already_archived: int = 0
    #: Turns with the id of a turn that has other content. They are not written.
    conflicting: int = 0
    #: Invalid lines that were left out.
    skipped: int = 0
    #: The code of the error that ended it; None if none did.
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An uploaded file of one user."""

    user: UserScope
    #: The session of lines without one.
    session_id: str | None
    body: bytes

    @property
    def import_id(self) -> str:
        """The name of the import: the same for the same content, user and session."""
        scope = "\x00".join((self.user.tenant_id, self.user.user_id, self.session_id or ""))
        return hashlib.sha256(scope.encode() + b"\x00" + self.body).hexdigest()[:32]

    def read(self, settings: Settings) -> Iterator[ImportLine | LineProblem]:
        """Yield the turn of each line, or the problem of an invalid line. Lines of other users are invalid."""
        defaults = LineDefaults(tenant_id=self.user.tenant_id, user_id=self.user.user_id, session_id=self.session_id)
        reader = LineReader(
            defaults, limit_bytes=settings.turn_limit_bytes, future_seconds=settings.future_limit_seconds
        )
        for line in reader.read_lines(_split_lines(self.body)):
            if isinstance(line, ImportLine) and line.session.user != self.user:
                message = "the line has another user or tenant than the address of the upload"
                yield LineProblem(number=line.number, code="other_user", message=message)
            else:
                yield line


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadChecks:
    """The result of checking all lines."""

    turns: int
    invalid: int
    #: The first invalid lines.
    problems: tuple[LineProblem, ...]


#: The largest number of invalid lines that are described.
PROBLEMS_SHOWN = 20


def check(upload: Upload, settings: Settings) -> UploadChecks:
    """Check every line. Nothing is written."""
    turns, invalid, problems = 0, 0, list[LineProblem]()
    for line in upload.read(settings):
        if isinstance(line, ImportLine):
            turns += 1
            continue
        invalid += 1
        if len(problems) < PROBLEMS_SHOWN:
            problems.append(line)
    return UploadChecks(turns=turns, invalid=invalid, problems=tuple(problems))


def run(upload: Upload, settings: Settings, checks: UploadChecks, stop: threading.Event) -> ImportStatus:
    """Write the valid lines and return the last status. It waits for the archive, so it may take minutes.

    Args:
        upload: the file.
        settings: the servers and the limits.
        checks: what `check` returned.
        stop: set by another thread to interrupt it.
    """
    status = ImportStatus(state="running", total=checks.turns, skipped=checks.invalid)
    seconds = settings.redis_timeout_seconds
    with redis_url.open_client(settings.redis_url, socket_timeout=seconds, socket_connect_timeout=seconds) as client:
        try:
            with worker_connection(settings) as connection:
                importer = Importer(settings, client, connection)
                for latest in _write(importer, upload, settings, status, stop):
                    status = latest
                    _store(client, upload, status)
        except AfterturnError as error:
            status = replace(status, state="failed", error=error.code)
        _store_last(client, upload, status)
    return status


def _write(
    importer: Importer,
    upload: Upload,
    settings: Settings,
    status: ImportStatus,
    stop: threading.Event,
) -> Iterator[ImportStatus]:
    """Write the lines. Yields the status at most once per STATUS_SECONDS, and at the end."""
    lines: Iterable[ImportLine] = (line for line in upload.read(settings) if isinstance(line, ImportLine))
    shown_at = float("-inf")
    for progress in importer.write_lines(lines):
        status = _with_progress(status, progress)
        if stop.is_set():
            yield replace(status, state="interrupted")
            return
        if time.monotonic() - shown_at >= STATUS_SECONDS:
            shown_at = time.monotonic()
            yield status
    yield replace(status, state="completed")


def _with_progress(status: ImportStatus, progress: ImportProgress) -> ImportStatus:
    return replace(
        status,
        written=progress.written,
        already_archived=progress.already_archived,
        conflicting=progress.conflicting,
    )


def begin(client: redis.Redis, upload: Upload, checks: UploadChecks) -> bool:
    """Store that an import runs. Return False if it runs already. Raises MemoryUnavailable."""
    status = ImportStatus(state="running", total=checks.turns, skipped=checks.invalid)
    key, name = keys.import_status(upload.user, upload.import_id), keys.import_claim(upload.user, upload.import_id)
    try:
        if not client.set(name, 1, nx=True, ex=int(STALE_SECONDS)):
            return False
        client.hset(key, mapping=_encode(status))
        client.expire(key, keys.IMPORT_STATUS_SECONDS)
    except RedisError as error:
        raise MemoryUnavailable(f"Redis (AFTERTURN_REDIS_URL) failed: {type(error).__name__}") from error
    return True


def renew(client: redis.Redis, upload: Upload) -> None:
    """Renew the claim of an import that waits to be run. Raises MemoryUnavailable."""
    try:
        client.set(keys.import_claim(upload.user, upload.import_id), 1, ex=int(STALE_SECONDS))
    except RedisError as error:
        raise MemoryUnavailable(f"Redis (AFTERTURN_REDIS_URL) failed: {type(error).__name__}") from error


def read_status(user: UserScope, import_id: str) -> RedisSteps[ImportStatus | None]:
    """Return the status of an import of a user; None if there is none, or if it was a day ago."""
    fields, is_alive = yield [
        ("HGETALL", keys.import_status(user, import_id)),
        ("EXISTS", keys.import_claim(user, import_id)),
    ]
    if not fields:
        return None
    status = _decode(fields)
    return replace(status, state="interrupted") if status.state == "running" and not is_alive else status


def _store(client: redis.Redis, upload: Upload, status: ImportStatus) -> None:
    key = keys.import_status(upload.user, upload.import_id)
    try:
        with client.pipeline() as pipeline:
            pipeline.hset(key, mapping=_encode(status))
            pipeline.expire(key, keys.IMPORT_STATUS_SECONDS)
            pipeline.set(keys.import_claim(upload.user, upload.import_id), 1, ex=int(STALE_SECONDS))
            pipeline.execute()
    except RedisError as error:
        raise MemoryUnavailable(f"Redis (AFTERTURN_REDIS_URL) failed: {type(error).__name__}") from error


def _store_last(client: redis.Redis, upload: Upload, status: ImportStatus) -> None:
    """Store the last status, and end the claim. If Redis is away, the claim lapses."""
    try:
        _store(client, upload, status)
        client.delete(keys.import_claim(upload.user, upload.import_id))
    except (MemoryUnavailable, RedisError):
        return


def _encode(status: ImportStatus) -> dict[str | bytes, bytes | float | int | str]:
    return {name: "" if value is None else value for name, value in asdict(status).items()}


def _decode(fields: Any) -> ImportStatus:
    pairs = fields if isinstance(fields, dict) else dict(zip(fields[::2], fields[1::2], strict=True))
    values = {name.decode(): value.decode() for name, value in pairs.items()}
    numbers = {name: int(values[name]) for name in ("total", "written", "already_archived", "conflicting", "skipped")}
    return ImportStatus(state=values["state"], error=values["error"] or None, **numbers)


def _split_lines(body: bytes) -> Iterator[bytes]:
    """Yield the lines of a body without a copy of the whole."""
    start = 0
    while start < len(body):
        end = body.find(b"\n", start)
        end = len(body) if end < 0 else end + 1
        yield body[start:end]
        start = end
