"""Writes of doors: many turns, of which one that is refused does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from afterturn.client.effects import Plan
from afterturn.client.limits import WRITE_MANY_LIMIT
from afterturn.client.plans import hot
from afterturn.client.session import ClientSession, write_arguments
from afterturn.errors import InvalidInput, TurnIdUsed

logger = logging.getLogger("afterturn.client")


def write_each(session: ClientSession, turns: Sequence[Mapping[str, Any]]) -> Plan[None]:
    """Write turns in few round trips. One that is refused is logged, and the others are written.

    The first turn with an id stays: another process may have written the same message in other words.

    Args:
        session: the session.
        turns: any number of messages, like those of `write_many`.

    Raises MemoryUnavailable.
    """
    for start in range(0, len(turns), WRITE_MANY_LIMIT):
        some = turns[start : start + WRITE_MANY_LIMIT]
        try:
            yield from _write(session, some)
        except InvalidInput:
            for turn in some:
                yield from _write_or_log(session, turn)


def _write_or_log(session: ClientSession, turn: Mapping[str, Any]) -> Plan[None]:
    try:
        yield from _write(session, [turn])
    except TurnIdUsed:
        logger.info("a turn stays as it was first written")
    except InvalidInput as error:
        logger.warning("a turn is not written: %s", error)


def _write(session: ClientSession, turns: Sequence[Mapping[str, Any]]) -> Plan[None]:
    if entries := session.make_entries(turns):
        yield from hot.send(session, session.write_call, write_arguments(entries))
