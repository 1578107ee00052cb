"""Pools that immediately raise the reason when they cannot connect.

psycopg's own pools connect in the background: callers wait until their timeout, and only the log has the reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout
from psycopg_pool.base import AttemptWithBackoff
from psycopg_pool.pool_async import StopWorker

from afterturn.database.availability import RETRY_TIMEOUT_SECONDS, Availability
from afterturn.database.connect_errors import ConnectFailed
from afterturn.database.deadlines import apply_deadline

#: The pause of a patient pool before it tries the server again.
_PAUSE_SECONDS = 0.1

#: How long a pool that is closed waits for a connection that is being opened.
_FINISH_SECONDS = 1.0
#: How often a pool's tasks are cancelled, and the time between: psycopg ignores a cancellation while it connects.
_CANCELLATIONS = 3
_CANCEL_SECONDS = 0.5

Connection = psycopg.Connection[DictRow]
AsyncConnection = psycopg.AsyncConnection[DictRow]


class PromptPool(ConnectionPool[Connection]):
    """A pool that raises the reason to its callers when no connection can be opened."""

    def __init__(
        self,
        connection_string: str,
        *,
        availability: Availability,
        configure: Callable[[Connection], None],
        patience_seconds: float = 0.0,
        **options: Any,
    ) -> None:
        """Create the pool.

        Args:
            connection_string: the database.
            availability: the availability of this database, shared by the process.
            configure: prepares a new connection.
            patience_seconds: how long callers wait for an unavailable server, counted from its failure. 0: not at all.
            options: the options of psycopg's pool.
        """
        self.availability = availability
        self._prepare = configure
        self._patience_seconds = patience_seconds
        self._failure: BaseException | None = None
        super().__init__(connection_string, reconnect_timeout=0, **options)

    def getconn(self, timeout: float | None = None) -> Connection:
        """Return a connection. Raises ConnectFailed if none can be opened, PoolTimeout if all are in use."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            try:
                return self._get_open_connection(deadline)
            except ConnectFailed:
                if not _may_wait(self.availability, self._patience_seconds, deadline):
                    raise
                time.sleep(_PAUSE_SECONDS)

    def _get_open_connection(self, deadline: float) -> Connection:
        is_retry = self.availability.admit_caller()
        while True:
            connection = self._take_connection(_seconds_to_wait(deadline, is_retry))
            if not is_retry and not _has_unread_data(connection):
                return connection
            try:
                with apply_deadline(connection, time.monotonic() + RETRY_TIMEOUT_SECONDS):
                    connection.execute("")
                self.availability.record_success()
                return connection
            except psycopg.OperationalError:
                # The server has closed it. psycopg replaces it when it is put back.
                connection.close()
                self.putconn(connection)

    def _take_connection(self, timeout: float) -> Connection:
        try:
            return super().getconn(timeout)
        except PoolTimeout as error:
            if _has_none_open(self):
                self.availability.record_failure(error)
            raise

    def reconnect_failed(self) -> None:
        """Raise the error in all waiting callers, unless a connection in use will be returned to the pool."""
        with self._lock:
            if self._nconns > 0:
                return
            waiting = list(self._waiting)
            self._waiting.clear()
        failure = _note_failure(self.availability, self._failure)
        for caller in waiting:
            caller.fail(failure)

    def _add_connection(self, attempt: AttemptWithBackoff | None, growing: bool = False) -> None:
        super()._add_connection(_single_attempt(), growing)

    def _connect(self, timeout: float | None = None) -> Connection:
        try:
            connection = super()._connect(timeout)
            with _closing_on_error(connection):
                self._prepare(connection)
        except Exception as error:
            self._failure = error
            raise
        self._failure = None
        self.availability.record_success()
        return connection


