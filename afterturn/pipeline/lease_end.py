"""The end of work under a lease: the lease is released, and a lost one is logged and counted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from afterturn.batches import leases
from afterturn.batches.leases import Lease
from afterturn.database import counters
from afterturn.errors import StaleLease
from afterturn.pipeline.runtime import Runtime

logger = logging.getLogger(__name__)


@contextmanager
def released(runtime: Runtime, lease: Lease, work: str) -> Iterator[None]:
    """Release the lease at the end of the block, also after an error. A lost lease ends the block, and is no error.

    Args:
        runtime: of the worker.
        lease: the block may have released it.
        work: what is done under the lease, for the log.
    """
    try:
        yield
    except StaleLease as error:
        logger.warning("%s wait: %s", work, error)
        with runtime.postgres.connection() as connection:
            counters.increment(connection, counters.STALE_WRITES_REFUSED)
    finally:
        runtime.leases.forget(lease)
        with runtime.postgres.connection() as connection:
            leases.try_release(connection, lease)
