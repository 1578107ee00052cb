"""Switch to another embedding model: its space is built in the background, then serves; the old one is deleted later.

The table `embedding_spaces` contains the state, so that any process may die at any time. Each change of a space gives
it a new number, its generation. Workers bring the vectors of one user after the other up to the highest generation
(pipeline/stages/spaces.py); a change is completed when no user has a lower number.

    begin    the space is building: batches are embedded in it too, and workers embed what there was before
    advance  every user has followed: it serves, and the old one is retired, in one transaction
             the old one was kept long enough: its vectors are deleted, user by user
    abort    the space that is building is retired, and its vectors are deleted

All changes lock the rows of all spaces, so that two at once follow each other.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from afterturn import faults
from afterturn.database import queries
from afterturn.embedding.spaces import EmbeddingSpace
from afterturn.errors import EmbeddingSwitchRefused, TransitionRefused
from afterturn.scopes import UserScope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from afterturn.database.pool import Connection

logger = logging.getLogger(__name__)

_SQL = queries.load("spaces")

#: How long the vectors of the old space are kept after a switch, unless the operator keeps them. Shorter: to
#: switch back, the vectors must be built again. Longer: they use disk space.
KEEP_SECONDS = 3600.0
#: A client reads the serving space every 30 s (recall/question_embedder.py): for so long after a switch the vectors of
#: the old one are not deleted.
CLIENTS_SECONDS = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceRow:
    """One embedding space with the state of its changes."""

    space: EmbeddingSpace
    #: The number of its last change that every user must follow.
    generation: int
    #: When its building began the last time; None for the first space of a database.
    started_at: datetime | None
    serving_since: datetime | None
    retired_at: datetime | None
    #: When the vectors of a retired space are deleted; None: they are kept, or deleted already.
    drop_at: datetime | None
    #: Whether they are being deleted.
    is_dropping: bool
    dropped_at: datetime | None
    #: Why a worker could not embed in it, the last time; None if it could.
    problem: str | None
    problem_at: datetime | None
    #: The database's time.
    now: datetime

    @property
    def has_vectors(self) -> bool:
        """Whether it may have vectors."""
        return self.space.state != "retired" or self.dropped_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What `begin` found or did."""

    #: building: the space is being built; serving: it serves already, and nothing is to be done.
    state: str
    #: Whether this call began to build it.
    is_new: bool


def decode_rows(rows: Sequence[Mapping[str, Any]]) -> list[SpaceRow]:
    """Return the spaces in the rows of the query `read`, the serving one first."""
    names = ("space_id", "provider", "model", "dimension", "state")
    return [
        SpaceRow(
            space=EmbeddingSpace(**{name: row[name] for name in names}),
            **{name: value for name, value in row.items() if name not in names},
        )
        for row in rows
    ]


def read_rows(connection: Connection) -> list[SpaceRow]:
    """Return all spaces, the serving one first."""
    return decode_rows(connection.execute(_SQL["read"]).fetchall())


def begin(connection: Connection, *, provider: str, model: str, dimension: int, keeps_previous: bool) -> Begun:
    """Begin to build a space, unless it is building or serving already.

    Args:
        connection: with the worker role.
        provider: hashing, fastembed or openai.
        model: the model.
        dimension: numbers per vector.
        keeps_previous: whether the vectors of the present space are kept after the switch.

    Raises EmbeddingSwitchRefused while another space is being built.
    """
    identity = (provider, model, dimension)
    with connection.transaction():
        connection.execute(_SQL["lock"])
        for row in read_rows(connection):
            space = row.space
            if (space.provider, space.model, space.dimension) == identity and space.state != "retired":
                return Begun(state=space.state, is_new=False)
            if space.is_building:
                raise EmbeddingSwitchRefused(
                    f"{space.describe()} is being built: wait for it (`afterturn embeddings status`), or abort it "
                    "(`afterturn embeddings abort`)"
                )
        arguments = {"provider": provider, "model": model, "dimension": dimension, "keeps_previous": keeps_previous}
        connection.execute(_SQL["begin"], arguments)
        faults.point("spaces.begun")
    return Begun(state="building", is_new=True)


def abort(connection: Connection) -> bool:
    """Give up the space that is being built, and let its vectors be deleted. Returns whether there was one."""
    with connection.transaction():
        connection.execute(_SQL["lock"])
        return connection.execute(_SQL["abort"]).fetchone() is not None


def order_drop(connection: Connection) -> int:
    """Let the vectors of retired spaces be deleted, when no client uses them any more. Returns how many spaces."""
    with connection.transaction():
        connection.execute(_SQL["lock"])
        return connection.execute(_SQL["order_drop"], {"seconds": CLIENTS_SECONDS}).rowcount


def advance(connection: Connection) -> None:
    """Do the changes that are due: serve a space that is built, begin to delete a retired one, finish a deletion.

    Cheap where nothing is due. Every sweep calls it.
    """
    rows = read_rows(connection)
    if not any(row.space.is_building or row.is_dropping or row.drop_at is not None for row in rows):
        return
    with connection.transaction():
        connection.execute(_SQL["finish_drops"])
        if any(row.drop_at is not None and row.drop_at <= row.now and not row.is_dropping for row in rows):
            connection.execute(_SQL["lock"])
            connection.execute(_SQL["begin_drops"])
    if _is_built(connection):
        _switch(connection)


def note_lacking(connection: Connection, scope: UserScope, space: EmbeddingSpace) -> None:
    """Note that a user's batch has no vectors in a space that is being built, in the transaction that completes it.

    Raises TransitionRefused if the space serves by now: then the batch needs them.
    """
    row = connection.execute(_SQL["lock_state"], {"space_id": space.space_id}).fetchone()
    if row is not None and row["state"] == "serving":
        raise TransitionRefused(f"{space.describe()} serves since a moment ago: the batch is embedded again")
    connection.execute(_SQL["reset_user"], scope.key)


def _is_built(connection: Connection) -> bool:
    row = connection.execute(_SQL["is_built"]).fetchone()
    return row is not None and bool(row["is_built"])


def _switch(connection: Connection) -> None:
    """Let the built space serve, in one transaction."""
    with connection.transaction():
        connection.execute(_SQL["lock"])
        # Again, under the lock: a batch that could not be embedded in it may just have been noted.
        if not _is_built(connection):
            return
        connection.execute(_SQL["retire"], {"keep_seconds": max(CLIENTS_SECONDS, KEEP_SECONDS)})
        connection.execute(_SQL["serve"])
        faults.point("spaces.before_switch")
    logger.warning("another embedding space serves from now on (`afterturn embeddings status` shows it)")
