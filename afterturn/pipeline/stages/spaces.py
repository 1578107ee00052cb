"""Spaces: bring the vectors of users up to date with the embedding spaces, after one was added or retired.

Each task works for some seconds: on the user that its message names, then on others that lag behind. What it has done
is in the table `vectors`, so that a killed task loses one call at the most.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from afterturn import faults
from afterturn.batches import leases
from afterturn.batches.leases import Lease
from afterturn.cold.reading import ColdTexts
from afterturn.database import queries
from afterturn.embedding import items, missing_vectors, space_items, switching
from afterturn.embedding.isolation import Outcome, Refusal
from afterturn.embedding.space_items import ItemName, SourcedItem
from afterturn.embedding.spaces import EmbeddingSpace
from afterturn.embedding.switching import SpaceRow
from afterturn.errors import ModelError
from afterturn.pipeline import vectors_lease
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope

_SQL = queries.load("spaces")

#: How long a task goes on. Longer: live batches wait longer for a thread. Shorter: more messages.
TASK_SECONDS = 10.0
#: Items that one statement looks at.
PAGE_ITEMS = 1_000
#: Texts of one call, which are stored in one transaction. More: a killed worker loses more. Fewer: more round trips.
TEXTS_PER_CALL = 64
#: Vectors that one transaction deletes.
VECTORS_PER_DELETE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owed:
    """A user whose vectors lag behind."""

    scope: UserScope
    lease: Lease
    #: The user's number before the work.
    before: int
    #: Whether no batch of the user is being embedded by a worker that may not know all spaces.
    is_quiet: bool
    spaces: list[SpaceRow]

    @property
    def generation(self) -> int:
        return max(row.generation for row in self.spaces)


def claim_owed(runtime: Runtime, *, limit: int) -> list[UserScope]:
    """Return users whose vectors lag behind, and mark them as handed out. Serves a space that is built."""
    with runtime.postgres.connection() as connection:
        switching.advance(connection)
        # The rest of the threads are for live turns.
        window = max(1, runtime.settings.slow_concurrency // 2)
        arguments = {"hint_seconds": runtime.settings.hint_seconds, "window": window, "limit": limit}
        rows = connection.execute(_SQL["claim_owed"], arguments).fetchall()
    return [UserScope(row["tenant_id"], row["user_id"]) for row in rows]


def update_vectors(runtime: Runtime, scope: UserScope) -> bool:
    """Bring the vectors of a user, then of others, up to date. Returns whether there was work."""
    deadline = time.monotonic() + TASK_SECONDS
    is_done = _update_user(runtime, scope, deadline)
    goes_on = is_done
    while goes_on and time.monotonic() < deadline:
        users = claim_owed(runtime, limit=1)
        goes_on = bool(users) and _update_user(runtime, users[0], deadline)
    return is_done


def _update_user(runtime: Runtime, scope: UserScope, deadline: float) -> bool:
    """Work on one user, until the deadline. Returns False if there is nothing to do, or if the embedder fails."""
    owed = _claim(runtime, scope)
    if owed is None:
        return False
    # If it fails, the user's row still says that the vectors lag behind: the sweep finds it again.
    with vectors_lease.released(runtime, owed.lease, f"the vectors of {scope}") as ending:
        _Work(runtime, owed, deadline).run()
    return not ending.must_wait


def _claim(runtime: Runtime, scope: UserScope) -> _Owed | None:
    with runtime.postgres.connection() as connection:
        if connection.execute(_SQL["owed_of_user"], scope.key).fetchone() is None:
            return None
        lease = vectors_lease.claim(runtime, connection, scope)
        if lease is None:
            return None
        # The spaces first: what they are then, or become later, every batch that is claimed from here on knows.
        known = switching.read_rows(connection)
        row = connection.execute(_SQL["owed_of_user"], scope.key).fetchone()
        if row is None:
            leases.try_release(connection, lease)
            runtime.leases.forget(lease)
            return None
    faults.point("spaces.after_claim")
    return _Owed(scope=scope, lease=lease, before=row["generation"], is_quiet=row["is_quiet"], spaces=known)


class _Work:
    """The work on one user, until a deadline."""

    def __init__(self, runtime: Runtime, owed: _Owed, deadline: float) -> None:
        self._runtime = runtime
        self._owed = owed
        self._scope = owed.scope
        self._deadline = deadline

    def run(self) -> None:
        """Embed what is missing, delete what is dropped, and mark the user as up to date."""
        for target, source in self._pairs():
            if not self._embed_missing(target, source):
                with self._runtime.postgres.connection() as connection:
                    connection.execute(_SQL["hand_out_again"], self._scope.key)
                return
        self._delete_dropped()
        if self._owed.is_quiet:
            self._complete()

    def _pairs(self) -> Iterator[tuple[EmbeddingSpace, EmbeddingSpace]]:
        """Yield each space that is in use, with each other one that may have vectors of items that it lacks."""
        rows = self._owed.spaces
        for target, source in itertools.permutations(rows, 2):
            if target.space.state != "retired" and source.has_vectors and not source.space.is_building:
                yield target.space, source.space

    def _embed_missing(self, target: EmbeddingSpace, source: EmbeddingSpace) -> bool:
        """Embed what one space has and another lacks. Returns False if the time was over before."""
        after: ItemName | None = space_items.START
        while after is not None:
            with self._runtime.postgres.connection() as connection:
                page = space_items.read_page(
                    connection,
                    self._scope,
                    source=source.space_id,
                    target=target.space_id,
                    after=after,
                    limit=PAGE_ITEMS,
                )
            for start in range(0, len(page.missing), TEXTS_PER_CALL):
                if time.monotonic() > self._deadline:
                    return False
                self._embed(target, source, page.missing[start : start + TEXTS_PER_CALL])
            after = page.last
        return True

    def _embed(self, target: EmbeddingSpace, source: EmbeddingSpace, names: Sequence[ItemName]) -> None:
        with self._runtime.postgres.connection() as connection:
            texts = space_items.read_cold_texts(
                connection, self._scope, names, source=source.space_id, cold_url=self._runtime.settings.cold_url
            )
            found = space_items.read_items(connection, self._scope, names, source=source.space_id, texts=texts)
        if not found:
            return
        try:
            outcomes = self._runtime.embed_each(target, [sourced.item.text for sourced in found])
        except ModelError as error:
            self._note_problem(target, error)
            raise
        faults.point("spaces.vectors_received")
        self._store(target, source, dict(zip(found, outcomes, strict=True)), texts)

    def _note_problem(self, target: EmbeddingSpace, error: ModelError) -> None:
        with self._runtime.postgres.connection() as connection:
            arguments = {"space_id": target.space_id, "problem": f"{error.code}: {error}"}
            connection.execute(_SQL["note_problem"], arguments)

    def _store(
        self,
        target: EmbeddingSpace,
        source: EmbeddingSpace,
        outcomes: dict[SourcedItem, Outcome],
        texts: ColdTexts,
    ) -> None:
        """Store the vectors of what is still there with the same text: some may have been taken back meanwhile."""
        with self._runtime.postgres.connection() as connection, connection.transaction():
            connection.execute(_SQL["lock_user"], self._scope.key)
            leases.fence(connection, self._owed.lease)
            names = [sourced.name for sourced in outcomes]
            found = space_items.read_items(connection, self._scope, names, source=source.space_id, texts=texts)
            unchanged = set(found)
            embedded = [
                (sourced.item, outcome)
                for sourced, outcome in outcomes.items()
                if sourced in unchanged and not isinstance(outcome, Refusal)
            ]
            items.store_vectors(connection, self._scope, target, embedded)
            for sourced, outcome in outcomes.items():
                if sourced in unchanged and isinstance(outcome, Refusal):
                    refused = [(sourced.item, outcome)]
                    missing_vectors.add(connection, sourced.session, sourced.batch_id, target, refused)
            connection.execute(_SQL["clear_problem"], {"space_id": target.space_id})
            faults.point("spaces.vectors_stored")

    def _delete_dropped(self) -> None:
        """Delete the user's vectors of spaces that are dropped, some at a time."""
        deleted = VECTORS_PER_DELETE
        while deleted == VECTORS_PER_DELETE:
            with self._runtime.postgres.connection() as connection, connection.transaction():
                leases.fence(connection, self._owed.lease)
                arguments = self._scope.key | {"limit": VECTORS_PER_DELETE}
                deleted = connection.execute(_SQL["delete_vectors"], arguments).rowcount
                connection.execute(_SQL["delete_missing"], self._scope.key)
            faults.point("spaces.vectors_deleted")

    def _complete(self) -> None:
        arguments = {"generation": self._owed.generation, "before": self._owed.before}
        with self._runtime.postgres.connection() as connection, connection.transaction():
            connection.execute(_SQL["lock_user"], self._scope.key)
            leases.fence(connection, self._owed.lease)
            connection.execute(_SQL["complete_user"], self._scope.key | arguments)
            faults.point("spaces.before_commit")
