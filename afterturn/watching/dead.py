"""Read dead letters for operators: batches with their turns, entries, texts without a vector, failed summaries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from afterturn.batches import batch_row
from afterturn.database import queries
from afterturn.database.statement import Row, Statement, Steps
from afterturn.database.steps import read_rows
from afterturn.pipeline.dead_letters import Targets, unknown_batches
from afterturn.scopes import UserScope
from afterturn.turns import Turn

_SQL = queries.load("dead")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Conditions on dead batches. None: no condition."""

    tenant_id: str | None = None
    user_id: str | None = None
    #: The beginning of the reason: "answer_malformed", for example.
    reason: str | None = None
    #: Whether discarded batches are included.
    with_discarded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadBatch:
    """One dead batch, without its content."""

    tenant_id: str
    user_id: str
    batch_id: UUID
    session_id: str
    #: Its number in the order of the user's batches.
    user_seq: int
    first_position: int
    last_position: int
    #: A stable code, and a description of the failure.
    reason: str
    #: The number of failures while other batches succeeded.
    attempts: int
    created_at: datetime
    dead_at: datetime | None
    discarded_at: datetime | None

    @property
    def turns(self) -> int:
        return self.last_position - self.first_position + 1

    @property
    def scope(self) -> UserScope:
        return UserScope(self.tenant_id, self.user_id)

    @property
    def dead_id(self) -> UUID:
        """The id by which it is replayed and discarded."""
        return self.batch_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadItem:
    """One entry that could not be archived, one text that the embedder refused, or one failed summary or sleep."""

    #: entry, vector, summary or sleep.
    kind: str
    tenant_id: str
    user_id: str
    #: The id by which it is replayed and discarded.
    dead_id: UUID
    session_id: str
    #: The id of the entry (of a turn: its id), or the kind and the name of what has no vector;
    #: the session of a summary; "memory" for sleep.
    item: str
    #: A stable code, and a description of the failure.
    reason: str
    attempts: int
    dead_at: datetime
    discarded_at: datetime | None
    #: An entry as it was written.
    payload: bytes | None

    @property
    def scope(self) -> UserScope:
        return UserScope(self.tenant_id, self.user_id)


def read_dead(filters: Filters, *, limit: int | None = None) -> Steps[list[DeadBatch]]:
    """Return dead batches, the latest first."""
    rows = yield from read_rows(Statement(_SQL["find"], asdict(filters) | {"limit": limit}))
    return [DeadBatch(**row) for row in rows]


def read_dead_items(
    filters: Filters, *, limit: int | None = None, dead_id: UUID | None = None
) -> Steps[list[DeadItem]]:
    """Return dead entries and texts without a vector, the latest first; with an id, only that one."""
    arguments = asdict(filters) | {"limit": limit, "dead_id": dead_id}
    rows = yield from read_rows(Statement(_SQL["find_items"], arguments))
    return [DeadItem(**row) for row in rows]


def read_batch(batch_id: UUID) -> Steps[Row]:
    """Return the row of a batch, dead or not, without its content. Raises InvalidInput if there is no such batch."""
    rows = yield from read_rows(Statement(_SQL["show"], {"batch_id": batch_id}))
    if not rows:
        raise unknown_batches([batch_id])
    return rows[0]


def read_batch_with_turns(batch_id: UUID) -> Steps[tuple[Row, list[Turn]]]:
    """Return the row of a batch, and its turns. Raises InvalidInput if there is no such batch."""
    shown = yield from read_batch(batch_id)
    rows = yield from read_rows(batch_row.turns_statement(batch_row.from_row(shown)))
    return shown, batch_row.decode_turns(rows)


def group_by_user(dead_letters: Iterable[DeadBatch | DeadItem]) -> Targets:
    """Group these dead letters by user, in the form that replay and discard need."""
    targets: Targets = defaultdict(list)
    for dead_letter in dead_letters:
        targets[dead_letter.scope].append(dead_letter.dead_id)
    return targets
