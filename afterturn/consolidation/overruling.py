"""Count the verdicts that guards overruled, and log their facts: where guard and model disagree often, one is wrong."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable

from afterturn.consolidation.decisions import Overruled
from afterturn.database import counters
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope

logger = logging.getLogger(__name__)


def record_overruled(connection: Connection, scope: UserScope, overruled: Iterable[Overruled]) -> None:
    """Count each verdict under its relation and its guard, and log the ids of its statements.

    Call it after the transaction that the verdicts took part in: all users share the rows of counters.
    """
    counted: Counter[str] = Counter()
    for one in overruled:
        counted[f"overruled_{one.relation}_{one.guard}"] += 1
        logger.info(
            "%s: %s of %s and %s is overruled by %s", scope, one.relation, one.first_id, one.second_id, one.guard
        )
    for name, count in sorted(counted.items()):
        counters.increment(connection, name, count)
