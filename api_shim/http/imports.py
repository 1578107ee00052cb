"""The routes that upload old conversations. An import runs in this process; its status is in Redis."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from afterturn.client import connections
from afterturn.errors import InvalidInput, MemoryUnavailable
from afterturn.hot import commands, redis_url
from afterturn.importing import uploads
from afterturn.importing.uploads import Upload, UploadChecks
from afterturn.scopes import UserScope
from afterturn.settings import Settings
from api_shim.http.principal import CallerPrincipal, UserId, UserReader, UserWriter
from api_shim.http.routes import make_router

logger = logging.getLogger(__name__)

router = make_router("/v1/users/{user_id:id}/imports")

#: Imports of one process at a time. More: more threads and connections to Postgres; the archive is no faster.
RUNNING_LIMIT = 2
#: Imports of one process that run or wait. More: more uploads in its memory.
STARTED_LIMIT = 8
_PROBLEMS_NAMED = 10


class ImportOut(BaseModel):
    """How far an import is, in turns."""

    import_id: str = Field(description="the name of the import; the same upload has the same name")
    state: Literal["running", "completed", "interrupted", "failed"] = Field(
        description="interrupted and failed: upload the same file again to continue"
    )
    total: int = Field(description="the number of valid lines")
    written: int
    already_archived: int = Field(description="turns that were archived before")
    conflicting: int = Field(description="turns with the id of a turn that has other content; they are not written")
    skipped: int = Field(description="invalid lines that were left out")
    error: str | None = Field(description="the code of the error that ended it")


def _find_owner(caller: CallerPrincipal, user_id: UserId) -> UserScope:
    return UserScope(caller.tenant_id, user_id)


#: Whose memory it is. Use it beside UserReader or UserWriter, which check the caller's rights.
Owner = Annotated[UserScope, Depends(_find_owner)]


class RunningImports:
    """The imports that this process runs."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = threading.Event()
        self._slots = asyncio.Semaphore(RUNNING_LIMIT)

    def require_room(self) -> None:
        """Raise MemoryUnavailable if too many imports run or wait."""
        if len(self._tasks) >= STARTED_LIMIT:
            raise MemoryUnavailable(f"{STARTED_LIMIT} imports run or wait in this process: try again later")

    def start(self, upload: Upload, settings: Settings, checks: UploadChecks) -> None:
        """Run an import in a thread, when one of the slots is free."""
        task = asyncio.create_task(self._run(upload, settings, checks))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Interrupt all imports, and wait for them."""
        self._stop.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, upload: Upload, settings: Settings, checks: UploadChecks) -> None:
        await self._wait_for_slot(upload, settings)
        try:
            if not self._stop.is_set():
                status = await asyncio.to_thread(uploads.run, upload, settings, checks, self._stop)
                logger.info("an import is %s: %d of %d turns written", status.state, status.written, status.total)
        except Exception:
            logger.exception("an import failed")
        finally:
            self._slots.release()

    async def _wait_for_slot(self, upload: Upload, settings: Settings) -> None:
        """Wait for a slot. Meanwhile the claim on the import is renewed."""
        while True:
            try:
                await asyncio.wait_for(self._slots.acquire(), uploads.STALE_SECONDS / 3)
                return
            except TimeoutError:
                with contextlib.suppress(MemoryUnavailable):
                    await asyncio.to_thread(_renew, upload, settings)


def prepare(app: FastAPI) -> None:
    """Give the app a place for running imports. Call it in the running event loop."""
    app.state.running_imports = RunningImports()


@router.post(
    "",
    operation_id="import_turns",
    status_code=202,
    summary="Import old conversations",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        }
    },
)
async def upload(
    _: UserWriter,
    owner: Owner,
    request: Request,
    response: Response,
    session_id: Annotated[str | None, Query(description="the session of lines without a session")] = None,
    skip_invalid: Annotated[bool, Query(description="import the valid lines even if others are invalid")] = False,
) -> ImportOut:
    """Upload JSON Lines: one turn per line, with role, content and at. Every line is checked before one is written.

    Imported turns are processed after live ones. The same upload again continues an interrupted import, and imports no
    turn twice.
    """
    settings: Settings = request.app.state.settings
    file = Upload(user=owner, session_id=session_id, body=await request.body())
    checks = await asyncio.to_thread(uploads.check, file, settings)
    if checks.invalid and not skip_invalid:
        raise InvalidInput(_describe(checks))
    running: RunningImports = request.app.state.running_imports
    running.require_room()
    if await asyncio.to_thread(_begin, file, settings, checks):
        running.start(file, settings, checks)
    response.headers["Location"] = f"imports/{file.import_id}"
    return await _read(owner, settings, file.import_id)


@router.get("/{import_id:id}", operation_id="get_import", summary="Get the status of an import")
async def status(
    _: UserReader,
    owner: Owner,
    request: Request,
    import_id: Annotated[str, Path(description="the name of the import")],
) -> ImportOut:
    """Return how far an import is. It can be read for a day."""
    return await _read(owner, request.app.state.settings, import_id)


async def _read(owner: UserScope, settings: Settings, import_id: str) -> ImportOut:
    client = connections.get_async_connections(settings).redis
    try:
        found = await commands.run_async(client, uploads.read_status(owner, import_id))
    except RedisError as error:
        raise MemoryUnavailable(f"Redis (AFTERTURN_REDIS_URL) failed: {type(error).__name__}") from error
    if found is None:
        raise HTTPException(404, "this user has no import with this id, or it ended more than a day ago")
    return ImportOut(import_id=import_id, **asdict(found))


def _begin(file: Upload, settings: Settings, checks: UploadChecks) -> bool:
    seconds = settings.redis_timeout_seconds
    with redis_url.open_client(settings.redis_url, socket_timeout=seconds, socket_connect_timeout=seconds) as client:
        return uploads.begin(client, file, checks)


def _renew(file: Upload, settings: Settings) -> None:
    seconds = settings.redis_timeout_seconds
    with redis_url.open_client(settings.redis_url, socket_timeout=seconds, socket_connect_timeout=seconds) as client:
        uploads.renew(client, file)


def _describe(checks: UploadChecks) -> str:
    named = [f"line {line.number}: [{line.code}] {line.message}" for line in checks.problems[:_PROBLEMS_NAMED]]
    if checks.invalid > len(named):
        named.append(f"and {checks.invalid - len(named)} more invalid lines")
    return f"nothing was imported: {'; '.join(named)}"
