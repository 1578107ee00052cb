"""Trials of a Redis that refuses commands for a while, in each way, while turns are processed."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.chaos import redis_faults, servers_down
from harness.chaos.image import Image
from harness.chaos.servers_down import OwnServers
from harness.chaos.trial import Outcome

REFUSES_SECONDS = 3.0


def refused(servers: OwnServers, expected: Image, kind: str) -> Outcome:
    """Let Redis refuse for three seconds; the worker must keep running and continue afterwards."""

    def strike() -> int:
        with redis_faults.REFUSALS[kind](servers.redis):
            time.sleep(REFUSES_SECONDS)
        return 1

    return servers_down.struck(servers, expected, f"Redis refuses for 3 s: {kind}", strike)


def _named(kind: str) -> Callable[[OwnServers, Image], Outcome]:
    def run(servers: OwnServers, expected: Image) -> Outcome:
        return refused(servers, expected, kind)

    run.__name__ = f"redis_refuses_{kind.replace(' ', '_')}"
    return run


TRIALS = tuple(_named(kind) for kind in redis_faults.REFUSALS)
