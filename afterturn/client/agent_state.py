"""What `memory.state`, `memory.lock` and `memory.checkpoint` are. Each call runs a plan (`plans/`).

async_agent_state.py is generated from this file. Run `make client` after each change.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from afterturn.client import plans
from afterturn.client.driver import Driver
from afterturn.client.session import ClientSession
from afterturn.errors import StaleFence
from afterturn.state import documents
from afterturn.state.documents import StateEntry, StateScope, Versioned
from afterturn.state.steps import Step

#: How often `update` tries by default. More: it waits longer among very many writers. Fewer: it fails among them.
UPDATE_ATTEMPTS = 100


class State:
    """Versioned JSON documents of the client's user, session or agent.

    A document has a key: an id of 1 to 200 characters. Its version is 1 at first, and grows with each change, deletions
    included. A put that returns is not lost: Redis and Postgres have it, or Redis alone while Postgres is unavailable.
    """

    def __init__(self, session: ClientSession, driver: Driver) -> None:
        self._session = session
        self._driver = driver

    def get(self, key: str, *, scope: StateScope = "user") -> Versioned:
        """Return the value of a document and its version: `value, version = memory.state.get("plan")`.

        (None, 0) if there is no document. If Postgres is unavailable, documents that Redis has are returned.

        Args:
            key: the name of the document.
            scope: what it belongs to: the user, this session of the user, or the client's agent with this user.

        Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(plans.state.get(self._session, self._name(key, scope)))

    def put(
        self,
        key: str,
        value: Any,
        *,
        expected: int | None = None,
        fence: int | Lock | None = None,
        ttl_seconds: float | None = None,
        scope: StateScope = "user",
    ) -> int:
        """Write a document and return its new version.

        Args:
            key: the name of the document.
            value: a JSON value of up to 4 MiB as text. It comes back as it is: NUL, lone surrogates, integers of any
                size and floats such as 2.0 are kept. NaN and keys that are no strings are refused.
            expected: the version that the document must have; 0: there must be none. Default: any.
            fence: a lock, or its fence: nothing is written if the lock was lost.
            ttl_seconds: the document expires after this time. Default: never. Each put sets it anew.
            scope: what the document belongs to, see `get`.

        Raises ConcurrencyError if the document has another version, StaleFence, InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(
            plans.state.put(
                self._session,
                self._name(key, scope),
                documents.encode(value),
                expected=expected,
                ttl_seconds=ttl_seconds,
                fence=_fence_of(fence),
            )
        )

    def update(
        self,
        key: str,
        change: Callable[[Any], Any],
        *,
        attempts: int = UPDATE_ATTEMPTS,
        fence: int | Lock | None = None,
        ttl_seconds: float | None = None,
        scope: StateScope = "user",
    ) -> Versioned:
        """Change a document, and return the new value and version. No change of another caller is lost.

        Args:
            key: the name of the document.
            change: gets the value (None if there is no document) and returns the new one. If somebody else changed the
                document meanwhile, it is called again with their value.
            attempts: the largest number of calls of `change`.
            fence: a lock, or its fence, see `put`.
            ttl_seconds: the document expires after this time. Default: never.
            scope: what the document belongs to, see `get`.

        Raises ConcurrencyError if somebody else was faster each time, StaleFence, InvalidInput, MemoryUnavailable, or
        what `change` raises.
        """
        return self._driver.run(
            plans.state.update(
                self._session,
                self._name(key, scope),
                change,
                attempts=attempts,
                ttl_seconds=ttl_seconds,
                fence=_fence_of(fence),
            )
        )

    def delete(
        self,
        key: str,
        *,
        expected: int | None = None,
        fence: int | Lock | None = None,
        scope: StateScope = "user",
    ) -> bool:
        """Delete a document, and return whether there was one. A later document of the key has a larger version.

        Args:
            key: the name of the document.
            expected: the version that it must have. Default: any.
            fence: a lock, or its fence, see `put`.
            scope: what it belongs to, see `get`.

        Raises ConcurrencyError if the document has another version, StaleFence, InvalidInput or MemoryUnavailable.
        """
        name = self._name(key, scope)
        return bool(
            self._driver.run(plans.state.put(self._session, name, None, expected=expected, fence=_fence_of(fence)))
        )

    def list(
        self, *, prefix: str = "", limit: int = 100, cursor: str | None = None, scope: StateScope = "user"
    ) -> list[StateEntry]:
        """Return the documents by key, without their values. Fewer than `limit` are returned if no others follow.

        Args:
            prefix: only documents whose keys begin with this.
            limit: the largest number of documents, 1 to 1,000.
            cursor: the `cursor` of the last document of the previous page. All other arguments must be the same.
            scope: what the documents belong to, see `get`.

        Raises InvalidInput or MemoryUnavailable.
        """
        return self._driver.run(
            plans.state.list_documents(self._session, scope=scope, prefix=prefix, limit=limit, cursor=cursor)
        )

    def _name(self, key: str, scope: StateScope) -> documents.DocumentName:
        return documents.make_name(self._session.scope, self._session.agent_id, scope, key)


class Lock:
    """A lock of the client's user, by name: `with memory.lock("plan") as lock: ...`.

    Its holder may be paused for longer than its lease, and then somebody else has the lock. So pass the lock to each
    write that it protects: `memory.state.put("plan", value, fence=lock)` writes nothing if the lock was lost.
    Other systems can compare `lock.fence`: each holder has a larger one than all before.
    """

    def __init__(
        self,
        session: ClientSession,
        driver: Driver,
        name: str,
        lease_seconds: float,
        wait_seconds: float,
        fence: int | None,
    ) -> None:
        self._session = session
        self._driver = driver
        self._name = plans.locks.validate(name, lease_seconds, wait_seconds)
        self._lease_seconds = lease_seconds
        self._wait_seconds = wait_seconds
        self._fence = documents.validate_fence(fence)

    @property
    def fence(self) -> int:
        """The fence of the lock that is held. Raises StaleFence if it is not."""
        if self._fence is None:
            raise StaleFence("the lock is not held")
        return self._fence

    def acquire(self) -> int:
        """Take the lock and return its fence. Raises LockBusy or MemoryUnavailable."""
        self._fence = self._driver.run(
            plans.locks.take(
                self._session, self._name, lease_seconds=self._lease_seconds, wait_seconds=self._wait_seconds
            )
        )
        return self._fence

    def renew(self) -> None:
        """Begin the lease anew. Raises StaleFence if the lock is lost, or MemoryUnavailable."""
        self._driver.run(
            plans.locks.keep(self._session, self._name, fence=self.fence, lease_seconds=self._lease_seconds)
        )

    def release(self) -> bool:
        """Leave the lock. Returns False if it was lost before. Raises MemoryUnavailable."""
        fence, self._fence = self.fence, None
        return self._driver.run(plans.locks.leave(self._session, self._name, fence=fence))

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._fence is not None:
            self.release()


class Checkpoint:
    """The steps of a task that are completed. A task that is run again continues after them.

    A step whose process dies while it runs is run again: make its effects repeatable, for example by an id made of the
    task's and the step's.
    """

    def __init__(self, session: ClientSession, driver: Driver, task_id: str, fence: int | Lock | None) -> None:
        self._session = session
        self._driver = driver
        self._document = plans.checkpoints.make_name(task_id)
        self._fence = fence

    def step(self, name: str, function: Callable[[], Any]) -> Any:
        """Return the result of a step: the stored one if it is completed, else that of calling `function`.

        Args:
            name: the name of the step, unique in its task.
            function: does the work, and returns a JSON value.
                What it raises is stored with the step and raised; the next call of the step runs it again.

        Raises InvalidInput, StaleFence, MemoryUnavailable, or what `function` raises.
        """
        return self._driver.run(
            plans.checkpoints.run_step(self._session, self._document, name, function, _fence_of(self._fence))
        )

    def steps(self) -> list[Step]:
        """Return the steps that were begun, in order, with their results and errors. Raises MemoryUnavailable."""
        return self._driver.run(plans.checkpoints.read(self._session, self._document))

    def clear(self) -> None:
        """Forget all steps: the task begins anew. Raises StaleFence or MemoryUnavailable."""
        self._driver.run(plans.state.put(self._session, self._document, None, fence=_fence_of(self._fence)))


def _fence_of(fence: int | Lock | None) -> int | None:
    return fence.fence if isinstance(fence, Lock) else documents.validate_fence(fence)