class AsyncPromptPool(AsyncConnectionPool[AsyncConnection]):
    """The same for asyncio. See `PromptPool`."""

    def __init__(
        self,
        connection_string: str,
        *,
        availability: Availability,
        configure: Callable[[AsyncConnection], Awaitable[None]],
        **options: Any,
    ) -> None:
        self.availability = availability
        self._prepare = configure
        self._failure: BaseException | None = None
        super().__init__(connection_string, reconnect_timeout=0, **options)

    async def getconn(self, timeout: float | None = None) -> AsyncConnection:
        """Return a connection. Raises ConnectFailed if none can be opened, PoolTimeout if all are in use."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        is_retry = self.availability.admit_caller()
        while True:
            connection = await self._take_connection(_seconds_to_wait(deadline, is_retry))
            if not is_retry and not _has_unread_data(connection):
                return connection
            try:
                with apply_deadline(connection, time.monotonic() + RETRY_TIMEOUT_SECONDS):
                    await connection.execute("")
                self.availability.record_success()
                return connection
            except psycopg.OperationalError:
                await connection.close()
                await self.putconn(connection)
            except asyncio.CancelledError:
                await self.putconn(connection)
                raise

    async def _take_connection(self, timeout: float) -> AsyncConnection:
        try:
            return await super().getconn(timeout)
        except PoolTimeout as error:
            if _has_none_open(self):
                self.availability.record_failure(error)
            raise

    def abandon(self) -> None:
        """Close the free connections after the event loop was closed, and discard the pool's tasks without warnings."""
        self._close_free_connections()
        for task in self._own_tasks():
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # an attribute of all tasks of asyncio
            with contextlib.suppress(RuntimeError):
                task.get_coro().close()

    def _close_free_connections(self) -> None:
        while self._pool:
            self._pool.popleft().pgconn.finish()

    async def open(self, wait: bool = False, timeout: float = 30.0) -> None:
        """Open the pool. Its own tasks are not among those that `asyncio.run` cancels at its end: `close` ends them.

        psycopg's tasks may treat a cancellation as a failure to connect, and continue: `asyncio.run` would never end.
        """
        await super().open(wait, timeout)
        for task in self._own_tasks():
            asyncio._unregister_task(task)

    async def close(self, timeout: float = 5.0) -> None:
        """End the pool's own tasks and close the connections."""
        tasks = self._own_tasks()
        for _ in self._workers:
            self.run_task(StopWorker(self))
        if self._sched_runner is not None:
            self._sched_runner.cancel()
        self._workers, self._sched_runner = [], None
        if tasks:
            # A connection that is being opened is closed below. A task that is cancelled meanwhile would lose it.
            _, pending = await asyncio.wait(tasks, timeout=_FINISH_SECONDS)
            tasks = list(pending)
        for _ in range(_CANCELLATIONS):
            if tasks:
                for task in tasks:
                    task.cancel()
                _, pending = await asyncio.wait(tasks, timeout=_CANCEL_SECONDS)
                tasks = list(pending)
        self._close_free_connections()
        await super().close(timeout)

    def _own_tasks(self) -> list[asyncio.Task[None]]:
        return [task for task in (*self._workers, self._sched_runner) if task is not None]

    async def reconnect_failed(self) -> None:
        """Raise the error in all waiting callers, unless a connection in use will be returned to the pool."""
        async with self._lock:
            if self._nconns > 0:
                return
            waiting = list(self._waiting)
            self._waiting.clear()
        failure = _note_failure(self.availability, self._failure)
        for caller in waiting:
            await caller.fail(failure)

    async def _add_connection(self, attempt: AttemptWithBackoff | None, growing: bool = False) -> None:
        await super()._add_connection(_single_attempt(), growing)

    async def _connect(self, timeout: float | None = None) -> AsyncConnection:
        try:
            connection = await super()._connect(timeout)
            with _closing_on_error(connection):
                await self._prepare(connection)
        except Exception as error:
            self._failure = error
            raise
        self._failure = None
        self.availability.record_success()
        return connection


@contextmanager
def _closing_on_error(connection: psycopg.BaseConnection[DictRow]) -> Iterator[None]:
    """Close a new connection if it cannot be prepared, also if the event loop ends during the preparation."""
    try:
        yield
    except BaseException:
        connection.pgconn.finish()
        raise


def _note_failure(availability: Availability, failure: BaseException | None) -> ConnectFailed:
    """Remember why no connection was opened, and return the error for the callers.

    Without a failure the attempt was cancelled, and the state of the server is not known.
    """
    if failure is not None:
        availability.record_failure(failure)
    return availability.make_error(failure or psycopg.OperationalError("no connection"))


def _single_attempt() -> AttemptWithBackoff:
    """Return a connection attempt that the pool does not repeat. Callers try again when `Availability` allows it."""
    attempt = AttemptWithBackoff(timeout=0.0)
    attempt.give_up_at = time.monotonic()
    return attempt


def _has_none_open(pool: PromptPool | AsyncPromptPool) -> bool:
    """Return whether the pool waits for its first connection: then the host does not answer at all."""
    return pool._growing and pool._nconns == 1


def _seconds_to_wait(deadline: float, is_retry: bool) -> float:
    seconds = deadline - time.monotonic()
    return min(seconds, RETRY_TIMEOUT_SECONDS) if is_retry else seconds


def _may_wait(availability: Availability, patience_seconds: float, deadline: float) -> bool:
    return availability.away_seconds < patience_seconds and time.monotonic() + _PAUSE_SECONDS < deadline


def _has_unread_data(connection: psycopg.BaseConnection[DictRow]) -> bool:
    """Return whether the server has closed an idle connection, or sent something. An open one needs no round trip.

    The socket of a closed connection is readable. The socket of an idle connection is not, except for notices.
    """
    try:
        socket = select.poll()
        socket.register(connection.pgconn.socket, select.POLLIN)
    except psycopg.OperationalError:
        return True
    return bool(socket.poll(0))
