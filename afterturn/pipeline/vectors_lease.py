"""The lease on a user's vectors: of all tasks that embed stored texts of one user, one works at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from afterturn.batches.leases import Lease
from afterturn.database.pool import Connection
from afterturn.errors import ColdUnavailable, ModelError
from afterturn.pipeline import lease_end
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Ending:
    """How the work under a lease ended."""

    #: Whether the embedder or the cold archive failed.
    must_wait: bool = False


def claim(runtime: Runtime, connection: Connection, scope: UserScope) -> Lease | None:
    """Return the lease on a user's vectors; None while another task has it."""
    return runtime.leases.claim(connection, scope, "vectors", "memory")


@contextmanager
def released(runtime: Runtime, lease: Lease, work: str) -> Iterator[Ending]:
    """Release the lease at the end. Failures of the embedder or the cold archive are logged, and so is a lost lease.

    Args:
        runtime: of the worker.
        lease: as `claim` returned it.
        work: what is done under the lease, for the log.
    """
    ending = Ending()
    with lease_end.released(runtime, lease, work):
        try:
            yield ending
        except (ModelError, ColdUnavailable) as error:
            logger.warning("%s wait: %s", work, error)
            ending.must_wait = True
